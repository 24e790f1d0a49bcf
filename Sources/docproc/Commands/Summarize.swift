import Answering
import ArgumentParser
import Diagnostics
import Inference
import Ingest
import Runs
import Store
import SystemPackage

/// `summarize`: one summary per document or one of all, kept as each is finished.
struct SummarizeCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "summarize", abstract: "Summarize documents, with checked citations.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var resources: ResourceOptions
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @OptionGroup var strictness: StrictOptions
    @Option(name: .long, help: "document or corpus.")
    var per = "document"
    @Option(name: .long, help: ArgumentHelp("Length to aim at, such as \"150 words\".", valueName: "words"))
    var length: String?
    @Option(name: .long, help: ArgumentHelp("Your own instruction, from a file.", valueName: "file"))
    var prompt: String?
    @Option(name: .long, help: ArgumentHelp("Language to write in; the document's by default.", valueName: "name"))
    var language: String?
    @Option(name: .long, help: ArgumentHelp("required, auto or off.", valueName: "how"))
    var cite: String?
    @Option(name: .long, help: "md or jsonl; --output FOLDER/ takes one Markdown file per document.")
    var format: String?
    @Flag(name: .long, help: "Try again what failed before.")
    var retryFailed = false
    @Flag(name: .long, help: "Compute everything anew.")
    var fresh = false
    @Flag(name: .long, help: "Print what would be read, and do nothing.")
    var plan = false
    @Flag(name: .long, help: "Print one event per line as work proceeds.")
    var jsonl = false
    @Argument(help: ArgumentHelp("Files and folders; - is standard input.", valueName: "path"))
    var paths: [String]

    var settingFlags: [any SettingFlags] {
        [model, resources, sampling, selection, progress, storing, strictness, CiteFlag(cite: cite)]
    }
    var wantsEvents: Bool { jsonl }
    var ownsOutput: Bool { !global.json && !jsonl && !plan }

    private struct CiteFlag: SettingFlags {
        var cite: String?
        var settings: [FlagSetting] { cite.map { [(SettingKey.cite.name, [$0], "--cite")] } ?? [] }
    }

    func run(in context: CommandContext) async throws {
        let options = try summaryOptions(context)
        try CorpusReader.demand(paths)
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        let engineOptions = try loader.options(for: files)
        let memory = try loader.plan(files, options: engineOptions)
        let store = try StoreAccess.open(context)
        let events = EventSink(run: "summarize", output: jsonl ? context.output : nil, stop: context.stop)
        let corpus = try await CorpusReader(
            context: context, options: try selection.ingestOptions(context.settings), store: store, events: events
        ).read(paths)
        let streaming = plan ? StreamingCost(memory, files: files, options: engineOptions) : nil
        let session = try await ModelSession.open(context, files: files, options: engineOptions)
        let service = SummaryService(
            context: context, session: session, corpus: corpus, store: store, options: options, fresh: fresh,
            retryFailed: retryFailed)
        if plan { return try show(service.plan(), service, memory.totalBytes, streaming) }
        let target =
            ownsOutput ? try SummaryTarget(context: context, path: global.output, format: try outputFormat()) : nil
        let started = ContinuousClock.now
        let records = try await service.summarize(events: events) { record in
            try target?.take(record)
            if jsonl { try events.require(.docResult, try RecordJSON.value(record)) }
        }
        try target?.finish(records)
        if context.json, !jsonl {
            try context.output.line(
                JSONValue.fields([
                    "schema": "docproc.summaries/1",
                    "summaries": .array(try records.map { try RecordJSON.value($0).schemaFirst }),
                ]).pretty)
        }
        try close(
            records, corpus, context, seconds: (ContinuousClock.now - started).inSeconds,
            keyValues: session.engine.latestKeyValues)
    }

    private func close(
        _ records: [SummaryRecord], _ corpus: LoadedCorpus, _ context: CommandContext, seconds: Double,
        keyValues: KeyValueCounts
    ) throws {
        let ignored = context.settings.text(SettingKey.onUnreadable) == "skip"
        let failed = records.count { $0.status == .failed && !(ignored && $0.key.isEmpty) }
        let good = records.reduce(0) { $0 + $1.citations.count }
        let bad = records.reduce(0) { $0 + $1.rejected.count { $0.reason == .quoteNotFound } }
        let cached = records.count { $0.cached }
        var words = [Format.plural(records.count, "summary", "summaries")]
        if cached > 0 { words.append("\(cached) unchanged") }
        if failed > 0 { words.append("\(failed) failed") }
        words.append("checked \(good)/\(good + bad) quotes")
        if let keyValues = KeyValueWords.closing(keyValues) { words.append(keyValues) }
        words += [PeakMemory.words(context), Format.duration(seconds)]
        context.narrator.note(words.joined(separator: " · "))
        if context.settings.isOn(SettingKey.strict), bad > 0 {
            throw EndWith(status: .checkFailed, note: "\(Format.plural(bad, "quote")) not found in the source (exit 7)")
        }
        if failed > 0 {
            throw EndWith(
                status: .partial,
                note: "\(Format.plural(failed, "document")) failed; --retry-failed tries them again (exit 6)")
        }
        try CorpusReader.judge(corpus, context)
    }

    private func show(
        _ ask: AskPlan, _ service: SummaryService, _ memory: Int, _ streaming: StreamingCost?
    ) throws {
        let outcomes = service.corpus.report.outcomes
        let plan = RunPlan(
            command: "summarize", strategy: ask.strategy.rawValue, model: service.session.planModel,
            windows: .init(
                count: ask.windows.count, tokens: ask.inputTokens, largest: ask.windows.max() ?? 0,
                reliable: service.session.generator.reliableWindow, accepted: service.session.engine.model.contextLength
            ),
            memory: .init(bytes: memory, limit: service.session.options.memoryLimit), files: outcomes.count,
            filesReused: outcomes.count { $0.cached })
        try service.context.print(
            plan.json(with: streaming),
            text: PlanText.lines(
                plan, ask: ask, streaming: streaming, freeDisk: Machine.freeDisk(at: service.context.places.cache),
                reused: "\(outcomes.count { $0.document != nil } - (try service.pending().count)) summaries"))
    }

    private func summaryOptions(_ context: CommandContext) throws(UserError) -> SummaryOptions {
        var options = SummaryOptions(AskOptions(context.settings))
        guard let scope = SummaryOptions.Scope(rawValue: per) else {
            throw UserError(.badFlag, "--per is document or corpus, not \"\(per)\"")
        }
        options.per = scope
        if let length {
            let words = length.split(separator: " ")
            guard let first = words.first, let count = Int(first), count > 0,
                words.count == 1 || words[1].hasPrefix("word")
            else {
                throw UserError(.badFlag, "--length takes a number of words, such as \"150 words\", not \"\(length)\"")
            }
            options.words = count
        }
        options.language = language
        if let prompt {
            do {
                options.prompt = String(decoding: try SmallFile.bytes(FilePath(prompt)), as: UTF8.self)
            } catch {
                throw UserError(
                    .inputMissing, "the prompt could not be read: \(error)", places: [.init("file", prompt)])
            }
        }
        return options
    }

    private func outputFormat() throws(UserError) -> SummaryTarget.Format? {
        guard let format else { return nil }
        guard let known = SummaryTarget.Format(rawValue: format) else {
            throw UserError(.badFlag, "--format is md or jsonl, not \"\(format)\"")
        }
        return known
    }
}

extension SummaryOptions {
    /// What answers and summaries have in common.
    init(_ options: AskOptions) {
        self.init(
            citations: options.citations, contextTokens: options.contextTokens, temperature: options.temperature,
            seed: options.seed)
    }
}
