// A walk through a long text on a small model, with pages on disk and without.

import Foundation
import Hashing
import Inference
import KVCache
import Kernels
import SystemPackage
import Testing

@testable import Benchmarks

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct KVBenchmarkTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-walk-\(UUID().uuidString)")

    @Test func stopsArePowersOfTwoAndTheEnd() {
        #expect(KVBenchmark.stops(upTo: 100) == [100])
        #expect(KVBenchmark.stops(upTo: 2048) == [2048])
        #expect(KVBenchmark.stops(upTo: 2200) == [2200])
        #expect(KVBenchmark.stops(upTo: 9000) == [2048, 4096, 8192, 9000])
    }

    private func options(kvMemory: Int?, store: Bool) -> EngineOptions {
        var options = EngineOptions(threads: 2, contextLimit: 4200)
        options.segmentTokens = 512
        options.pagingFolder = folder
        options.kvMemory = kvMemory
        if store {
            options.kvStore = KVStoreOptions(root: folder, namespace: ContentHash(of: "walk"), limit: nil) { problem in
                Issue.record("\(problem)")
            }
        }
        return options
    }

    @Test(arguments: [true, false]) func theWalkTellsWhatItCost(store: Bool) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let model = try ModelFile(RecallModel(.tiny))
        // One layer of four sees everything: 512 bytes of each token.
        let options = options(kvMemory: 4_000_000, store: store)
        let engine = try await model.open(options)
        let report = try await KVBenchmark(engine, decode: 4, segmentTokens: 512, reuses: store).run(upTo: 4096)
        #expect(report.stops.map(\.position) == [2048, 4096])
        // Each stop computes the newest stretch alone; the second one has read a token of it before.
        #expect(report.stops.map(\.readTokens) == [2049, 2047])
        #expect(report.stops.allSatisfy { $0.writtenTokens == 4 && $0.prefillRate ?? 0 > 0 && $0.decodeRate ?? 0 > 0 })
        for stop in report.stops {
            let counts = stop.counts
            #expect(counts.pagedBytes == counts.paged * 512 && counts.paged.isMultiple(of: 512))
            #expect(counts.residentBytes <= 4_000_000)
            // Every step reads all that is on disk, ahead of it and for the next one too.
            #expect(stop.decodeReads.bytes >= counts.pagedBytes * 4)
            #expect((0...1).contains(stop.decodeReads.readyShare ?? -1) && (0...1).contains(stop.waitShare))
        }
        #expect(report.reuse?.cached == (store ? 4096 : nil))
        #expect(report.reuse.map(\.hitRate) == (store ? 1 : nil))
    }

    @Test func theDiskIsProbedThroughTheSameFiles() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let model = try ModelFile(RecallModel(.tiny))
        let corpus = RecallCorpus(.tiny, tokens: 4000, depths: 3, seed: 5)
        let engine = try await model.open(options(kvMemory: 4_000_000, store: false))
        #expect(await engine.probeDisk(atMost: .max) == nil)
        let report = try await RecallBenchmark(engine, corpus).run()
        #expect(report.found == report.answers.count)
        let reads = try #require(report.reads)
        #expect(reads.counts.bytes >= report.keyValues.pagedBytes && reads.counts.blocks > 0)
        // All of it once.
        #expect(reads.disk?.bytes == report.keyValues.pagedBytes)
        #expect(await engine.probeDisk(atMost: 1)?.bytes ?? .max < report.keyValues.pagedBytes)
        #expect(await engine.latestKeyValues == engine.keyValueCounts)
        let whole = try await RecallBenchmark(try await model.open(context: 4096), corpus).run()
        #expect(whole.reads == nil && whole.keyValues.pagedBytes == 0)
    }

    @Test func sharesAreOfTheRightWhole() {
        var counts = KVReadCounts()
        (counts.bytes, counts.blocks, counts.ready, counts.waitSeconds) = (4000, 10, 9, 0.5)
        var reads = RecallReads(
            counts: counts, deviceBytes: nil, seconds: 2, disk: KVDiskProbe(bytes: 5000, seconds: 2))
        #expect(reads.waitShare == 0.25 && reads.rate == 2000 && reads.shareOfDisk == 0.8 && !reads.isComputeBound)
        reads.counts.waitSeconds = 0.1
        #expect(reads.isComputeBound)
        #expect(counts.since(counts) == KVReadCounts() && counts.readyShare == 0.9)
        #expect(KVReadCounts().readyShare == nil)
    }

    @Test func thePictureIsDrawnToScale() throws {
        func stop(_ position: Int, _ read: Double, _ write: Double) -> KVStop {
            KVStop(
                position: position, readTokens: position, readSeconds: Double(position) / read, writtenTokens: 8,
                writeSeconds: 8 / write, counts: .none, prefillReads: KVReadCounts(), decodeReads: KVReadCounts())
        }
        let report = KVReport(
            stops: [stop(2048, 1000, 100), stop(4096, 500, 40), stop(8192, 200, 10)], reuse: nil, peakMemory: nil)
        let svg = KVPlot(report, title: "a <b> & c").svg
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("a &lt;b&gt; &amp; c") && !svg.contains("<b>"))
        #expect(XMLParser(data: Data(svg.utf8)).parse())
        #expect(!svg.contains("href") && !svg.contains("<script"))
        // From 2K at the left to 8K at the right, from 1000 at the top to 10 at the bottom, 4K half way.
        #expect(svg.contains("points=\"64,48 344,93.8 624,154.2\""))
        #expect(svg.contains("points=\"64,200 "))
        #expect(svg.contains(">2K</text>") && svg.contains(">8K</text>") && svg.contains(">1000</text>"))
        #expect(KVPlot(KVReport(stops: [stop(512, 100, 20)], reuse: nil), title: "").svg.contains(">512</text>"))
        #expect(KVPlot(KVReport(stops: [], reuse: nil), title: "").svg.hasSuffix("</svg>\n"))
    }

    @Test func theAxisEndsBesideItsValues() {
        #expect(Axis([2048, 8192], base: 2).ticks == [2048, 4096, 8192])
        #expect(Axis([3000, 9000], base: 2).ticks == [2048, 4096, 8192, 16_384])
        #expect(Axis([30, 700], base: 10).ticks == [20, 50, 100, 200, 500, 1000])
        #expect(Axis([5], base: 10).ticks == [5, 10])
        #expect(Axis([], base: 2).ticks.count >= 2)
    }
}
