// What can go wrong with stored data, and what the user is told.

package import Diagnostics
import GRDB
package import SystemPackage

/// A failure of the store. Corruption is met by renaming the file aside when it is opened next; nothing in it is
/// more than a cache.
package enum StoreError: Error, Sendable, Equatable {
    /// The file is not a database or its pages contradict each other.
    case damaged(path: String, detail: String)
    /// No space left, or a quota or size limit was reached.
    case full(path: String)
    /// The file or directory can't be read or written by this user.
    case noPermission(path: String)
    /// Written by a later version of docproc.
    case newer(path: String)
    /// Another process kept the database locked for longer than the busy timeout.
    case busy(path: String)
    /// Anything else that the operating system or SQLite reported.
    case io(path: String, detail: String)

    package init(errno: Errno, path: String) {
        self =
            switch errno {
            case .noSpace, .diskQuotaExceeded, .fileTooLarge: .full(path: path)
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .noPermission(path: path)
            default: .io(path: path, detail: errno.description)
            }
    }

    init(_ error: any Error, path: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as Errno: self.init(errno: error, path: path)
        case let error as DatabaseError: self.init(database: error, path: path)
        default: self = .io(path: path, detail: "\(error)")
        }
    }

    private init(database error: DatabaseError, path: String) {
        let detail = error.message ?? error.description
        self =
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: .damaged(path: path, detail: detail)
            case .SQLITE_FULL: .full(path: path)
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: .noPermission(path: path)
            case .SQLITE_CANTOPEN: .noPermission(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: .busy(path: path)
            default: .io(path: path, detail: detail)
            }
    }

    /// The failure as the user sees it.
    package var userError: UserError {
        let elsewhere = UserError.Remedy("--cache-dir DIR", "keep the cache in another directory")
        let without = UserError.Remedy("--no-store", "work without a cache")
        switch self {
        case .damaged(let path, let detail):
            return UserError(
                .storeDamaged, "the cache is damaged: \(detail)", places: [.init("file", path)],
                remedies: [.init("run the command again", "the damaged file is put aside and built anew"), without])
        case .full(let path):
            return UserError(
                .diskFull, "no space left for the cache", places: [.init("file", path)],
                remedies: [.init("docproc cache prune", "remove what was not used lately"), elsewhere, without])
        case .noPermission(let path):
            return UserError(
                .noPermission, "the cache can't be read or written", places: [.init("file", path)],
                remedies: [elsewhere, without])
        case .newer(let path):
            return UserError(
                .storeDamaged, "the cache was written by a later version of docproc", places: [.init("file", path)],
                remedies: [elsewhere, without])
        case .busy(let path):
            return UserError(
                .runLocked, "another process has kept the cache locked", places: [.init("file", path)],
                remedies: [.init("try again when it has ended"), elsewhere])
        case .io(let path, let detail):
            return UserError(
                .storeDamaged, "the cache can't be used: \(detail)", places: [.init("file", path)],
                remedies: [elsewhere, without])
        }
    }
}
