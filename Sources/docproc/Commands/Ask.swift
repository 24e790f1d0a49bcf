import Answering
import ArgumentParser
import Diagnostics
import Hashing
import Inference
import Ingest
import Models
import Pipeline
import Runs
import Store
import SystemPackage
import Weights

/// `ask`: answers from documents, with citations that were looked up in the source.
struct AskCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Answer questions from documents, with checked citations.",
        discussion: """
            The last argument is the question, unless --questions is given. With --schema the answer is one JSON value \
            that satisfies the JSON Schema; it is written from one window and carries no citations, since none of its \
            words are looked up in the source.
            """)

    enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, md, json }

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var resources: ResourceOptions
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var answering: AnswerFlags
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @OptionGroup var strictness: StrictOptions
    @Option(name: .long, help: ArgumentHelp("auto, full, map or search.", valueName: "how"))
    var strategy: String?
    @Option(
        name: .long, help: ArgumentHelp("Questions, one per line, or JSONL with id, q and expect.", valueName: "file"))
    var questions: String?
    @Option(
        name: .long, help: ArgumentHelp("Answer with JSON by this JSON Schema, without citations.", valueName: "file"))
    var schema: String?
    @Option(name: .long, help: "text, md or json.")
    var format: OutputFormat = .text
    @Flag(name: .long, help: "Ask the model how well each quote bears out its sentence.")
    var checkSupport = false
    @Flag(name: .long, help: "Print what would be read, and do nothing.")
    var plan = false
    @Flag(name: .long, help: "Print one event per line as work proceeds.")
    var jsonl = false
    @Flag(name: .long, help: "Never ask on the terminal.")
    var noInput = false
    @Argument(help: ArgumentHelp("Files and folders, then the question; - is standard input.", valueName: "path"))
    var arguments: [String] = []

    var settingFlags: [any SettingFlags] {
        [model, resources, sampling, answering, selection, progress, storing, strictness, Flags(command: self)]
    }
    var wantsEvents: Bool { jsonl }

    private struct Flags: SettingFlags {
        var command: AskCommand
        var settings: [FlagSetting] {
            (command.strategy.map { [(SettingKey.strategy.name, [$0], "--strategy")] } ?? [])
                + (command.noInput ? [(SettingKey.input.name, ["false"], "--no-input")] : [])
        }
    }

    func run(in context: CommandContext) async throws {
        let request = try AskRequest(arguments, questionFile: questions, context: context)
        try CorpusReader.demand(request.paths)
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        var options = AskOptions(context.settings)
        options.checkSupport = checkSupport
        if let schema { try take(schema, into: &options, context) }
        let setting = context.settings.text(SettingKey.context) ?? "auto"
        let engineOptions = try loader.options(for: files, wholeModel: options.strategy == .full)
        let memory = try loader.plan(files, options: engineOptions)
        context.narrator.show(memoryLimit: engineOptions.memoryLimit)

        let store = try StoreAccess.open(context)
        let run = Self.runID(files.name, request)
        let events = EventSink(run: run, output: jsonl ? context.output : nil, stop: context.stop)
        events.send(.runStart, .fields(["command": "ask", "version": .string(Docproc.version)]))
        var ingest = try selection.ingestOptions(context.settings)
        ingest.exclude += request.ownFiles
        let corpus = try await CorpusReader(context: context, options: ingest, store: store, events: events)
            .read(request.paths)
        let streaming = plan ? StreamingCost(memory, files: files, options: engineOptions) : nil
        let session = try await ModelSession.open(context, files: files, options: engineOptions)
        let service = AskService(
            context: context, session: session, corpus: corpus, store: store,
            options: options.within(session.engine.contextLength, setting: setting), fresh: answering.fresh)

        if plan { return try await showPlan(service, request, memory, streaming) }
        if request.questions.isEmpty { return try await converse(service, events) }
        let report = AskReport(
            context: context, format: context.json && !jsonl ? .json : format, events: events, isJSON: schema != nil)
        var stored = 0
        let answers = try await service.answer(request.answerable, events: events) { answer, wasStored in
            stored += wasStored ? 1 : 0
            try report.show(answer, of: request.questions.count)
        }
        try report.finish(
            answers, stored: stored, request: request, corpus: corpus, keyValues: session.engine.latestKeyValues)
    }

    /// Options of an answer that is JSON.
    private func take(_ schema: String, into options: inout AskOptions, _ context: CommandContext) throws(UserError) {
        let asked = context.settings.value(SettingKey.cite)
        if checkSupport || (asked?.text == "required" && asked?.origin != .builtIn) {
            throw UserError(
                .badFlag,
                "\(checkSupport ? "--check-support" : "--cite required") is about citations, and answers by "
                    + "--schema have none",
                remedies: [.init("--cite off", "says the same as --schema alone")])
        }
        options.schema = try AnswerSchemaFile.read(schema)
        options.citations = .off
        options.maxOutputTokens =
            context.settings.integer(SettingKey.maxOutputTokens) ?? AnswerSchemaFile.outputTokens
    }

    /// A short name that follows from the question, so that equal commands have equal runs.
    private static func runID(_ model: String, _ request: AskRequest) -> String {
        let text = ([model] + request.paths + request.questions.map(\.text)).joined(separator: "\u{0}")
        return String(ContentHash(of: text).hex.prefix(10)).uppercased()
    }

    private func showPlan(
        _ service: AskService, _ request: AskRequest, _ memory: MemoryPlan, _ streaming: StreamingCost?
    ) async throws {
        let context = service.context
        guard !request.questions.isEmpty else {
            throw UserError(.badFlag, "--plan needs a question, as the question takes room in the window")
        }
        let ask = try await service.plan(request.answerable)
        let stored = try service.stored(request.answerable)
        let outcomes = service.corpus.report.outcomes
        let seconds = service.seconds(ask, answers: request.questions.count - stored)
        let plan = RunPlan(
            command: "ask", strategy: ask.strategy.rawValue, model: service.session.planModel,
            windows: .init(
                count: ask.windows.count, tokens: ask.inputTokens, largest: ask.windows.max() ?? 0,
                reliable: service.session.generator.reliableWindow, accepted: service.session.engine.model.contextLength
            ),
            memory: .init(
                bytes: memory.totalBytes + (request.questions.count > 1 ? memory.batchBytes : 0),
                limit: service.session.options.memoryLimit),
            files: outcomes.count,
            filesReused: outcomes.count { $0.cached }, seconds: seconds,
            secondsUncertainty: seconds.map { $0 * Calibration.uncertainty })
        try context.print(
            plan.json(with: streaming),
            text: PlanText.lines(
                plan, ask: ask, streaming: streaming, freeDisk: Machine.freeDisk(at: context.places.cache),
                reused: "\(stored) of \(Format.plural(request.questions.count, "answer"))"))
    }

    /// A prompt on the terminal; the engine keeps its cache between questions.
    private func converse(_ service: AskService, _ events: EventSink) async throws {
        let context = service.context
        context.narrator.note("ask about \(service.corpus.label); an empty line ends")
        let report = AskReport(context: context, format: .text, events: events, isJSON: schema != nil)
        while let line = context.readLine(prompt: "? "), line.contains(where: { !$0.isWhitespace }) {
            var stored = 0
            let answers = try await service.answer([.init(text: line)], events: events) { answer, wasStored in
                stored += wasStored ? 1 : 0
                try report.show(answer, of: 1)
            }
            report.summarize(
                answers, stored: stored, corpus: service.corpus, keyValues: service.session.engine.latestKeyValues)
        }
    }
}

