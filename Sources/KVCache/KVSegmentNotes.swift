// What lies beside segments: whose text they hold, and that they are to stay.

import Hashing
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// MARK: - Documents

extension KVSegmentFiles {
    /// Writes down the documents whose text a segment holds. Before the segment has its name, so that there is never
    /// one of which nobody knows.
    ///
    /// - Parameters:
    ///   - documents: for each, by the SHA-256 of its content, the position from which on the prompt depends on it.
    ///   - path: of the segment.
    ///   - end: the position after its last.
    static func note(_ documents: [String: Int], path: FilePath, end: Int) {
        guard !documents.isEmpty, facts(beside(path, "docs")) == nil else { return }
        note(Set(documents.filter { $0.value < end }.keys), path: path)
    }

    static func note(_ documents: Set<String>, path: FilePath) {
        let lines = documents.sorted().map { $0 + "\n" }.joined()
        write("\(lines)\(check(lines))\n", to: beside(path, "docs"), sync: true)
    }

    /// The documents whose text a segment holds; nil where that is not known.
    static func documents(of path: FilePath) -> Set<String>? {
        guard let text = text(beside(path, "docs")), text.hasSuffix("\n") else { return nil }
        var lines = text.split(separator: "\n")
        guard let last = lines.popLast(), last == check(lines.map { $0 + "\n" }.joined()) else { return nil }
        return Set(lines.map(String.init))
    }

    private static func check(_ text: String) -> String { String(ContentHash(of: text).hex.prefix(16)) }
}

// MARK: - Pins

extension KVSegmentFiles {
    /// Which segments are meant.
    package struct Selection: Sendable {
        /// Any of these documents; nil takes all, also those of unknown documents.
        package var documents: Set<String>?
        /// Names of namespaces; nil takes all.
        package var namespaces: Set<String>?

        package init(documents: Set<String>? = nil, namespaces: Set<String>? = nil) {
            self.documents = documents
            self.namespaces = namespaces
        }
    }

    /// Keeps segments, and those before them, whatever the limit and however long they are not used.
    ///
    /// - Returns: how many segments were found.
    /// - Throws: `Errno` where a pin can't be written.
    package func pin(_ selection: Selection) throws(Errno) -> Int {
        let files = selected(selection)
        for file in files where !file.isPinned {
            guard Self.write("", to: Self.beside(file.path, "pin"), sync: true) else { throw Errno(rawValue: errno) }
        }
        return files.count
    }

    /// Takes pins away.
    ///
    /// - Returns: how many there were.
    package func unpin(_ selection: Selection) -> Int {
        let files = selected(selection).filter(\.isPinned)
        for file in files { _ = unsafe unlink(Self.beside(file.path, "pin").string) }
        return files.count
    }

    func selected(_ selection: Selection) -> [File] {
        files().filter { file in
            selection.namespaces?.contains(file.namespace) != false
                && selection.documents.map { Self.documents(of: file.path)?.isDisjoint(with: $0) == false } != false
        }
    }
}

// MARK: - Small files

extension KVSegmentFiles {
    private static let longestNote = 16 << 20

    /// `PARENT-KEY.kv` to `PARENT-KEY.ending`.
    static func beside(_ path: FilePath, _ ending: String) -> FilePath {
        var path = path
        path.extension = ending
        return path
    }

    static func text(_ path: FilePath) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        guard let size = try? Int(file.seek(offset: 0, from: .end)), size <= longestNote else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe (try? file.read(fromAbsoluteOffset: 0, into: $0)) ?? 0
        }
        return count == size ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// Replaces a small file whole; false with `errno` where that fails.
    @discardableResult
    static func write(_ text: String, to path: FilePath, sync: Bool = false) -> Bool {
        let temporary = FilePath("\(path.string).\(getpid()).new")
        do {
            let file = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try file.closeAfter {
                _ = try file.writeAll(text.utf8)
                if sync, fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
            guard unsafe rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
            return true
        } catch {
            _ = unsafe unlink(temporary.string)
            errno = ((error as? Errno) ?? .ioError).rawValue
            return false
        }
    }
}
