// Which segments go when there is no room: a plain value without files. Making room by it is below.
//
// A segment is worth what computing it again would cost, times how likely that is, for each byte that it takes:
//     (uses, halved every week + recency, halved every week) × (1 + position / balance)
// The bytes of a token are the same for all segments of a model, and so is what the weights cost; attention grows with
// the position. Segments that others follow stay until those have gone; what lost its beginning goes first.

import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct KVEviction {
    /// Segments before one whose attention costs as much as its weights do: 128K tokens, between what the small and
    /// the large models have.
    private static let balance = 16.0

    private struct Entry {
        var parent: Int?
        var followers: Int
        var worth: Double
        var mayGo: Bool
    }

    private var entries: [Entry] = []

    /// - Parameters:
    ///   - files: of all namespaces.
    ///   - uses: by key.
    ///   - now: nanoseconds since 1970.
    ///   - kept: key of a segment that is about to be followed by another.
    init(_ files: [KVSegmentFiles.File], uses: [Substring: Double], now: Int, keeping kept: Substring?) {
        let keys = files.map(\.key)
        let index = Dictionary(zip(keys, files.indices)) { first, _ in first }
        let parents = files.map { index[$0.parent] }
        let depths = Self.depths(parents, isFirst: files.map { $0.parent == $0.namespace })
        let pinned = KVSegmentFiles.pinned(files)
        var used = keys.map { uses[$0] ?? 0 }
        // Who uses the end of a chain uses all of it.
        for entry in files.indices.sorted(by: { (depths[$0] ?? 0) > (depths[$1] ?? 0) }) {
            if let parent = parents[entry], depths[entry] != nil { used[parent] += used[entry] }
        }
        entries = files.indices.map { entry in
            let recency = KVUseLog.decay((now - files[entry].used) / 1_000_000_000)
            // Seconds alone would leave the order of a busy minute to chance.
            let moment = Double(files[entry].used % 1_000_000_000) * 1e-18
            return Entry(
                parent: parents[entry], followers: 0,
                worth: depths[entry].map { (used[entry] + recency + moment) * (1 + Double($0) / Self.balance) } ?? -1,
                mayGo: !pinned.contains(keys[entry]) && keys[entry] != kept)
        }
        for parent in parents { if let parent { entries[parent].followers += 1 } }
    }

    /// The segments before each one; nil where the first of them are missing, or go in circles.
    private static func depths(_ parents: [Int?], isFirst: [Bool]) -> [Int?] {
        var depths: [Int?] = isFirst.map { $0 ? 0 : nil }
        var isKnown = isFirst
        for start in parents.indices where !isKnown[start] {
            var chain: [Int] = []
            var next: Int? = start
            while let entry = next, !isKnown[entry] {
                isKnown[entry] = true
                chain.append(entry)
                next = parents[entry]
            }
            var depth = next.flatMap { depths[$0] }
            for entry in chain.reversed() {
                depth = depth.map { $0 + 1 }
                depths[entry] = depth
            }
        }
        return depths
    }

    /// The file that goes next, of those that nothing follows; nil where none may.
    var next: Int? {
        entries.indices.filter { entries[$0].mayGo && entries[$0].followers == 0 }
            .min { entries[$0].worth < entries[$1].worth }
    }

    /// It is in use.
    mutating func keep(_ index: Int) { entries[index].mayGo = false }

    /// It has gone.
    mutating func remove(_ index: Int) {
        entries[index].mayGo = false
        if let parent = entries[index].parent { entries[parent].followers -= 1 }
    }
}

// MARK: - Making room

/// Whether there is room for a segment.
enum KVRoom: Equatable {
    case enough
    /// The limit leaves none, with all that may go gone.
    case limitTooSmall
    /// The disk has no more to give.
    case diskTooFull
}

extension KVSegmentFiles {
    /// Deletes segments, those of least worth first, until `bytes` more fit the limit and `reserve` bytes of the disk
    /// stay free. What is pinned stays, and so does what a process holds a lock on: deleting a file that is being read
    /// frees nothing before its reader is done, and costs the next one.
    ///
    /// - Parameter parent: key of the segment that the new one follows, as in names of files.
    func makeRoom(_ bytes: Int, limit: Int?, reserve: Int, after parent: Substring? = nil) -> KVRoom {
        removeLeftovers()
        let files = files()
        var total = files.reduce(0) { $0 + $1.bytes }
        func room() -> KVRoom {
            if let limit, total + bytes > limit { return .limitTooSmall }
            if let free = KVFolder.freeBytes(root), free - bytes < reserve { return .diskTooFull }
            return .enough
        }
        guard room() != .enough else { return .enough }
        if let limit, bytes > limit { return .limitTooSmall }
        let keys = Set(files.map(\.key))
        var eviction = KVEviction(
            files, uses: KVUseLog(root: root).uses { keys.contains($0) }, now: Self.now(),
            keeping: parent)
        while true {
            let room = room()
            guard room != .enough, let next = eviction.next else { return room }
            if Self.isHeld(files[next].path) {
                eviction.keep(next)
                continue
            }
            Self.delete(files[next])
            eviction.remove(next)
            total -= files[next].bytes
        }
    }
}
