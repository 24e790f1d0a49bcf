// Whole runs with fixed answers: checks, outputs, exit status, JUnit, GitHub, baselines.

import Diagnostics
import Foundation
import Runs
import Synchronization
import Testing

@testable import Pipeline

@Suite struct RunnerTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    func definition(_ text: String) throws -> PipelineDefinition {
        let parsed = PipelineDefinition.parse(text, path: scratch.file("p.yaml"))
        return try #require(parsed.definition, "\(parsed.complaints.map(\.rendered))")
    }

    static let facts = """
        version: 1
        name: facts-test
        corpora: {handbook: {paths: [handbook/]}}
        steps:
          - id: facts
            ask:
              corpus: handbook
              questions:
                - {id: leave, q: "How many days?", expect: [number: {value: 28}, cites: {doc: leave.pdf, pages: 3-4}]}
                - {id: trap, q: "What shoe size?", expect: [not_found: true]}
                - {id: free, q: "What else?"}
            assert:
              - pass_rate: {min: 95%}
              - baseline: {file: base.json}
              - each: {max_words: 5}
        outputs:
          - {from: facts, format: jsonl, path: out/a/facts.jsonl}
          - {from: facts, format: json, path: out/facts.json}
          - {from: facts, format: markdown, path: "out/{id}.md"}
        reports: {junit: out/junit.xml}
        """

    static let good = [
        "facts": [
            answer("leave", "Twenty-eight days [1]."), answer("trap", "Not said.", .notFound), answer("free", "Much."),
        ]
    ]
    static let bad = [
        "facts": [
            answer("leave", "It is 30 days [1]."), answer("trap", "Not said.", .notFound), answer("free", "Much."),
        ]
    ]

    @Test func allGood() async throws {
        let definition = try definition(Self.facts)
        let events = Mutex<[Event.Kind]>([])
        let folder = try RunFolder(in: scratch.file("runs"), manifest: RunManifest(command: "run"))
        var runner = PipelineRunner(
            definition: definition, executor: FixedExecutor(Self.good), folder: folder, updatesBaseline: true,
            onEvent: { event in events.withLock { $0.append(event.kind) } })
        #expect(try await runner.run().exit == .success)
        #expect(
            try scratch.read("base.json")
                == "{\n  \"schema\": \"docproc.baseline/1\",\n  \"steps\": {\n    \"facts\": {\n      \"pass_rate\": 1,\n      \"passed\": [\n        \"leave\",\n        \"trap\"\n      ]\n    }\n  }\n}\n"
        )
        runner.updatesBaseline = false
        let report = try await runner.run()
        #expect(report.exit == .success)
        #expect(
            report.checks.map(\.name) == [
                "number", "cites", "not_found", "pass_rate", "baseline", "max_words", "max_words", "max_words",
            ])
        #expect(!report.checks.contains { !$0.passed })
        #expect(
            try scratch.read("out/a/facts.jsonl").split(separator: "\n").map {
                try JSONValue(parsing: String($0))["id"]?.text
            }
                == ["leave", "trap", "free"])
        #expect(try JSONValue(parsing: scratch.read("out/facts.json")).elements?.count == 3)
        #expect(try scratch.read("out/leave.md") == "**leave** Twenty-eight days [1].\n")
        #expect(!scratch.files().contains { $0.contains(".tmp-") })
        #expect(try RecordLog.read(folder.path + "/results.jsonl").lines.count == 6)
        #expect(events.withLock { $0 }.filter { $0 == .docResult }.count == 6)
        #expect(report.json["steps"]?.elements?.first?["checks"]?.elements?.count == 8)
    }

    @Test func aWrongAnswerFailsWithSeven() async throws {
        let definition = try definition(Self.facts)
        _ = try await PipelineRunner(
            definition: definition, executor: FixedExecutor(Self.good), updatesBaseline: true
        ).run()
        let report = try await PipelineRunner(definition: definition, executor: FixedExecutor(Self.bad)).run()
        #expect(report.exit == .checkFailed && report.exit.rawValue == 7)
        #expect(
            report.checks.filter { !$0.passed }.map { "\($0.line) \($0.record ?? "-") \($0.name): \($0.message)" } == [
                "9 leave number: expected the number 28, found 30",
                "13 - pass_rate: expected 95 % of the questions to pass, found 1 of 2; failing: leave",
                "14 - baseline: expected at least 100 % to pass, found 50 %; no longer passing: leave",
            ])
        let xml = try XML(scratch.read("out/junit.xml"))
        let suite = xml.children[0]
        #expect(xml.name == "testsuites" && xml.attributes["failures"] == "3" && xml.attributes["tests"] == "8")
        #expect(suite.attributes["name"] == "facts" && suite.children.count == 8)
        #expect(suite.children[0].attributes["name"] == "leave: number" && suite.children[0].attributes["line"] == "9")
        #expect(suite.children[0].children[0].name == "failure")
        #expect(suite.children[0].children[0].text == "expected the number 28, found 30")
        #expect(suite.children[1].children.isEmpty)
        #expect(Set(suite.children.compactMap { $0.attributes["name"] }).count == 8)
    }

    @Test func missingBaselineSaysHowToWriteIt() async throws {
        let report = try await PipelineRunner(definition: definition(Self.facts), executor: FixedExecutor(Self.good))
            .run()
        #expect(
            report.checks.first { $0.name == "baseline" }?.message
                == "base.json: there is no such file; docproc run --update-baseline writes it")
        #expect(report.exit == .checkFailed)
    }

    static let digests = """
        version: 1
        name: digests
        corpora: {c: {paths: [c/]}}
        steps:
          - id: digest
            summarize: {corpus: c, per: document}
            on_error: stop
            assert: [failures: {max: 50%}, coverage: {documents: 100%}, tokens_per_second: {min: 10}, peak_memory: {max: 1G}]
          - {id: second, needs: [digest], summarize: {corpus: c, per: corpus}}
        outputs:
          - {from: digest, format: markdown, path: "out/{doc.stem}.md"}
          - {from: second, format: markdown, path: out/all.md}
        reports: {junit: junit.xml}
        """

    @Test func failedDocumentsGiveSixAndNamesDoNotCollide() async throws {
        let executor = FixedExecutor(
            [
                "digest": [
                    summary("c/a/x.pdf", "First."), summary("c/b/x.html", "Second."), summary("c/../../..", "Third."),
                    summary("c/broken.pdf", "", .failed),
                ], "second": [answer("corpus", "All.")],
            ],
            totals: StepTotals(coverage: .init(filesRead: 4, pagesRead: 1), tokensPerSecond: 50, peakMemory: 1 << 20))
        let report = try await PipelineRunner(definition: definition(Self.digests), executor: executor).run()
        #expect(report.exit == .partial && report.exit.rawValue == 6)
        #expect(!report.checks.contains { !$0.passed }, "\(report.checks.map(\.message))")
        #expect(executor.order.withLock { $0 } == ["digest", "second"])
        #expect(
            scratch.files() == [
                "junit.xml", "out/_.md", "out/all.md", "out/broken.md", "out/c_a_x.pdf.md", "out/c_b_x.html.md",
            ])
        #expect(report.warnings.count == 2)
        let suite = try XML(scratch.read("junit.xml")).children[0]
        #expect(suite.attributes["errors"] == "1" && suite.children[0].children[0].text == "encrypted")
    }

    @Test func keysAndValuesAreTold() async throws {
        func run(_ keyValues: KeyValueTotals?) async throws -> (report: JSONValue, events: [Event]) {
            let executor = FixedExecutor(
                ["digest": [summary("c/a.pdf", "First.")], "second": [answer("corpus", "All.")]],
                totals: StepTotals(
                    coverage: .init(filesRead: 4, pagesRead: 1), tokensPerSecond: 50, peakMemory: 1 << 20,
                    keyValues: keyValues))
            let events = Mutex<[Event]>([])
            let runner = PipelineRunner(
                definition: try definition(Self.digests), executor: executor, folder: nil, environment: [:],
                updatesBaseline: false
            ) { event in events.withLock { $0.append(event) } }
            let report = try await runner.run().json
            return (report, events.withLock { $0.filter { $0.kind == .kv } })
        }
        let paged = try await run(
            KeyValueTotals(resident: 5, paged: 70, cachedTokens: 900, readBytes: 8000, waitSeconds: 0.5))
        #expect(paged.events.count == 2)
        let line = try #require(paged.events.first).line
        let fields = #""resident":5,"paged":70,"cached":900,"reads":{"bytes":8000,"wait_seconds":0.5}"#
        #expect(line.contains(#""type":"kv","step":"digest",\#(fields)}"#), "\(line)")
        #expect(paged.report.line.contains(#""kv":{\#(fields)}"#))
        // In memory and computed: nothing to tell.
        #expect(try await run(KeyValueTotals(resident: 5)).events.isEmpty)
        #expect(try await run(nil).report.line.contains("\"kv\"") == false)
    }

    @Test func aStepThatCanNotGoOnStopsTheRest() async throws {
        try AtomicFile.write("old", to: scratch.file("out/all.md"))
        let error = UserError(.windowTooLarge, "too long <&> \u{1} \"quoted\"")
        let executor = FixedExecutor(["digest": [summary("c/a.pdf", "First.")]], errors: ["digest": error])
        let report = try await PipelineRunner(definition: definition(Self.digests), executor: executor).run()
        #expect(report.exit.rawValue == 5)
        #expect(executor.order.withLock { $0 } == ["digest"])
        #expect(report.steps.map(\.outcome) == [.failed(error), .skipped("step digest failed")])
        // Old outputs stay.
        #expect(try scratch.read("out/all.md") == "old")
        #expect(scratch.files() == ["junit.xml", "out/all.md"])
        let xml = try XML(scratch.read("junit.xml"))
        #expect(xml.children[0].children[0].children[0].text == "too long <&>  \"quoted\"")
        #expect(xml.children[1].children[0].children[0].name == "skipped")

        let onward = try definition(Self.digests.replacing("on_error: stop", with: "on_error: continue"))
        let second = FixedExecutor(["second": [answer("corpus", "All.")]], errors: ["digest": error])
        let partial = try await PipelineRunner(definition: onward, executor: second).run()
        #expect(partial.exit == .partial)
        #expect(partial.steps[1].outcome == .skipped("step digest did not finish"))
    }

    @Test func interruptionIsNoFailedStep() async throws {
        try AtomicFile.write("old", to: scratch.file("out/all.md"))
        for error in [UserError(.interrupted, "stopped"), UserError(.timeLimit, "out of time")] {
            let executor = FixedExecutor([:], errors: ["digest": error])
            let runner = try PipelineRunner(definition: definition(Self.digests), executor: executor)
            await #expect(throws: error) { _ = try await runner.run() }
        }
        let cancelled = try PipelineRunner(
            definition: definition(Self.digests), executor: FixedExecutor([:], errors: ["digest": CancellationError()]))
        await #expect(throws: CancellationError.self) { _ = try await cancelled.run() }
        #expect(scratch.files() == ["out/all.md"])
    }

    @Test func outputsThatCanNotBeWritten() async throws {
        try AtomicFile.write("a file", to: scratch.file("out"))
        let runner = try PipelineRunner(definition: definition(Self.facts), executor: FixedExecutor(Self.good))
        let error = await #expect(throws: UserError.self) { _ = try await runner.run() }
        #expect(error?.places.first?.value.hasPrefix(scratch.path) == true)
    }

    @Test func gitHubGetsLinesAndASummary() async throws {
        let path = scratch.file("summary.md")
        try AtomicFile.write("before\n", to: path)
        let report = try await PipelineRunner(
            definition: definition(Self.facts), executor: FixedExecutor(Self.bad),
            environment: ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path]
        ).run()
        let lines = GitHubReport.annotations(report)
        #expect(lines.count == 3)
        #expect(
            lines[0]
                == "::error file=\(definitionPath),line=9,title=facts leave number::expected the number 28, found 30")
        let summary = try scratch.read("summary.md")
        #expect(summary.hasPrefix("before\n## facts-test: failed\n"))
        #expect(summary.contains("| leave | number | expected the number 28, found 30 |"))

        let complaint = PipelineComplaint(
            path: "a,b:c.yaml", line: 2, column: 3, length: 1, code: .yamlUnknownKey, message: "100% \n::set-output",
            suggestion: nil,
            sourceLine: "")
        #expect(
            GitHubReport.annotations([complaint])
                == ["::error file=a%2Cb%3Ac.yaml,line=2,col=3,title=DP-YAML-07::100%25 %0A::set-output"])
    }

    var definitionPath: String { scratch.file("p.yaml") }
}

