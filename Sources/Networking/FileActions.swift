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
}
