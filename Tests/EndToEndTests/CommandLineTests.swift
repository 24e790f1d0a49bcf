import Foundation
import Testing

/// What needs neither a model nor documents.
@Suite struct CommandLineTests {
    @Test func withoutArgumentsSixExamplesAreShown() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run()
        #expect(result.status == 0)
        #expect(result.output.split(separator: "\n").count == 7)
        #expect(result.output.contains("docproc ask contracts/"))
        #expect(result.error == "")
    }

    @Test(arguments: [
        (["--no-such-flag"], "Unknown option"), (["confg", "show"], "did you mean \"config\""),
        (["ask", "only-one-argument"], "ask needs"), (["explain", "DP-CTX-2"], "did you mean"),
        (["config", "show", "--set", "memry=8G"], "did you mean \"memory\""),
        (["config", "show", "--set", "memory=8Q"], "a size such as 8G"),
        (["bench", "speed", "--rounds", "x"], "rounds"), (["bench", "recall"], "--synthetic"),
        (["bench", "kv", "--tokens", "x"], "--tokens"),
        (["summarize"], "path"),
    ])
    func mistakesOnTheCommandLineEndWithTwo(arguments: [String], message: String) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run(arguments)
        #expect(result.status == 2)
        #expect(result.output == "")
        #expect(result.error.hasPrefix("error[DP-CLI-0"))
        #expect(result.error.contains(message))
    }

    @Test func mistakesArriveAsJSONToo() throws {
        let program = try Program()
        defer { program.remove() }
        for arguments in [["ask", "--json"], ["--json", "--nonsense"], ["config", "show", "--json", "--set", "a=b"]] {
            let result = try program.run(arguments)
            #expect(result.status == 2)
            let record = try #require(result.json)
            #expect(record["schema"] as? String == "docproc.error/1")
            #expect((record["code"] as? String)?.hasPrefix("DP-CLI-") == true)
            #expect(record["exit"] as? Int == 2)
        }
    }

    @Test(arguments: [
        ["explain"], ["explain", "DP-CTX-02"], ["config", "show"], ["schema"], ["schema", "answer"],
        ["schema", "config"],
        ["licenses"], ["models", "list"], ["cache", "du"], ["completion", "fish"],
    ])
    func jsonIsOneDocument(arguments: [String]) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run(arguments + ["--json"])
        #expect(result.status == 0)
        #expect(result.json != nil, "\(result.output)")
    }

    @Test func everyCodeIsExplained() throws {
        let program = try Program()
        defer { program.remove() }
        let list = try program.run("explain", "--json")
        let codes = try #require(list.json?["codes"] as? [[String: Any]])
        #expect(codes.count > 30)
        for code in codes {
            #expect((code["text"] as? String)?.isEmpty == false)
            #expect((code["title"] as? String)?.isEmpty == false)
        }
        let one = try program.run("explain", "dp-mem-01")
        #expect(one.status == 0)
        #expect(one.output.contains("(exit 5)"))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionKnowsTheCommands(shell: String) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run("completion", shell)
        #expect(result.status == 0)
        for command in ["ask", "summarize", "models", "verify"] { #expect(result.output.contains(command)) }
    }

    @Test func flagsAndHelpHaveNoCommandThatIsNotBuilt() throws {
        let program = try Program()
        defer { program.remove() }
        let help = try program.run("help").output
        for command in ["serve", "mcp", "batch", "recall"] {
            #expect(!help.contains("\n  \(command) "))
            #expect(try program.run(command).status == 2)
        }
    }
}

/// Where settings come from.
@Suite struct SettingsTests {
    private func shown(_ program: Program, _ arguments: [String] = [], variables: [String: String] = [:]) throws
        -> [String: [String: Any]]
    {
        let result = try program.run(["config", "show", "--json"] + arguments, variables: variables)
        let list = try #require(result.json?["settings"] as? [[String: Any]])
        return Dictionary(list.map { ($0["name"] as? String ?? "", $0) }) { $1 }
    }

