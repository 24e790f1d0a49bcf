import Foundation
import Testing

/// What needs the small model; skipped loudly where its file is not on this machine.
@Suite(.serialized, .enabled(if: Program.smallModel != nil, "no smollm2-135m-instruct on this machine"))
struct ModelTests {
    private func program() throws -> (Program, model: String) {
        (try Program(), try #require(Program.smallModel))
    }

    @Test func askPrintsAnAnswerWithCheckedCitations() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write(
            "docs/bridge.txt", "The old bridge over the river was opened in 1931 by the mayor of the town.\n")
        let arguments = ["ask", "docs", "When was the bridge opened?", "--model", model, "--json"]
        let result = try program.run(arguments)
        #expect(result.status == 0, "\(result.error)")
        let answer = try #require(result.json)
        #expect(answer["schema"] as? String == "docproc.answer/1")
        let coverage = try #require(answer["coverage"] as? [String: Any])
        #expect((coverage["files"] as? [String: Any])?["read"] as? Int == 1)
        for citation in answer["citations"] as? [[String: Any]] ?? [] {
            let quote = try #require(citation["quote"] as? String)
            #expect(program.read("docs/bridge.txt")?.contains(quote) == true)
        }
        #expect(result.error.contains("checked"))
        #expect(result.error.contains("peak"))

        // The same question is answered from the cache, with the same bytes.
        let again = try program.run(arguments)
        #expect(again.output == result.output)
        #expect(again.error.contains("from the cache"))
    }

