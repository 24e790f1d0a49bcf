// The examples of the manual: what is built parses, what is not is named.

import Runs
import Testing

@testable import Pipeline

@Suite struct ExampleTests {
    func complaints(_ name: String) throws -> [String] {
        let inputs = PipelineInputs(read: { _ in "Summarize." })
        return PipelineDefinition.parse(try fixture(name), path: name, inputs: inputs).complaints
            .map { "\($0.line):\($0.column) \($0.codeText) \($0.message)" }
    }

    @Test func firstExample() throws {
        let complaints = try complaints("example1.yaml")
        #expect(
            complaints == [
                #"16:5 DP-YAML-04 "reduce" is not built yet in this version"#,
                #"20:11 DP-YAML-04 "html" is not built yet in this version"#,
                #"20:56 DP-YAML-04 "trace" is not built yet in this version"#,
            ])
    }

    @Test func secondExample() throws {
        let complaints = try complaints("example2.yaml")
        #expect(
            complaints == [
                #"5:1 DP-YAML-04 "matrix" is not built yet in this version"#,
                #"6:20 DP-YAML-04 "matrix" is not built yet in this version"#,
                #"28:33 DP-YAML-04 "html" is not built yet in this version"#,
            ])
    }

    @Test func thirdExample() throws {
        let complaints = try complaints("example3.yaml")
        #expect(
            complaints == [
                #"4:1 DP-YAML-04 "network" is not built yet in this version"#,
                #"5:1 DP-YAML-04 "backends" is not built yet in this version"#,
                #"17:12 DP-YAML-04 "backend" is not built yet in this version"#,
                #"20:5 DP-YAML-04 "extract" is not built yet in this version"#,
                #"24:5 DP-YAML-04 "reduce" is not built yet in this version"#,
                #"27:11 DP-YAML-04 "html" is not built yet in this version"#,
            ])
    }

    /// The first two without what is not built: every value arrives.
    @Test func firstExampleWithoutWhatIsNotBuilt() throws {
        var lines = try fixture("example1.yaml").split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
        lines.removeAll { $0.contains("reduce") || $0.contains("overview") }
        let text = lines.joined(separator: "\n").replacing("html: out/report.html, ", with: "")
            .replacing(", trace: out/trace.json.gz", with: "")
        let parsed = PipelineDefinition.parse(
            text, path: "dir/p.yaml",
            inputs: PipelineInputs(read: { path in
                guard path == "dir/prompts/digest.md" else { throw FileError.missing(path: path) }
                return "Digest it."
            }))
        let definition = try #require(parsed.definition, "\(parsed.complaints.map(\.rendered))")
        let step = definition.steps[0]
        #expect(
            step.work == .summarize(SummarizeStep(corpus: "policies", per: .document, words: 180, prompt: "Digest it."))
        )
        #expect(step.settings.model?.name == "gemma-4-e4b-it:q4_0")
        #expect(step.settings.memory == 12 << 30 && step.settings.seed == 7)
        #expect(
            step.asserts.map(\.rule) == [
                .coverage(CoverageFloor(documents: 1, pages: 0.99)), .each(.maxWords(220)),
                .each(.citations(min: 2, verified: .all)),
            ])
        #expect(definition.corpora["policies"]?.exclude == ["**/drafts/**"])
        #expect(definition.outputs.map(\.path) == ["out/digests/{doc.stem}.md"])
        #expect(definition.limits.seconds == 2400 && definition.limits.inputTokens == 2 << 20)
        #expect(definition.resolve("out/x") == "dir/out/x" && definition.resolve("/x") == "/x")
    }

    @Test func secondExampleWithoutWhatIsNotBuilt() throws {
        let text = try fixture("example2.yaml").split(separator: "\n").filter { !$0.hasPrefix("matrix") }
            .joined(separator: "\n").replacing("${matrix.model}", with: "smollm2").replacing(
                ", html: out/report.html", with: "")
        let definition = try #require(PipelineDefinition.parse(text, path: "p.yaml").definition)
        guard case .ask(let ask) = definition.steps[0].work else {
            Issue.record("not an ask step")
            return
        }
        #expect(ask.questions.map(\.id) == ["leave", "abroad", "trap"])
        #expect(
            ask.questions.map { $0.expect.map(\.rule) } == [
                [.number(value: 28, tolerance: 0), .cites(doc: "handbook/leave.pdf", pages: PageSelection("3-4"))],
                [.containsAny(["45 days", "forty-five days"])], [.notFound(true)],
            ])
        #expect(ask.questions[0].expect.map(\.line) == [14, 15])
        #expect(
            definition.steps[0].asserts.map(\.rule) == [
                .passRate(min: 0.95), .baseline(file: "tests/baseline.json", allowDrop: 0),
            ])
    }

    @Test func schemaNamesTheKeysOfTheTable() throws {
        let schema = PipelineSchema.json
        let parsed = try JSONValue(parsing: schema.pretty)
        #expect(parsed.line == schema.line)
        func names(_ value: JSONValue?) -> [String] {
            if case .object(let members) = value { members.map(\.key) } else { [] }
        }
        #expect(schema["additionalProperties"] == false)
        #expect(names(schema["properties"]).contains("steps") && !names(schema["properties"]).contains("matrix"))
        let step = schema["properties"]?["steps"]?["items"]
        #expect(names(step?["properties"]).sorted() == ["ask", "assert", "id", "needs", "on_error", "summarize"])
        #expect(step?["oneOf"]?.elements?.count == 2)
        let check = step?["properties"]?["ask"]?["properties"]?["questions"]?["items"]?["properties"]?["expect"]?[
            "items"]
        #expect(names(check?["properties"]).contains("contains_any") && !names(check?["properties"]).contains("judge"))
        #expect(check?["maxProperties"] == 1)
    }
}
