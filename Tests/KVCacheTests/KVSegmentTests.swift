// Segment files against damage, and prefixes against a cache that computed everything.

import Foundation
import Hashing
import Kernels
import SystemPackage
import Testing

@testable import KVCache

struct KVSegmentTests {
    private let segment = KVSegment(
        namespace: ContentHash(of: "n"), parent: ContentHash(of: "p"), first: 8192, tokens: Array(5..<305),
        pageTokens: 64, code: 1,
        runs: [1, 3].map { layer in
            KVSegment.Run(
                layer: layer, first: 128,
                keys: .init(offset: 4096 * layer, pageBytes: 1000, checksums: [7, 8, 9, 10, 11]),
                values: .init(offset: 4096 * (layer + 1) + 1024, pageBytes: 500, checksums: [1, 2, 3, 4, 5]))
        })

    @Test func headersComeBack() throws {
        let size = 8192 + 5 * 4096
        let header = segment.header(fileBytes: size)
        #expect(header.count == 4096)
        #expect(try KVSegment.headerBytes(header) == header.count)
        #expect(try KVSegment(header: header, fileBytes: size) == segment)
        #expect(throws: KVSegmentError.truncated) { try KVSegment(header: header, fileBytes: size - 1) }
    }

    @Test func everyFlippedBitOfAHeaderIsFound() {
        let size = 8192 + 5 * 4096
        let header = segment.header(fileBytes: size)
        for bit in stride(from: 0, to: header.count * 8, by: 5) {
            var damaged = header
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: KVSegmentError.self, "bit \(bit)") {
                let count = try KVSegment.headerBytes(damaged)
                guard count == damaged.count else { throw KVSegmentError.truncated }
                _ = try KVSegment(header: damaged, fileBytes: size)
            }
        }
    }

    @Test(arguments: 0..<200)
    func noiseIsNoSegment(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = segment.header(fileBytes: 28_672)
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            bytes[.random(in: 8..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        // A checksum that fits lets the numbers through to their own checks.
        for byte in 16..<20 { bytes[byte] = 0 }
        let checksum = bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) }
        for byte in 0..<4 { bytes[16 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
        if let count = try? KVSegment.headerBytes(bytes), count == bytes.count,
            let read = try? KVSegment(header: bytes, fileBytes: 28_672)
        {
            #expect(
                read.runs.allSatisfy {
                    $0.keys.offset + $0.keys.bytes <= 28_672 && $0.values.offset + $0.values.bytes <= 28_672
                })
            #expect(
                read.key
                    == KVSegment.key(
                        namespace: read.namespace, parent: read.parent, first: read.first, tokens: read.tokens[...]))
        }
    }

    @Test func keysDependOnEverythingBefore() {
        func key(_ namespace: String, _ parent: String, _ first: Int, _ tokens: [Int32]) -> ContentHash {
            KVSegment.key(
                namespace: ContentHash(of: namespace), parent: ContentHash(of: parent), first: first,
                tokens: tokens[...])
        }
        let all = [
            key("a", "b", 0, [1, 2]), key("b", "a", 0, [1, 2]), key("a", "c", 0, [1, 2]), key("a", "b", 2, [1, 2]),
            key("a", "b", 0, [1, 3]), key("a", "b", 0, [1]), key("a", "b", 0, [1, 2, 0]),
        ]
        #expect(Set(all).count == all.count)
    }
}

