// What a run of a pipeline came to, and the forms in which CI systems take it.

package import Diagnostics
package import Runs

/// One step's end.
package struct StepReport: Sendable, Equatable {
    /// How a step ended.
    package enum Outcome: Sendable, Equatable {
        case done
        case failed(UserError)
        case skipped(String)
    }

    /// The step's id.
    package var id: String
    /// `ask` or `summarize`.
    package var kind: String
    /// How it ended.
    package var outcome: Outcome
    /// What its failure means.
    package var onError: PipelineStep.OnError
    /// Its records' ids with the reason of those that failed.
    package var records: [String], failures: [String: String]
    /// Every check.
    package var checks: [CheckResult]
    /// Questions with `expect`, and those among them whose checks all hold.
    package var asked: [String], passing: [String]
    /// What is known of it as a whole.
    package var totals: StepTotals
}

/// A pipeline's end.
package struct PipelineReport: Sendable, Equatable {
    /// The pipeline's name and file.
    package var name: String, path: String
    /// In the order in which they ran.
    package var steps: [StepReport]
    /// Files written, in the order of the pipeline file.
    package var outputs: [String]
    /// Things the user should know that stopped nothing.
    package var warnings: [String]

    /// All checks.
    package var checks: [CheckResult] { steps.flatMap(\.checks) }

    /// The exit status: a step that could not go on, else a failed check, else failed records.
    package var exit: ExitStatus {
        for step in steps {
            if case .failed(let error) = step.outcome, step.onError == .stop { return error.exit }
        }
        if checks.contains(where: { !$0.passed }) { return .checkFailed }
        if steps.contains(where: { !$0.failures.isEmpty || $0.outcome != .done }) { return .partial }
        return .success
    }

    /// The suites of the JUnit file.
    package var suites: [JUnitSuite] {
        steps.map { step in
            let className = "\(name).\(step.id)"
            var cases: [JUnitCase] = []
            switch step.outcome {
            case .done: break
            case .failed(let error):
                cases.append(JUnitCase(name: "step", className: className, file: path, outcome: .error(error.cause)))
            case .skipped(let reason):
                cases.append(JUnitCase(name: "step", className: className, file: path, outcome: .skipped(reason)))
            }
            for record in step.records {
                guard let reason = step.failures[record] else { continue }
                cases.append(JUnitCase(name: record, className: className, file: path, outcome: .error(reason)))
            }
            cases += step.checks.map { check in
                JUnitCase(
                    name: check.record.map { "\($0): \(check.name)" } ?? check.name, className: className,
                    file: check.file, line: check.line,
                    outcome: check.passed ? .passed : .failed(check.message))
            }
            if cases.isEmpty {
                cases.append(JUnitCase(name: "step", className: className, file: path, outcome: .passed))
            }
            return JUnitSuite(name: step.id, seconds: step.totals.seconds, cases: cases)
        }
    }

    /// `docproc.pipeline/1`, for `run --json`.
    package var json: JSONValue {
        .fields([
            "schema": "docproc.pipeline/1", "name": .string(name), "exit": .int(Int(exit.rawValue)),
            "steps": .array(
                steps.map { step in
                    var members: [JSONValue.Member] = [
                        .init("id", .string(step.id)), .init("kind", .string(step.kind)),
                        .init("records", .int(step.records.count)), .init("failed", .int(step.failures.count)),
                    ]
                    switch step.outcome {
                    case .done: members.append(.init("status", "done"))
                    case .failed(let error):
                        members += [
                            .init("status", "failed"), .init("code", .string(error.code.rawValue)),
                            .init("cause", .string(error.cause)),
                        ]
                    case .skipped(let reason):
                        members += [.init("status", "skipped"), .init("cause", .string(reason))]
                    }
                    members.append(.init("checks", .array(step.checks.map(\.json))))
                    members.append(
                        .init(
                            "usage",
                            .fields([
                                "input_tokens": .int(step.totals.inputTokens),
                                "output_tokens": .int(step.totals.outputTokens),
                            ])))
                    if let keyValues = step.totals.keyValues { members.append(.init("kv", .object(keyValues.members))) }
                    return .object(members)
                }), "outputs": .array(outputs.map { .string($0) }),
            "warnings": .array(warnings.map { .string($0) }),
        ])
    }
}

