// Files as runs and pipelines need them: read whole with a bound, replaced whole or not at all, appended and synced.

package import Diagnostics
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that could not be read or written.
package enum FileError: Error, Sendable, Equatable {
    case missing(path: String)
    case noPermission(path: String)
    case full(path: String)
    /// Larger than the reader allows.
    case tooLarge(path: String, limit: Int)
    case notUTF8(path: String)
    case io(path: String, detail: String)

    package init(_ error: any Error, path: String) {
        switch error {
        case let error as FileError: self = error
        case let error as Errno:
            self =
                switch error {
                case .noSuchFileOrDirectory, .notDirectory: .missing(path: path)
                case .permissionDenied, .notPermitted, .readOnlyFileSystem: .noPermission(path: path)
                case .noSpace, .diskQuotaExceeded, .fileTooLarge: .full(path: path)
                default: .io(path: path, detail: error.description)
                }
        default: self = .io(path: path, detail: "\(error)")
        }
    }

    /// What happened, without the path.
    package var reason: String {
        switch self {
        case .missing: "there is no such file"
        case .noPermission: "no permission"
        case .full: "no space left"
        case .tooLarge(_, let limit): "larger than \(limit) bytes"
        case .notUTF8: "is not UTF-8 text"
        case .io(_, let detail): detail
        }
    }

    /// The path in question.
    package var path: String {
        switch self {
        case .missing(let path), .noPermission(let path), .full(let path), .tooLarge(let path, _), .notUTF8(let path),
            .io(let path, _):
            path
        }
    }

    /// The failure as the user sees it.
    package var userError: UserError {
        let place = [UserError.Place("file", path)]
        return switch self {
        case .missing: UserError(.inputMissing, reason, places: place)
        case .noPermission: UserError(.noPermission, reason, places: place)
        case .full: UserError(.diskFull, reason, places: place, remedies: [.init("make room and run it again")])
        case .tooLarge, .notUTF8, .io: UserError(.inputUnreadable, reason, places: place)
        }
    }
}

/// Small text files, read whole.
package enum TextFile {
    /// The file's text, without a byte order mark.
    package static func read(_ path: String, limit: Int = 16 << 20) throws(FileError) -> String {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
                defer { buffer.deallocate() }
                while true {
                    let count = try file.read(into: buffer)
                    if count == 0 { break }
                    bytes.append(contentsOf: buffer[..<count])
                    if bytes.count > limit { throw FileError.tooLarge(path: path, limit: limit) }
                }
                if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
                guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError.notUTF8(path: path) }
                return text
            }
        } catch { throw FileError(error, path: path) }
    }
}

/// A file that is replaced whole: a reader sees the old one or the new one.
package enum AtomicFile {
    /// Writes beside the target, syncs, and renames over it. Makes the target's folder where missing.
    package static func write(_ text: String, to path: String) throws(FileError) {
        let target = FilePath(path)
        let folder = target.removingLastComponent()
        let temporary = path + ".tmp-\(getpid())"
        do {
            try Folder.create(folder.isEmpty ? "." : folder.string)
            let file = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            do {
                try file.closeAfter {
                    try file.writeAll(text.utf8)
                    if fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
                }
                if rename(temporary, path) != 0 { throw Errno(rawValue: errno) }
            } catch {
                unlink(temporary)
                throw error
            }
            Folder.sync(folder.isEmpty ? "." : folder.string)
        } catch { throw FileError(error, path: path) }
    }
}

/// Folders of outputs; those of runs and caches are private and made by `Store`.
package enum Folder {
    /// Makes a folder and those above it where missing, with the user's usual mode.
    package static func create(_ path: String) throws(FileError) {
        if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw FileError(Errno(rawValue: errno), path: path) }
        let parent = FilePath(path).lexicallyNormalized().removingLastComponent()
        guard !parent.isEmpty else { throw FileError.missing(path: path) }
        try create(parent.string)
        if mkdir(path, 0o777) != 0, errno != EEXIST { throw FileError(Errno(rawValue: errno), path: path) }
    }

    /// Makes a rename or a new file in it last. Some file systems refuse to sync a folder; then nothing can be done.
    static func sync(_ path: String) {
        guard let folder = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return }
        _ = fsync(folder.rawValue)
        try? folder.close()
    }
}

extension FileError {
    init(errnoValue: Int32, path: String) {
        self.init(Errno(rawValue: errnoValue), path: path)
    }
}
