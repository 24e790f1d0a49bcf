// The segment files of all namespaces as files: what they take, whose they are, which may go.
//
// Beside a segment `PARENT-KEY.kv` may lie `PARENT-KEY.docs`, the documents whose text it holds, and `PARENT-KEY.pin`,
// which keeps it. In each namespace's folder `about` says in words what the namespace is made of.

import Hashing
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
    let root: FilePath

    /// What was written beside a segment that is no longer there goes after so many nanoseconds: its writer may be at
    /// work still, or what was damaged may be stored again.
    private static let orphanAge = 7 * 86_400 * 1_000_000_000
    private static let newAge = 10_000_000_000

    package init(root: FilePath) {
        self.root = root
    }

    struct File {
        var name: String
        var path: FilePath
        var bytes: Int
        /// When it was last used, in nanoseconds.
        var used: Int
        var isPinned: Bool

        /// The folder's name, which begins the namespace.
        var namespace: String { path.removingLastComponent().lastComponent?.string ?? "" }
        /// The first digits of the segment before, or of the namespace.
        var parent: Substring { name.prefix { $0 != "-" } }
        /// The first digits of its own key.
        var key: Substring { name.drop { $0 != "-" }.dropFirst().prefix { $0 != "." } }
    }

    /// What some segments take.
    package struct Usage: Sendable, Equatable {
        package var count = 0
        package var bytes = 0
        /// Segments that no limit removes.
        package var pinned = 0
    }

    /// Number and bytes of all segments.
    package func usage() -> Usage { usage(files()) }

    /// The same by namespace, with what is said about each.
    package func namespaces() -> [(name: String, about: String?, usage: Usage)] {
        Self.entries(root).compactMap { name in
            let files = Self.list(root.appending(name))
            return files.isEmpty ? nil : (name, Self.text(root.appending(name).appending("about")), usage(files))
        }
    }

    private func usage(_ files: [File]) -> Usage {
        Usage(count: files.count, bytes: files.reduce(0) { $0 + $1.bytes }, pinned: Self.pinned(files).count)
    }

    /// Says what a namespace is made of, in one line for people and for other machines; best effort.
    package func describe(_ namespace: String, about: String) {
        let folder = root.appending(String(namespace.prefix(KVSegmentFiles.digits)))
        guard Self.text(folder.appending("about")) != about else { return }
        for path in [root, folder] { _ = unsafe mkdir(path.string, 0o700) }
        Self.write(about, to: folder.appending("about"))
    }

    /// Digits of a hash in a name.
    static let digits = 24

    // MARK: - Removing

    /// Deletes segments that were not used since then and that nothing pinned needs, and what killed writers left; all
    /// with no time.
    ///
    /// - Parameter since: nanoseconds since 1970.
    /// - Returns: how many segments went.
    package func remove(unusedSince: Int? = nil) -> Int {
        removeLeftovers(orphans: true)
        let files = files()
        let pinned = Self.pinned(files)
        let old = files.filter { file in
            unusedSince.map { file.used < $0 && !pinned.contains(file.key) } ?? true
        }
        for file in old { Self.delete(file) }
        if unusedSince == nil { KVUseLog(root: root).delete() }
        removeEmptyFolders(orphans: unusedSince == nil)
        return old.count
    }

    /// Deletes segments that hold text of some documents, those of which nobody knows whose text they hold, and all
    /// that were computed on top of them, pinned or not.
    ///
    /// - Parameter documents: SHA-256 in hexadecimal digits.
    package func remove(documents: Set<String>) -> Int {
        removeLeftovers(orphans: true)
        let files = files()
        var gone = Set(files.filter { Self.documents(of: $0.path)?.isDisjoint(with: documents) != true }.map(\.key))
        var more = true
        while more {
            let followers = files.filter { gone.contains($0.parent) && !gone.contains($0.key) }
            more = !followers.isEmpty
            gone.formUnion(followers.map(\.key))
        }
        let removed = files.filter { gone.contains($0.key) }
        for file in removed { Self.delete(file) }
        removeEmptyFolders(orphans: true)
        return removed.count
    }

    /// Reads every segment from its first to its last byte; those that are damaged are deleted.
    ///
    /// - Returns: how many are sound, and the paths of those that were not.
    package func verify() -> (sound: Int, damaged: [FilePath]) {
        var (sound, damaged) = (0, [FilePath]())
        for file in files() {
            do {
                let segment = try KVSegmentFile.verify(file.path)
                guard file.name == Self.name(of: segment), segment.namespace.hex.hasPrefix(file.namespace) else {
                    throw KVSegmentError.field("name")
                }
                sound += 1
            } catch let error as Errno where error == .noSuchFileOrDirectory {
                continue  // deleted meanwhile
            } catch {
                // What lies beside it stays for the one that is computed again.
                _ = unsafe unlink(file.path.string)
                damaged.append(file.path)
            }
        }
        return (sound, damaged)
    }

    static func name(of segment: KVSegment) -> String {
        "\(segment.parent.hex.prefix(digits))-\(segment.key.hex.prefix(digits)).kv"
    }

    /// The segment first: what lies beside it is never missing while it is there.
    static func delete(_ file: File) {
        _ = unsafe unlink(file.path.string)
        for note in ["docs", "pin"] { _ = unsafe unlink(Self.beside(file.path, note).string) }
    }

    func removeEmptyFolders(orphans: Bool) {
        for name in Self.entries(root) {
            let folder = root.appending(name)
            let names = Self.entries(folder)
            guard !names.contains(where: { $0.hasSuffix(".kv") || $0.hasSuffix(".tmp") }) else { continue }
            for note in names where orphans || note == "about" { _ = unsafe unlink(folder.appending(note).string) }
            _ = unsafe rmdir(folder.string)
        }
    }

    /// Temporary files that nobody holds a lock on, and what lies beside no segment.
    ///
    /// - Parameter orphans: look for the latter too.
    func removeLeftovers(orphans: Bool = false) {
        for folder in Self.entries(root) {
            let folder = root.appending(folder)
            let names = Self.entries(folder)
            for name in names where name.hasSuffix(".tmp") {
                let path = folder.appending(name)
                // One that was made just now is empty, and not locked yet.
                let isNew = Self.facts(path).map { $0.bytes == 0 && $0.used > Self.now() - Self.newAge } ?? true
                if !isNew, !Self.isHeld(path) { _ = unsafe unlink(path.string) }
            }
            guard orphans else { continue }
            let present = Set(names.lazy.filter { $0.hasSuffix(".kv") }.map { $0.dropLast(3) })
            for name in names where [".docs", ".pin", ".new"].contains(where: { name.hasSuffix($0) }) {
                let isNeeded = !name.hasSuffix(".new") && present.contains(name.prefix { $0 != "." })
                guard !isNeeded, let facts = Self.facts(folder.appending(name)),
                    facts.used < Self.now() - Self.orphanAge
                else { continue }
                _ = unsafe unlink(folder.appending(name).string)
            }
        }
    }

    /// Whether a process holds a lock on a file: it writes it, or reads its pages.
    static func isHeld(_ path: FilePath) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readWrite, options: .closeOnExec) else { return false }
        defer { try? file.close() }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else { return true }
        // Closing alone would leave it with a child process that is just being started.
        _ = flock(file.rawValue, LOCK_UN)
        return false
    }

    // MARK: - Listing

    func files() -> [File] { Self.entries(root).flatMap { Self.list(root.appending($0)) } }

    /// The segments of one namespace.
    static func list(_ folder: FilePath) -> [File] {
        let names = entries(folder)
        let pins = Set(names.lazy.filter { $0.hasSuffix(".pin") }.map { $0.dropLast(4) })
        return names.filter { $0.hasSuffix(".kv") }.compactMap { name in
            let path = folder.appending(name)
            guard let facts = facts(path) else { return nil }
            return File(
                name: name, path: path, bytes: facts.bytes, used: facts.used,
                isPinned: !pins.isEmpty && pins.contains(name.dropLast(3)))
        }
    }

    /// Keys of pinned segments and of those before them, without which they are of no use.
    static func pinned(_ files: [File]) -> Set<Substring> {
        guard files.contains(where: \.isPinned) else { return [] }
        let byKey = Dictionary(files.map { ($0.key, $0) }) { first, _ in first }
        var pinned = Set<Substring>()
        for file in files where file.isPinned {
            var next: File? = file
            while let file = next, pinned.insert(file.key).inserted { next = byKey[file.parent] }
        }
        return pinned
    }

    static func facts(_ path: FilePath) -> (bytes: Int, used: Int)? {
        var facts = stat()
        guard unsafe stat(path.string, &facts) == 0 else { return nil }
        return (Int(facts.st_size), Int(facts.st_mtim.tv_sec) * 1_000_000_000 + Int(facts.st_mtim.tv_nsec))
    }

    /// Nanoseconds since 1970.
    static func now() -> Int {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int(now.tv_sec) * 1_000_000_000 + Int(now.tv_nsec)
    }

    static func entries(_ folder: FilePath) -> [String] {
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
