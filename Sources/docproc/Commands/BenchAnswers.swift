import Answering
import ArgumentParser
import Benchmarks
import Diagnostics
import Documents
import Inference
import Ingest
import Models
import Packing
import Runs
import Store
import Synchronization
import Weights

/// `bench answers`: how fast answers and summaries are written, with drafts from the prompt and without.
struct BenchAnswers: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "answers", abstract: "Measure how fast answers and summaries are written.",
        discussion: """
            Questions are answered and documents summarized as ask and summarize do. Then every output is written again \
            from its prompt, token by token and with drafts that are looked up in the prompt; both give the same tokens. \
            The peer writes as many tokens, one by one, after a prompt of the mean length.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var resources: ResourceOptions
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @Option(name: .long, help: ArgumentHelp("Questions as ask takes them.", valueName: "file"))
    var questions: String
    @Option(name: .long, help: ArgumentHelp("Answer only the first questions.", valueName: "n"))
    var first: Int?
    @Option(name: .long, help: ArgumentHelp("Summarize the first documents too.", valueName: "n"))
    var summaries = 0
    @Option(name: .long, help: ArgumentHelp("Path of llama-bench.", valueName: "path"))
    var peer: String?
    @Option(name: .long, help: ArgumentHelp("How often each output is written each way.", valueName: "n"))
    var rounds = 3
    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
    var paths: [String]

    var settingFlags: [any SettingFlags] { [model, resources, sampling, selection, progress, storing] }

    func run(in context: CommandContext) async throws {
        guard rounds >= 1, summaries >= 0, first ?? 1 >= 1 else {
            throw UserError(.badFlag, "--rounds and --first take whole numbers of 1 or more, --summaries of 0 or more")
        }
        let request = try AskRequest(paths, questionFile: questions, context: context)
        try CorpusReader.demand(request.paths)
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        let engineOptions = try loader.options(for: files)
        let store = try StoreAccess.open(context)
        let events = EventSink(run: "bench", output: nil, stop: context.stop)
        var ingest = try selection.ingestOptions(context.settings)
        ingest.exclude += request.ownFiles
        let corpus = try await CorpusReader(context: context, options: ingest, store: store, events: events)
            .read(request.paths)
        let written = Written()
        let session = try await ModelSession.open(context, files: files, options: engineOptions) { written.take($0) }

        var options = AskOptions(context.settings)
        options.strategy = .search
        let asker = Asker(
            generator: session.generator,
            search: StoredSearch(store: store, variant: corpus.variant, corpus: corpus.corpus), options: options)
        let asked = Array(request.answerable.prefix(first ?? .max))
        let load = ResourceUse.load()
        let narrator = context.narrator
        narrator.begin(Progress(stage: "answers", done: 0, total: asked.count, unit: "questions"))
        _ = try await asker.ask(asked, of: corpus.corpus, progress: { _ in }) { _ in narrator.update { $0.done += 1 } }
        let documents = corpus.corpus.documents.prefix(summaries)
        for document in documents {
            narrator.update { $0.details = ["summary of \(document.document.path)"] }
            _ = try await Summarizer(generator: session.generator, options: SummaryOptions(options)).summarize(
                AskCorpus(documents: [document]), numerics: session.numerics)
        }

        var report = DraftReport()
        report.loadBefore = load
        let requests = written.requests.withLock { $0 }
        let benchmark = DraftBenchmark(session.engine, rounds: rounds)
        narrator.begin(Progress(stage: "bench", done: 0, total: requests.count, unit: "outputs"))
        for request in requests {
            if let sample = try await benchmark.measure(request) { report.samples.append(sample) }
            narrator.update { $0.done += 1 }
        }
        if let peer, !report.samples.isEmpty {
            let peer = PeerBench(program: peer, model: files.path)
            for _ in 0..<rounds {
                let kind = SpeedCase.decode(max(report.meanOutput, 16))
                report.peer.append(
                    try await peer.measure(kind, threads: engineOptions.threads, after: report.meanPrompt).speed)
            }
            report.peerVersion = await peer.version()
        }
        narrator.end()
        guard !report.samples.isEmpty else {
            throw UserError(.badFlag, "no output was longer than a token", places: [.init("file", questions)])
        }
        try context.print(record(report, files), text: text(report, files))
    }

    private func record(_ report: DraftReport, _ files: ModelFiles) -> JSONValue {
        .fields([
            "schema": "docproc.bench_answers/1", "model": .string(files.name), "outputs": .int(report.samples.count),
            "mean_prompt_tokens": .int(report.meanPrompt), "mean_output_tokens": .int(report.meanOutput),
            "plain_tokens_per_second": .double(report.plainRate),
            "drafted_tokens_per_second": .double(report.draftedRate),
            "drafted_tokens": .int(report.samples.reduce(0) { $0 + $1.draftedTokens }),
            "accepted_tokens": .int(report.samples.reduce(0) { $0 + $1.acceptedTokens }),
            "equal": .bool(report.isEqual), "load_before": report.loadBefore.map { .double($0) } ?? .null,
            "peer": report.peerVersion.map { .string($0) } ?? .null,
            "peer_tokens_per_second": Median.of(report.peer).map { .double($0) } ?? .null,
            "ratio": Median.of(report.peer).map { .double(report.draftedRate / $0) } ?? .null,
        ])
    }

    private func text(_ report: DraftReport, _ files: ModelFiles) -> String {
        let peer = Median.of(report.peer)
        func row(_ name: String, _ rate: Double) -> [String] {
            [name, Format.decimal(rate, 1), Format.decimal(rate / report.plainRate, 2)]
                + (peer.map { [Format.decimal(rate / $0, 2)] } ?? [])
        }
        var rows = [["tokens per second", "", "to plain"] + (peer == nil ? [] : ["to peer"])]
        rows.append(row("token by token", report.plainRate))
        rows.append(row("with drafts", report.draftedRate))
        if let peer { rows.append(row("peer, token by token", peer)) }
        let (drafted, accepted) = report.samples.reduce((0, 0)) { ($0.0 + $1.draftedTokens, $0.1 + $1.acceptedTokens) }
        return "\(files.name) · \(Format.plural(report.samples.count, "output")) of \(report.meanOutput) tokens after "
            + "\(Format.count(report.meanPrompt)) on average · \(accepted) of \(drafted) drafted tokens were right · "
            + (report.isEqual ? "same tokens both ways" : "THE TOKENS DIFFER") + "\n"
            + Format.table(rows, rightAligned: [1, 2, 3])
            + (report.peerVersion.map { "peer: \($0)\n" } ?? "")
    }

    /// What the engine was asked for, cut to what was taken of it.
    private final class Written: Sendable {
        let requests = Mutex<[GenerationRequest]>([])
        func take(_ request: GenerationRequest) { requests.withLock { $0.append(request) } }
    }
}
