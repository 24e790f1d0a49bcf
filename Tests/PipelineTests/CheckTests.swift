// Each check on texts where it must hold and where it must not.

import Testing

@testable import Pipeline

@Suite struct CheckTests {
    static let text =
        "The notice period is thirty (30) days’ written notice [1]; for public\nbodies it is sixty days [2, 3]."

    static func record(_ text: String = text, _ status: CheckedRecord.Status = .answered) -> CheckedRecord {
        CheckedRecord(
            id: "q", text: text, status: status,
            citations: [
                .init(doc: "contracts/msa.pdf", page: 14, verified: true),
                .init(doc: "contracts/amend-3.pdf", page: 2, verified: false),
            ], rejected: 1, coverage: .init(filesRead: 9, filesSkipped: 1, pagesRead: 99, pagesSkipped: 1), seconds: 4)
    }

    @Test(arguments: [
        (CheckRule.contains("THIRTY (30) days' written"), true), (.contains("public bodies"), true),
        (.contains("forty"), false), (.contains("notice; for"), true), (.containsAny(["x", "sixty days"]), true),
        (.containsAny(["forty", "fifty"]), false), (.notContains(["forty", "fifty"]), true),
        (.notContains(["forty", "sixty"]), false),
        (.regex("[0-9]+\\) days"), true), (.regex("^days"), false), (.regex("notice; for"), true),
        (.equals("the notice period is thirty (30) days' written notice; for public bodies it is sixty days."), true),
        (.equals("The notice period"), false), (.number(value: 30, tolerance: 0), true),
        (.number(value: 60, tolerance: 0), true), (.number(value: 1, tolerance: 0), false),
        (.number(value: 3, tolerance: 0), false), (.number(value: 58, tolerance: 2), true), (.notFound(false), true),
        (.notFound(true), false), (.cites(doc: "contracts/msa.pdf", pages: nil), true),
        (.cites(doc: "msa.pdf", pages: PageSelection("13-14")), true),
        (.cites(doc: "msa.pdf", pages: PageSelection("1,3")), false), (.cites(doc: "sa.pdf", pages: nil), false),
        (.cites(doc: "contracts/amend-3.pdf", pages: nil), false), (.citations(min: 2, verified: nil), true),
        (.citations(min: 3, verified: nil), false), (.citations(min: 2, verified: .all), false),
        (.citations(min: 0, verified: .atLeast(1)), true), (.citations(min: 0, verified: .atLeast(2)), false),
        (.coverage(.init(documents: 0.9, pages: 0.99)), true), (.coverage(.init(documents: 0.91)), false),
        (.minWords(16), true), (.minWords(17), false), (.maxWords(16), true), (.maxWords(15), false),
        (.secondsPerQuestion(max: 4), true), (.secondsPerQuestion(max: 3.9), false),
    ])
    func verdict(_ rule: CheckRule, holds: Bool) {
        let result = CheckEngine.result(rule, Self.record(), step: "s", file: "f", line: 3)
        #expect(result.passed == holds, "\(result.message)")
        #expect(result.message.hasPrefix("expected") && result.message.contains("found"))
        #expect(result.name == rule.name && result.record == "q" && result.step == "s" && result.line == 3)
    }

    @Test(arguments: [
        ("it was 300", "30", false), ("it was 30,000", "30", false), ("it was 130", "30", false),
        ("it was 30,000", "000", false), ("it was 30.", "30", true), ("30, 40 and 50", "30", true),
        ("pages 4,5", "5", true), ("31.12.2024", "2024", true), ("30-day", "30", true),
        ("$4,213 a year", "4,213", true),
        ("$14,213", "4,213", false), ("in 2024, 100 were", "2024", true), ("30 and 300", "30", true), ("", "30", false),
    ])
    func numbersAreWhole(_ text: String, _ piece: String, holds: Bool) {
        #expect(CheckEngine.result(.contains(piece), Self.record(text)).passed == holds)
    }

