// Runs a checked pipeline: steps in order through the executor, then checks, outputs and reports.
//
// Nothing of an earlier run is touched before the new one's records are all there; each output is then replaced whole.

import Diagnostics
package import Runs
import Synchronization

/// Runs one pipeline once.
package struct PipelineRunner: Sendable {
    /// What to run.
    package var definition: PipelineDefinition
    /// Does the work.
    package var executor: any StepExecutor
    /// Where records and events are kept; nil for `--no-store`.
    package var folder: RunFolder?
    /// For `GITHUB_ACTIONS` and `GITHUB_STEP_SUMMARY`.
    package var environment: [String: String]
    /// Whether `baseline:` files are written instead of compared.
    package var updatesBaseline: Bool
    /// Sees every event; the program prints them under `--jsonl`.
    package var onEvent: @Sendable (Event) -> Void

    /// Prepares a run.
    package init(
        definition: PipelineDefinition, executor: any StepExecutor, folder: RunFolder? = nil,
        environment: [String: String] = [:], updatesBaseline: Bool = false,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.definition = definition
        self.executor = executor
        self.folder = folder
        self.environment = environment
        self.updatesBaseline = updatesBaseline
        self.onEvent = onEvent
    }

    /// Runs the steps and writes outputs and reports.
    ///
    /// - Returns: what happened; `exit` is the program's status.
    /// - Throws: `CancellationError` when interrupted, a stopping `UserError` (interrupted, time, terminated), or the
    ///   error of an output that can't be written. Outputs are then those of the run before.
    package func run() async throws -> PipelineReport {
        var reports: [StepReport] = []
        var records: [String: [StepRecord]] = [:]
        var stopped: String?
        for step in definition.steps {
            let unmet = step.needs.first { need in reports.contains { $0.id == need && $0.outcome != .done } }
            if let reason = stopped ?? unmet.map({ "step \($0) did not finish" }) {
                reports.append(report(step, .skipped(reason), [], StepTotals()))
                continue
            }
            let (report, finished) = try await run(step)
            records[step.id] = finished
            for check in report.checks { emit(.check, check.json) }
            if case .failed(let error) = report.outcome {
                emit(.error, .fields(["step": .string(step.id), "cause": .string(error.cause)]))
                if step.onError == .stop { stopped = "step \(step.id) failed" }
            }
            reports.append(report)
        }
        var outcome = PipelineReport(
            name: definition.name, path: definition.path, steps: reports, outputs: [], warnings: [])
        let done = Set(reports.filter { $0.outcome == .done }.map(\.id))
        for output in definition.outputs where done.contains(output.from) {
            try write(output, records[output.from] ?? [], &outcome)
        }
        if updatesBaseline { try writeBaselines(&outcome) }
        if let junit = definition.junit {
            let path = definition.resolve(junit)
            try save(JUnitWriter.xml(name: definition.name, suites: outcome.suites), path)
            outcome.outputs.append(path)
        }
        try writeStepSummary(outcome)
        return outcome
    }

    // MARK: - Steps

    private func run(_ step: PipelineStep) async throws -> (StepReport, [StepRecord]) {
        let finished = Mutex<[StepRecord]>([])
        let corpus =
            definition.corpora[step.work.corpus]
            ?? PipelineCorpus(name: step.work.corpus, paths: [], exclude: [], include: [])
        do {
            let totals = try await executor.execute(step, corpus: corpus, pipeline: definition) { record in
                try folder?.appendResult(record.json)
                finished.withLock { $0.append(record) }
                emit(
                    .docResult,
                    .fields([
                        "step": .string(step.id), "record": .string(record.checked.id),
                        "status": .string(record.checked.status.rawValue),
                    ]))
            }
            if let keyValues = totals.keyValues, keyValues.isWorthTelling {
                emit(.kv, .object([.init("step", .string(step.id))] + keyValues.members))
            }
            let records = finished.withLock { $0 }
            let evaluator = StepEvaluator(
                step: step, file: definition.path, records: records.map(\.checked), totals: totals, baseline: baseline)
            var result = report(step, .done, records, totals)
            result.checks = evaluator.results()
            (result.asked, result.passing) = StepEvaluator.passes(evaluator.expectations)
            return (result, records)
        } catch let error as UserError {
            // Whoever stopped the program wants it to stop, whatever `on_error` says.
            if [.interrupted, .timeLimit, .terminated].contains(error.code) { throw error }
            let records = finished.withLock { $0 }
            return (report(step, .failed(error), records, StepTotals()), records)
        } catch let error as FileError {
            throw error.userError
        }
    }

    private func report(
        _ step: PipelineStep, _ outcome: StepReport.Outcome, _ records: [StepRecord], _ totals: StepTotals
    ) -> StepReport {
        var failures: [String: String] = [:]
        for record in records where record.checked.status == .failed {
            failures[record.checked.id] = record.checked.failure ?? "it failed"
        }
        return StepReport(
            id: step.id, kind: step.work.name, outcome: outcome, onError: step.onError,
            records: records.map(\.checked.id),
            failures: failures, checks: [], asked: [], passing: [], totals: totals)
    }

    private func emit(_ kind: Event.Kind, _ fields: JSONValue) {
        let event = Event(kind, run: folder?.id ?? "", fields: fields)
        onEvent(event)
        // Events only tell the story; a disk too full for them will stop the next result.
        try? folder?.append(event)
    }

    // MARK: - Baselines

    private func baseline(_ name: String) -> Result<Baseline, BaselineError> {
        if updatesBaseline { return .success(Baseline(accepting: definition.steps.map(\.id))) }
        do {
            let text = try TextFile.read(definition.resolve(name))
            do { return .success(try Baseline(text)) } catch {
                return .failure(.init(message: "\(name): \(error.message)"))
            }
        } catch {
            return .failure(.init(message: "\(name): \(error.reason); docproc run --update-baseline writes it"))
        }
    }

    private func writeBaselines(_ outcome: inout PipelineReport) throws {
        var files: [String: Baseline] = [:]
        for step in definition.steps {
            guard let report = outcome.steps.first(where: { $0.id == step.id }), report.outcome == .done else {
                continue
            }
            for check in step.asserts {
                guard case .baseline(let name, _) = check.rule else { continue }
                let path = definition.resolve(name)
                var file = files[path] ?? (try? Baseline(TextFile.read(path))) ?? Baseline()
                let rate = report.asked.isEmpty ? 0 : Double(report.passing.count) / Double(report.asked.count)
                file.steps[step.id] = .init(passRate: rate, passed: report.passing)
                files[path] = file
            }
        }
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            try save(file.text, path)
            outcome.outputs.append(path)
        }
    }

    // MARK: - Files

    private func write(_ output: PipelineOutput, _ records: [StepRecord], _ outcome: inout PipelineReport) throws {
        let path = definition.resolve(output.path)
        if OutputPath.placeholders(in: path).isEmpty {
            try save(OutputText.text(records, output.format), path)
            outcome.outputs.append(path)
            return
        }
        var paths = records.map { OutputPath.fill(path, doc: $0.doc, id: $0.checked.id) }
        let counts = Dictionary(paths.map { ($0, 1) }, uniquingKeysWith: +)
        for index in paths.indices where (counts[paths[index]] ?? 0) > 1 {
            // Two documents of one name: both get the whole path for a name, so that neither overwrites the other.
            let whole = (records[index].doc ?? records[index].checked.id).split(separator: "/").joined(separator: "_")
            let old = paths[index]
            paths[index] = OutputPath.fill(path, name: whole, stem: whole, id: whole)
            outcome.warnings.append("\(old) is wanted by several records; wrote \(paths[index])")
        }
        for (path, record) in zip(paths, records) {
            try save(OutputText.text(record, output.format), path)
            outcome.outputs.append(path)
        }
    }

    private func save(_ text: String, _ path: String) throws {
        do { try AtomicFile.write(text, to: path) } catch { throw error.userError }
    }

    /// Appends to the page that GitHub Actions shows for the job.
    private func writeStepSummary(_ outcome: PipelineReport) throws {
        guard environment["GITHUB_ACTIONS"] != nil, let path = environment["GITHUB_STEP_SUMMARY"], !path.isEmpty
        else { return }
        do {
            let log = try RecordLog(path: path)
            for line in GitHubReport.summary(outcome).split(separator: "\n", omittingEmptySubsequences: false)
                .dropLast()
            {
                try log.append(String(line), synced: false)
            }
        } catch { throw error.userError }
    }
}

extension Baseline {
    /// A baseline that nothing falls below, for the run that writes one.
    fileprivate init(accepting steps: [String]) {
        self.init()
        for step in steps { self.steps[step] = Step(passRate: 0, passed: []) }
    }
}

/// Texts of outputs.
enum OutputText {
    /// All records in one file.
    static func text(_ records: [StepRecord], _ format: PipelineOutput.Format) -> String {
        switch format {
        case .markdown: records.map { trimmed($0.markdown) }.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
        case .jsonl: records.map { $0.json + "\n" }.joined()
        case .json: records.isEmpty ? "[]\n" : "[\n" + records.map(\.json).joined(separator: ",\n") + "\n]\n"
        }
    }

    /// One record in a file of its own.
    static func text(_ record: StepRecord, _ format: PipelineOutput.Format) -> String {
        format == .markdown ? trimmed(record.markdown) + "\n" : record.json + "\n"
    }

    private static func trimmed(_ text: String) -> String {
        var view = Substring(text)
        while view.last?.isNewline == true { view.removeLast() }
        return String(view)
    }
}
