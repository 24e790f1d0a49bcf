// Stored prefixes: finds what a sequence shares with what was computed before, in this process or another, and keeps
// what is computed now. Nothing here can make a result wrong: whatever fails its check is deleted and computed again.
//
// A folder per namespace; the name of a file is `PARENT-KEY.kv`, the first digits of the two, so that a listing is the
// index. Several processes may use one folder: files appear whole, and one that is deleted stays readable for those
// that have it open.

package import Hashing
import Kernels
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What went wrong without harm.
package enum KVStoreProblem: Error, Sendable, Equatable {
    /// Nothing can be stored; the work goes on without.
    case unwritable(Errno, path: String)
    /// The limit, or the disk's free space, leaves no room for what would be stored; the work goes on without.
    case noRoom(bytes: Int, isDisk: Bool, path: String)
    /// A stored segment was not what it should be. It is deleted.
    case damaged(path: String, why: String)
}

/// The stored segments of one namespace. Belongs to one thread.
package final class KVSegmentStore {
    /// Of the files that may go on where a sequence is, so many of the newest are looked at.
    private static let candidates = 64
    /// Digits of a hash in a name.
    private static let digits = 24
    private let folder: FilePath
    private let root: FilePath
    private let namespace: ContentHash
    private let limit: Int?
    private let report: (KVStoreProblem) -> Void
    /// The documents of the prompt that is computed, by the SHA-256 of their content, with the position from which on
    /// it depends on them; empty where nobody knows.
    package var documents: [String: Int] = [:]
    /// After a failure nothing more is written.
    private var isWritable = true
    /// Files that were damaged and could not be deleted.
    private var rejected: Set<String> = []

    /// - Parameters:
    ///   - root: the folder of all namespaces.
    ///   - namespace: everything that keys and values depend on besides tokens.
    ///   - limit: the most bytes of all namespaces together.
    ///   - report: told once of each problem.
    package init(
        root: FilePath, namespace: ContentHash, limit: Int? = nil, report: @escaping (KVStoreProblem) -> Void = { _ in }
    ) {
        self.root = root
        self.namespace = namespace
        self.limit = limit
        self.report = report
        folder = root.appending(String(namespace.hex.prefix(Self.digits)))
    }

    /// The key of a segment whose tokens are a slice of a sequence, numbered by position.
    package func key(_ tokens: ArraySlice<Int32>, parent: ContentHash?) -> ContentHash {
        KVSegment.key(namespace: namespace, parent: parent ?? namespace, first: tokens.startIndex, tokens: tokens)
    }

    // MARK: - Finding

    /// Fills an empty cache with the longest stored prefix of `tokens` that has at most `limit` and more than
    /// `already` tokens.
    ///
    /// - Returns: positions restored; 0 where nothing better is stored, and the cache is empty then or as it was.
    package func restore(_ tokens: [Int32], into cache: KVCacheManager, atMost limit: Int, betterThan already: Int)
        -> Int
    {
        // A damaged segment ends the chain: what lies before it is found by the next try.
        while true {
            let prefix = find(tokens, plan: cache.plan, cache: cache, limit: limit)
            guard prefix.count > already else { return 0 }
            cache.truncate(to: 0)
            switch load(prefix, into: cache) {
            case true?: return prefix.count
            case false?: cache.truncate(to: 0)
            case nil:
                cache.truncate(to: 0)
                return 0
            }
        }
    }

    private func find(_ tokens: [Int32], plan: [LayerPlan], cache: KVCacheManager, limit: Int) -> KVPrefix {
        let names = Dictionary(grouping: names(), by: \.parent)
        func children(_ parent: ContentHash) -> [Name] { names[parent.hex.prefix(Self.digits)] ?? [] }
        let full = cache.layout.segmentTokens
        var prefix = KVPrefix()
        var parent = namespace
        while prefix.end + full <= tokens.count {
            let range = prefix.end..<prefix.end + full
            let key = KVSegment.key(
                namespace: namespace, parent: parent, first: range.lowerBound, tokens: tokens[range])
            guard let name = children(parent).first(where: { $0.key == key.hex.prefix(Self.digits) }),
                let segment = segment(name, cache: cache), segment.key == key
            else { break }
            prefix.append(segment, plan: plan, limit: limit)
            parent = key
        }
        var best = prefix
        for name in children(parent).sorted(by: { $0.used > $1.used }).prefix(Self.candidates) {
            guard let segment = segment(name, cache: cache), segment.parent == parent, segment.first == prefix.end
            else {
                continue
            }
            let common = zip(segment.tokens, tokens[prefix.end...]).prefix { $0 == $1 }.count
            guard common > 0, prefix.end + common > best.count else { continue }
            var longer = prefix
            longer.append(segment, plan: plan, limit: min(limit, prefix.end + common))
            if longer.count > best.count { best = longer }
        }
        return best
    }

    /// Fills an empty cache. False where a file is not what it was; that one is not asked again. `nil` where the prefix
    /// lacks something.
    private func load(_ prefix: KVPrefix, into cache: KVCacheManager) -> Bool? {
        var files: [KVPageSource] = []
        for segment in prefix.segments {
            let path = path(of: segment)
            do {
                let (found, pages) = try KVSegmentFile.open(path)
                guard found == segment else { throw KVSegmentError.field("content") }
                files.append(pages)
                _ = unsafe utimensat(AT_FDCWD, path.string, nil, 0)
            } catch {
                reject(path, error)
                return false
            }
        }
        let whole = zip(prefix.segments, files).prefix {
            $0.0.tokens.count == cache.layout.segmentTokens && $0.0.end <= prefix.count
        }
        cache.restore(prefix.count, whole.map(\.1))
        for (layer, entry) in cache.plan.enumerated() where entry.keyValues == .own {
            for ordinal in cache.heldOrdinals(layer: layer) {
                guard let memory = unsafe cache.memory(layer: layer, ordinal: ordinal),
                    let index = prefix.segment(layer: layer, ordinal: ordinal, plan: cache.plan)
                else { return nil }
                do {
                    let ordinals = ordinal..<ordinal + 1
                    try unsafe files[index].read(.keys, layer: layer, ordinals: ordinals, into: memory.keys)
                    try unsafe files[index].read(.values, layer: layer, ordinals: ordinals, into: memory.values)
                } catch {
                    reject(path(of: prefix.segments[index]), error)
                    return false
                }
            }
        }
        if let last = prefix.segments.last { KVUseLog(root: root).append(String(last.key.hex.prefix(Self.digits))) }
        return true
    }

    /// Deletes the segment of a sequence whose pages came back wrong.
    ///
    /// - Parameter parents: keys of the full segments before it and its own.
    package func discard(_ parents: [ContentHash], why: String) {
        guard let key = parents.last else { return }
        let parent = parents.count > 1 ? parents[parents.count - 2] : namespace
        discard(folder.appending(Self.name(parent: parent, key: key)), why: why)
    }

    /// The metadata of a file, if it fits this cache; one that is damaged is deleted.
    private func segment(_ name: Name, cache: KVCacheManager) -> KVSegment? {
        let path = folder.appending(name.file)
        guard !rejected.contains(path.string) else { return nil }
        do {
            let segment = try KVSegmentFile.read(path)
            guard segment.namespace == namespace, name.file == Self.name(of: segment) else {
                throw KVSegmentError.field("name")
            }
            return Self.fits(segment, cache) ? segment : nil
        } catch let error as Errno where error == .noSuchFileOrDirectory {
            return nil  // another process deleted it
        } catch {
            reject(path, error)
            return nil
        }
    }

    /// Whether a segment has pages as this cache has them, and all pages of layers that see everything.
    private static func fits(_ segment: KVSegment, _ cache: KVCacheManager) -> Bool {
        guard segment.pageTokens == cache.layout.pageTokens, segment.code == Int(cache.type.code),
            segment.first % segment.pageTokens == 0,
            segment.runs.allSatisfy({ cache.plan.indices.contains($0.layer) && cache.plan[$0.layer].keyValues == .own })
        else { return false }
        let runs = Dictionary(segment.runs.map { ($0.layer, $0.ordinals) }) { first, _ in first }
        let ordinals = ordinals(segment.first..<segment.end, segment.pageTokens)
        return cache.plan.indices.allSatisfy { layer in
            guard cache.plan[layer].keyValues == .own, cache.plan[layer].attention == .full else { return true }
            return runs[layer] == ordinals
        }
    }

    private static func ordinals(_ positions: Range<Int>, _ pageTokens: Int) -> Range<Int> {
        positions.lowerBound / pageTokens..<(positions.upperBound + pageTokens - 1) / pageTokens
    }

    // MARK: - Keeping

    /// Stores the segment that ends with the last position of a cache, unless it is there.
    ///
    /// - Parameters:
    ///   - tokens: all tokens in the cache.
    ///   - parents: keys of the full segments before the one that is stored.
    ///   - keepsWindow: whether what sliding layers hold is stored too, so that a sequence can go on from here.
    /// - Returns: the key of the segment.
    @discardableResult
    package func store(
        _ tokens: [Int32], _ cache: KVCacheManager, parents: [ContentHash], keepsWindow: Bool
    ) -> ContentHash {
        precondition(tokens.count == cache.count && !tokens.isEmpty, "the tokens of the cache")
        let full = cache.layout.segmentTokens
        let first = parents.count * full
        var segment = KVSegment(
            namespace: namespace, parent: parents.last ?? namespace, first: first, tokens: Array(tokens[first...]),
            pageTokens: cache.layout.pageTokens, code: Int(cache.type.code), runs: [])
        let key = segment.key
        let path = path(of: segment)
        defer {
            // A whole segment that is stored need not be written again where memory has no room for it.
            if segment.tokens.count == full, cache.layout.pages, let stored = try? KVSegmentFile.open(path),
                Self.fits(stored.segment, cache), stored.segment.key == key
            {
                cache.attach(stored.pages, segment: parents.count)
            }
        }
        guard isWritable, cache.isWhole, unsafe access(path.string, F_OK) != 0 else { return key }

        var memory: [[KVPageMemory]] = unsafe []
        // The last page may have places that nobody wrote, or that hold what was cut off.
        for (layer, entry) in cache.plan.enumerated() where entry.keyValues == .own {
            var positions = first..<segment.end
            if entry.attention != .full {
                guard keepsWindow || !entry.attention.isSliding else { continue }
                positions = min(entry.attention.lowerBound(segment.end), segment.end)..<segment.end
            }
            guard !positions.isEmpty else { continue }
            let ordinals = Self.ordinals(positions, segment.pageTokens)
            let pages = unsafe ordinals.compactMap { unsafe cache.memory(layer: layer, ordinal: $0) }
            guard unsafe pages.count == ordinals.count else { return key }
            unsafe pages.last.map {
                unsafe cache.clear($0, layer: layer, ordinal: ordinals.upperBound - 1, from: segment.end)
            }
            unsafe segment.runs.append(pages.run(layer: layer, first: ordinals.lowerBound))
            unsafe memory.append(pages)
        }
        var placed = segment
        let bytes = placed.place()
        do {
            try KVFolder.make(folder)
            let room = KVSegmentFiles(root: root).makeRoom(
                bytes, limit: limit, reserve: KVFolder.reserve, after: parents.last?.hex.prefix(Self.digits))
            guard room == .enough else {
                isWritable = false
                report(.noRoom(bytes: bytes, isDisk: room == .diskTooFull, path: folder.string))
                return key
            }
            KVSegmentFiles.note(documents, path: path, end: segment.end)
            try unsafe KVSegmentFile.write(segment, memory, to: path)
            rejected.remove(path.string)
        } catch {
            isWritable = false
            report(.unwritable(error, path: folder.string))
        }
        return key
    }

    /// Asks no more for a file that can't be used, and deletes it where that is its own fault.
    private func reject(_ path: FilePath, _ error: any Error) {
        if error is KVSegmentError || error as? Errno == .ioError { _ = unsafe unlink(path.string) }
        rejected.insert(path.string)
        report(.damaged(path: path.string, why: "\(error)"))
    }

    private func discard(_ path: FilePath, why: String) {
        _ = unsafe unlink(path.string)
        rejected.insert(path.string)
        report(.damaged(path: path.string, why: why))
    }

    // MARK: - Names

    private struct Name {
        var file: String
        var parent: Substring
        var key: Substring
        var used: Int
    }

    private static func name(parent: ContentHash, key: ContentHash) -> String {
        "\(parent.hex.prefix(digits))-\(key.hex.prefix(digits)).kv"
    }

    private static func name(of segment: KVSegment) -> String { name(parent: segment.parent, key: segment.key) }

    private func path(of segment: KVSegment) -> FilePath { folder.appending(Self.name(of: segment)) }

    private func names() -> [Name] {
        KVSegmentFiles.list(folder).compactMap { file in
            let parts = file.name.dropLast(3).split(separator: "-")
            guard parts.count == 2 else { return nil }
            return Name(file: file.name, parent: parts[0], key: parts[1], used: file.used)
        }
    }
}
