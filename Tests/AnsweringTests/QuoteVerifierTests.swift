import Answering
import Documents
import Testing

private let corpus: [Document] = [
    textDocument(
        "contracts/msa.pdf",
        pages: ["Nothing of note.", "The governing law is that of Norway; liability is limited to fees."]),
    textDocument(
        "contracts/amend-3.pdf", pages: ["The notice period shall be sixty (60) days for public bodies.", "Signed."]),
]

@Suite struct QuoteVerifierTests {
    @Test func markdown() {
        let draft = """
            # Report

            For public bodies it is "sixty (60)
            days" (amend-3.pdf, p. 1).

            ```
            "not a quotation at all"
            ```

            - The “governing law” is named on p. 9 of msa.pdf.
            - We say "liability is unlimited" here.
            - A "mention" is nothing, and 3" pipes are none.

            > The notice period shall
            > be sixty (60) days
            > — amend-3.pdf, page 2
            """
        let found = QuoteVerifier(corpus).verify(draft, format: .markdown)
        #expect(found.map(\.line) == [3, 10, 11, 14])
        #expect(found.map(\.verdict) == [.ok, .moved, .missing, .moved])
        #expect(found[0].found == VerifiedQuotation.Place(doc: "contracts/amend-3.pdf", page: 1))
        #expect(found[0].cited == VerifiedQuotation.Cited(doc: "amend-3.pdf", page: "1"))
        #expect(found[1].cited?.page == "9")
        #expect(found[1].found == VerifiedQuotation.Place(doc: "contracts/msa.pdf", page: 2))
        #expect(found[2].nearest == "liability is limited")
        #expect(found[2].similarity.map { Int(($0 * 100).rounded()) } == 91)
        #expect(found[3].quote == "The notice period shall be sixty (60) days")
    }

    @Test func theListUnderAnAnswer() {
        let draft = """
            It is sixty days [1]; Norwegian law applies [2].

            [1] contracts/amend-3.pdf p. 1 "notice period shall be sixty (60) days"
            [2] contracts/msa.pdf p. 1 "governing law is that of Norway"
            """
        let found = QuoteVerifier(corpus).verify(draft, format: .text)
        #expect(found.map(\.verdict) == [.ok, .moved])
        #expect(found.map(\.line) == [3, 4])
    }

    @Test func html() {
        let draft = """
            <html><body><p class="a
            b">He wrote &ldquo;sixty (60) days&rdquo; (p. 1).</p>
            <script>var a = "no quotation here";</script>
            <blockquote><p>The governing law is
            that of Norway</p><footer>msa.pdf, p. 2</footer></blockquote>
            <q>liability is limited to fees</q> p. 3
            </body></html>
            """
        let found = QuoteVerifier(corpus).verify(draft, format: .html)
        #expect(found.map(\.verdict) == [.ok, .ok, .moved])
        #expect(found.map(\.line) == [2, 4, 6])
    }

    @Test func records() {
        let one = """
            {"schema":"docproc.answer/1",
             "citations":[
              {"id":1,"doc":"contracts/msa.pdf","sha256":"\(String(repeating: "a", count: 64))","page":2,
               "quote":"liability is limited to fees"},
              {"id":2,"doc":"contracts/amend-3.pdf","page":2,"quote":"sixty (60) \\u0064ays"},
              {"id":3,"doc":"contracts/amend-3.pdf","page":1,"quote":"ninety (90) days"}]}
            """
        let found = QuoteVerifier(corpus).verify(one, format: .record)
        #expect(found.map(\.verdict) == [.ok, .moved, .missing])
        #expect(found.map(\.line) == [4, 5, 6])
        let lines =
            "{\"citations\":[]}\n\n{\"citations\":[{\"quote\":\"sixty (60) days\",\"page\":1,\"doc\":\"amend-3.pdf\"}]}\n"
        #expect(QuoteVerifier(corpus).verify(lines, format: .record).map(\.line) == [3])
        #expect(QuoteVerifier.DraftFormat.of(path: "-", text: lines) == .record)
        let several = "{\"schema\":\"docproc.answers/1\",\"answers\":[\(one)]}"
        #expect(QuoteVerifier(corpus).verify(several, format: .record).map(\.verdict) == [.ok, .moved, .missing])
    }

    @Test func documentsThatAreNotThereVouchForNothing() {
        let quote = "liability is limited to fees"
        func verdicts(_ draft: String, _ format: QuoteVerifier.DraftFormat) -> [QuoteVerdict] {
            QuoteVerifier(corpus).verify(draft, format: format).map(\.verdict)
        }
        func record(_ fields: String) -> String { "{\"citations\":[{\(fields)}]}" }
        #expect(
            verdicts(record("\"doc\":\"contracts/other.pdf\",\"page\":2,\"quote\":\"\(quote)\""), .record) == [.moved])
        #expect(verdicts(record("\"doc\":\"contracts/other.pdf\",\"quote\":\"\(quote)\""), .record) == [.moved])
        #expect(verdicts(record("\"doc\":\"msa.pdf\",\"page\":2"), .record) == [.missing])
        #expect(verdicts(record("\"doc\":\"msa.pdf\",\"quote\":null"), .record) == [.missing])
        #expect(verdicts("\"\(quote)\" [contracts/other.pdf, p. 2]", .markdown) == [.moved])
        #expect(verdicts("\"\(quote)\" (b.md p. 2)", .markdown) == [.moved])
        // A file's name without a page may be something else.
        #expect(verdicts("\"\(quote)\", which settings.md repeats", .markdown) == [.ok])
    }

    @Test func recordsThatBreakOffAreToldByTheirLine() {
        func fault(_ draft: String, _ path: String = "-") -> Int? {
            QuoteVerifier.fault(in: draft, format: .of(path: path, text: draft))
        }
        #expect(fault("{\"schema\":\"docproc.answer/1\",\"citations\":[{\"id\":1,\"quote\":\"x y z") == 1)
        #expect(fault("{\"citations\":[]}\n{\"citations\":[{\"quo", "a.jsonl") == 2)
        #expect(fault("", "a.json") == 1)
        #expect(fault("{\"citations\":[]}\n\n{\"citations\":[]}\n", "a.jsonl") == nil)
        #expect(fault("[]", "a.json") == nil && fault("{ Braces of prose.", "a.txt") == nil)
    }

    @Test func formatsAreTold() {
        #expect(QuoteVerifier.DraftFormat.of(path: "a.md", text: "{}") == .markdown)
        #expect(QuoteVerifier.DraftFormat.of(path: "a", text: "<!DOCTYPE html><p>") == .html)
        #expect(QuoteVerifier.DraftFormat.of(path: "a", text: "Plain text.") == .text)
    }
}
