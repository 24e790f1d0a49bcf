import ArgumentParser
import Diagnostics
import Inference
import Kernels
import Models
import Runs
import SystemPackage

/// `bench perplexity`: how well a model predicts a text, by the procedure of llama.cpp's llama-perplexity.
struct BenchPerplexity: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity", abstract: "Measure how well a model predicts a text.",
        discussion: """
            The text is cut into windows that don't overlap; of each, the second half is scored. llama.cpp's \
            llama-perplexity does the same with -c for --window and --chunks for --windows, so that figures can be \
            compared.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var progress: ProgressOptions
    @Option(name: .long, help: ArgumentHelp("Threads that compute.", valueName: "n"))
    var threads: String?
    @Option(name: .long, help: ArgumentHelp("How keys and values are kept: f16, f32, q8 or q4.", valueName: "type"))
    var kvType: String?
    @Option(name: .long, help: ArgumentHelp("Tokens of a window.", valueName: "tokens"))
    var window = "512"
    @Option(name: .long, help: ArgumentHelp("Only the first windows of the text.", valueName: "n"))
    var windows: Int?
    @Argument(help: ArgumentHelp("A text in UTF-8; - is standard input.", valueName: "file"))
    var file: String

    var settingFlags: [any SettingFlags] {
        [model, progress, ThreadFlag(threads: threads), KVTypeFlag(kvType: kvType)]
    }

    func run(in context: CommandContext) async throws {
        guard let size = Quantity.tokens(window), size >= 4, windows ?? 1 >= 1 else {
            throw UserError(
                .badFlag, "--window takes 4 tokens or more, --windows a number of 1 or more",
                remedies: [.init("--window 512", "the default")])
        }
        let text = try read()
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        var options = try loader.options(for: files, wholeModel: true)
        let most = try loader.plan(files, options: options).contextTokens
        guard size <= most else {
            throw UserError(
                .windowTooLarge, "a window has \(size) tokens; \(files.name) accepts \(most)",
                remedies: [.init("--window 512", "measure shorter windows")])
        }
        options.contextLimit = size
        let engine = try await loader.open(files, options: options)
        let cut = PerplexityWindows(text, tokenizer: engine.tokenizer, size: size)
        let total = min(windows ?? .max, cut.count)
        guard total > 0 else {
            throw UserError(
                .badFlag, "the text is shorter than one window of \(size) tokens", places: [.init("file", file)],
                remedies: [.init("--window", "shorter windows")])
        }
        let narrator = context.narrator
        narrator.begin(Progress(stage: "perplexity", done: 0, total: total, unit: "windows"))
        let clock = ContinuousClock()
        let start = clock.now
        let found = try await engine.perplexity(cut, limit: total) { found, done in
            narrator.update {
                $0.done = done
                $0.details = [Format.decimal(found.value, 4)]
            }
        }
        let seconds = (clock.now - start) / .seconds(1)
        narrator.end()
        let speed = Double(total * size) / seconds
        try context.print(
            .fields([
                "schema": "docproc.bench_perplexity/1", "model": .string(files.name), "file": .string(file),
                "threads": .int(options.threads), "kv_type": .string(options.kvType.rawValue),
                "window": .int(size), "windows": .int(total),
                "tokens": .int(total * size), "scored_tokens": .int(found.count), "perplexity": .double(found.value),
                "error": .double(found.error), "seconds": .double(seconds), "tokens_per_second": .double(speed),
            ]),
            text: "\(files.name) · perplexity \(Format.decimal(found.value, 4)) ± \(Format.decimal(found.error, 4)) · "
                + "\(Format.plural(total, "window")) of \(size) tokens, \(Format.count(found.count)) scored · "
                + "\(Format.decimal(speed, 1)) tokens/s\n")
    }

    /// The file without a last line break, which llama-perplexity drops too.
    private func read() throws(UserError) -> [UInt8] {
        do {
            var bytes = try file == "-" ? SmallFile.bytes(.standardInput) : SmallFile.bytes(FilePath(file))
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            return bytes
        } catch {
            throw UserError(
                FileFacts.exists(file) ? .inputUnreadable : .inputMissing, "the text could not be read: \(error)",
                places: [.init("file", file)])
        }
    }
}
