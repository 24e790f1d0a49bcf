// Decides the checks of a whole step: `expect` of its questions, `each`, and those over all records.

import Runs

/// A step's records with what is known of it as a whole.
struct StepEvaluator {
    let step: PipelineStep
    let file: String
    let records: [CheckedRecord]
    let totals: StepTotals
    /// Earlier pass rates by step, for `baseline`; nil where the file could not be read, with the reason.
    let baseline: (String) -> Result<Baseline, BaselineError>

    /// Results of `expect`, by record in order.
    var expectations: [CheckResult] {
        guard case .ask(let ask) = step.work else { return [] }
        let byID = Dictionary(records.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return ask.questions.flatMap { question -> [CheckResult] in
            let missing = CheckedRecord(id: question.id, text: "", status: .failed, failure: "there is no answer")
            return CheckEngine.results(of: question, for: byID[question.id] ?? missing, step: step.id)
        }
    }

    /// Everything: expectations, then `assert` in the order of the file.
    func results() -> [CheckResult] {
        let expectations = expectations
        return expectations + step.asserts.flatMap { results(of: $0, expectations) }
    }

    /// Ids of questions with `expect`, and of those among them that passed.
    static func passes(_ expectations: [CheckResult]) -> (asked: [String], passed: [String]) {
        var asked: [String] = []
        var failed: Set<String> = []
        for result in expectations {
            guard let record = result.record else { continue }
            if !asked.contains(record) { asked.append(record) }
            if !result.passed { failed.insert(record) }
        }
        return (asked, asked.filter { !failed.contains($0) })
    }

    private func results(of check: StepCheck, _ expectations: [CheckResult]) -> [CheckResult] {
        if case .each(let rule) = check.rule {
            return records.map { CheckEngine.result(rule, $0, step: step.id, file: file, line: check.line) }
        }
        let (passed, message) = verdict(check.rule, expectations)
        return [
            CheckResult(
                name: check.rule.name, step: step.id, record: nil, passed: passed, message: message, file: file,
                line: check.line)
        ]
    }

    private func verdict(_ rule: StepRule, _ expectations: [CheckResult]) -> (Bool, String) {
        switch rule {
        case .each: return (true, "")
        case .coverage(let floor): return CheckEngine.coverage(floor, totals.coverage)
        case .passRate(let least):
            let (asked, passed) = Self.passes(expectations)
            let missed = asked.filter { !passed.contains($0) }
            let failing = missed.isEmpty ? "" : "; failing: \(missed.prefix(12).joined(separator: ", "))"
            return (
                !asked.isEmpty && Double(passed.count) >= least * Double(asked.count) - 1e-9,
                "expected \(CheckEngine.percent(least)) of the questions to pass, found \(passed.count) of \(asked.count)\(failing)"
            )
        case .failures(let limit): return failures(limit)
        case .baseline(let name, let drop): return compare(name, drop, expectations)
        case .tokensPerSecond(let least):
            guard let speed = totals.tokensPerSecond else { return (true, "nothing was read, so there is no speed") }
            return (
                speed >= least, "expected at least \(Shape.short(least)) tokens/s, found \(Shape.short(tenth(speed)))"
            )
        case .peakMemory(let most):
            guard let peak = totals.peakMemory else { return (false, "the peak of memory is unknown") }
            return (peak <= most, "expected at most \(mebibytes(most)), found \(mebibytes(peak))")
        case .secondsPerQuestion(let most):
            guard !records.isEmpty else { return (false, "there are no records") }
            let mean = records.reduce(0) { $0 + $1.seconds } / Double(records.count)
            return (
                mean <= most, "expected at most \(Shape.short(most)) s on average, found \(Shape.short(tenth(mean))) s"
            )
        }
    }

    private func tenth(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }

    private func failures(_ limit: FailureLimit) -> (Bool, String) {
        let failed = records.filter { $0.status == .failed }
        let names = failed.isEmpty ? "" : ": \(failed.prefix(12).map(\.id).joined(separator: ", "))"
        let found = "found \(failed.count) of \(records.count)\(names)"
        switch limit {
        case .count(let most): return (failed.count <= most, "expected at most \(most) failures, \(found)")
        case .share(let most):
            return (
                Double(failed.count) <= most * Double(records.count) + 1e-9,
                "expected at most \(CheckEngine.percent(most)) failures, \(found)"
            )
        }
    }

    private func compare(_ name: String, _ drop: Double, _ expectations: [CheckResult]) -> (Bool, String) {
        let (asked, passed) = Self.passes(expectations)
        let rate = asked.isEmpty ? 0 : Double(passed.count) / Double(asked.count)
        switch baseline(name) {
        case .failure(let error): return (false, error.message)
        case .success(let earlier):
            guard let before = earlier.steps[step.id] else {
                return (false, "\(name) has no step \"\(step.id)\"; docproc run --update-baseline writes it")
            }
            let lost = before.passed.filter { asked.contains($0) && !passed.contains($0) }
            let names = lost.isEmpty ? "" : "; no longer passing: \(lost.prefix(12).joined(separator: ", "))"
            return (
                rate >= before.passRate - drop - 1e-9,
                "expected at least \(CheckEngine.percent(max(0, before.passRate - drop))) to pass, found \(CheckEngine.percent(rate))\(names)"
            )
        }
    }
}
