import ArgumentParser
import Benchmarks
import Diagnostics
import Glibc
import Inference
import KVCache
import Kernels
import Models
import Runs
import SystemPackage

/// `bench recall`: whether what stands in a long window is found.
struct BenchRecall: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "recall", abstract: "Hide facts in a window of any length and ask for them.",
        discussion: """
            With --synthetic, the model is a small Llama 4 whose weights are written down, not trained: it is right \
            about every question at any length, unless keys and values were lost, mixed up or seen where they must not \
            be. Ends with exit 7 when an answer is wrong.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var resources: ResourceOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @Flag(name: .long, help: "Ask the constructed recall model.")
    var synthetic = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Size of the model: " + RecallPreset.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "size"))
    var preset = RecallPreset.tiny
    @Option(name: .long, help: ArgumentHelp("Tokens of the window.", valueName: "tokens"))
    var tokens = "1M"
    @Option(name: .long, help: ArgumentHelp("Facts from its beginning to its end.", valueName: "n"))
    var depths = 20
    @Option(name: .long, help: ArgumentHelp("Another seed gives another window.", valueName: "n"))
    var seed: UInt64 = 1
    @Flag(
        name: .long,
        help: "Only facts among copies of one token, found just because queries grow with their position.")
    var critical = false
    @Option(name: .long, help: ArgumentHelp("Write the model to this file, and leave it there.", valueName: "file"))
    var keep: String?

    var settingFlags: [any SettingFlags] { [resources, progress, storing] }

    func run(in context: CommandContext) async throws {
        let corpus = try corpus()
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let path = keep ?? scratch.path.appending("\(preset.rawValue).gguf").string
        if keep != nil { try ModelWriting(context: context).refuseExisting(path) }
        try RecallModel(preset.shape, natsPerBit: critical ? corpus.criticalNatsPerBit : nil).write(to: path)

        let files = try ModelFiles.open(path: path)
        let loader = ModelLoader(context: context)
        var options = try loader.options(for: files, wholeModel: true)
        options.contextLimit = corpus.count + RecallBenchmark.questionTokens
        options.kvStore = try loader.kvStore(files, options)
        let engine = try await loader.open(files, options: options)
        // The file stays mapped, and is gone with the process, whatever happens to it. Not earlier: the model is named
        // by the hash of its file.
        scratch.remove()
        let narrator = context.narrator
        narrator.begin(Progress(stage: "prefill", done: 0, total: corpus.count, unit: "tokens", rateUnit: "tok/s"))
        let report = try await RecallBenchmark(engine, corpus).run { done, cached in
            narrator.update {
                $0.done = done
                $0.free = cached
                $0.details = KeyValueWords.line(engine.latestKeyValues).map { [$0] } ?? []
            }
            if done == corpus.count {
                narrator.begin(Progress(stage: "ask", done: 0, total: corpus.questions.count, unit: "questions"))
            }
        } asked: { _ in
            narrator.update { $0.done += 1 }
        }
        narrator.end()
        try context.print(record(report, options), text: text(report, options))
        let wrong = report.answers.count - report.found
        if wrong > 0 {
            throw EndWith(
                status: .checkFailed,
                note: "\(wrong) of \(Format.plural(report.answers.count, "answer")) wrong (exit 7)")
        }
    }

    private func corpus() throws(UserError) -> RecallCorpus {
        guard synthetic else {
            throw UserError(
                .badFlag, "bench recall asks only the constructed recall model",
                remedies: [.init("docproc bench recall --synthetic")])
        }
        guard let tokens = Quantity.tokens(tokens), (1...500).contains(depths), seed < 1 << 32 else {
            throw UserError(
                .badFlag, "--tokens takes a number such as 64K or 1M, --depths 1 to 500, --seed a number below 2³²")
        }
        let least = RecallCorpus.leastTokens(preset.shape, depths: depths)
        let most = RecallModel.contextLength - RecallBenchmark.questionTokens
        guard (least...most).contains(tokens) else {
            throw UserError(
                .badFlag,
                "\(preset.rawValue) takes \(Format.count(least)) to \(Format.count(most)) tokens with "
                    + Format.plural(depths, "depth"),
                remedies: [.init("--tokens 64K")])
        }
        return critical
            ? RecallCorpus(critical: preset.shape, tokens: tokens, depths: depths, seed: seed)
            : RecallCorpus(preset.shape, tokens: tokens, depths: depths, seed: seed)
    }

    private func record(_ report: RecallReport, _ options: EngineOptions) -> JSONValue {
        func ids(_ tokens: [Int32]) -> JSONValue { .array(tokens.map { .int(Int($0)) }) }
        return .fields([
            "schema": "docproc.bench_recall/1", "preset": .string(preset.rawValue), "tokens": .int(report.tokens),
            "seed": .int(Int(seed)), "critical": .bool(critical), "threads": .int(options.threads),
            "kv_type": .string(options.kvType.rawValue), "questions": .int(report.answers.count),
            "found": .int(report.found),
            "answers": .array(
                report.answers.map { answer in
                    .fields([
                        "kind": .string(answer.question.kind.name),
                        "depth": answer.question.depth.map { .double($0) } ?? .null,
                        "key": ids(answer.question.key), "expected": ids(answer.question.expected),
                        "got": ids(answer.tokens), "balance": answer.balance.map { .double($0) } ?? .null,
                        "right": .bool(answer.isRight),
                    ])
                }),
            "cached_tokens": .int(report.cachedTokens), "prefill_seconds": .double(report.prefillSeconds),
            "prefill_tokens_per_second": report.prefillRate.map { .double($0) } ?? .null,
            "question_seconds": .double(report.questionSeconds), "kv_bytes": .int(report.keyValues.residentBytes),
            "paged_bytes": .int(report.keyValues.pagedBytes), "reads": report.reads.map(Self.record) ?? .null,
            "peak_memory": report.peakMemory.map { .int($0) } ?? .null,
        ])
    }

    private static func record(_ reads: RecallReads) -> JSONValue {
        .fields([
            "bytes": .int(reads.counts.bytes), "device_bytes": reads.deviceBytes.map { .int($0) } ?? .null,
            "blocks": .int(reads.counts.blocks), "ready": .int(reads.counts.ready),
            "ready_share": reads.counts.readyShare.map { .double($0) } ?? .null,
            "wait_seconds": .double(reads.counts.waitSeconds), "wait_share": .double(reads.waitShare),
            "bytes_per_second": .double(reads.rate),
            "disk_bytes_per_second": reads.disk.map { .double($0.bytesPerSecond) } ?? .null,
            "share_of_disk": reads.shareOfDisk.map { .double($0) } ?? .null,
            "bound": .string(reads.isComputeBound ? "computing" : "reading"),
        ])
    }

    private static func text(_ reads: RecallReads) -> String {
        let device = reads.deviceBytes.map { ", \(Format.bytes($0)) of it from the device" } ?? ""
        let disk = reads.disk.map { "; the disk alone gives \(Format.bytes(Int($0.bytesPerSecond)))/s" } ?? ""
        let bound =
            reads.isComputeBound
            ? "computing sets the pace"
            : "reading sets the pace" + (reads.shareOfDisk.map { ", at \(KVText.percent($0)) of the disk's" } ?? "")
        return "questions read \(Format.bytes(reads.counts.bytes)) in \(Format.plural(reads.counts.blocks, "block"))"
            + "\(device), \(Format.bytes(Int(reads.rate)))/s · "
            + "\(Format.percent(reads.counts.ready, of: reads.counts.blocks)) were ready, waited "
            + "\(Format.decimal(reads.counts.waitSeconds, 2)) s (\(KVText.percent(reads.waitShare)))\(disk): \(bound)\n"
    }

    private func text(_ report: RecallReport, _ options: EngineOptions) -> String {
        func words(_ tokens: [Int32]) -> String { tokens.map { String($0) }.joined(separator: " ") }
        var rows = [["question", "depth", "expected", "got", "right"]]
        for answer in report.answers {
            let kind = answer.question.kind.name.replacing("_", with: " ")
            let balance = answer.balance.map { " · balance \(Format.decimal($0, 3))" } ?? ""
            rows.append([
                kind, answer.question.depth.map { Format.decimal($0, 3) } ?? "–", words(answer.question.expected),
                words(answer.tokens) + balance, answer.isRight ? "yes" : "NO",
            ])
        }
        let rate = report.prefillRate.map { " (\(Format.count(Int($0))) tokens/s)" } ?? ""
        let cached = report.cachedTokens > 0 ? ", \(Format.count(report.cachedTokens)) tokens stored before" : ""
        let onDisk = report.keyValues.pagedBytes
        let paged = onDisk > 0 ? " and \(Format.bytes(onDisk)) on disk" : ""
        let peak = report.peakMemory.map { " · peak memory \(Format.bytes($0))" } ?? ""
        return "\(preset.rawValue) · \(Format.count(report.tokens)) tokens · kv \(options.kvType.rawValue) · "
            + "\(Format.plural(options.threads, "thread"))\n" + Format.table(rows, rightAligned: [1])
            + "found \(report.found) of \(report.answers.count) · prefill \(Format.duration(report.prefillSeconds))\(rate)"
            + "\(cached) · questions \(Format.duration(report.questionSeconds)) · keys and values "
            + "\(Format.bytes(report.keyValues.residentBytes))\(paged)\(peak)\n"
            + (report.reads.map { Self.text($0) } ?? "")
    }
}

extension RecallPreset: ExpressibleByArgument {}

/// A folder for files that nobody needs afterwards.
private struct ScratchFolder {
    let path: FilePath

    init() throws(UserError) {
        let base = getenv("TMPDIR").flatMap { String(validatingCString: $0) } ?? "/tmp"
        var template = Array(FilePath(base).appending("docproc-recall-XXXXXX").string.utf8CString)
        guard mkdtemp(&template) != nil else {
            throw UserError(
                .noPermission, "no folder for the model could be made: \(Errno(rawValue: errno))",
                places: [.init("folder", base)])
        }
        path = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// With the one file that may be in it.
    func remove() {
        for preset in RecallPreset.allCases { _ = unlink(path.appending("\(preset.rawValue).gguf").string) }
        _ = rmdir(path.string)
    }
}