    @Test func failedAnswersFailEverything() {
        var record = Self.record("28", .failed)
        record.failure = "timeout"
        for rule in [CheckRule.notFound(true), .maxWords(100), .notContains(["x"])] {
            let result = CheckEngine.result(rule, record)
            #expect(!result.passed)
            #expect(result.message == "no answer to check: timeout")
        }
        #expect(CheckEngine.result(.notFound(true), Self.record("", .notFound)).passed)
    }

    @Test func nothingReadIsNoCoverage() {
        #expect(CheckEngine.coverage(.init(documents: 0), .init()).0 == false)
    }

    @Test(arguments: [
        ("28 days", [28.0]), ("twenty-eight days", [28]), ("Twenty eight", [28]), ("one hundred", [100]),
        ("a hundred", [100]), ("ninety-nine", [99]), ("zero", [0]), ("nineteen twenty", [19, 20]),
        ("one hundred and five", [105]), ("two thousand three hundred", [2300]), ("one, two and three", [1, 2, 3]),
        ("1,234", [1234, 1.234]), ("1.234", [1234, 1.234]), ("1,234.5", [1234.5]), ("1.234,56 €", [1234.56]),
        ("1,234,567", [1_234_567]), ("1'234'567", [1_234_567]), ("12 500 people", [12, 12_500, 500]), ("3.5", [3.5]),
        ("pages 4,5", [4.5, 4, 5]), ("12.11.2026", [12, 11, 2026]), ("-5 degrees", [-5]), ("2020-2024", [2020, 2024]),
        ("A4 and Q4_0", []), ("28th", [28]), ("$1,200.50", [1200.5]), ("95%", [95]), ("2 million", [2e6]),
        ("see [1] and [2, 3]", []), ("thirty (30)", [30, 30]), ("no numbers here", []), ("", []), ("0.125", [0.125]),
        ("someone else", []), ("1e5x", [1]), ("99999999999999999999999999", [1e26]),
    ])
    func numbers(_ text: String, expected: [Double]) {
        #expect(NumberFinder.numbers(in: text) == expected)
    }

    @Test(arguments: [
        ("a+b", nil), ("(ab)+c", nil), ("(?:a|b)", nil), ("(\\d{4})-(\\d\\d)", nil), ("[a+]*", nil), ("(a\\+)+", nil),
        ("(a+)+", true), ("((a*))*", true), ("(a|b)+", true), ("(", true), ("[", true),
        (String(repeating: "a", count: 501), true),
    ])
    func patterns(_ pattern: String, refused: Bool?) {
        #expect((PatternRules.problem(pattern) != nil) == (refused ?? false))
    }

    @Test(
        arguments: [
            ("12G", 12 << 30), ("512M", 512 << 20), ("1.5GiB", 3 << 29), ("8GB", 8 << 30), ("12", nil), ("G", nil),
            ("-1G", nil),
            ("1e3G", nil), ("12 G", nil), ("0G", nil), ("99999999999T", nil),
        ] as [(String, Int?)])
    func sizes(_ text: String, bytes: Int?) { #expect(Values.bytes(text) == bytes) }

    @Test(
        arguments: [
            ("40m", 2400), ("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1.5h", 5400), ("40", nil), ("m", nil),
            ("30m1h", nil),
            ("", nil), ("0s", nil),
        ] as [(String, Double?)])
    func durations(_ text: String, seconds: Double?) { #expect(Values.seconds(text) == seconds) }

    @Test(
        arguments: [
            ("3", [3...3]), ("3-4", [3...4]), ("1-20,33", [1...20, 33...33]), ("1 - 2, 5", [1...2, 5...5]), ("0", nil),
            ("4-3", nil),
            ("", nil), ("1-", nil), ("a", nil), ("1-2-3", nil), ("٣", nil),
        ] as [(String, [ClosedRange<Int>]?)])
    func pages(_ text: String, ranges: [ClosedRange<Int>]?) { #expect(PageSelection(text)?.ranges == ranges) }
}
