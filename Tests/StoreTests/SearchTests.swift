// Ranking on small texts, questions of any shape, independence from what else is cached.

import Documents
import Testing

@testable import Store

@Suite struct SearchTests {
    let store: CorpusStore
    let contract: Document
    let handbook: Document

    init() throws {
        store = try CorpusStore.inMemory()
        let (contract, contractSegments) = sample(
            "contract",
            [
                "The supplier shall deliver the goods within ten working days of the order.",
                "The supplier may terminate this agreement on thirty (30) days' written notice after a payment default.",
                "This agreement is governed by the law of the Netherlands.",
            ])
        let (handbook, handbookSegments) = sample(
            "handbook",
            [
                "Employees receive 28 days of annual leave.", "Staff may work from abroad for up to 45 days a year.",
                "Notice must be given in writing.",
            ])
        try store.index(contract, segments: contractSegments, variant: "v")
        try store.index(handbook, segments: handbookSegments, variant: "v")
        self.contract = contract
        self.handbook = handbook
    }

    func search(_ question: String, _ documents: [Document]? = nil, limit: Int = 10) throws -> [SegmentHit] {
        try store.search(
            question, documents: (documents ?? [contract, handbook]).map(\.sha256), variant: "v", limit: limit)
    }

    @Test(arguments: [
        ("What notice period applies after a missed payment?", "contract", 1),
        ("Which law governs the agreement?", "contract", 2),
        ("How many days of annual leave does an employee get?", "handbook", 0),
        ("For how long may staff work from abroad?", "handbook", 1),
        ("TERMINATION", "contract", 1), ("délivery of góods", "contract", 0), ("deliv*", "contract", 0),
    ])
    func bestSegment(_ question: String, document: String, segment: Int) throws {
        let best = try #require(try search(question).first)
        #expect(best.sha256 == hash(document))
        #expect(best.segmentIndex == segment)
        #expect(best.score > 0)
    }

    @Test func onlyDocumentsAskedFor() throws {
        let hits = try search("notice", [handbook])
        #expect(hits.map(\.sha256) == [handbook.sha256])
        #expect(hits.map(\.segmentIndex) == [2])
        #expect(try store.search("notice", documents: [handbook.sha256], variant: "other", limit: 5).isEmpty)
        #expect(try store.search("notice", documents: [hash("unknown")], variant: "v", limit: 5).isEmpty)
        #expect(try store.search("notice", documents: [], variant: "v", limit: 5).isEmpty)
    }

    @Test func rankingIgnoresWhatElseIsCached() throws {
        let before = try search("notice days supplier")
        for number in 0..<30 {
            let (document, segments) = sample("other\(number)", ["notice notice days supplier \(number)"])
            try store.index(document, segments: segments, variant: "v")
        }
        #expect(try search("notice days supplier") == before)
    }

    @Test func rareWordsWeighMore() throws {
        let (document, segments) = sample("rare", ["alpha beta", "alpha gamma", "alpha delta", "alpha alpha alpha"])
        try store.index(document, segments: segments, variant: "v")
        let hits = try store.search("alpha gamma", documents: [document.sha256], variant: "v", limit: 4)
        #expect(hits.first?.segmentIndex == 1)
        #expect(hits.count == 4)
    }

    @Test func scoresAreThoseOfTheFormula() throws {
        let (document, segments) = sample("formula", ["cat", "dog cat", "dog dog dog"])
        try store.index(document, segments: segments, variant: "v")
        let hits = try store.search("cat", documents: [document.sha256], variant: "v", limit: 4)
        // N = 3, df = 2, average length 2: idf = ln(1 + 1.5 / 2.5); tf = 1, lengths 1 and 2.
        #expect(hits.map(\.segmentIndex) == [0, 1])
        #expect(abs(hits[0].score - 0.470003629245736 * 2.2 / (1 + 1.2 * 0.625)) < 1e-12)
        #expect(abs(hits[1].score - 0.470003629245736) < 1e-12)
    }

    @Test func headingsCountHalf() throws {
        let (document, segments) = sample("headed", ["first words here", "other words here"], heading: "Vacation")
        try store.index(document, segments: segments, variant: "v")
        let hits = try store.search("vacation", documents: [document.sha256], variant: "v", limit: 4)
        #expect(hits.map(\.segmentIndex) == [0, 1])
    }

    @Test func chineseAndGermanCompounds() throws {
        let (document, segments) = sample(
            "mixed", ["付款逾期后三十天内可以终止合同。", "Die Kündigungsfristen betragen drei Monate.", "Nichts davon."])
        try store.index(document, segments: segments, variant: "v")
        func best(_ question: String) throws -> Int? {
            try store.search(question, documents: [document.sha256], variant: "v", limit: 1).first?.segmentIndex
        }
        #expect(try best("终止合同的条件") == 0)
        #expect(try best("Wie lange ist die Kündigung") == 1)
    }

    @Test(arguments: [
        "", " ", "\"", "\"\"", "a AND", "NEAR(", "NEAR(a b, 3)", "notice*)", "-notice", "^notice", "text:notice",
        "notice; DROP TABLE documents", "{text} : notice", "'; --", "\u{0}notice\u{0}", "* * *", "((((", "😀", "\\",
        "notice + payment", "the of and", "\u{FFFF}", String(repeating: "notice ", count: 5000),
        String(repeating: "x", count: 100_000),
    ])
    func anyQuestionIsSafe(_ question: String) throws {
        let hits = try search(question)
        #expect(hits.count <= 6)
        if question.contains("notice") { #expect(!hits.isEmpty) }
        #expect(try store.usage().indexedDocuments == 2)
    }

    @Test func stopWordsAloneAreStillLookedUp() throws {
        #expect(try search("of the").isEmpty == false)
    }

    @Test func reindexingReplaces() throws {
        let (document, segments) = sample("contract", ["Entirely new wording."])
        try store.index(document, segments: segments, variant: "v")
        #expect(try search("supplier").isEmpty)
        #expect(try search("wording").map(\.segmentIndex) == [0])
        #expect(try store.usage().segments == 4)
    }

    @Test func limitCutsTheTail() throws {
        let all = try search("notice days")
        #expect(all.count > 2)
        #expect(try search("notice days", limit: 2) == Array(all.prefix(2)))
        #expect(try search("notice days", limit: 0).isEmpty)
    }
}
