// What is said about keys and values while documents are read: when, and with which figures.

import Answering
import Foundation
import Inference
import KVCache
import Synchronization
import Testing

@testable import docproc

@Suite struct NarrationTests {
    private let path = FileManager.default.temporaryDirectory.path + "/docproc-events-\(UUID().uuidString)"

    private static func counts(paged: Int, read: Int) -> KeyValueCounts {
        var reads = KVReadCounts()
        (reads.bytes, reads.blocks, reads.ready, reads.waitSeconds) = (read, 4, 3, 0.25)
        return KeyValueCounts(
            resident: 512, paged: paged / 1024, residentBytes: 1 << 30, pagedBytes: paged, reads: reads)
    }

    /// The `kv` events after some reports, with what is known of keys and values at each.
    private func events(_ reports: [(AnswerProgress, KeyValueCounts)]) throws -> [[String: Any]] {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let output = try ResultOutput(path: path)
        let now = Mutex(KeyValueCounts.none)
        let narrator = Narrator(
            options: .init(mode: .none, style: Style(enabled: false), quiet: true), isTerminal: false)
        let narration = AnswerNarration(narrator: narrator, events: EventSink(run: "r", output: output)) {
            now.withLock { $0 }
        }
        for (report, counts) in reports {
            now.withLock { $0 = counts }
            narration.take(report)
        }
        narration.end()
        narration.end()
        try output.finish()
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["type"] as? String == "kv" }
    }

    private func window(_ index: Int, cached: Int = 0) -> [AnswerProgress] {
        [
            .windowStarted(index: index, of: 2, tokens: 900),
            .prefill(window: index, done: 400, total: 900, cached: cached),
            .prefill(window: index, done: 900, total: 900, cached: cached),
        ]
    }

    @Test func nothingIsSaidOfWhatIsInMemoryAndComputed() throws {
        #expect(try events(window(0).map { ($0, Self.counts(paged: 0, read: 0)) }).isEmpty)
    }

    @Test func onceForEachWindowAndAtTheEnd() throws {
        var reports = window(0).map { ($0, Self.counts(paged: 1 << 20, read: 10)) }
        reports += window(1, cached: 300).map { ($0, Self.counts(paged: 1 << 21, read: 20)) }
        reports.append((.warning("x"), Self.counts(paged: 1 << 21, read: 99)))
        let events = try events(reports)
        #expect(events.compactMap { $0["window"] as? Int } == [0, 1, 1])
        #expect(events.compactMap { $0["paged"] as? Int } == [1 << 20, 1 << 21, 1 << 21])
        #expect(events.compactMap { $0["cached"] as? Int } == [0, 300, 300])
        #expect(events.compactMap { ($0["reads"] as? [String: Any])?["bytes"] as? Int } == [10, 20, 99])
        #expect(events.allSatisfy { $0["resident"] as? Int == 1 << 30 && $0["resident_tokens"] as? Int == 512 })
        let reads = try #require(events[0]["reads"] as? [String: Any])
        #expect(Set(reads.keys) == ["bytes", "blocks", "ready", "wait_seconds"])
    }

    @Test func aWindowThatWasStoredIsTold() throws {
        let events = try events(window(0, cached: 800).map { ($0, Self.counts(paged: 0, read: 0)) })
        #expect(events.compactMap { $0["cached"] as? Int } == [800])
    }

    @Test func wordsOfTheLine() {
        #expect(KeyValueWords.line(Self.counts(paged: 0, read: 0)) == nil)
        #expect(KeyValueWords.closing(Self.counts(paged: 0, read: 0)) == nil)
        let counts = Self.counts(paged: 6_871_947_674, read: 3 << 20)
        #expect(KeyValueWords.line(counts) == "kv 1.0 GiB ram + 6.4 GiB disk")
        #expect(KeyValueWords.closing(counts) == "kv 1.0 GiB ram + 6.4 GiB disk, 3.0 MiB read, waited 0.3s")
    }
}
