// The extractor on pages that others wrote, with committed floors.

import Documents
import Foundation
import Hashing
import Testing

@testable import Ingest

struct Floor: Codable {
    /// Word F1, the mean of the pages'.
    var wordF1: Double
    /// SHA-256 over the names and hashes of the truths, so that a floor is never compared with another corpus.
    var corpus: String
}

@Suite struct HTMLCorpusTests {
    static let floors: [String: Floor] = {
        let file = WorkerTest.root.appending(path: "Tests/IngestTests/Fixtures/floors.json")
        guard let data = try? Data(contentsOf: file) else { return [:] }
        return (try? JSONDecoder().decode([String: Floor].self, from: data)) ?? [:]
    }()

    @Test(.enabled(if: WorkerTest.shared != nil, "no corpora beside the repository"), arguments: ["html", "encodings"])
    func scoreIsAboveTheFloor(_ name: String) throws {
        let corpus = try #require(WorkerTest.shared).appending(path: "corpora/\(name)")
        let floor = try #require(Self.floors[name])
        let ids = try FileManager.default.contentsOfDirectory(atPath: corpus.appending(path: "truth").path)
            .filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
        let extractor = HTMLExtractor(decoders: Decoders())
        var sum = 0.0
        var hasher = ContentHasher()
        for id in ids {
            let truth = try Data(contentsOf: corpus.appending(path: "truth/\(id).txt"))
            hasher.update(Array("\(id) \(ContentHash(of: truth).hex)\n".utf8))
            let page = try WorkerTest.bytes(corpus.appending(path: "pages/\(id).html"))
            let extracted = try extractor.extract(page, ExtractionRequest(format: .html)).get()
            let document = Normalizer.document(extracted, sha256: "", path: id, format: .html).document
            sum += WordScore.f1(document.mainText, String(decoding: truth, as: UTF8.self))
        }
        let mean = sum / Double(max(ids.count, 1))
        print("\(name): word F1 \(mean) on \(ids.count) pages, floor \(floor.wordF1)")
        #expect(mean >= floor.wordF1)
        #expect(hasher.finalize().hex == floor.corpus, "the corpus is not the one that the floor was set on")
    }
}
