// The segment files of all namespaces as files: what they take, which may go.

package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The files below one folder.
package struct KVSegmentFiles {
    private let root: FilePath

    package init(root: FilePath) {
        self.root = root
    }

    struct File {
        var name: String
        var path: FilePath
        var bytes: Int
        /// When it was last used, in nanoseconds.
        var used: Int
    }

    /// Number and bytes of all segments.
    package func usage() -> (count: Int, bytes: Int) {
        let files = files()
        return (files.count, files.reduce(0) { $0 + $1.bytes })
    }

    /// Deletes segments that were not used since then, and what killed writers left; all with no time.
    ///
    /// - Parameter since: nanoseconds since 1970.
    /// - Returns: how many segments went.
    package func remove(unusedSince: Int? = nil) -> Int {
        removeLeftovers()
        let old = files().filter { file in unusedSince.map { file.used < $0 } ?? true }
        for file in old { _ = unsafe unlink(file.path.string) }
        for folder in Self.entries(root) { _ = unsafe rmdir(root.appending(folder).string) }
        return old.count
    }

    /// Reads every segment from its first to its last byte; those that are damaged are deleted.
    ///
    /// - Returns: how many are sound, and the paths of those that were not.
    package func verify() -> (sound: Int, damaged: [FilePath]) {
        var (sound, damaged) = (0, [FilePath]())
        for file in files() {
            do {
                try Self.check(file.path)
                sound += 1
            } catch {
                _ = unsafe unlink(file.path.string)
                damaged.append(file.path)
            }
        }
        return (sound, damaged)
    }

    /// Reads a segment whole.
    ///
    /// - Throws: `KVSegmentError` for damage, also where nothing is ever read: between pages.
    static func check(_ path: FilePath) throws {
        let segment = try KVSegmentFile.read(path)
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        try file.closeAfter {
            var end: Int?
            for page in segment.pages.sorted(by: { $0.offset < $1.offset }) {
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: page.bytes, alignment: 64)
                defer { unsafe memory.deallocate() }
                try unsafe KVSegmentFile.read(path, [(page, memory)])
                if let end { try checkZero(file, end..<max(end, page.offset)) }
                end = page.offset + page.bytes
            }
            let size = Int(try file.seek(offset: 0, from: .end))
            if let end { try checkZero(file, end..<max(end, size)) }
        }
    }

    private static func checkZero(_ file: FileDescriptor, _ range: Range<Int>) throws {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var place = range.lowerBound
        while place < range.upperBound {
            let wanted = min(bytes.count, range.upperBound - place)
            let count = try unsafe bytes.withUnsafeMutableBytes {
                try unsafe file.read(
                    fromAbsoluteOffset: Int64(place), into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]))
            }
            guard count > 0 else { throw KVSegmentError.truncated }
            guard bytes[..<count].allSatisfy({ $0 == 0 }) else { throw KVSegmentError.checksum }
            place += count
        }
    }

    /// Deletes segments that no other follows, those unused for longest first, until `bytes` more fit the limit and
    /// `reserve` bytes of the disk stay free.
    ///
    /// - Returns: whether there is room now.
    func makeRoom(_ bytes: Int, limit: Int?, reserve: Int) -> Bool {
        removeLeftovers()
        var files = files()
        var total = files.reduce(0) { $0 + $1.bytes }
        func fits() -> Bool {
            (limit.map { total + bytes <= $0 } ?? true) && (freeBytes().map { $0 - bytes >= reserve } ?? true)
        }
        while !fits() {
            let parents = Set(files.map { $0.name.prefix { $0 != "-" } })
            func isFollowed(_ file: File) -> Bool {
                parents.contains(file.name.drop { $0 != "-" }.dropFirst().prefix { $0 != "." })
            }
            guard
                let oldest = files.indices.filter({ !isFollowed(files[$0]) }).min(by: {
                    files[$0].used < files[$1].used
                })
            else { return false }
            _ = unsafe unlink(files[oldest].path.string)
            total -= files[oldest].bytes
            files.remove(at: oldest)
        }
        return true
    }

    /// Temporary files that nobody holds a lock on.
    private func removeLeftovers() {
        for folder in Self.entries(root) {
            let folder = root.appending(folder)
            for name in Self.entries(folder) where name.hasSuffix(".tmp") {
                let path = folder.appending(name)
                guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { continue }
                if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 {
                    _ = unsafe unlink(path.string)
                    _ = flock(file.rawValue, LOCK_UN)
                }
                try? file.close()
            }
        }
    }

    private func freeBytes() -> Int? {
        var facts = statvfs()
        guard unsafe statvfs(root.string, &facts) == 0 else { return nil }
        return Int(
            clamping: UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize)).partialValue)
    }

    private func files() -> [File] { Self.entries(root).flatMap { Self.list(root.appending($0)) } }

    /// The segments of one namespace.
    static func list(_ folder: FilePath) -> [File] {
        entries(folder).filter { $0.hasSuffix(".kv") }.compactMap { name in
            let path = folder.appending(name)
            var facts = stat()
            guard unsafe stat(path.string, &facts) == 0 else { return nil }
            return File(
                name: name, path: path, bytes: Int(facts.st_size),
                used: Int(facts.st_mtim.tv_sec) * 1_000_000_000 + Int(facts.st_mtim.tv_nsec))
        }
    }

    private static func entries(_ folder: FilePath) -> [String] {
        guard let directory = unsafe opendir(folder.string) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { start in
                unsafe String(cString: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
