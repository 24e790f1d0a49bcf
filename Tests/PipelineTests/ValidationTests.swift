// Seeded mistakes: each must be found at its line and column, under its rule, with the right way out.

import Runs
import Testing

@testable import Pipeline

@Suite struct ValidationTests {
    @Test func soundFileHasNoComplaints() throws {
        let parsed = PipelineDefinition.parse(try fixture("sound.yaml"), path: "sound.yaml")
        #expect(parsed.complaints.map(\.rendered) == [])
        #expect(parsed.definition?.steps.map(\.id) == ["digest", "facts"])
    }

    @Test func thereAreEnoughMistakes() {
        #expect(fixtureNames("mistakes").count >= 35)
    }

    /// The last line of each file says what is expected: place, rule, length of the mark, suggestion.
    @Test(arguments: fixtureNames("mistakes"))
    func mistakeIsFound(_ name: String) throws {
        let text = try fixture("mistakes/" + name)
        let expected = try #require(text.split(separator: "\n").last).split(separator: " ", maxSplits: 5).map(
            String.init)
        let complaints = PipelineDefinition.parse(text, path: name).complaints
        let all = complaints.map(\.rendered).joined(separator: "\n")
        #expect(complaints.count == 1, "\(all)")
        let first = try #require(complaints.first)
        #expect("\(first.line):\(first.column)" == expected[2], "\(all)")
        #expect(first.codeText == "DP-YAML-" + expected[3], "\(all)")
        if expected[4] != "-" { #expect(String(first.length) == expected[4], "\(all)") }
        #expect((first.suggestion ?? "-") == expected[5], "\(all)")
    }