extension CheckResult {
    /// The result as part of records and events.
    package var json: JSONValue {
        .object(
            (step.isEmpty ? [] : [.init("step", .string(step))]) + (record.map { [.init("record", .string($0))] } ?? [])
                + [
                    .init("check", .string(name)), .init("passed", .bool(passed)), .init("message", .string(message)),
                ])
    }
}

/// What GitHub Actions shows of a run.
package enum GitHubReport {
    /// `::error` lines, one per failed check, step or record. The program prints them to standard error.
    package static func annotations(_ report: PipelineReport) -> [String] {
        var lines: [String] = []
        for step in report.steps {
            if case .failed(let error) = step.outcome {
                lines.append(annotation(report.path, 0, "\(step.id): \(error.code.rawValue)", error.cause))
            }
            for record in step.records {
                guard let reason = step.failures[record] else { continue }
                lines.append(annotation(report.path, 0, "\(step.id) \(record)", reason))
            }
            for check in step.checks where !check.passed {
                let title = [check.step, check.record, check.name].compactMap { $0 }.joined(separator: " ")
                lines.append(annotation(check.file, check.line, title, check.message))
            }
        }
        return lines
    }

    /// `::error` lines of a file's mistakes.
    package static func annotations(_ complaints: [PipelineComplaint]) -> [String] {
        complaints.map { complaint in
            let message = complaint.message + (complaint.suggestion.map { ", \($0)" } ?? "")
            return "::error file=\(property(complaint.path)),line=\(complaint.line),col=\(complaint.column),"
                + "title=\(property(complaint.codeText))::\(data(message))"
        }
    }

    /// Markdown for the job's summary page.
    package static func summary(_ report: PipelineReport) -> String {
        let failed = report.checks.filter { !$0.passed }
        var out = "## \(cell(report.name)): \(report.exit == .success ? "passed" : "failed")\n\n"
        out += "| step | records | failed | checks | failed checks |\n|---|---:|---:|---:|---:|\n"
        for step in report.steps {
            out += "| \(cell(step.id)) | \(step.records.count) | \(step.failures.count) | \(step.checks.count) "
            out += "| \(step.checks.count { !$0.passed }) |\n"
        }
        if !failed.isEmpty {
            out += "\n| record | check | result |\n|---|---|---|\n"
            for check in failed {
                out += "| \(cell(check.record ?? check.step)) | \(cell(check.name)) | \(cell(check.message)) |\n"
            }
        }
        return out + "\n"
    }

    private static func annotation(_ file: String, _ line: Int, _ title: String, _ message: String) -> String {
        "::error file=\(property(file)),line=\(max(1, line)),title=\(property(title))::\(data(message))"
    }

    /// Escapes as the runner's toolkit does: text may hold anything, also what looks like another command.
    private static func data(_ text: String) -> String {
        String(
            text.unicodeScalars.flatMap { scalar -> [Character] in
                switch scalar {
                case "%": Array("%25")
                case "\r": Array("%0D")
                case "\n": Array("%0A")
                default: [Character(scalar)]
                }
            })
    }

    private static func property(_ text: String) -> String {
        String(
            data(text).flatMap { character -> [Character] in
                switch character {
                case ":": Array("%3A")
                case ",": Array("%2C")
                default: [character]
                }
            })
    }

    private static func cell(_ text: String) -> String {
        String(
            text.flatMap { character -> [Character] in
                switch character {
                case "|": Array("\\|")
                case "<": Array("&lt;")
                case _ where character.isNewline: [" "]
                default: [character]
                }
            })
    }
}