/// What the arguments of `ask` mean.
struct AskRequest: Sendable {
    var paths: [String]
    /// Empty where a prompt is to be opened.
    var questions: [Pipeline.Question]

    /// Patterns for the question file where it lies among the documents: questions are no evidence.
    var ownFiles: [String] {
        guard let file = questions.first?.file, !file.isEmpty else { return [] }
        let own = FilePath(file).lexicallyNormalized()
        return paths.compactMap { path in
            let folder = FilePath(path).lexicallyNormalized()
            guard own.starts(with: folder), own != folder else { return nil }
            return "/" + own.components.dropFirst(folder.components.count).map(\.string).joined(separator: "/")
        }
    }

    /// The questions as answering takes them.
    var answerable: [Answering.Question] {
        questions.map { Answering.Question(id: $0.file.isEmpty ? nil : $0.id, text: $0.text) }
    }

    /// - Throws: `DP-CLI-01` when a path or the question is missing; complaints of the question file.
    init(_ arguments: [String], questionFile: String?, context: CommandContext) throws {
        if let questionFile {
            guard !arguments.isEmpty else { throw Self.missing("ask --questions FILE needs at least one PATH") }
            paths = arguments
            questions = try Self.read(questionFile)
            return
        }
        guard let last = arguments.last else { throw Self.missing("ask needs PATH... and a QUESTION") }
        if context.mayAsk, FileFacts.exists(last) {
            paths = arguments
            questions = []
            return
        }
        guard arguments.count > 1 else {
            throw Self.missing(
                FileFacts.exists(last)
                    ? "ask needs a QUESTION after \"\(last)\"" : "ask needs a PATH before the question \"\(last)\"")
        }
        guard last.contains(where: { !$0.isWhitespace }) else { throw Self.missing("the question is empty") }
        paths = Array(arguments.dropLast())
        questions = [Pipeline.Question(id: "q1", text: last)]
    }

    private static func missing(_ cause: String) -> UserError {
        UserError(
            .badFlag, cause, remedies: [.init("docproc ask contracts/ \"What notice period applies?\"", "an example")])
    }

    private static func read(_ path: String) throws -> [Pipeline.Question] {
        let text: String
        do {
            text = String(decoding: try SmallFile.bytes(FilePath(path)), as: UTF8.self)
        } catch {
            throw UserError(
                .inputMissing, "the question file could not be read: \(error)", places: [.init("file", path)])
        }
        let (questions, complaints) = QuestionFile.parse(text, path: path)
        guard complaints.isEmpty else { throw Complaints(list: complaints) }
        return questions
    }
}