    @Test func strongerLayersWin() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("home/.config/docproc/config.yaml", "threads: 3\nmemory: 1G\nseed: 1\ncache: {dir: /user}\n")
        try program.write(".docproc/config.yaml", "threads: 2\nmemory: 2G\n\nseed: 2\naliases: {big: /m/big.gguf}\n")
        let settings = try shown(program, ["--set", "seed=9"], variables: ["DOCPROC_MEMORY": "3G"])
        #expect(settings["seed"]?["value"] as? String == "9")
        #expect(settings["seed"]?["layer"] as? String == "flag")
        #expect(settings["memory"]?["value"] as? String == "3G")
        #expect(settings["memory"]?["place"] as? String == "DOCPROC_MEMORY")
        #expect(settings["threads"]?["value"] as? String == "2")
        #expect((settings["threads"]?["place"] as? String)?.hasSuffix(".docproc/config.yaml:1") == true)
        #expect(settings["cache.dir"]?["layer"] as? String == "user file")
        #expect(settings["aliases.big"]?["value"] as? String == "/m/big.gguf")
        #expect(settings["temperature"]?["layer"] as? String == "built in")
    }

    @Test func projectFilesAreFoundAbove() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(".docproc/config.yaml", "threads: 7\n")
        try program.write("deep/er/x", "")
        let result = try program.shell("cd deep/er && docproc config show --origin | grep ^threads")
        #expect(result.output.contains("7"))
        #expect(result.output.contains("project file"))
    }

    @Test func ciMeansPlainAndStrict() throws {
        let program = try Program()
        defer { program.remove() }
        let settings = try shown(program, variables: ["CI": "true"])
        #expect(settings["progress"]?["value"] as? String == "plain")
        #expect(settings["strict"]?["value"] as? String == "true")
        #expect(settings["input"]?["value"] as? String == "false")
        let loose = try shown(program, ["--set", "strict=false"], variables: ["CI": "true"])
        #expect(loose["strict"]?["value"] as? String == "false")
    }

    @Test(arguments: [
        ("thread: 2\n", "did you mean \"threads\""), ("threads: many\n", "whole number"), ("a: [b\n", "DP-YAML-01"),
        ("seed: 1\nseed: 2\n", "seed"), ("strategy: everything\n", "auto, full, map, search"),
    ])
    func mistakesInFilesNameTheFile(text: String, message: String) throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(".docproc/config.yaml", text)
        let result = try program.run("config", "show")
        #expect(result.status == 2)
        #expect(result.error.contains(".docproc/config.yaml"))
        #expect(result.error.contains(message))
    }
}

/// Standard streams in unusual states.
@Suite struct StreamTests {
    @Test func aReaderThatLeavesIsNoError() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.shell("set -o pipefail; docproc explain | head -1")
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("DP-CLI-01"))
        #expect(result.error == "")
    }

    @Test func closedOutputIsToldAndNothingElseGetsItsNumber() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.shell("docproc cache du >&-; echo status $?")
        #expect(result.output == "status 5\n")
        #expect(result.error.contains("standard output is closed"))
        let silent = try program.shell("docproc explain 2>&- >/dev/null; echo status $?")
        #expect(silent.output == "status 0\n")
    }

    @Test func aFullDiskIsTold() throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.shell("docproc explain > /dev/full; echo status $?")
        #expect(result.output == "status 5\n")
        #expect(result.error.contains("error[DP-DISK-01]"))
    }

    @Test func outputFilesAppearOnlyWhenComplete() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("old.txt", "old")
        #expect(try program.run("explain", "DP-NOPE-01", "-o", "old.txt").status == 2)
        #expect(program.read("old.txt") == "old")
        #expect(try program.run("explain", "DP-CTX-02", "-o", "old.txt").status == 0)
        #expect(program.read("old.txt")?.hasPrefix("DP-CTX-02") == true)
        let left = try FileManager.default.contentsOfDirectory(atPath: program.folder)
        #expect(!left.contains { $0.contains("partial") })
    }

    @Test(arguments: [["NO_COLOR": "1"], ["TERM": "dumb"], [:]])
    func noEscapeBytesWithoutATerminal(variables: [String: String]) throws {
        let program = try Program()
        defer { program.remove() }
        let result = try program.run(["ask", "missing", "why?"], variables: variables)
        #expect(!result.error.contains("\u{1B}"))
        #expect(!result.output.contains("\u{1B}"))
    }

    @Test func colourOnRequest() throws {
        let program = try Program()
        defer { program.remove() }
        #expect(try program.run("ask", "missing", "why?", "--color", "always").error.contains("\u{1B}[31m"))
        #expect(try !program.run("ask", "missing", "why?", "--color", "never").error.contains("\u{1B}"))
    }

    /// A terminal of util-linux's `script`, which is part of every Debian.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
    func colourOnATerminalUnlessForbidden() throws {
        let program = try Program()
        defer { program.remove() }
        let coloured = try program.shell("TERM=xterm script -qec 'docproc ask missing why?' /dev/null")
        #expect(coloured.output.contains("\u{1B}[31m"))
        let plain = try program.shell("TERM=xterm NO_COLOR=1 script -qec 'docproc ask missing why?' /dev/null")
        #expect(plain.output.contains("error[DP-IN-01]"))
        #expect(!plain.output.contains("\u{1B}"))
    }
}
