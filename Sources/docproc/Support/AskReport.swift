import Answering
import Diagnostics
import Documents
import Inference
import Ingest
import Pipeline
import Runs

/// Prints answers as they come, then checks and the closing line.
struct AskReport: Sendable {
    let context: CommandContext
    let format: AskCommand.OutputFormat
    let events: EventSink
    /// Whether answers are JSON by `--schema`.
    let isJSON: Bool
    private let started = ContinuousClock.now

    init(context: CommandContext, format: AskCommand.OutputFormat, events: EventSink, isJSON: Bool = false) {
        self.isJSON = isJSON
        self.context = context
        self.format = format
        self.events = events
    }

    /// Prints one answer.
    func show(_ answer: Answer, of count: Int) throws {
        if events.isOn { return try events.require(.docResult, try record(answer)) }
        if isJSON {
            // One value a line; a question without one has none.
            if format != .json, !answer.answer.isEmpty { try context.output.line(answer.answer) }
            return
        }
        switch format {
        case .text:
            let heading =
                count > 1 ? context.outputStyle.bold(answer.id ?? answer.question) + "  \(answer.question)\n" : ""
            try context.output.write(
                heading + AnswerText.plain(answer, style: context.outputStyle) + (count > 1 ? "\n" : ""))
        case .md:
            try context.output.write(AnswerText.markdown(answer))
        case .json:
            break
        }
    }

    /// Prints what is known only at the end, and ends the command with the status that follows.
    ///
    /// - Parameters:
    ///   - stored: how many of the answers were in the store.
    ///   - keyValues: where they are at the end.
    func finish(
        _ answers: [Answer], stored: Int, request: AskRequest, corpus: LoadedCorpus, keyValues: KeyValueCounts
    ) throws {
        var results: [String: [CheckResult]] = [:]
        for (question, answer) in zip(request.questions, answers) where !question.expect.isEmpty {
            results[question.id] = CheckEngine.results(of: question, for: CheckedRecord(answer, id: question.id))
        }
        let rates = PassRates(request.questions, results: results)
        let failed = request.questions.flatMap { results[$0.id] ?? [] }.filter { !$0.passed }
        if events.isOn {
            for result in request.questions.flatMap({ results[$0.id] ?? [] }) { events.send(.check, result.json) }
            try events.require(.runEnd, .fields(["answers": .int(answers.count), "failed_checks": .int(failed.count)]))
        } else {
            switch format {
            case .json: try printJSON(answers, request: request, results: results, rates: rates)
            case .text, .md: if !results.isEmpty { try context.output.write(rateText(rates, failed: failed)) }
            }
        }
        summarize(answers, stored: stored, corpus: corpus, keyValues: keyValues)
        if isJSON { try judgeJSON(answers) }
        try judge(answers, failed: failed, checked: !results.isEmpty)
        try CorpusReader.judge(corpus, context)
    }

    /// The record of an answer; JSON by a schema stands in it as `data` too.
    private func record(_ answer: Answer) throws -> JSONValue {
        let record = try RecordJSON.value(answer).schemaFirst
        guard isJSON, case .object(let members) = record else { return record }
        return .object(members + [.init("data", (try? JSONValue(parsing: answer.answer)) ?? .null)])
    }

    /// A question without its JSON is one that failed.
    private func judgeJSON(_ answers: [Answer]) throws {
        let failed = answers.filter { $0.status != .answered }
        guard let first = failed.first else { return }
        let cause =
            first.status == .notFound
            ? "no passage was found to answer from"
            : "it broke off at its limit of tokens; --max-output-tokens allows more"
        let which = answers.count > 1 ? "\(failed.count) of \(answers.count) questions have" : "there is"
        throw EndWith(status: .partial, note: "\(which) no JSON: \(cause) (exit 6)")
    }

    /// Under `--strict` a failed check, and without checks a doubtful answer, is a failure.
    private func judge(_ answers: [Answer], failed: [CheckResult], checked: Bool) throws {
        guard context.settings.isOn(SettingKey.strict) else { return }
        if !failed.isEmpty {
            throw EndWith(status: .checkFailed, note: "\(Format.plural(failed.count, "check")) failed (exit 7)")
        }
        let doubtful = answers.count { $0.rejected.contains { $0.reason == .quoteNotFound } || $0.status == .partial }
        if !checked, doubtful > 0 {
            throw EndWith(
                status: .checkFailed,
                note: "\(Format.plural(doubtful, "answer")) had sentences or quotes that were not let through (exit 7)")
        }
    }

