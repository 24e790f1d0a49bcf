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
    /// A stored segment was not what it should be. It is deleted.
    case damaged(path: String, why: String)
}

/// The stored segments of one namespace. Belongs to one thread.
package final class KVSegmentStore {
    /// Of the files that may go on where a sequence is, so many of the newest are looked at.
    private static let candidates = 64
    /// Digits of a hash in a name.
    private static let digits = 24
    /// Bytes of the disk that stay free.
    private static let reserve = 4 << 30

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
        let prefix = find(tokens, plan: cache.plan, cache: cache, limit: limit)
        guard prefix.count > already else { return 0 }
        cache.truncate(to: 0)
        cache.restore(prefix.count)
        if load(prefix, into: cache) { return prefix.count }
        // No second try: where files cannot be deleted either, it would meet the same one.
        cache.truncate(to: 0)
        return 0
    }

    private func find(_ tokens: [Int32], plan: [LayerPlan], cache: KVCacheManager, limit: Int) -> KVPrefix {
        let names = names()
        var prefix = KVPrefix()
        var parent = namespace
        func children() -> [Name] { names.filter { $0.parent == parent.hex.prefix(Self.digits) } }
        while prefix.end + KVSegment.fullTokens <= tokens.count {
            let range = prefix.end..<prefix.end + KVSegment.fullTokens
            let key = KVSegment.key(
                namespace: namespace, parent: parent, first: range.lowerBound, tokens: tokens[range])
            guard let name = children().first(where: { $0.key == key.hex.prefix(Self.digits) }),
                let segment = segment(name, cache: cache), segment.key == key
            else { break }
            prefix.append(segment, plan: plan, limit: limit)
            parent = key
        }
        var best = prefix
        for name in children().sorted(by: { $0.used > $1.used }).prefix(Self.candidates) {
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

    private func load(_ prefix: KVPrefix, into cache: KVCacheManager) -> Bool {
        var wanted: [[(page: KVSegment.Page, into: UnsafeMutableRawBufferPointer)]] =
            unsafe Array(repeating: [], count: prefix.segments.count)
        let pages = prefix.segments.map { segment in
            Dictionary(segment.pages.map { (PageName(layer: $0.layer, ordinal: $0.ordinal), $0) }) { $1 }
        }
        for (layer, entry) in cache.plan.enumerated() where entry.keyValues == .own {
            for ordinal in cache.heldOrdinals(layer: layer) {
                guard let memory = unsafe cache.bytes(layer: layer, ordinal: ordinal),
                    let index = prefix.segment(layer: layer, ordinal: ordinal, plan: cache.plan),
                    let page = pages[index][PageName(layer: layer, ordinal: ordinal)]
                else { return false }
                unsafe wanted[index].append((page, memory))
            }
        }
        for (index, segment) in prefix.segments.enumerated() {
            let path = path(of: segment)
            do {
                try unsafe KVSegmentFile.read(path, wanted[index].sorted { unsafe $0.page.offset < $1.page.offset })
                _ = unsafe utimensat(AT_FDCWD, path.string, nil, 0)
            } catch {
                discard(path, why: error)
                return false
            }
        }
        if let last = prefix.segments.last { KVUseLog(root: root).append(String(last.key.hex.prefix(Self.digits))) }
        return true
    }

    private struct PageName: Hashable {
        var layer: Int
        var ordinal: Int
    }

    /// The metadata of a file, if it fits this cache; one that is damaged is deleted.
    private func segment(_ name: Name, cache: KVCacheManager) -> KVSegment? {
        let path = folder.appending(name.file)
        do {
            let segment = try KVSegmentFile.read(path)
            guard segment.namespace == namespace, name.file == Self.name(of: segment) else {
                throw KVSegmentError.field("name")
            }
            return Self.fits(segment, cache) ? segment : nil
        } catch let error as Errno where error == .noSuchFileOrDirectory {
            return nil  // another process deleted it
        } catch {
            discard(path, why: error)
            return nil
        }
    }

    /// Whether a segment has pages as this cache has them, and all pages of layers that see everything.
    private static func fits(_ segment: KVSegment, _ cache: KVCacheManager) -> Bool {
        guard segment.pageTokens == cache.layout.pageTokens, segment.elementBytes == cache.type.bytes,
            segment.first % segment.pageTokens == 0,
            segment.pages.allSatisfy({ cache.plan.indices.contains($0.layer) && cache.plan[$0.layer].keyValues == .own }
            )
        else { return false }
        var found: [Int: Set<Int>] = [:]
        for page in segment.pages { found[page.layer, default: []].insert(page.ordinal) }
        let ordinals = ordinals(segment.first..<segment.end, segment.pageTokens)
        return cache.plan.indices.allSatisfy { layer in
            guard cache.plan[layer].keyValues == .own, cache.plan[layer].attention == .full else { return true }
            return ordinals.allSatisfy { found[layer]?.contains($0) == true }
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
        let first = parents.count * KVSegment.fullTokens
        var segment = KVSegment(
            namespace: namespace, parent: parents.last ?? namespace, first: first, tokens: Array(tokens[first...]),
            pageTokens: cache.layout.pageTokens, elementBytes: cache.type.bytes, pages: [])
        let key = segment.key
        guard isWritable, cache.isWhole else { return key }
        let path = path(of: segment)
        guard unsafe access(path.string, F_OK) != 0 else { return key }

        var memory: [UnsafeRawBufferPointer] = unsafe []
        // The last page may have places that nobody wrote, or that hold what was cut off.
        for (layer, entry) in cache.plan.enumerated() where entry.keyValues == .own {
            var positions = first..<segment.end
            if entry.attention != .full {
                guard keepsWindow || !entry.attention.isSliding else { continue }
                positions = min(entry.attention.lowerBound(segment.end), segment.end)..<segment.end
            }
            for ordinal in positions.isEmpty ? 0..<0 : Self.ordinals(positions, segment.pageTokens) {
                guard let bytes = unsafe cache.bytes(layer: layer, ordinal: ordinal) else { return key }
                unsafe cache.clear(bytes, layer: layer, ordinal: ordinal, from: segment.end)
                segment.pages.append(KVSegment.Page(layer: layer, ordinal: ordinal, offset: 0, bytes: 0, checksum: 0))
                unsafe memory.append(UnsafeRawBufferPointer(bytes))
            }
        }
        do {
            try makeFolder()
            let size = unsafe memory.reduce(1 << 20) { $0 + $1.count }
            guard makeRoom(size, after: parents.last) == .enough else { return key }
            KVSegmentFiles.note(documents, path: path, end: segment.end)
            try unsafe KVSegmentFile.write(segment, memory, to: path)
        } catch {
            isWritable = false
            report(.unwritable(error, path: folder.string))
        }
        return key
    }

    private func makeFolder() throws(Errno) {
        for path in [root, folder] where unsafe access(path.string, F_OK) != 0 {
            guard unsafe mkdir(path.string, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        }
    }

    /// Deletes segments that nothing follows, those of least worth first, until so many bytes have room.
    private func makeRoom(_ bytes: Int, after parent: ContentHash?) -> KVRoom {
        KVSegmentFiles(root: root).makeRoom(
            bytes, limit: limit, reserve: Self.reserve, after: parent?.hex.prefix(Self.digits))
    }

    private func discard(_ path: FilePath, why: any Error) {
        _ = unsafe unlink(path.string)
        report(.damaged(path: path.string, why: "\(why)"))
    }

    // MARK: - Names

    private struct Name {
        var file: String
        var parent: Substring
        var key: Substring
        var used: Int
    }

    private static func name(of segment: KVSegment) -> String {
        "\(segment.parent.hex.prefix(digits))-\(segment.key.hex.prefix(digits)).kv"
    }

    private func path(of segment: KVSegment) -> FilePath { folder.appending(Self.name(of: segment)) }

    private func names() -> [Name] {
        KVSegmentFiles.list(folder).compactMap { file in
            let parts = file.name.dropLast(3).split(separator: "-")
            guard parts.count == 2 else { return nil }
            return Name(file: file.name, parent: parts[0], key: parts[1], used: file.used)
        }
    }
}
