// Question files of both kinds.

import Runs
import Testing

@testable import Pipeline

@Suite struct QuestionFileTests {
    @Test func recordsWithExpectationsAndOwnFields() throws {
        let (questions, complaints) = QuestionFile.parse(try fixture("questions.jsonl"), path: "q.jsonl")
        #expect(complaints.isEmpty)
        #expect(questions.map(\.id) == ["leave", "q2"])
        #expect(questions.map(\.line) == [1, 3])
        #expect(
            questions[0].expect.map(\.rule) == [
                .number(value: 28, tolerance: 0), .cites(doc: "leave.pdf", pages: PageSelection("3-4")),
            ])
        #expect(questions[0].fields == [.init("source", "handbook 😀")])
        #expect(questions[1].expect.map(\.rule) == [.notFound(true)])
    }

    @Test func plainLines() {
        let (questions, complaints) = QuestionFile.parse("# ours\r\n  What? \r\n\nWhy: so?\n", path: "q.txt")
        #expect(complaints.isEmpty)
        #expect(questions.map(\.text) == ["What?", "Why: so?"])
        #expect(questions.map(\.id) == ["q1", "q2"])
        #expect(questions.map(\.line) == [2, 4])
    }

    @Test func everyMistakeAtItsPlace() throws {
        let (questions, complaints) = QuestionFile.parse(try fixture("questions-bad.jsonl"), path: "q.jsonl")
        #expect(questions.map(\.text) == ["One?", "Two?", "Four?", "Six?"])
        #expect(
            complaints.map { "\($0.line):\($0.column) \($0.codeText.suffix(2)) \($0.suggestion ?? "-")" } == [
                #"1:22 07 did you mean "expect"?"#, #"2:22 07 did you mean "number"?"#,
                #"3:1 02 call "question" "q""#, "4:7 06 it is already in line 1", "5:23 01 -",
                "6:22 03 write it with - or in []",
            ])
    }

    @Test func emptyFileIsAComplaint() {
        #expect(QuestionFile.parse("\n# nothing\n", path: "q").complaints.map(\.codeText) == ["DP-YAML-02"])
    }

    @Test func questionsFileInsideAPipeline() throws {
        let text = """
            version: 1
            name: x
            corpora: {c: {paths: a}}
            steps:
              - id: s
                ask: {corpus: c, questions_file: q.jsonl}
                assert: [pass_rate: {min: 90%}]
            """
        let good = try fixture("questions.jsonl")
        let definition = PipelineDefinition.parse(
            text, path: "d/p.yaml", inputs: PipelineInputs(read: { $0 == "d/q.jsonl" ? good : "" })
        ).definition
        guard case .ask(let ask) = definition?.steps[0].work else {
            Issue.record("no ask step")
            return
        }
        #expect(ask.questions.map(\.id) == ["leave", "q2"])
        #expect(ask.questions[0].file == "d/q.jsonl")

        let bad = try fixture("questions-bad.jsonl")
        let complaints = PipelineDefinition.parse(text, path: "d/p.yaml", inputs: PipelineInputs(read: { _ in bad }))
            .complaints
        #expect(complaints.count == 6 && complaints.allSatisfy { $0.path == "d/q.jsonl" })

        let missing = PipelineDefinition.parse(
            text, path: "p.yaml", inputs: PipelineInputs(read: { throw FileError.missing(path: $0) })
        ).complaints
        #expect(
            missing.map { "\($0.line):\($0.column) \($0.message)" } == [
                "6:38 q.jsonl can't be read: there is no such file"
            ])
    }
}
