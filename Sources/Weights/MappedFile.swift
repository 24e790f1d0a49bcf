// One file mapped read-only into memory; unmapped when the last owner lets go.

package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The bytes of a file, paged in by the system as they are touched.
///
/// Views into it are unowned: keep the file as long as any view. A file that another program shortens while it is
/// mapped ends the process with SIGBUS on touch; the model store therefore replaces files only by renaming.
@safe
package final class MappedFile: Sendable {
    package let path: String
    package let count: Int
    // Safe to share: the mapping is read-only and lives exactly as long as this object.
    package nonisolated(unsafe) let base: UnsafeRawPointer

    /// Maps a regular file from its first to its last byte.
    ///
    /// - Throws: `Errno` when the file can't be opened or mapped; `.isDirectory` for a folder, `.notSupported` for
    ///   anything else that is no regular file, `.noData` for an empty one.
    package init(path: String) throws(Errno) {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch {
            throw (error as? Errno) ?? .ioError
        }
        defer { try? descriptor.close() }
        var status = stat()
        guard unsafe fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw status.st_mode & S_IFMT == S_IFDIR ? .isDirectory : .notSupported
        }
        guard status.st_size > 0 else { throw .noData }
        let size = Int(status.st_size)
        let start = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, descriptor.rawValue, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else { throw Errno(rawValue: errno) }
        self.path = path
        count = size
        unsafe base = UnsafeRawPointer(start)
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    }

    /// What is about to happen to some bytes.
    package enum Advice: Sendable { case willNeed, dontNeed, sequential, random }

    /// Tells the system what comes; it may ignore it. Without a range it is said of the whole file.
    package func advise(_ advice: Advice, _ range: Range<Int>? = nil) {
        let wanted = (range ?? 0..<count).clamped(to: 0..<count)
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = wanted.lowerBound / page * page
        guard wanted.upperBound > first else { return }
        let flag =
            switch advice {
            case .willNeed: MADV_WILLNEED
            case .dontNeed: MADV_DONTNEED
            case .sequential: MADV_SEQUENTIAL
            case .random: MADV_RANDOM
            }
        unsafe _ = madvise(UnsafeMutableRawPointer(mutating: base + first), wanted.upperBound - first, Int32(flag))
    }

    /// The bytes as a span that can't outlive the file.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
