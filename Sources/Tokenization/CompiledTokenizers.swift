// The folder of compiled tokenizers: what is in it, and removing what is no longer of use. A file's time of change is
// that of its last use, to the day.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Compiled tokenizers of one folder.
package struct CompiledTokenizers: Sendable {
    /// What a folder holds.
    package struct Usage: Sendable, Equatable {
        package var count = 0
        package var bytes = 0
    }

    private let folder: String

    /// - Parameter folder: need not be there.
    package init(folder: String) { self.folder = folder }

    /// Files and their sizes, whatever their version.
    package func usage() -> Usage {
        files().reduce(into: Usage()) {
            $0.count += 1
            $0.bytes += $1.bytes
        }
    }

    /// Deletes what was not used since then, what another version wrote and what killed writers left; all with no time.
    ///
    /// - Parameter unusedSince: seconds since 1970.
    /// - Returns: how many went.
    package func remove(unusedSince: Int? = nil) -> Int {
        let now = time(nil)
        let old = files().filter { file in
            if unusedSince.map({ file.used < $0 }) ?? true { return true }
            return file.isPartial ? file.used < now - Self.writingSeconds : !Self.isCurrent(file.path)
        }
        return old.count { unlink($0.path) == 0 }
    }

    /// A writer takes less.
    private static let writingSeconds = 3600
    /// Uses within it are not noted again: a run that only reads should not write.
    private static let daySeconds = 86_400

    static func noteUse(of path: String) {
        if let facts = facts(path), facts.used < time(nil) - daySeconds { utimes(path, nil) }
    }

    private struct File {
        var path: String
        var isPartial: Bool
        var bytes: Int
        var used: Int
    }

    private func files() -> [File] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var files: [File] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                    String(cString: $0)
                }
            }
            let isPartial = name.contains(".tokens.") && name.hasSuffix(".partial")
            guard isPartial || name.hasSuffix(".tokens"), let facts = Self.facts(folder + "/" + name) else { continue }
            files.append(
                File(path: folder + "/" + name, isPartial: isPartial, bytes: facts.bytes, used: facts.used))
        }
        return files
    }

    /// Of a file that is no link.
    private static func facts(_ path: String) -> (bytes: Int, used: Int)? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Darwin)
            return (Int(status.st_size), status.st_mtimespec.tv_sec)
        #else
            return (Int(status.st_size), status.st_mtim.tv_sec)
        #endif
    }

    private static func isCurrent(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var magic = [UInt8](repeating: 0, count: CompiledFile.magic.count)
        return read(descriptor, &magic, magic.count) == magic.count && magic == CompiledFile.magic
    }
}
