import Answering
import FoundationEssentials
import Testing

@Suite struct AnswerRecordTests {
    /// The fields that PRODUCT.md section 4 shows, under their names there.
    @Test func theRecordHasTheFieldsOfItsSchema() throws {
        var answer = Answer(
            question: "q", status: .notFound, answer: "a", strategy: .map,
            citations: [
                Citation(
                    id: 1, doc: "d", sha256: "s", page: 14, pageLabel: "12", quote: "q", prefix: "p", suffix: "x",
                    offset: [1, 2], boxes: [[1, 2, 3, 4]], verified: .normalized)
            ], model: AnswerModel(name: "m", quant: "q4_0", sha256: "f", license: "Apache-2.0"))
        answer.run = "01"
        answer.seconds = 1
        let data = try JSONEncoder().encode(answer)
        #expect(try JSONDecoder().decode(Answer.self, from: data) == answer)
        let text = String(decoding: data, as: UTF8.self)
        for field in [
            "\"schema\":\"docproc.answer\\/1\"", "\"status\":\"not_found\"", "\"page_label\":\"12\"",
            "\"offset\":[1,2]",
            "\"verified\":\"normalized\"", "\"hidden\":false", "\"input_tokens\":0", "\"cached_tokens\":0",
            "\"output_tokens\":0", "\"cut\":0", "\"run\":\"01\"", "\"strategy\":\"map\"",
        ] {
            #expect(text.contains(field), "\(field)")
        }
    }
}
