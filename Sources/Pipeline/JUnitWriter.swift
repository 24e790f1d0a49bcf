// JUnit XML as CI systems read it: one suite per step, one case per check.

/// A suite of cases.
package struct JUnitSuite: Sendable, Equatable {
    /// The step's id.
    package var name: String
    /// Seconds.
    package var seconds: Double
    /// In order.
    package var cases: [JUnitCase]

    /// Describes a suite.
    package init(name: String, seconds: Double, cases: [JUnitCase]) {
        self.name = name
        self.seconds = seconds
        self.cases = cases
    }
}

/// One case.
package struct JUnitCase: Sendable, Equatable {
    /// How a case ended.
    package enum Outcome: Sendable, Equatable {
        case passed
        case failed(String)
        case error(String)
        case skipped(String)
    }

    /// What was checked.
    package var name: String
    /// Pipeline and step.
    package var className: String
    /// Where it was asked for.
    package var file: String, line: Int
    /// Seconds.
    package var seconds: Double
    /// How it ended.
    package var outcome: Outcome

    /// Describes a case.
    package init(
        name: String, className: String, file: String = "", line: Int = 0, seconds: Double = 0, outcome: Outcome
    ) {
        self.name = name
        self.className = className
        self.file = file
        self.line = line
        self.seconds = seconds
        self.outcome = outcome
    }
}

/// Writes suites.
package enum JUnitWriter {
    /// The whole file.
    package static func xml(name: String, suites: [JUnitSuite]) -> String {
        let all = suites.flatMap(\.cases)
        var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        out +=
            "<testsuites name=\"\(escape(name))\"\(counts(all)) time=\"\(time(suites.reduce(0) { $0 + $1.seconds }))\">\n"
        for suite in suites {
            out +=
                "  <testsuite name=\"\(escape(suite.name))\"\(counts(suite.cases)) time=\"\(time(suite.seconds))\">\n"
            for (name, one) in zip(uniqueNames(suite.cases), suite.cases) { write(one, name, into: &out) }
            out += "  </testsuite>\n"
        }
        return out + "</testsuites>\n"
    }

    private static func write(_ one: JUnitCase, _ name: String, into out: inout String) {
        out += "    <testcase name=\"\(escape(name))\" classname=\"\(escape(one.className))\""
        if !one.file.isEmpty { out += " file=\"\(escape(one.file))\"" }
        if one.line > 0 { out += " line=\"\(one.line)\"" }
        out += " time=\"\(time(one.seconds))\""
        func child(_ tag: String, _ message: String, _ type: String) {
            let text = escape(message)
            out += ">\n      <\(tag) message=\"\(text)\"\(type.isEmpty ? "" : " type=\"\(type)\"")>\(text)</\(tag)>\n"
            out += "    </testcase>\n"
        }
        switch one.outcome {
        case .passed: out += "/>\n"
        case .failed(let message): child("failure", message, "check")
        case .error(let message): child("error", message, "error")
        case .skipped(let message): child("skipped", message, "")
        }
    }

    /// CI systems merge cases of one name; a second one gets a number.
    private static func uniqueNames(_ cases: [JUnitCase]) -> [String] {
        var seen: [String: Int] = [:]
        return cases.map { one in
            seen[one.name, default: 0] += 1
            let count = seen[one.name] ?? 1
            return count == 1 ? one.name : "\(one.name) (\(count))"
        }
    }

    private static func counts(_ cases: [JUnitCase]) -> String {
        var failures = 0
        var errors = 0
        var skipped = 0
        for one in cases {
            switch one.outcome {
            case .passed: break
            case .failed: failures += 1
            case .error: errors += 1
            case .skipped: skipped += 1
            }
        }
        return " tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
    }

    private static func time(_ seconds: Double) -> String {
        let milliseconds = Int((max(0, seconds.isFinite ? seconds : 0) * 1000).rounded())
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }

    /// Text and attribute values. Characters that XML 1.0 has no way to write (section 2.2) are left out.
    private static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&apos;"
            case "\n", "\r", "\t": out += "&#\(scalar.value);"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": break
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