@Suite struct JUnitTests {
    @Test func hostileTextStaysValid() throws {
        let nasty = "a\u{0}b\u{8}\u{FFFE}<![CDATA[x]]>&amp;\"'\n\tend \u{1F600}"
        let xml = JUnitWriter.xml(
            name: nasty,
            suites: [
                JUnitSuite(
                    name: "s", seconds: .nan,
                    cases: [
                        JUnitCase(
                            name: nasty, className: nasty, file: nasty, line: 1, seconds: 1.2345,
                            outcome: .failed(nasty)),
                        JUnitCase(name: nasty, className: "c", outcome: .passed),
                    ])
            ])
        let parsed = try XML(xml)
        let expected = "ab<![CDATA[x]]>&amp;\"'\n\tend \u{1F600}"
        #expect(parsed.attributes["name"] == expected)
        #expect(parsed.children[0].children[0].children[0].text == expected)
        #expect(parsed.children[0].children[0].attributes["time"] == "1.235")
        #expect(parsed.children[0].children[1].attributes["name"] == expected + " (2)")
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/xmllint"), "skipped: there is no xmllint"))
    func xmllintAgrees() throws {
        let scratch = try Scratch()
        let text = "\u{1}\u{B}\u{7F}\u{85}\u{FFFF}<&>\"' ü 手"
        let xml = JUnitWriter.xml(
            name: text,
            suites: [
                JUnitSuite(
                    name: text, seconds: 1, cases: [JUnitCase(name: text, className: text, outcome: .error(text))])
            ])
        try AtomicFile.write(xml, to: scratch.file("j.xml"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/xmllint")
        process.arguments = ["--noout", scratch.file("j.xml")]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
