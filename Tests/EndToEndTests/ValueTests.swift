import Testing

@testable import docproc

/// The parts of the program that are values.
@Suite struct ValueTests {
    @Test(
        arguments: [
            ("8G", 8_589_934_592), ("512M", 536_870_912), ("1.5GiB", 1_610_612_736), ("1000", 1000), ("2kb", 2048),
            ("8Q", nil),
            ("", nil), ("G", nil),
        ] as [(String, Int?)])
    func sizes(text: String, bytes: Int?) {
        #expect(Quantity.size(text) == bytes)
    }

    @Test(
        arguments: [
            ("2h", 7200), ("40m", 2400), ("1h30m", 5400), ("90", 90), ("1.5h", 5400), ("0s", nil), ("h", nil),
            ("5x", nil),
            ("1h30", nil),
        ] as [(String, Double?)])
    func durations(text: String, seconds: Double?) {
        #expect(Quantity.seconds(text) == seconds)
    }

    @Test(
        arguments: [
            ("3", [3...3]), ("1-20,33", [1...20, 33...33]), ("9,2-3", [2...3, 9...9]), ("0", nil), ("5-2", nil),
            ("a", nil), ("1,", nil),
        ] as [(String, [ClosedRange<Int>]?)])
    func pages(text: String, ranges: [ClosedRange<Int>]?) {
        #expect(Quantity.pages(text) == ranges)
    }

    @Test(
        arguments: [
            (0.84, "0.8s"), (41.2, "41s"), (200, "3m20s"), (4980, "1h23m"), (11_884, "3h18m"), (.infinity, "–"),
        ] as [(Double, String)])
    func durationsAsText(seconds: Double, text: String) {
        #expect(Format.duration(seconds) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_904_233, "1,904,233"), (-12_345, "-12,345")])
    func groupedNumbers(value: Int, text: String) {
        #expect(Format.count(value) == text)
    }

    @Test func sharesAreNeverRoundedUpToAll() {
        #expect(Format.percent(999, of: 1000) == "99 %")
        #expect(Format.percent(1000, of: 1000) == "100 %")
        #expect(Format.percent(0, of: 0) == "–")
    }

    @Test(
        arguments: [
            ("memry", "memory"), ("stratgey", "strategy"), ("DP-CTX-2", "DP-CTX-02"), ("xyzzy", nil),
        ] as [(String, String?)])
    func nearestNames(word: String, nearest: String?) {
        #expect(Spelling.nearest(to: word, in: ["memory", "strategy", "seed", "DP-CTX-02"]) == nearest)
    }

    @Test func theRateLeavesOutWhatWasCached() {
        var progress = Progress(stage: "read", done: 600, total: 1100, unit: "tokens", free: 100, rateUnit: "tok/s")
        #expect(progress.rate(elapsed: 5) == 100)
        #expect(progress.left(elapsed: 5) == 5)
        #expect(progress.twentieths == 10)
        #expect(progress.bar(width: 11) == "██████░░░░░")
        progress.done = 1100
        #expect(progress.left(elapsed: 5) == nil)
    }

    @Test func treesJoinFoldersThatHoldOneThing() {
        let text = TokenTree([
            TokenCount(path: "docs/handbook.pdf", tokens: 371_204, pages: 312),
            TokenCount(path: "docs/deep/er/faq.html", tokens: 41_676),
        ]).text
        #expect(
            text == """
                  412,880 docs/
                  371,204 ├── handbook.pdf  (312 pages)
                   41,676 └── deep/er/
                   41,676     └── faq.html

                """)
    }

    @Test func settingsAboveAPipelineStay() throws {
        var flags = SettingLayer()
        try flags.set("seed", text: "1", origin: SettingOrigin(layer: "flag", place: "--seed"))
        var file = SettingLayer()
        try file.set("seed", text: "2", origin: SettingOrigin(layer: "user file", place: "x"))
        try file.set("threads", text: "2", origin: SettingOrigin(layer: "user file", place: "x"))
        var pipeline = SettingLayer()
        try pipeline.set("seed", text: "3", origin: SettingOrigin(layer: "pipeline", place: "p"))
        try pipeline.set("threads", text: "3", origin: SettingOrigin(layer: "pipeline", place: "p"))
        let settings = Settings(layers: [flags, file]).under(pipeline)
        #expect(settings.integer(SettingKey.seed) == 1)
        #expect(settings.integer(SettingKey.threads) == 3)
    }

    @Test(
        arguments: [
            ("policies/**/*.pdf", "policies", "/**/*.pdf"), ("*.txt", ".", "/*.txt"), ("docs/", "docs/", nil),
            ("/srv/a[0-9]/x", "/srv", "/a[0-9]/x"), ("/*.txt", "/", "/*.txt"),
        ] as [(String, String, String?)])
    func patternsInPaths(path: String, base: String, pattern: String?) {
        let split = GlobPath.split(path)
        #expect(split.base == base)
        #expect(split.pattern == pattern)
    }

    @Test func everySettingHasAFittingValueAndAName() throws {
        #expect(Set(SettingKey.all.map(\.name)).count == SettingKey.all.count)
        for key in SettingKey.all {
            guard let text = key.builtIn else { continue }
            var layer = SettingLayer()
            try layer.set(key.name, text: text, origin: .builtIn)
        }
    }

    @Test func helpNamesEveryCommandOnce() {
        let names = Docproc.commandNames
        #expect(Set(names).count == names.count)
        #expect(names.count == 20)
    }
}
