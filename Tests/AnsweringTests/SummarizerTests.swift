import Answering
import Documents
import Packing
import Testing

private let corpus = AskCorpus(
    documents: [
        segmented("a.txt", ["The tug was built in 1908.", "The museum bought it in 1973 for one krone."]),
        segmented("b.txt", []),
    ], failed: [.init(path: "c.pdf", reason: "encrypted")])

/// Writes the first sentence of every passage back, with its mark.
private func echo(_ prompt: String) -> String {
    prompt.split(separator: "\n").filter { $0.hasPrefix("[") && !$0.contains("lorem") }.map { line in
        let mark = line.prefix { $0 != "]" } + "]"
        return line.dropFirst(mark.count + 1).dropLast() + " " + mark + "."
    }.joined(separator: " ")
}

@Suite struct SummarizerTests {
    @Test func oneRecordForEachDocument() async throws {
        let records = try await Summarizer(generator: ScriptedGenerator(reply: echo)).summarize(
            corpus, numerics: "fast-1")
        #expect(records.map(\.doc) == ["a.txt", "b.txt", "c.pdf"])
        #expect(records.map(\.status) == [.ok, .empty, .failed])
        #expect(records[0].text == "The tug was built in 1908 [1]. The museum bought it in 1973 for one krone [2].")
        #expect(records[0].citations.map(\.page) == [1, 2])
        #expect(records[0].pages == 2)
        #expect(records[2].coverage.files.failed == 1)
    }

    @Test func aKnownKeyIsNotComputedAgain() async throws {
        let model = ScriptedGenerator(reply: echo)
        let summarizer = Summarizer(generator: model)
        let first = try await summarizer.summarize(corpus, numerics: "fast-1")
        let count = model.requests.count
        let again = try await summarizer.summarize(
            corpus, numerics: "fast-1", reuse: { key in first.first { $0.key == key && $0.status == .ok } })
        #expect(again[0].cached && again[0].text == first[0].text)
        #expect(model.requests.count == count)
    }

    @Test func theKeyChangesWithWhatMatters() {
        let model = ScriptedGenerator(reply: echo)
        let documents = [corpus.documents[0]]
        let base = Summarizer(generator: model).key(of: documents, numerics: "fast-1")
        #expect(base == Summarizer(generator: model).key(of: documents, numerics: "fast-1"))
        var other = documents
        other[0].document.text += "!"
        let keys = [
            Summarizer(generator: model).key(of: documents, numerics: "exact-1"),
            Summarizer(generator: model).key(of: other, numerics: "fast-1"),
            Summarizer(generator: model, options: SummaryOptions(words: 90)).key(of: documents, numerics: "fast-1"),
            Summarizer(generator: model, options: SummaryOptions(prompt: "List.")).key(
                of: documents, numerics: "fast-1"),
            Summarizer(generator: ScriptedGenerator(fewShot: true, reply: echo)).key(of: documents, numerics: "fast-1"),
        ]
        #expect(Set(keys + [base]).count == 6)
    }

    @Test func longDocumentsAreMergedWithCitationsOfTheSource() async throws {
        let pages = (0..<12).map { "Site \($0) stores \($0 + 30) pumps." }
        let padded = pages.flatMap { [$0, String(repeating: "lorem ipsum ", count: 60)] }
        let model = ScriptedGenerator(reliable: 3000, reply: echo)
        let summarizer = Summarizer(generator: model, options: SummaryOptions(words: 300))
        let record = try #require(
            try await summarizer.summarize(AskCorpus(documents: [segmented("long.txt", padded)]), numerics: "f").first)
        #expect(record.status == .ok)
        #expect(model.requests.count > 2)
        #expect(record.citations.count == 12)
        #expect(record.citations.map(\.page) == (0..<12).map { $0 * 2 + 1 })
        #expect(record.citations.map(\.quote) == pages)
        #expect(record.coverage.tokens.cut == 0 && record.coverage.pages.read == 24)
    }

    @Test func theCorpusGivesOneRecord() async throws {
        let records = try await Summarizer(
            generator: ScriptedGenerator(reply: echo), options: SummaryOptions(per: .corpus)
        ).summarize(corpus, numerics: "f")
        #expect(records.count == 1)
        #expect(records[0].doc == nil)
        #expect(records[0].coverage.files.failed == 1)
    }
}
