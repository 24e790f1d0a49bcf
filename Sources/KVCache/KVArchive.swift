// Stored segments in one file, to be carried to another machine. Each segment is in it as it lies in its folder; what
// is taken out of an archive is read from its first to its last byte before it gets a name.
//
// An archive, little-endian: the magic, version (4 bytes), CRC-32C of the list (4), offset of the list (8), bytes of
// the list (8); the segments end to end; the list, lines of text:
//     about NAMESPACE TEXT
//     segment NAMESPACE NAME BYTES DOCUMENTS      (their SHA-256 joined by commas, `-` for none, `?` where not known)

import Hashing
import Kernels
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file is no archive of ours, or not whole.
package enum KVArchiveError: Error, Equatable {
    case magic
    case version(Int)
    case truncated
    case checksum
    /// A line of the list that no writer of ours writes.
    case line(Int)
    /// There is no room for the segments.
    case noRoom(bytes: Int)
}

package enum KVArchive {
    static let magic = Array("docprocA".utf8)
    static let version = 1
    static let headerBytes = 32
    static let longestList = 64 << 20
    private static let longestAbout = 4096

    /// What an archive says of a segment.
    struct Entry: Equatable {
        var namespace: String
        var name: String
        var bytes: Int
        /// nil where nobody knows.
        var documents: Set<String>?

        var line: String {
            let documents = documents.map { $0.isEmpty ? "-" : $0.sorted().joined(separator: ",") } ?? "?"
            return "segment \(namespace) \(name) \(bytes) \(documents)"
        }
    }

    /// The list of an archive; nothing in it is believed.
    struct List {
        var abouts: [String: String] = [:]
        var entries: [Entry] = []

        var text: String {
            (abouts.sorted { $0.key < $1.key }.map { "about \($0.key) \($0.value)" } + entries.map(\.line)).map {
                $0 + "\n"
            }.joined()
        }

        init() {}

        init(_ text: String) throws(KVArchiveError) {
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: true).enumerated() {
                let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
                guard parts.count == 3, KVArchive.isDigits(parts[1]) else { throw .line(number + 1) }
                switch parts[0] {
                case "about":
                    guard parts[2].utf8.count <= longestAbout, parts[2].unicodeScalars.allSatisfy(KVArchive.isPrintable)
                    else { throw .line(number + 1) }
                    abouts[parts[1]] = parts[2]
                case "segment":
                    guard let entry = Entry(namespace: parts[1], rest: parts[2]) else { throw .line(number + 1) }
                    entries.append(entry)
                default: throw .line(number + 1)
                }
            }
        }
    }

    static func isDigits(_ text: String) -> Bool {
        text.utf8.count == KVSegmentFiles.digits
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 32 && !(127..<160).contains(scalar.value)
    }
}

extension KVArchive.Entry {
    fileprivate init?(namespace: String, rest: String) {
        let parts = rest.split(separator: " ").map(String.init)
        guard parts.count == 3, parts[0].hasSuffix(".kv"), let bytes = Int(parts[1]),
            bytes >= KVSegment.alignment
        else { return nil }
        let hashes = parts[0].dropLast(3).split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard hashes.count == 2, hashes.allSatisfy(KVArchive.isDigits) else { return nil }
        self.namespace = namespace
        name = parts[0]
        self.bytes = bytes
        switch parts[2] {
        case "?": documents = nil
        case "-": documents = []
        default:
            let list = parts[2].split(separator: ",").map(String.init)
            guard list.allSatisfy({ $0.utf8.count == 64 && ContentHash(hex: $0) != nil }) else { return nil }
            documents = Set(list)
        }
    }
}

// MARK: - Writing

extension KVSegmentFiles {
    /// What an archive got.
    package struct Exported: Sendable, Equatable {
        package var count = 0
        package var bytes = 0
        /// Segments that were damaged; they are not in the archive.
        package var damaged: [FilePath] = []
    }

