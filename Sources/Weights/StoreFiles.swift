// The file operations of the model store, with errors in the user's words.

import Diagnostics
import FoundationEssentials
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

enum StoreFiles {
    /// Facts of a file, links followed; nil if there is none.
    static func size(_ path: String) -> Int? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// When a file was last written, in nanoseconds; 0 if there is none.
    static func modified(_ path: String) -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return 0 }
        return Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Names in a folder, sorted; none if it can't be read.
    static func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    /// A small text file; nil if it is missing, large or not UTF-8.
    static func text(_ path: String) -> String? {
        guard let size = size(path), size <= 1 << 20, let data = FileManager.default.contents(atPath: path) else {
            return nil
        }
        return String(validating: data, as: UTF8.self)
    }

    /// Makes a folder and those above it, for its owner only.
    static func makeDirectory(_ path: String) throws(UserError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw UserError(
                .noPermission, "the model folder can't be made", places: [.init("folder", path)],
                remedies: [.init("DOCPROC_MODELS_DIR=DIR", "keeps models elsewhere")])
        }
    }

    /// Free bytes for this user where `directory` lies; nil if the system won't say.
    static func freeBytes(_ directory: String) -> Int? {
        var facts = statvfs()
        guard unsafe statvfs(directory, &facts) == 0 else { return nil }
        return Int(
            clamping: UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize)).partialValue)
    }

    /// Waits until a file's bytes are on the disk.
    static func sync(_ file: FileDescriptor) throws(Errno) {
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Waits until a rename in a folder is on the disk; best effort.
    static func syncDirectory(_ path: String) {
        guard let directory = try? FileDescriptor.open(FilePath(path), .readOnly, options: [.directory, .closeOnExec])
        else { return }
        _ = fsync(directory.rawValue)
        try? directory.close()
    }

    static func rename(_ old: String, to new: String) throws(Errno) {
        guard unsafe Glibc.rename(old, new) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Deletes a file; fine if there is none.
    static func remove(_ path: String) throws(Errno) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }

    /// Deletes a folder if nothing is in it.
    static func removeEmptyDirectory(_ path: String) { _ = unsafe rmdir(path) }

    /// Takes the lock of an open file, or fails if another process has it.
    static func lock(_ file: FileDescriptor) -> Bool { flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 }

    /// Gives the lock back. Closing alone would leave it with a child process that is just being started.
    static func unlock(_ file: FileDescriptor) { _ = flock(file.rawValue, LOCK_UN) }

    /// A hard link, which survives the deletion of the original; a symbolic one where that is impossible.
    static func link(_ path: String, as new: String) throws(Errno) {
        if unsafe Glibc.link(path, new) == 0 { return }
        guard unsafe symlink(absolute(path), new) == 0 else { throw Errno(rawValue: errno) }
    }

    /// The path from the root, links resolved where it exists.
    static func absolute(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// A failed operation on a file, in the user's words.
    static func failure(_ errno: Errno, _ action: String, _ path: String) -> UserError {
        let places = [UserError.Place("file", path)]
        switch errno {
        case .noSpace, .diskQuotaExceeded:
            return UserError(
                .diskFull, "\(action): the disk is full", places: places,
                remedies: [
                    .init("DOCPROC_MODELS_DIR=DIR", "keeps models on another disk"),
                    .init("docproc models rm NAME", "deletes a stored model"),
                ])
        case .permissionDenied, .notPermitted, .readOnlyFileSystem:
            return UserError(.noPermission, "\(action): no permission", places: places)
        case .noSuchFileOrDirectory:
            return UserError(.modelMissing, "\(action): there is no such file", places: places)
        default: return UserError(.modelDamaged, "\(action): \(errno)", places: places)
        }
    }
}