struct KVSegmentStoreTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-kv-\(UUID().uuidString)")
    private let compute = Compute(pool: ThreadPool(threads: 1), kernels: .best(), numerics: .exact)

    /// Keys and values that follow from layer and position alone, so that a cache can be compared with what it should
    /// hold.
    private func append(_ tokens: Int, to cache: KVCacheManager) {
        let first = cache.count
        cache.reserve(tokens)
        for (layer, entry) in cache.plan.enumerated() where entry.keyValues == .own {
            let width = entry.heads.keyValueWidth
            let values = (0..<tokens * width).map { Float((first + $0 / width) % 2000) + Float(layer) * 0.25 }
            unsafe compute.storeKV(
                keys: values, values: values.map { -$0 }, tokens: tokens, firstPosition: first,
                into: cache.pages(layer: layer))
        }
        cache.commit(tokens)
    }

    /// Whether everything that the next query sees is right.
    private func isRight(_ cache: KVCacheManager) -> Bool {
        cache.plan.enumerated().allSatisfy { layer, entry in
            guard entry.keyValues == .own else { return true }
            let pages = cache.pages(layer: layer)
            return (min(entry.attention.lowerBound(cache.count), cache.count)..<cache.count).allSatisfy { position in
                guard let page = pages.run[position / pages.pageTokens] else { return false }
                let place = position % pages.pageTokens
                let expected = Float(position % 2000) + Float(layer) * 0.25
                // Keys lie in columns, values in rows.
                return unsafe page.keys.load(fromByteOffset: place * 4, as: Float.self) == expected
                    && page.values.load(fromByteOffset: place * pages.headDim * 4, as: Float.self) == -expected
            }
        }
    }

    private func plan(_ random: inout SeededGenerator) -> [LayerPlan] {
        let kinds: [AttentionKind] = [
            .full, .sliding(window: .random(in: 1...300, using: &random)),
            .chunked(size: [100, 512, 1000, 8192].randomElement(using: &random) ?? 512),
        ]
        return (0..<Int.random(in: 1...4, using: &random)).map { layer in
            LayerPlan(
                attention: kinds.randomElement(using: &random) ?? .full, rope: nil,
                keyValues: layer > 0 && Int.random(in: 0..<5, using: &random) == 0 ? .shared(withLayer: 0) : .own,
                heads: HeadShape(queryHeads: 1, keyValueHeads: .random(in: 1...2, using: &random), size: 8))
        }
    }

    /// Random plans, lengths and continuations: what is restored is right, and what a later query needs is there.
    @Test(arguments: 0..<24)
    func whatIsRestoredIsWhatWasStored(seed: UInt64) throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        var random = SeededGenerator(seed: seed)
        var plan = plan(&random)
        plan[0].keyValues = .own
        let layout = KVPageLayout(
            contextTokens: 20_000, chunkTokens: 512, slackTokens: 64,
            pageTokens: [8, 64].randomElement(using: &random) ?? 64)
        func cache() -> KVCacheManager { KVCacheManager(plan: plan, layout: layout, type: .f32) }
        var problems = 0
        func store() -> KVSegmentStore {
            KVSegmentStore(root: folder, namespace: ContentHash(of: "seed \(seed)")) { _ in problems += 1 }
        }
        let length = Int.random(in: 300...18_000, using: &random)
        let tokens = (0..<Int32(length)).map { $0 % 1000 }
        let writer = cache()
        var parents: [ContentHash] = []
        var bytes = 0
        while writer.count < length {
            let border = (writer.count / KVSegment.fullTokens + 1) * KVSegment.fullTokens
            append(min(512, min(border, length) - writer.count), to: writer)
            let isFull = writer.count == border
            guard isFull || writer.count == length else { continue }
            let key = store().store(
                Array(tokens.prefix(writer.count)), writer, parents: parents, keepsWindow: writer.count == length)
            bytes += KVSegment.fileBytes(
                plan, layout: layout, type: .f32, first: parents.count * KVSegment.fullTokens, end: writer.count,
                keepsWindow: writer.count == length)
            if isFull { parents.append(key) }
        }
        #expect(KVSegmentFiles(root: folder).usage().bytes == bytes)
        let whole = cache()
        #expect(store().restore(tokens, into: whole, atMost: length, betterThan: 0) == length, "seed \(seed)")
        #expect(whole.count == length && isRight(whole), "seed \(seed)")
        append(min(700, layout.chunkTokens), to: whole)
        #expect(isRight(whole), "seed \(seed)")

        // A sequence that parts from it somewhere.
        for _ in 0..<4 {
            let common = Int.random(in: 0...length, using: &random)
            let other = Array(tokens.prefix(common)) + [7777, 7778]
            let part = cache()
            let count = store().restore(other, into: part, atMost: other.count - 1, betterThan: 0)
            #expect(count <= common && part.count == count && isRight(part), "seed \(seed), common \(common)")
            if plan.allSatisfy({ $0.attention == .full || $0.keyValues != .own }) { #expect(count == common) }
        }

        // Damage anywhere: less comes back, and nothing wrong.
        for file in KVSegmentFiles.list(folder.appending(String(ContentHash(of: "seed \(seed)").hex.prefix(24)))) {
            var bytes = try Data(contentsOf: URL(filePath: file.path.string))
            if Bool.random(using: &random) {
                bytes[.random(in: 0..<bytes.count, using: &random)] ^=
                    UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            } else {
                bytes.removeLast(.random(in: 1...bytes.count, using: &random))
            }
            try bytes.write(to: URL(filePath: file.path.string))
        }
        let damaged = cache()
        let count = store().restore(tokens, into: damaged, atMost: length, betterThan: 0)
        #expect(damaged.count == count && isRight(damaged), "seed \(seed)")
    }

    @Test func theLimitIsKeptAndChainsStayWhole() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let plan = [
            LayerPlan(attention: .full, rope: nil, heads: HeadShape(queryHeads: 1, keyValueHeads: 1, size: 64))
        ]
        let layout = KVPageLayout(contextTokens: 4096, chunkTokens: 4096, slackTokens: 0)
        let cache = KVCacheManager(plan: plan, layout: layout, type: .f32)
        append(4000, to: cache)
        // A segment takes 1,000 KiB of keys, as much of values, and a header of 20.
        let store = KVSegmentStore(root: folder, namespace: ContentHash(of: "x"), limit: 8 << 20)
        for mark in 0..<Int32(12) {
            store.store([mark] + (1..<4000), cache, parents: [], keepsWindow: true)
            #expect(KVSegmentFiles(root: folder).usage().bytes <= 8 << 20)
        }
        #expect(KVSegmentFiles(root: folder).usage().count == 4)
        #expect(KVSegmentFiles(root: folder).verify().sound == 4)
        #expect(KVSegmentFiles(root: folder).remove() == 4)
        #expect(KVSegmentFiles(root: folder).usage().count == 0)
    }

    @Test func whatAKilledWriterLeftGoes() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let namespace = folder.appending("n")
        try FileManager.default.createDirectory(atPath: namespace.string, withIntermediateDirectories: true)
        let (dead, live) = (namespace.appending("a-b.kv.1.tmp"), namespace.appending("a-c.kv.2.tmp"))
        for path in [dead, live] { try Data("half".utf8).write(to: URL(filePath: path.string)) }
        let writer = try FileDescriptor.open(live, .readWrite)
        #expect(flock(writer.rawValue, LOCK_EX | LOCK_NB) == 0)
        #expect(KVSegmentFiles(root: folder).remove() == 0)
        #expect(!FileManager.default.fileExists(atPath: dead.string))
        #expect(FileManager.default.fileExists(atPath: live.string))
        try writer.close()
    }
}