    @Test func oneAndTwoThreadsGiveTheSameBytes() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write(
            "docs/bridge.txt", "The old bridge over the river was opened in 1931 by the mayor of the town.\n")
        func answer(_ threads: String) throws -> String {
            try program.run(
                "ask", "docs", "Who opened the bridge?", "--model", model, "--threads", threads, "--fresh"
            ).output
        }
        let one = try answer("1")
        #expect(!one.isEmpty)
        #expect(try answer("2") == one)
    }

    @Test func aBrokenDocumentCostsItselfAlone() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("docs/bridge.txt", "The old bridge over the river was opened in 1931.\n")
        try program.write("docs/broken.pdf", "%PDF-1.4\nthis is no PDF\n")
        let result = try program.run("ask", "docs", "When was the bridge opened?", "--model", model, "--json")
        #expect(result.status == 6, "\(result.error)")
        let files = (result.json?["coverage"] as? [String: Any])?["files"] as? [String: Any]
        #expect(files?["read"] as? Int == 1)
        #expect(files?["failed"] as? Int == 1)
    }

    @Test func planReadsAndDoesNothing() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        let result = try program.run("ask", "a.txt", "When?", "--model", model, "--plan", "--json")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.json?["schema"] as? String == "docproc.plan/1")
        let windows = try #require(result.json?["windows"] as? [String: Any])
        #expect(windows["count"] as? Int == 1)
        #expect((windows["tokens"] as? Int ?? 0) > 10)
    }

    @Test func tooLittleMemoryIsRefusedBeforeAnythingIsLoaded() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        let result = try program.run("ask", "a.txt", "When?", "--model", model, "--memory", "50M")
        #expect(result.status == 5)
        #expect(result.error.contains("error[DP-MEM-01]"))
        #expect(result.error.contains("nothing was started (exit 5)"))
        #expect(result.output == "")
    }

    @Test func answersByASchemaAreValid() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", "The old bridge over the river was opened in 1931 by the mayor of the town.\n")
        try program.write(
            "schema.json",
            """
            {"type": "object", "required": ["year", "opened_by", "kind"], "properties": {
              "year": {"type": "integer", "minimum": 1000, "maximum": 2999},
              "opened_by": {"type": "string", "maxLength": 40}, "kind": {"enum": ["bridge", "tower"]}}}
            """)
        let arguments = ["ask", "a.txt", "When was the bridge opened?", "--model", model, "--schema", "schema.json"]
        let result = try program.run(arguments)
        #expect(result.status == 0, "\(result.error)")
        let value = try #require(result.json, "\(result.output)")
        #expect(Set(value.keys) == ["year", "opened_by", "kind"])
        #expect((1000...2999).contains(try #require(value["year"] as? Int)))
        #expect(try #require(value["opened_by"] as? String).unicodeScalars.count <= 40)
        #expect(["bridge", "tower"].contains(value["kind"] as? String))
        // The record has it as text and as data.
        let record = try #require(try program.run(arguments + ["--json"]).json)
        #expect(record["answer"] as? String == result.output.trimmingCharacters(in: .newlines))
        #expect((record["data"] as? [String: Any])?["year"] as? Int == value["year"] as? Int)
        #expect((record["citations"] as? [Any])?.isEmpty == true)
        // No JSON rather than half of it.
        let short = try program.run(arguments + ["--max-output-tokens", "4"])
        #expect(short.status == 6, "\(short.error)")
        #expect(short.output == "")
    }

    @Test(arguments: [
        (#"{"type": "string", "contentEncoding": "base64"}"#, "contentEncoding"), (#"{"type":"#, "no JSON"),
    ])
    func schemasThatCannotBeKeptAreRefused(schema: String, word: String) throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        try program.write("schema.json", schema)
        let result = try program.run("ask", "a.txt", "When?", "--model", model, "--schema", "schema.json")
        #expect(result.status == 2)
        #expect(result.error.contains("error[DP-CLI-01]"))
        #expect(result.error.contains(word))
        #expect(result.output == "")
    }

    @Test func modelsThatDoNotThinkSaySo() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        let plain = try program.run("ask", "a.txt", "When was it opened?", "--model", model, "--fresh")
        let result = try program.run(
            "ask", "a.txt", "When was it opened?", "--model", model, "--thinking", "low", "--fresh", "--verbose")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error.contains("does not think: --thinking low is ignored"))
        #expect(result.error.contains("right"))
        #expect(result.output == plain.output)
        let wrong = try program.run("ask", "a.txt", "When?", "--model", model, "--thinking", "much")
        #expect(wrong.status == 2)
    }

    @Test func thePlanSaysWhatStreamingCosts() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        func plan(_ arguments: String...) throws -> Program.Result {
            try program.run(["ask", "a.txt", "When?", "--model", model, "--plan"] + arguments)
        }
        #expect(try plan("--json").json?["streaming"] == nil)
        let limit = "160M"
        let record = try plan("--memory", limit, "--json")
        let streaming = try #require(record.json?["streaming"] as? [String: Any], "\(record.error)")
        #expect((streaming["streamed_bytes"] as? Int ?? 0) > 0)
        #expect((streaming["read_bytes_per_second"] as? Double ?? 0) > 0)
        #expect((streaming["seconds_per_pass"] as? Double ?? 0) > 0)
        let text = try plan("--memory", limit)
        #expect(text.output.contains("are read again for every 512 tokens of prompt and every output token"))
        #expect(text.error.contains("does not fit the memory limit"))
    }

    @Test func theMachineIsMeasured() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run("bench", "machine", "--threads", "1", "--json")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.json?["schema"] as? String == "docproc.bench_machine/1")
        let figures = try #require(result.json?["figures"] as? [[String: Any]])
        #expect(figures.count == 1)
        #expect((figures[0]["memory_read_gb_per_second"] as? Double ?? 0) > 0)
        let products = try #require(figures[0]["products"] as? [[String: Any]])
        #expect(products.contains { $0["weights"] as? String == "Q4_K" && ($0["prefill_gops"] as? Double ?? 0) > 0 })
    }

    @Test func recallIsMeasuredWithoutAModel() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run("bench", "recall", "--synthetic", "--tokens", "4K", "--depths", "5", "--json")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.json?["schema"] as? String == "docproc.bench_recall/1")
        let answers = try #require(result.json?["answers"] as? [[String: Any]])
        #expect(result.json?["found"] as? Int == answers.count && answers.count == 11)
        #expect(answers.allSatisfy { $0["right"] as? Bool == true })
        #expect(result.json?["prefill_tokens_per_second"] as? Double ?? 0 > 0)
        let text = try program.run("bench", "recall", "--synthetic", "--tokens", "16K", "--critical", "--depths", "3")
        #expect(text.output.contains("found 3 of 3 · prefill"), "\(text.error)")
        // Nothing of the model stays.
        #expect(program.read("tiny.gguf") == nil)
        #expect(try program.run("bench", "recall", "--synthetic", "--tokens", "1K").status == 2)
    }

    @Test func recallTellsReadingFromComputing() throws {
        let program = try Program()
        defer { program.remove() }
        let arguments = [
            "bench", "recall", "--synthetic", "--tokens", "64K", "--kv-type", "q8", "--kv-memory", "14M", "--depths",
            "5",
        ]
        let result = try program.run(arguments + ["--json"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.json?["paged_bytes"] as? Int ?? 0 > 4 << 20)
        let reads = try #require(result.json?["reads"] as? [String: Any])
        // Each step of the questions reads all that is on disk.
        #expect(reads["bytes"] as? Int ?? 0 >= result.json?["paged_bytes"] as? Int ?? .max)
        #expect(reads["disk_bytes_per_second"] as? Double ?? 0 > 0)
        #expect((0...1).contains(try #require(reads["wait_share"] as? Double)))
        #expect(reads["bound"] as? String == ((reads["wait_share"] as? Double ?? 1) < 0.1 ? "computing" : "reading"))
        let text = try program.run(arguments)
        #expect(text.output.contains(" on disk · peak memory"), "\(text.output)")
        #expect(text.output.contains("the disk alone gives"))
        // Everything fits: nothing is read.
        let whole = try program.run("bench", "recall", "--synthetic", "--tokens", "4K", "--depths", "5", "--json")
        #expect(whole.json?["reads"] is NSNull)
    }

    /// The model that was written for it is gone while it runs.
    @Test func recallLeavesNothingWhenItIsKilled() throws {
        let program = try Program()
        defer { program.remove() }
        try FileManager.default.createDirectory(atPath: program.folder + "/tmp", withIntermediateDirectories: true)
        let arguments = ["bench", "recall", "--synthetic", "--tokens", "1M", "--no-store", "--progress", "plain"]
        let variables = ["TMPDIR": program.folder + "/tmp"]
        let result = try program.run(arguments, variables: variables) { process in
            let errors = program.folder + "/home"
            for _ in 0..<200 {
                Thread.sleep(forTimeInterval: 0.1)
                let files = (try? FileManager.default.contentsOfDirectory(atPath: errors)) ?? []
                if files.contains(where: { program.read("home/" + $0)?.contains("prefill") == true }) { break }
            }
            kill(process.processIdentifier, SIGKILL)
        }
        #expect(result.error.contains("prefill"))
        #expect(result.output.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder + "/tmp").isEmpty)
    }

    @Test func keysAndValuesAreSeenWithoutAModel() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run("bench", "kv", "--table", "--json")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.json?["schema"] as? String == "docproc.bench_kv/1")
        let tables = try #require(result.json?["tables"] as? [[String: Any]])
        #expect(
            tables.compactMap { $0["model"] as? String } == [
                "gemma-4-e2b", "gemma-4-e4b", "gemma-4-12b", "gemma-4-26b-a4b", "gemma-4-31b", "llama-4-scout",
                "llama-4-maverick",
            ])
        let layers = try #require(tables[3]["layers"] as? [[String: Any]])
        #expect(layers.compactMap { $0["kind"] as? String } == ["full", "sliding"])
        #expect(layers[0]["keeps_keys"] as? Bool == false)
        let q8 = (layers[0]["bytes_per_token"] as? [String: [String: Double]])?["q8"]
        #expect(q8?["memory"] == 5140)
        let text = try program.run("bench", "kv", "--table", "--tokens", "64K").output
        #expect(text.contains("gemma-4-26b-a4b") && text.contains("65,536"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
    }

    @Test func aLongTextIsWalkedThrough() throws {
        let (program, model) = try program()
        defer { program.remove() }
        let arguments = ["bench", "kv", "--model", model, "--tokens", "2600", "--decode", "4", "--plot", "speed.svg"]
        let result = try program.run(arguments + ["--json"])
        #expect(result.status == 0, "\(result.error)")
        let stops = try #require(result.json?["stops"] as? [[String: Any]])
        #expect(stops.compactMap { $0["tokens"] as? Int } == [2048, 2600])
        #expect(stops.allSatisfy { $0["prefill_tokens_per_second"] as? Double ?? 0 > 0 })
        #expect(stops.allSatisfy { $0["decode_tokens_per_second"] as? Double ?? 0 > 0 })
        // Of 30 layers with 3 heads of 64, in 16 bits.
        #expect(stops[1]["resident"] as? Int ?? 0 >= 2600 * 23_040)
        #expect((result.json?["reuse"] as? [String: Any])?["hit_rate"] as? Double == 1)
        #expect(program.read("speed.svg")?.hasSuffix("</svg>\n") == true)
        // It kept its text apart from what real questions left, and took it away.
        #expect(program.read("home/.cache/docproc/bench-kv") == nil)
        #expect(!FileManager.default.fileExists(atPath: program.folder + "/home/.cache/docproc/bench-kv"))
        let bare = try program.run(["bench", "kv", "--model", model, "--tokens", "100", "--no-store"])
        #expect(bare.output.contains("decode tok/s") && !bare.output.contains("asked again"), "\(bare.error)")
        #expect(try program.run("bench", "kv", "--model", model, "--tokens", "1M").status == 5)
    }

    @Test func whatIsReusedIsAnEvent() throws {
        let (program, model) = try program()
        defer { program.remove() }
        let lines = (0..<90).map { "The bridge number \($0) was opened in \(1850 + $0).\n" }
        try program.write("docs/bridges.txt", lines.joined())
        func events(_ question: String) throws -> [[String: Any]] {
            let result = try program.run(
                "ask", "docs", question, "--strategy", "full", "--model", model, "--jsonl", "--fresh")
            return result.output.split(separator: "\n").compactMap {
                try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }.filter { $0["type"] as? String == "kv" }
        }
        _ = try events("When was the bridge number 7 opened?")
        let again = try events("Which bridge was opened in 1870?")
        let first = try #require(again.first)
        #expect(first["schema"] as? String == "docproc.event/1")
        #expect(first["cached"] as? Int ?? 0 > 1000)
        #expect(first["resident"] as? Int ?? 0 > 1000 * 23_040 && first["paged"] as? Int == 0)
        #expect((first["reads"] as? [String: Any])?["bytes"] as? Int == 0)
    }

    @Test func tokensAreCounted() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("docs/a.txt", "one two three four five six seven\n")
        try program.write("docs/b/c.txt", "one two three\n")
        let result = try program.run("tokenize", "docs", "--tree", "--model", model)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("docs/"))
        #expect(result.output.contains("├── a.txt"))
        #expect(result.output.contains("fits in 1 window"))
    }

    @Test func packExportsBatchLines() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", longText)
        let result = try program.run(
            "pack", "a.txt", "--model", model, "--context", "2048", "--format", "openai-batch", "--prompt",
            "Summarize.",
            "--to", "out.jsonl")
        #expect(result.status == 0, "\(result.error)")
        let lines = try #require(program.read("out.jsonl")).split(separator: "\n")
        #expect(lines.count > 3)
        for line in lines {
            let request = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(request["url"] as? String == "/v1/chat/completions")
        }
    }

    @Test(arguments: [(SIGINT, 130, "DP-STOP-01"), (SIGTERM, 143, "DP-STOP-03")])
    func signalsStopAtTheNextChunk(signal: Int32, status: Int32, code: String) throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", longText)
        let arguments = [
            "ask", "a.txt", "What did the committee speak about?", "--model", model, "--strategy", "map", "--jsonl",
        ]
        let result = try program.run(arguments) { process in
            // Until the first chunk has been read.
            Thread.sleep(forTimeInterval: 4)
            kill(process.processIdentifier, signal)
        }
        #expect(result.status == status, "\(result.error)")
        #expect(result.error.contains("error[\(code)]"))
        for line in result.output.split(separator: "\n") {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil)
        }
    }

    @Test func theTimeLimitEndsWith124() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("a.txt", longText)
        let result = try program.run(
            "ask", "a.txt", "What did the committee speak about?", "--model", model, "--strategy", "map", "--max-time",
            "3s")
        #expect(result.status == 124, "\(result.error)")
        #expect(result.error.contains("error[DP-STOP-02]"))
    }

    /// A window that was read once is not read again, by another process with another question; killed at any moment,
    /// the next one answers the same.
    @Test func aWindowIsReadOnce() throws {
        let (program, model) = try program()
        defer { program.remove() }
        let towns = ["Ashford", "Brill", "Corby", "Dover", "Epping", "Frome", "Goole", "Hythe"]
        let lines = (0..<90).map { "The bridge of \(towns[$0 % 8]) number \($0) was opened in \(1850 + $0).\n" }
        try program.write("docs/bridges.txt", lines.joined())
        func arguments(_ question: String, _ more: [String] = []) -> [String] {
            ["ask", "docs", question, "--strategy", "full", "--model", model, "--json", "--fresh"] + more
        }
        func parts(_ result: Program.Result) throws -> (answer: String, cached: Int) {
            #expect(result.status == 0 || result.status == 5, "\(result.error)")
            let json = try #require(result.json)
            let usage = try #require(json["usage"] as? [String: Any])
            let answer = "\(json["answer"] ?? "") \(json["status"] ?? "")"
            return (answer, try #require(usage["cached_tokens"] as? Int))
        }
        let (first, second) = ("When was the bridge of Dover opened?", "Which bridge was opened in 1870?")
        let plain = try parts(try program.run(arguments(second, ["--no-store"])))
        // Killed while it reads or writes.
        for milliseconds in [150, 400, 700, 1000, 1300] {
            _ = try program.run(arguments(first)) { process in
                Thread.sleep(forTimeInterval: Double(milliseconds) / 1000)
                kill(process.processIdentifier, SIGKILL)
            }
        }
        _ = try parts(try program.run(arguments(first)))
        let two = try parts(try program.run(arguments(second)))
        #expect(two.cached > 1000)
        #expect(two.answer == plain.answer)
        let usage = try program.run("cache", "du", "--json")
        #expect(((usage.json?["kv"] as? [String: Any])?["count"] as? Int) == 1, "\(usage.output)")
        #expect(try program.run("cache", "verify").status == 0)
        #expect(try program.run("cache", "purge", "--corpus", "docs").output.contains("1 prefilled segment"))
        #expect(try parts(try program.run(arguments(second))).answer == plain.answer)
    }

    @Test func summariesOfUnchangedDocumentsAreReused() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("docs/a.txt", "The old bridge over the river was opened in 1931 by the mayor of the town.\n")
        try program.write("docs/b.txt", "The new tower beside the market is 45 metres high and has a clock.\n")
        let arguments = ["summarize", "docs", "--model", model, "--length", "20 words", "-o", "out.jsonl"]
        let first = try program.run(arguments)
        #expect(first.status == 0, "\(first.error)")
        let lines = try #require(program.read("out.jsonl")).split(separator: "\n")
        #expect(lines.count == 2)
        let second = try program.run(arguments)
        #expect(second.status == 0, "\(second.error)")
        #expect(second.error.contains("2 unchanged"))
        #expect(program.read("out.jsonl")?.split(separator: "\n") == lines)
        try program.write("docs/b.txt", "The new tower beside the market is 48 metres high and has a clock.\n")
        let third = try program.run(arguments)
        #expect(third.error.contains("1 unchanged"), "\(third.error)")
        #expect(program.read("out.jsonl")?.split(separator: "\n").count == 2)
    }

    /// A child used to be charged with our own memory, which Linux carries over to it at its start.
    @Test func theMemoryOfAPeerIsItsOwn() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("peer", "#!/bin/sh\nsleep 0.3\necho '[{\"avg_ts\": 50.5, \"build_commit\": \"abc\"}]'\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.folder + "/peer")
        let result = try program.run(
            "bench", "speed", "--model", model, "--peer", "./peer", "--rounds", "1", "--prefill", "32", "--decode", "0",
            "--json")
        #expect(result.status == 0, "\(result.error)")
        let ours = try #require(result.json?["peak_memory"] as? Int)
        let peer = try #require(result.json?["peer_peak_memory"] as? Int)
        #expect(ours > 50 << 20)
        #expect(peer < 30 << 20)
        let cases = try #require(result.json?["cases"] as? [[String: Any]])
        #expect(cases.first?["peer_tokens_per_second"] as? Double == 50.5)
    }

    @Test func answersAreTheSameWithDraftsAndWithout() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write(
            "docs/bridge.txt", "The old bridge over the river was opened in 1931 by the mayor of the town.\n")
        try program.write("questions.txt", "When was the bridge opened?\nWho opened the bridge?\n")
        let result = try program.run(
            "bench", "answers", "--model", model, "--questions", "questions.txt", "--summaries", "1", "--rounds", "1",
            "docs", "--json")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.json?["equal"] as? Bool == true)
        #expect(result.json?["outputs"] as? Int ?? 0 >= 3)
        #expect(result.json?["drafted_tokens_per_second"] as? Double ?? 0 > 0)
    }

    @Test func aPipelineChecksItsAnswers() throws {
        let (program, model) = try program()
        defer { program.remove() }
        try program.write("docs/bridge.txt", "The old bridge over the river was opened in 1931.\n")
        func pipeline(_ rule: String) -> String {
            """
            version: 1
            name: bridge
            corpora:
              docs: {paths: ["docs/*.txt"]}
            defaults: {model: "\(model)", temperature: 0}
            steps:
              - id: facts
                ask:
                  corpus: docs
                  questions:
                    - id: opened
                      q: When was the bridge opened?
                      expect:
                        - \(rule)
                assert:
                  - pass_rate: {min: 100%}
            outputs:
              - {from: facts, format: jsonl, path: out/facts.jsonl}
            reports: {junit: out/junit.xml}
            """
        }
        try program.write("good.yaml", pipeline("max_words: 500"))
        let good = try program.run("run", "good.yaml")
        #expect(good.status == 0, "\(good.error)")
        #expect(program.read("out/facts.jsonl")?.contains("docproc.answer/1") == true)
        #expect(program.read("out/junit.xml")?.contains("failures=\"0\"") == true)
        try program.write("bad.yaml", pipeline("contains: Antarctica"))
        let bad = try program.run("run", "bad.yaml")
        #expect(bad.status == 7, "\(bad.error)")
        #expect(bad.output.contains("expected \"Antarctica\""))
        #expect(program.read("out/junit.xml")?.contains("<failure") == true)
    }
}
