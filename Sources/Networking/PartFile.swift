// The unfinished file of a download: its bytes, the tag of the version they are of, and a lock against a second pull.

import Diagnostics
import Glibc
import SystemPackage

/// `TARGET.part`, open and locked; beside it `TARGET.part.tag`. Closed, and so unlocked, with its last reference.
final class PartFile {
    private let path: FilePath
    private let target: FilePath
    private let descriptor: FileDescriptor
    private(set) var size: Int

    /// Opens the part of a target, with what an earlier run left in it.
    ///
    /// - Throws: `DP-RUN-01` when another process is at it, `DP-DISK-01` or `-02`.
    init(of target: FilePath) throws(UserError) {
        self.target = target
        path = FilePath(target.string + ".part")
        do {
            descriptor = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw Self.failure(error as? Errno ?? .ioError, target)
        }
        size = FileActions.size(path) ?? 0
        guard FileActions.lock(descriptor) else {
            try? descriptor.close()
            throw UserError(
                .runLocked, "another process is fetching this file", places: [.init("file", target.string)],
                remedies: [.init("wait", "until it is done; what it fetches serves both")])
        }
    }

    deinit {
        FileActions.unlock(descriptor)
        try? descriptor.close()
    }

    /// The tag of the version that the bytes are of.
    var tag: String? {
        get { FileActions.text(tagPath) }
        set {
            // Without it the part is fetched anew, which is a loss of time alone.
            if let newValue { try? FileActions.write(newValue, to: tagPath) } else { try? FileActions.remove(tagPath) }
        }
    }

    private var tagPath: FilePath { FilePath(path.string + ".tag") }

    /// Adds bytes at the end.
    func append(_ bytes: [UInt8]) throws(UserError) {
        do {
            try descriptor.writeAll(bytes)
        } catch {
            throw Self.failure(error as? Errno ?? .ioError, target)
        }
        size += bytes.count
    }

    /// Forgets all bytes.
    func empty() throws(UserError) {
        tag = nil
        guard ftruncate(descriptor.rawValue, 0) == 0 else { throw Self.failure(Errno(rawValue: errno), target) }
        size = 0
    }

    /// Waits until all bytes are on the disk, then gives them the target's name.
    func finish() throws(UserError) {
        tag = nil
        guard fsync(descriptor.rawValue) == 0 else { throw Self.failure(Errno(rawValue: errno), target) }
        do {
            try FileActions.rename(path, to: target)
        } catch {
            throw Self.failure(error, target)
        }
    }

    /// Deletes the part.
    func remove() {
        tag = nil
        try? FileActions.remove(path)
    }

    /// The path of the bytes.
    var bytesPath: FilePath { path }

    static func failure(_ error: Errno, _ target: FilePath) -> UserError {
        let full = error == .noSpace || error == .diskQuotaExceeded
        return UserError(
            full ? .diskFull : .noPermission,
            full ? "the disk is full" : "the model folder cannot be written: \(error)",
            places: [.init("file", target.string)],
            remedies: [.init("DOCPROC_MODELS_DIR=DIR", "keep models elsewhere")])
    }
}