    /// Writes segments, and those before them, to an archive, which appears whole or not at all.
    ///
    /// - Parameter progress: called with the bytes written so far; may throw to stop.
    /// - Throws: `Errno`, what `progress` throws.
    package func export(
        _ selection: Selection, to path: FilePath, progress: (Int) throws -> Void = { _ in }
    ) throws -> Exported {
        let all = files()
        let byKey = Dictionary(all.map { ($0.key, $0) }) { first, _ in first }
        var wanted = Set<Substring>()
        for file in selected(selection) {
            var next: File? = file
            while let file = next, wanted.insert(file.key).inserted { next = byKey[file.parent] }
        }
        var list = KVArchive.List()
        var result = Exported()
        let temporary = FilePath("\(path.string).\(getpid()).tmp")
        do {
            let archive = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try archive.closeAfter {
                var end = KVArchive.headerBytes
                for file in all where wanted.contains(file.key) {
                    do {
                        try KVSegmentFile.verify(file.path)
                    } catch let error as Errno where error == .noSuchFileOrDirectory {
                        continue
                    } catch is KVSegmentError {
                        result.damaged.append(file.path)
                        continue
                    }
                    let segment = try FileDescriptor.open(file.path, .readOnly, options: .closeOnExec)
                    try segment.closeAfter {
                        try KVCopy.copy(segment, 0..<file.bytes, to: archive, at: end) { try progress(end + $0) }
                    }
                    end += file.bytes
                    if list.abouts[file.namespace] == nil {
                        list.abouts[file.namespace] = Self.text(root.appending(file.namespace).appending("about"))
                    }
                    list.entries.append(
                        KVArchive.Entry(
                            namespace: file.namespace, name: file.name, bytes: file.bytes,
                            documents: Self.documents(of: file.path)))
                    result.count += 1
                    result.bytes += file.bytes
                }
                let text = Array(list.text.utf8)
                _ = try archive.writeAll(toAbsoluteOffset: Int64(end), text)
                var header = KVArchive.magic
                let checksum = unsafe text.withUnsafeBytes { unsafe Checksum.crc32c($0) }
                for (value, width) in [
                    (KVArchive.version, 4), (Int(checksum), 4), (end, 8), (text.count, 8),
                ] {
                    for byte in 0..<width { header.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
                }
                _ = try archive.writeAll(toAbsoluteOffset: 0, header)
                guard fsync(archive.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard unsafe rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            _ = unsafe unlink(temporary.string)
            throw error
        }
        return result
    }
}

// MARK: - Reading

extension KVSegmentFiles {
    /// What came out of an archive.
    package struct Imported: Sendable, Equatable {
        package var count = 0
        package var bytes = 0
        /// Segments that were there already.
        package var present = 0
        /// Segments that are not what they should be, and why; nothing of them stays.
        package var refused: [Refusal] = []
        /// What the archive says of its namespaces, by name.
        package var abouts: [String: String] = [:]

        package struct Refusal: Sendable, Equatable {
            package var name: String
            package var why: String
        }
    }

    /// Takes segments out of an archive; each is checked whole before it gets its name.
    ///
    /// - Parameters:
    ///   - limit: the most bytes of all segments.
    ///   - progress: called with the bytes read so far; may throw to stop.
    /// - Throws: `KVArchiveError` where the archive as a whole can't be used; `Errno`; what `progress` throws.
    package func importArchive(
        _ path: FilePath, limit: Int?, reserve: Int = 4 << 30, progress: (Int) throws -> Void = { _ in }
    ) throws -> Imported {
        let archive = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        return try archive.closeAfter {
            let list = try KVArchive.list(of: archive)
            var result = Imported()
            var offset = KVArchive.headerBytes
            for entry in list.entries {
                let range = offset..<offset + entry.bytes
                offset = range.upperBound
                try progress(offset)
                let folder = root.appending(entry.namespace)
                let target = folder.appending(entry.name)
                if let about = list.abouts[entry.namespace] { result.abouts[entry.namespace] = about }
                if Self.facts(target) != nil {
                    result.present += 1
                    continue
                }
                for path in [root, folder] where unsafe mkdir(path.string, 0o700) != 0 && errno != EEXIST {
                    throw Errno(rawValue: errno)
                }
                let room = makeRoom(
                    entry.bytes, limit: limit, reserve: reserve, after: entry.name.prefix { $0 != "-" })
                guard room == .enough else { throw KVArchiveError.noRoom(bytes: entry.bytes) }
                do {
                    try take(entry, range, of: archive, to: target)
                    result.count += 1
                    result.bytes += entry.bytes
                    if let about = list.abouts[entry.namespace], Self.text(folder.appending("about")) == nil {
                        describe(entry.namespace, about: about)
                    }
                } catch let error as KVSegmentError {
                    result.refused.append(.init(name: "\(entry.namespace)/\(entry.name)", why: "\(error)"))
                }
            }
            removeEmptyFolders(orphans: false)
            return result
        }
    }

    private func take(
        _ entry: KVArchive.Entry, _ range: Range<Int>, of archive: FileDescriptor, to target: FilePath
    ) throws {
        let temporary = FilePath("\(target.string).\(getpid()).tmp")
        do {
            let file = try FileDescriptor.open(
                temporary, .readWrite, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try file.closeAfter {
                guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw Errno(rawValue: errno) }
                defer { _ = flock(file.rawValue, LOCK_UN) }
                try KVCopy.copy(archive, range, to: file, at: 0)
                let segment = try KVSegmentFile.verify(temporary)
                guard Self.name(of: segment) == entry.name, segment.namespace.hex.hasPrefix(entry.namespace) else {
                    throw KVSegmentError.field("name")
                }
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
                if let documents = entry.documents { Self.note(documents, path: target) }
                guard unsafe rename(temporary.string, target.string) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch {
            _ = unsafe unlink(temporary.string)
            throw error
        }
    }
}

extension KVArchive {
    /// Reads the list and checks that the segments fill what lies before it.
    static func list(of archive: FileDescriptor) throws -> List {
        let size = Int(try archive.seek(offset: 0, from: .end))
        guard size >= headerBytes else { throw KVArchiveError.truncated }
        let header = try KVCopy.bytes(archive, 0..<headerBytes)
        guard Array(header[..<8]) == magic else { throw KVArchiveError.magic }
        func number(_ at: Int, _ width: Int) -> Int {
            var value: UInt64 = 0
            for byte in 0..<width { value |= UInt64(header[at + byte]) << (8 * UInt64(byte)) }
            return Int(clamping: value)
        }
        guard number(8, 4) == version else { throw KVArchiveError.version(number(8, 4)) }
        let (start, count) = (number(16, 8), number(24, 8))
        guard start >= headerBytes, start <= size, count <= longestList, count == size - start else {
            throw KVArchiveError.truncated
        }
        let bytes = try KVCopy.bytes(archive, start..<size)
        guard unsafe bytes.withUnsafeBytes({ unsafe Int(Checksum.crc32c($0)) }) == number(12, 4),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw KVArchiveError.checksum }
        let list = try List(text)
        var end = headerBytes
        for entry in list.entries {
            guard entry.bytes <= start - end else { throw KVArchiveError.truncated }
            end += entry.bytes
        }
        guard end == start else { throw KVArchiveError.truncated }
        return list
    }
}

/// Bytes from one file to another.
private enum KVCopy {
    private static let piece = 1 << 20

    static func copy(
        _ source: FileDescriptor, _ range: Range<Int>, to target: FileDescriptor, at place: Int,
        progress: (Int) throws -> Void = { _ in }
    ) throws {
        var done = 0
        while done < range.count {
            let count = min(piece, range.count - done)
            let bytes = try bytes(source, range.lowerBound + done..<range.lowerBound + done + count)
            _ = try target.writeAll(toAbsoluteOffset: Int64(place + done), bytes)
            done += count
            try progress(done)
        }
    }

    static func bytes(_ file: FileDescriptor, _ range: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var done = 0
        while done < range.count {
            let count = try unsafe bytes.withUnsafeMutableBytes {
                try unsafe file.read(
                    fromAbsoluteOffset: Int64(range.lowerBound + done),
                    into: UnsafeMutableRawBufferPointer(rebasing: $0[done...]))
            }
            guard count > 0 else { throw KVArchiveError.truncated }
            done += count
        }
        return bytes
    }
}