    /// `checked 2/2 quotes · read 409 of 412 files (3 no-text) · peak 1.2 GiB · 41s` on standard error.
    func summarize(_ answers: [Answer], stored: Int, corpus: LoadedCorpus, keyValues: KeyValueCounts) {
        let good = answers.reduce(0) { $0 + $1.citations.count }
        let bad = answers.reduce(0) { $0 + $1.rejected.count { $0.reason == .quoteNotFound } }
        let coverage = answers.last?.coverage ?? Coverage()
        let files = coverage.files.read + coverage.files.skipped + coverage.files.failed
        var reasons = coverage.reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        if corpus.report.outcomes.contains(where: { Self.hasNoText($0) }) {
            reasons.append("see docproc inspect \(corpus.paths.joined(separator: " ")) --flagged")
        }
        var words = [
            isJSON ? "JSON by the schema, without citations" : "checked \(good)/\(good + bad) quotes",
            "read \(Format.count(coverage.files.read)) of \(Format.plural(files, "file"))"
                + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"),
        ]
        if let note = coverage.note { words.append(note) }
        if stored > 0 {
            words.append(answers.count == 1 ? "answer from the cache" : "\(stored) answers from the cache")
        }
        if context.narrator.isVerbose { words += Self.tokens(answers) }
        if let keyValues = KeyValueWords.closing(keyValues) { words.append(keyValues) }
        words.append(PeakMemory.words(context))
        words.append(Format.duration((ContinuousClock.now - started).inSeconds))
        context.narrator.note((format == .text ? "\n" : "") + words.joined(separator: " · "))
    }

    /// What was written and what of it was guessed rightly ahead, for `--verbose`.
    private static func tokens(_ answers: [Answer]) -> [String] {
        var usage = TokenUsage()
        for answer in answers { usage.add(answer.usage) }
        let thought = usage.thinkingTokens > 0 ? " (\(Format.count(usage.thinkingTokens)) of thought)" : ""
        return [
            "wrote \(Format.plural(usage.outputTokens, "token"))" + thought,
            "guessed \(Format.count(usage.draftedTokens)) ahead, \(Format.count(usage.acceptedTokens)) right",
        ]
    }

    private static func hasNoText(_ outcome: IngestOutcome) -> Bool {
        switch outcome.status {
        case .read: false
        case .skipped(let reason): reason == .noText
        case .failed: true
        }
    }

    private func rateText(_ rates: PassRates, failed: [CheckResult]) -> String {
        var text = failed.map { "failed  \($0.record ?? "")  \($0.name): \($0.message)\n" }.joined()
        if rates.answerable.asked > 0 { text += "answerable       \(rates.answerable.text)\n" }
        if rates.notFound.asked > 0 { text += "not in documents \(rates.notFound.text)\n" }
        return text
    }

    private func printJSON(
        _ answers: [Answer], request: AskRequest, results: [String: [CheckResult]], rates: PassRates
    ) throws {
        let isFile = request.questions.contains { !$0.file.isEmpty }
        guard isFile, let _ = answers.first else {
            if let answer = answers.first { try context.output.line(try self.record(answer).pretty) }
            return
        }
        func rate(_ count: PassRates.Count) -> JSONValue {
            .fields(["asked": .int(count.asked), "passed": .int(count.passed)])
        }
        let record: JSONValue = .fields([
            "schema": "docproc.answers/1", "answers": .array(try answers.map { try self.record($0) }),
            "checks": .array(request.questions.flatMap { results[$0.id] ?? [] }.map(\.json)),
            "pass_rate": .fields(["answerable": rate(rates.answerable), "not_found": rate(rates.notFound)]),
        ])
        try context.output.line(record.pretty)
    }
}

/// Peak memory in the closing line.
enum PeakMemory {
    /// `peak 1.2 GiB of 2.0 GiB`.
    static func words(_ context: CommandContext) -> String {
        let peak = ProcessMemory.peak().map { "peak \(Format.bytes($0))" } ?? "peak memory unknown"
        return peak + (context.settings.integer(SettingKey.memory).map { " of \(Format.bytes($0))" } ?? "")
    }
}
