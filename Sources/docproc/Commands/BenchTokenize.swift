import ArgumentParser
import Benchmarks
import Diagnostics
import Runs
import SystemPackage
import Tokenization

/// `bench tokenize`: how fast a tokenizer is, beside a library for Python if one is named.
struct BenchTokenize: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Measure a tokenizer, optionally beside a library for Python.",
        discussion: """
            Speeds are megabytes of text a second: of the first pass over it, when no word is known yet, and of the best \
            of three after it. The time to load is that from the tokenizer's own file and from its compiled form. \
            Peers read tokenizer.json, tiktoken the rank file; hf and tiktoken get the first 4 MB of a text.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @Option(
        name: .long,
        help: ArgumentHelp("A GGUF file, tokenizer.json or tokenizer.model; may be repeated.", valueName: "file"))
    var tokenizer: [String]
    @Option(name: .long, help: ArgumentHelp("A text in UTF-8; may be repeated.", valueName: "file"))
    var text: [String]
    @Option(name: .long, help: ArgumentHelp("Threads; one is measured too.", valueName: "n"))
    var threads: String?
    @Option(name: .long, help: ArgumentHelp("hf, tiktoken, gigatoken or snaptokens.", valueName: "library"))
    var peer: String?
    @Option(name: .long, help: ArgumentHelp("A Python interpreter that has the library.", valueName: "path"))
    var python = "/usr/bin/python3"

    var settingFlags: [any SettingFlags] { [progress, storing, ThreadFlag(threads: threads)] }

    func run(in context: CommandContext) async throws {
        let library = try peer.map { name throws(UserError) in
            guard let library = TokenizePeer.Library(rawValue: name) else {
                throw UserError(
                    .badFlag, "there is no peer '\(name)'",
                    remedies: [.init("--peer " + TokenizePeer.Library.allCases.map(\.rawValue).joined(separator: "|"))])
            }
            return library
        }
        let texts = try text.map { path in (path, try read(path)) }
        let most = context.settings.integer(SettingKey.threads) ?? Machine.cores
        let counts = most > 1 ? [1, most] : [1]
        let narrator = context.narrator
        let load = ResourceUse.load()
        narrator.begin(Progress(stage: "bench", done: 0, total: tokenizer.count * texts.count, unit: "texts"))
        var reports: [(path: String, loading: (fresh: Double, cached: Double), rows: [TokenizeRow])] = []
        for path in tokenizer {
            let file = TokenizerFile(path, in: context)
            let fresh = TokenizerFile(path, folder: nil)
            let benchmark = TokenizeBenchmark(threads: counts) { try ($0 ? file : fresh).tokenizer() }
            let loading = try benchmark.loading()
            var rows: [TokenizeRow] = []
            for (name, bytes) in texts {
                try Task.checkCancellation()
                let peer = library.map { TokenizePeer($0, python: python, tokenizer: path) }
                rows += try await benchmark.run(
                    bytes, name: FilePath(name).lastComponent?.string ?? name,
                    peer: peer.map { peer in { try await peer.measure(text: name, threads: $0).sample } })
                narrator.update { $0.done += 1 }
            }
            reports.append((path, loading, rows))
        }
        narrator.end()
        let isDisturbed = (load ?? 0) > 0.5
        if isDisturbed { narrator.warn(BenchSpeed.disturbance(load: load)) }
        try context.print(
            .fields([
                "schema": "docproc.bench_tokenize/1", "processor": Machine.processor.map { .string($0) } ?? .null,
                "load_before": load.map { .double($0) } ?? .null, "disturbed": .bool(isDisturbed),
                "peer": library.map { .string($0.rawValue) } ?? .null,
                "tokenizers": .array(
                    reports.map {
                        .fields([
                            "tokenizer": .string($0.path), "load_seconds": .double($0.loading.fresh),
                            "load_compiled_seconds": .double($0.loading.cached), "texts": .array($0.rows.map(record)),
                        ])
                    }),
            ]),
            text: reports.map { text($0.path, $0.loading, $0.rows) }.joined(separator: "\n"))
    }

    private func read(_ path: String) throws(UserError) -> [UInt8] {
        do {
            return try SmallFile.bytes(FilePath(path))
        } catch {
            throw UserError(
                FileFacts.exists(path) ? .inputUnreadable : .inputMissing, "the text could not be read: \(error)",
                places: [.init("file", path)])
        }
    }

    private func record(_ row: TokenizeRow) -> JSONValue {
        func sample(_ sample: TokenizeSample) -> JSONValue {
            .fields([
                "cold_mb_per_second": .double(sample.cold / 1e6), "warm_mb_per_second": .double(sample.warm / 1e6),
                "tokens": .int(sample.tokens),
            ])
        }
        return .fields([
            "text": .string(row.text), "bytes": .int(row.bytes), "threads": .int(row.threads), "ours": sample(row.ours),
            "peer": row.peer.map(sample) ?? .null, "cold_ratio": row.ratio.map { .double($0.cold) } ?? .null,
            "warm_ratio": row.ratio.map { .double($0.warm) } ?? .null,
        ])
    }

    private func text(
        _ path: String, _ loading: (fresh: Double, cached: Double), _ rows: [TokenizeRow]
    ) -> String {
        func speeds(_ sample: TokenizeSample) -> [String] {
            [Format.decimal(sample.cold / 1e6, 1), Format.decimal(sample.warm / 1e6, 1)]
        }
        var lines = [
            ["MB/s", "threads", "cold", "warm"] + (peer.map { [$0 + " cold", "warm", "ratio", "warm"] } ?? [])
        ]
        for row in rows {
            var line = [row.text, "\(row.threads)"] + speeds(row.ours)
            if let other = row.peer, let ratio = row.ratio {
                line += speeds(other) + [Format.decimal(ratio.cold, 1), Format.decimal(ratio.warm, 1)]
            }
            lines.append(line)
        }
        let fresh = Format.decimal(loading.fresh * 1000, 1)
        let cached = Format.decimal(loading.cached * 1000, 1)
        return "\(path) · loads in \(fresh) ms, compiled in \(cached) ms\n"
            + Format.table(lines, rightAligned: Set(1...7))
    }
}
