import Foundation
import Testing

/// Commands that read documents and need no model.
@Suite struct DocumentTests {
    @Test func missingPathsAndEmptyFolders() throws {
        let program = try Program()
        defer { program.remove() }
        let missing = try program.run("ingest", "no-such-folder")
        #expect(missing.status == 3)
        #expect(missing.error.contains("error[DP-IN-01]"))
        #expect(missing.error.contains("no-such-folder"))
        try FileManager.default.createDirectory(atPath: program.folder + "/empty", withIntermediateDirectories: true)
        let empty = try program.run("inspect", "empty")
        #expect(empty.status == 3)
        #expect(empty.error.contains("error[DP-IN-03]"))
    }

    @Test func everyFileIsCounted() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("docs/a.txt", "The bridge was opened in 1931.\n")
        try program.write("docs/b.html", "<html><body><main><p>The tower is 45 metres high.</p></main></body></html>")
        try program.write("docs/c.md", "# Notes\n\nThe harbour closes at dusk.\n")
        try program.write("docs/broken.pdf", "%PDF-1.4\nthis is no PDF\n")
        try program.write("docs/empty.txt", "")
        let result = try program.run("ingest", "docs", "--json")
        let totals = try #require(result.json?["totals"] as? [String: Any])
        #expect(totals["found"] as? Int == 5)
        #expect(totals["read"] as? Int == 3)
        let others = (totals["skipped"] as? Int ?? 0) + (totals["failed"] as? Int ?? 0)
        #expect(others == 2)
        #expect(result.status == 6)
        #expect(result.error.contains("broken.pdf"))
        #expect(try program.run("ingest", "docs", "--on-unreadable", "skip").status == 0)
        let strict = try program.run("ingest", "docs", "--on-unreadable", "fail")
        #expect(strict.status == 3)
        #expect(strict.error.contains("error[DP-IN-02]"))
    }

    @Test func whereNothingIsReadTheResultIsStillOneDocument() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("docs/broken.pdf", "%PDF-1.4\nthis is no PDF\n")
        let broken = try program.run("ingest", "docs", "--json")
        #expect(broken.status == 3)
        #expect((broken.json?["totals"] as? [String: Any])?["failed"] as? Int == 1)
        #expect(broken.error.contains("no file gave text (exit 3)"))
        #expect(try program.run("ingest", "docs").error.contains("error[DP-IN-"))
        let nothing = try program.run("ingest", "-", "--json", input: "")
        #expect(nothing.status == 3 && nothing.json?["schema"] as? String == "docproc.ingest/1")
    }

    @Test func namesGiveATerminalNoOrders() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("docs/n\u{1B}[31m\u{7}\n9 read.txt", "The bridge was opened in 1931.\n")
        try program.write("docs/broken\u{1B}.pdf", "%PDF-1.4\nthis is no PDF\n")
        let result = try program.run("ingest", "docs")
        #expect(result.output.contains("docs/n\\u{1b}[31m\\u{7}\\n9 read.txt\n"))
        #expect(!(result.output + result.error).contains("\u{1B}"))
        #expect(result.output.split(separator: "\n").count == 4)
        let json = try program.run("ingest", "docs", "--json").json
        let paths = (json?["documents"] as? [[String: Any]])?.compactMap { $0["doc"] as? String }
        #expect(paths?.last?.contains("n\u{1B}[31m\u{7}\n9 read.txt") == true)
    }

    @Test func textIsExportedToAFileForEachDocument() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("docs/a.txt", "The bridge was opened in 1931.\n")
        try program.write("docs/b.md", "# Notes\n\nThe harbour closes at dusk.\n")
        try program.write("docs/sub/a.html", "<html><body><p>The tower is 45 metres high.</p></body></html>")
        try program.write("docs/sub/a.md", "A second one.\n")
        try program.write("docs/empty.txt", "")
        let result = try program.run("ingest", "docs", "--export", "text", "-o", "out")
        #expect(result.status == 0, "\(result.error)")
        let names = try FileManager.default.subpathsOfDirectory(atPath: program.folder + "/out").sorted()
        #expect(names == ["a.txt", "b.txt", "sub", "sub/a.html.txt", "sub/a.md.txt"])
        #expect(program.read("out/a.txt") == "The bridge was opened in 1931.\n")
        #expect(program.read("out/b.txt") == "Notes\n\nThe harbour closes at dusk.\n")
        #expect(program.read("out/sub/a.html.txt") == "The tower is 45 metres high.\n")
        #expect(try program.run("ingest", "docs", "--export", "text").status == 2)
        let onFile = try program.run("ingest", "docs", "--export", "text", "-o", "docs/a.txt")
        #expect(onFile.status != 0 && onFile.error.contains("docs/a.txt"))
        #expect(program.read("docs/a.txt") == "The bridge was opened in 1931.\n")
    }

    @Test func inspectShowsNumberedPassages() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("a.md", "# Bridge\n\nThe bridge was opened in 1931.\n")
        let result = try program.run("inspect", "a.md")
        #expect(result.status == 0)
        #expect(result.output.contains("[1]"))
        #expect(result.output.contains("The bridge was opened in 1931."))
    }

    @Test func eventsAreLinesOfJSON() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        let result = try program.run("ingest", "a.txt", "--jsonl")
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(event["schema"] as? String == "docproc.event/1")
        }
    }

    @Test func noStoreLeavesNothingBehind() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        #expect(try program.run("ingest", "a.txt", "--no-store").status == 0)
        #expect(!FileManager.default.fileExists(atPath: program.folder + "/home/.cache"))
        #expect(try program.run("ingest", "a.txt").status == 0)
        let cache = program.folder + "/home/.cache/docproc"
        let mode = try FileManager.default.attributesOfItem(atPath: cache)[.posixPermissions] as? Int
        #expect(mode == 0o700)
        let used = try program.run("cache", "du", "--json")
        #expect((used.json?["documents"] as? [String: Any])?["count"] as? Int == 1)
        #expect(try program.run("cache", "purge", "--corpus", "a.txt").status == 0)
        let after = try program.run("cache", "du", "--json")
        #expect((after.json?["documents"] as? [String: Any])?["count"] as? Int == 0)
    }

    @Test func verifyFindsMovedAndMissingQuotations() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "corpus/bridge.txt", "The old bridge over the river was opened in 1931 by the mayor of the town.\n")
        try program.write("good.md", "As they say, \"opened in 1931 by the mayor of the town\".\n")
        try program.write("bad.md", "As they say, \"opened in 1948 by the queen of the country\".\n")
        let good = try program.run("verify", "good.md", "--corpus", "corpus")
        #expect(good.status == 0)
        #expect(good.output.contains("good.md:1"))
        let bad = try program.run("verify", "bad.md", "--corpus", "corpus")
        #expect(bad.status == 7)
        #expect(bad.output.contains("missing"))
        #expect(bad.error.contains("1 of 1 quotation needs attention (exit 7)"))
    }

    @Test func validateNamesEveryMistakeWithItsPlace() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "p.yaml",
            """
            version: 1
            name: x
            corpora:
              docs: {paths: [docs/], on_unreadable: perhaps}
            steps:
              - id: digest
                summarize: {corpus: docs, lenght: 180 words}
            """)
        let result = try program.run("validate", "p.yaml")
        #expect(result.status == 2)
        #expect(result.error.contains("p.yaml:7:31 error[DP-YAML-07]: unknown key \"lenght\""))
        #expect(result.error.contains("did you mean \"length\"?"))
        #expect(result.error.contains("p.yaml:4:"))
        #expect(result.error.contains("2 mistakes"))
        let json = try program.run("validate", "p.yaml", "--json")
        #expect((json.json?["mistakes"] as? [Any])?.count == 2)
    }

    @Test func theStarterFileIsValid() throws {
        let program = try Program()
        defer { program.remove() }
        #expect(try program.run("init").status == 0)
        #expect(try program.run("validate", "pipeline.docproc.yaml").status == 0)
        let again = try program.run("init")
        #expect(again.status == 2)
        #expect(again.error.contains("is there already"))
    }

    @Test func aMissingModelNamesTheCommandThatFetchesIt() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        let result = try program.run("ask", "a.txt", "When was it opened?", "--model", "smollm2-135m-instruct")
        #expect(result.status == 4)
        #expect(result.error.contains("error[DP-MODEL-01]"))
        #expect(result.error.contains("docproc models pull smollm2-135m-instruct"))
    }

    @Test func aModelFileThatIsNoneIsRefused() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("a.txt", "The bridge was opened in 1931.\n")
        try program.write("fake.gguf", "this is not a model")
        let result = try program.run("ask", "a.txt", "When was it opened?", "--model", "./fake.gguf")
        #expect(result.status == 4)
        #expect(result.error.contains("fake.gguf"))
    }
}
