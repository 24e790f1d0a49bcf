import ArgumentParser
import Benchmarks
import Conversion
import Diagnostics
import Glibc
import Hashing
import Inference
import KVCache
import Kernels
import Models
import Runs
import Store
import SystemPackage

/// `bench kv`: what keys and values take, and what a long text costs because of them.
struct BenchKV: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "kv", abstract: "See keys and values: their size, and speed as a text grows.",
        discussion: """
            With --table, bytes by kind of layer for the published models, and for --model if one is named; nothing is \
            measured, and no weights are needed. Otherwise --model reads a text of --tokens tokens and stops at 2K, 4K, \
            8K … to tell how fast the newest stretch was read, how fast tokens are written there, what is in memory, on \
            disk and was read back from it; at the end the text is asked for again from the store. --kv-memory makes it \
            page.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var resources: ResourceOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @Flag(name: .long, help: "Only the sizes, without a model run.")
    var table = false
    @Option(
        name: .long,
        help: ArgumentHelp("Tokens of the text: 16K or what the model accepts; of tables, that.", valueName: "tokens"))
    var tokens: String?
    @Option(name: .long, help: ArgumentHelp("Tokens to write at each stop.", valueName: "n"))
    var decode = 16
    @Option(name: .long, help: ArgumentHelp("Write tokens per second over position as a picture.", valueName: "svg"))
    var plot: String?

    var settingFlags: [any SettingFlags] { [model, resources, progress, storing] }

    /// Tokens of a text where nobody said how many.
    private static let usualTokens = 16_384

    func run(in context: CommandContext) async throws {
        let asked = try tokens.map { text throws(UserError) in
            guard let count = Quantity.tokens(text), count >= 64 else { throw Self.badNumbers }
            return count
        }
        guard decode >= 1, decode <= 1024 else { throw Self.badNumbers }
        let loader = ModelLoader(context: context)
        guard !table else { return try printTables(tokens: asked, loader) }
        let files = try loader.files()
        var options = try loader.options(for: files, wholeModel: true)
        let behind = decode + KVBenchmark.room
        let most = try loader.plan(files, options: options).contextTokens - behind
        let count = asked ?? min(Self.usualTokens, most)
        guard count <= most, count >= 64 else {
            throw UserError(
                .windowTooLarge, "the text has \(count) tokens; \(files.name) accepts \(most) besides those written",
                remedies: [.init("--tokens \(most)", "a shorter text")])
        }
        options.contextLimit = count + behind
        let sizes = try Self.table(files, tokens: count, options)
        let store = BenchStore(context: context, loader: loader, files: files, options: options)
        defer { store?.remove() }
        options.kvStore = store?.options
        let report = try await walk(try await loader.open(files, options: options), count, options, context.narrator)
        if report.isDisturbed { context.narrator.warn(BenchSpeed.disturbance(load: report.loadBefore)) }
        if let plot {
            let output = try ResultOutput(path: plot)
            try output.write(KVPlot(report, title: "\(files.name) · kv \(options.kvType.rawValue)").svg)
            try output.finish()
        }
        let text = KVText.tables([sizes]) + "\n" + KVText.walk(report, name: files.name, options: options)
        try context.print(record([sizes], report, files.name, options), text: text)
    }

    private static let badNumbers = UserError(
        .badFlag, "--tokens takes 64 or more, such as 32K, and --decode a number from 1 to 1024",
        remedies: [.init("--tokens 32K --decode 16")])

    private func printTables(tokens: Int?, _ loader: ModelLoader) throws {
        let options = EngineOptions(threads: 1)
        var tables: [KVTable] = []
        do throws(ModelError) {
            tables = try SyntheticModel.allCases.map { model throws(ModelError) in
                try KVTable(model, contextTokens: tokens, options: options)
            }
        } catch {
            throw error.userError(path: "")
        }
        if loader.context.settings.value(SettingKey.model)?.origin != .builtIn {
            tables.append(try Self.table(try loader.files(), tokens: tokens, options))
        }
        try loader.context.print(record(tables, nil, nil, options), text: KVText.tables(tables))
    }

    private static func table(_ files: ModelFiles, tokens: Int?, _ options: EngineOptions) throws(UserError) -> KVTable
    {
        do {
            return try KVTable(files, contextTokens: tokens, options: options)
        } catch {
            throw error.userError(path: files.path)
        }
    }

    private func walk(
        _ engine: Engine, _ count: Int, _ options: EngineOptions, _ narrator: Narrator
    ) async throws -> KVReport {
        narrator.begin(Progress(stage: "read", done: 0, total: count, unit: "tokens", rateUnit: "tok/s"))
        defer { narrator.end() }
        return try await KVBenchmark(
            engine, decode: decode, segmentTokens: options.segmentTokens, reuses: options.kvStore != nil
        ).run(upTo: count) { done in
            narrator.update {
                $0.done = max($0.done, min(done, count))
                $0.details = KeyValueWords.line(engine.latestKeyValues).map { [$0] } ?? []
            }
        } stopped: { stop in
            narrator.detail(
                "\(Format.count(stop.position)) tokens: prefill \(KVText.rate(stop.prefillRate)), decode "
                    + KVText.rate(stop.decodeRate) + " tokens/s")
        }
    }

    private func record(
        _ tables: [KVTable], _ report: KVReport?, _ name: String?, _ options: EngineOptions
    ) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("schema", "docproc.bench_kv/1"), .init("tables", .array(tables.map(\.json))),
        ]
        if let report {
            members += [
                .init("model", name.map { .string($0) } ?? .null), .init("threads", .int(options.threads)),
                .init("kv_type", .string(options.kvType.rawValue)),
                .init("kv_memory", options.kvMemory.map { .int($0) } ?? .null),
                .init("stops", .array(report.stops.map(\.json))),
                .init("reuse", report.reuse?.json(readSeconds: report.readSeconds) ?? .null),
                .init("load_before", report.loadBefore.map { .double($0) } ?? .null),
                .init("disturbed", .bool(report.isDisturbed)),
                .init("peak_memory", report.peakMemory.map { .int($0) } ?? .null),
            ]
        }
        return .object(members)
    }
}

/// A store of the benchmark's own, so that it takes nothing from what is kept for real questions, nor finds what an
/// earlier run left.
private struct BenchStore {
    private let root: FilePath
    let options: KVStoreOptions

    /// Nil where nothing may stay on disk.
    init?(context: CommandContext, loader: ModelLoader, files model: ModelFiles, options: EngineOptions) {
        let limit = context.settings.integer(SettingKey.disk)
        guard context.settings.isOn(SettingKey.store), limit != 0 else { return nil }
        root = FilePath(context.places.cache).appending("bench-kv")
        let narrator = context.narrator
        self.options = KVStoreOptions(
            root: root, namespace: ContentHash(of: "\(model.path) \(loader.numerics(options))"), limit: limit
        ) { problem in narrator.warn("the text is not kept: \(problem)") }
        // What a killed run left behind.
        remove()
    }

    func remove() {
        _ = KVSegmentFiles(root: root).remove()
        _ = rmdir(root.string)
    }
}