    @Test func renderedAsInTheManual() throws {
        let text = """
            version: 1
            name: policies
            corpora:
              policies: {paths: [policies/]}
            defaults:
              seed: 7
            steps:
              - id: digest
                summarize: {corpus: policies, lenght: 180 words}
            """
        let complaint = try #require(
            PipelineDefinition.parse(text, path: "policies.docproc.yaml").complaints.first)
        #expect(
            complaint.rendered == """
                policies.docproc.yaml:9:35 error[DP-YAML-07]: unknown key "lenght" in summarize, did you mean "length"?
                 9 |     summarize: {corpus: policies, lenght: 180 words}
                   |                                   ^^^^^^
                """)
    }

    @Test func allAtOnceAndInOrder() throws {
        let complaints = PipelineDefinition.parse(try fixture("two-mistakes.yaml"), path: "p.yaml").complaints
        #expect(
            complaints.map { "\($0.line):\($0.column) \($0.codeText.suffix(2)) \($0.message)" } == [
                #"1:1 02 the pipeline has no "name""#,
                #"2:1 07 unknown key "nmae" in the pipeline"#,
                #"4:49 04 on_unreadable must be one of fail, warn, skip, not "skipp""#,
                #"4:56 06 the key "on_unreadable" is given twice in a corpus"#,
                #"7:25 05 there is no corpus "policy""#,
                #"7:38 04 "section" is not built yet in this version"#,
                "10:9 04 pass_rate needs questions with expect, this step has none",
                #"10:26 04 min must be a percentage such as 95%, not "95""#,
                "11:13 05 a step can't need itself",
                #"11:21 05 there is no step "later""#,
                #"13:28 04 format must be one of markdown, json, jsonl, not "markdwon""#,
            ])
    }

    @Test func marksStandBelowWideCharactersAndTabs() throws {
        let text =
            "version: 1\nname: x\ncorpora: {手引き: {paths: [a], patsh: b}}\nsteps:\n  - {id: a, summarize: {corpus: 手引き}}\n"
        let complaint = try #require(PipelineDefinition.parse(text, path: "p").complaints.first)
        let lines = complaint.rendered.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(complaint.column == 29)
        // Three characters before the mark take two columns each.
        #expect(lines[2] == "   | " + String(repeating: " ", count: 28 + 3) + "^^^^^")
    }

    @Test func secretsAreNeverShown() throws {
        let secret = "hf_abcdefghijklmnopqrstuvwxyz"
        let text = """
            version: 1
            name: x
            backends: {gpu: {api_key: "correct horse", base_url: "${env.URL}"}}
            corpora: {c: {paths: [a], unknwon: \(secret)}}
            steps: [{id: s, summarize: {corpus: c, prompt: "sk-" }}]
            """
        let complaints = PipelineDefinition.parse(text, path: "p").complaints
        #expect(complaints.filter { $0.codeText == "DP-YAML-08" }.map(\.line) == [3, 4])
        let all = complaints.map(\.rendered).joined(separator: "\n")
        #expect(!all.contains("correct horse") && !all.contains(secret))
    }

    @Test func variablesAreFilledInAndNeverShown() throws {
        let text = """
            version: 1
            name: x
            params: {day: {type: date, required: true}, words: {type: integer, default: 50}}
            corpora: {c: {paths: ["/srv/${params.day}/${env.PLACE}/*.pdf"]}}
            defaults: {memory: "${env.MEMORY}"}
            steps: [{id: s, summarize: {corpus: c, length: "${params.words} words"}}]
            """
        let given = PipelineInputs(
            environment: ["PLACE": "berlin", "MEMORY": "8G"], params: ["day": "2026-11-21"], strict: true)
        let definition = try #require(PipelineDefinition.parse(text, path: "p", inputs: given).definition)
        #expect(definition.corpora["c"]?.paths == ["/srv/2026-11-21/berlin/*.pdf"])
        #expect(definition.steps[0].settings.memory == 8 << 30)
        if case .summarize(let step) = definition.steps[0].work { #expect(step.words == 50) }

        // `validate` leaves open what `run` must have.
        #expect(PipelineDefinition.parse(text, path: "p").complaints.isEmpty)
        let missing = PipelineDefinition.parse(text, path: "p", inputs: PipelineInputs(strict: true)).complaints
        #expect(
            missing.map { "\($0.line):\($0.column) \($0.codeText)" } == [
                "3:10 DP-YAML-02", "4:43 DP-YAML-05", "5:21 DP-YAML-05",
            ])
        let wrong = PipelineDefinition.parse(
            text, path: "p",
            inputs: PipelineInputs(
                environment: ["PLACE": "x", "MEMORY": "hunter2"], params: ["day": "2026-02-30", "dya": "x"],
                strict: true)
        ).complaints
        #expect(wrong.map(\.message).contains(#"memory must be a size such as 12G or 512M, not "${env.MEMORY}""#))
        #expect(wrong.contains { $0.message.contains("must be a date") })
        #expect(wrong.contains { $0.suggestion == #"did you mean "day"?"# })
        #expect(!wrong.contains { $0.rendered.contains("hunter2") })
    }

    @Test func repeatedKeysOfAnyShape() {
        func lines(_ text: String) -> [String] {
            PipelineDefinition.parse(text, path: "p").complaints.filter { $0.codeText == "DP-YAML-06" }
                .map { "\($0.line):\($0.column) \($0.length)" }
        }
        #expect(lines("name: a\nname: b\nname: c\n") == ["2:1 4", "3:1 4"])
        #expect(lines("\"name\": a\n'name': b\n") == ["2:1 6"])
        #expect(lines("corpora: {a: {paths: x}, a: {paths: y}, b: {paths: z, paths: w}}") == ["1:26 1", "1:55 5"])
        #expect(lines("名前: 1\n名前: 2\n") == ["2:1 2"])
        #expect(lines("{}: 1\n{}: 2\n").count <= 1)
    }

    @Test(arguments: [
        "", "\n", "# only a comment\n", "---\n", "[]", "text", "1", "- a\n- b\n", "a: &x [*x]\n", "\u{0}",
        "\u{FEFF}version: 1",
        "a: b\n---\nc: d\n", "%YAML 1.2\n---\nversion: 1\n", "? [a]\n: b\n", "<<: *a\n", "!!binary x", "{", "}", "\"",
        "'",
        "version: 1\nsteps: {}\ncorpora: []\nname: {}\n", "steps: [null, 1, [], {}]\n", "a: \"\\ud83d\"",
        String(repeating: "[", count: 100_000), String(repeating: "- ", count: 50_000),
        String(repeating: "{a: ", count: 5000),
        "version: 1\nname: \"${\"\n", "version: 1\nname: \"${}\"\n", "version: 1\nname: \"${env.}${params.}\"\n",
    ])
    func nothingBreaksTheParser(_ text: String) {
        let parsed = PipelineDefinition.parse(text, path: "p")
        #expect(parsed.definition == nil)
        #expect(!parsed.complaints.isEmpty)
        #expect(
            parsed.complaints.allSatisfy { $0.line >= 1 && $0.column >= 1 && $0.length >= 1 && !$0.rendered.isEmpty })
    }

    /// Nine lists that each repeat the one before ten times: a gigabyte if unfolded.
    @Test func aliasesCanNotExplode() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        let complaints = PipelineDefinition.parse(text, path: "p").complaints
        #expect(complaints.map(\.message) == ["aliases unfold to more than 100000 values"])
    }

    /// Every single-character deletion of a sound file ends in complaints with places, or in a pipeline.
    @Test func damagedFilesAreHandled() throws {
        let text = Array(try fixture("sound.yaml"))
        for index in stride(from: 0, to: text.count, by: 5) {
            var copy = text
            copy.remove(at: index)
            let parsed = PipelineDefinition.parse(String(copy), path: "p")
            #expect((parsed.definition == nil) == !parsed.complaints.isEmpty)
            #expect(parsed.complaints.allSatisfy { (1...27).contains($0.line) })
        }
    }

    @Test func stepsThatNeedEachOther() throws {
        let text = """
            version: 1
            name: x
            corpora: {c: {paths: a}}
            steps:
              - {id: a, needs: b, summarize: {corpus: c}}
              - {id: b, needs: [c], summarize: {corpus: c}}
              - {id: c, needs: a, summarize: {corpus: c}}
            """
        let complaints = PipelineDefinition.parse(text, path: "p").complaints
        #expect(
            complaints.map { "\($0.line):\($0.column) \($0.message)" } == [
                "5:20 steps need each other in a circle: a, b, c"
            ])
        let sound = text.replacing("needs: a,", with: "needs: [],").replacing("[],", with: "b,")
            .replacing("needs: [c],", with: "").replacing(
                "needs: b, summarize: {corpus: c}}\n  - {id: b", with: "needs: c, summarize: {corpus: c}}\n  - {id: b")
        let definition = PipelineDefinition.parse(sound, path: "p").definition
        #expect(definition?.steps.map(\.id) == ["b", "c", "a"])
    }
}
