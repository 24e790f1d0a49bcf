// What the store asks of the file system.

import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

enum KVFolder {
    /// Bytes of a disk that stay free.
    static let reserve = 4 << 30

    /// Makes a folder that only its owner sees, and those above it.
    ///
    /// - Throws: `Errno`.
    static func make(_ folder: FilePath) throws(Errno) {
        guard unsafe access(folder.string, F_OK) != 0, !folder.isEmpty else { return }
        try make(folder.removingLastComponent())
        guard unsafe mkdir(folder.string, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
    }

    /// Bytes that may be written; nil where the file system does not say.
    static func freeBytes(_ folder: FilePath) -> Int? {
        var facts = statvfs()
        guard unsafe statvfs(folder.string, &facts) == 0 else { return nil }
        return Int(
            clamping: UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize)).partialValue)
    }
}
