// Quotations as readers type them, looked up by the built program: Corpora/quotations.json, made from what pdftotext
// and lxml see, not from what docproc sees.

import Foundation
import Testing

@Suite struct QuotationTests {
    private struct Fixture: Decodable {
        var quotations: [Quotation]
        var altered: [Quotation]
    }

    private struct Quotation: Decodable {
        var file: String
        var page: Int
        var quote: String
    }

    private static let corpora = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Corpora")

    /// What `verify` says about each quotation: its verdict, and the file and page where it stands.
    private func verify(_ quotations: [Quotation]) throws -> [(verdict: String, place: String)] {
        let program = try Program()
        defer { program.remove() }
        let citations: [[String: Any]] = quotations.map { ["doc": $0.file, "page": $0.page, "quote": $0.quote] }
        let record: [String: Any] = ["schema": "docproc.answer/1", "citations": citations]
        try program.write("draft.json", String(decoding: JSONSerialization.data(withJSONObject: record), as: UTF8.self))
        let folders = ["papers", "pages"].flatMap { ["--corpus", Self.corpora.path + "/" + $0] }
        let result = try program.run(["verify", "draft.json", "--json"] + folders)
        let found = try #require(result.json?["quotations"] as? [[String: Any]], "\(result.error)")
        return found.map { quotation in
            let place = quotation["found"] as? [String: Any]
            let path = place?["doc"] as? String ?? ""
            return (
                quotation["verdict"] as? String ?? "",
                path.replacingOccurrences(of: Self.corpora.path + "/", with: "") + " \(place?["page"] as? Int ?? 0)"
            )
        }
    }

    private static func fixture() throws -> Fixture {
        try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: corpora.appending(path: "quotations.json")))
    }

    @Test func quotationsAreFoundWhereTheyStand() throws {
        let wanted = try Self.fixture().quotations
        try #require(wanted.count == 200)
        let found = try verify(wanted)
        try #require(found.count == wanted.count)
        let lost = zip(wanted, found).filter { $1.verdict != "ok" || $1.place != "\($0.file) \($0.page)" }
        for (quotation, answer) in lost {
            print("\(quotation.file) p. \(quotation.page) \(answer): \(quotation.quote)")
        }
        #expect(lost.count <= 2, "of 200, at least 99 % must be found")
    }

    @Test func alteredOnesAreNotConfirmed() throws {
        let wanted = try Self.fixture().altered
        try #require(wanted.count == 200)
        let found = try verify(wanted)
        try #require(found.count == wanted.count)
        for (quotation, answer) in zip(wanted, found) { #expect(answer.verdict == "missing", "\(quotation.quote)") }
    }
}
