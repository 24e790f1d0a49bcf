// The files around the database: the lock under which it is opened, and what happens to a damaged one.

import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock between processes, held while a database is opened and migrated.
enum StoreLock {
    static func hold<T>(_ path: FilePath, _ body: () throws -> T) throws -> T {
        let file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerRead, .ownerWrite])
        return try file.closeAfter {
            // Closing the descriptor gives the lock back, also when the process dies.
            while flock(file.rawValue, LOCK_EX) != 0 {
                guard errno == EINTR else { throw Errno(rawValue: errno) }
            }
            return try body()
        }
    }
}

/// Damage is noticed in the middle of a run and repaired when the store is opened next.
enum StoreDamage {
    static func mark(_ database: String) {
        // If even this fails, the damage will simply be met again.
        let file = try? FileDescriptor.open(
            FilePath(database + ".damaged"), .writeOnly, options: [.create, .closeOnExec],
            permissions: [.ownerRead, .ownerWrite])
        try? file?.close()
    }

    static func isMarked(_ database: String) -> Bool {
        access(database + ".damaged", F_OK) == 0
    }

    /// Removes what was put aside.
    static func removeAside(_ database: String) throws {
        var number = 1
        while access("\(database).damaged-\(number)", F_OK) == 0 {
            for suffix in ["-wal", "-shm", ""]
            where unlink("\(database).damaged-\(number)\(suffix)") != 0 && errno != ENOENT {
                throw Errno(rawValue: errno)
            }
            number += 1
        }
    }

    /// Renames the database and its companions to the first free `….damaged-N`; gives the new name of the database.
    static func putAside(_ database: String) throws -> String {
        var number = 1
        while access("\(database).damaged-\(number)", F_OK) == 0 { number += 1 }
        let target = "\(database).damaged-\(number)"
        for suffix in ["", "-wal", "-shm"] where rename(database + suffix, target + suffix) != 0 && errno != ENOENT {
            throw Errno(rawValue: errno)
        }
        unlink(database + ".damaged")
        return target
    }
}
