import Glibc
import SystemPackage

/// The few file actions that swift-system lacks.
enum FileActions {
    /// Bytes of a file; nil when there is none.
    static func size(_ path: FilePath) -> Int? {
        var information = stat()
        return stat(path.string, &information) == 0 ? Int(information.st_size) : nil
    }

    /// Renames within a file system, replacing the target.
    static func rename(_ path: FilePath, to target: FilePath) throws(Errno) {
        guard Glibc.rename(path.string, target.string) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Removes a file; one that is not there is fine.
    static func remove(_ path: FilePath) throws(Errno) {
        guard unlink(path.string) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }

    /// Makes a folder, with those above it, for its owner alone.
    static func makeFolder(_ path: FilePath) throws(Errno) {
        var information = stat()
        if stat(path.string, &information) == 0 { return }
        let parent = path.removingLastComponent()
        if !parent.isEmpty, parent != path { try makeFolder(parent) }
        guard mkdir(path.string, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
    }

    /// Takes the lock of an open file, or fails if somebody has it.
    static func lock(_ file: FileDescriptor) -> Bool { flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 }

    /// Gives the lock back. Closing alone would leave it with a child process that is just being started.
    static func unlock(_ file: FileDescriptor) { _ = flock(file.rawValue, LOCK_UN) }

    /// The first 4 KiB of a file as text; nil when there is none.
    static func text(_ path: FilePath) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
        return String(validating: bytes[..<count], as: UTF8.self)
    }

    /// Writes a small text, replacing what was there.
    static func write(_ text: String, to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(text.utf8) }
    }
}
