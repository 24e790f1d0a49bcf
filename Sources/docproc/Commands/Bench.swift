import ArgumentParser
import Benchmarks
import Diagnostics
import Inference
import Kernels
import Models
import Runs
import Weights

/// `bench`: what this machine and a model can do.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine and a model.",
        subcommands: [
            BenchSpeed.self, BenchAnswers.self, BenchKV.self, BenchMachine.self, BenchPerplexity.self,
            BenchRecall.self, BenchTokenize.self,
        ])
}

/// `--threads` of commands that take no other resource flag.
struct ThreadFlag: SettingFlags {
    var threads: String?
    var settings: [FlagSetting] { threads.map { [(SettingKey.threads.name, [$0], "--threads")] } ?? [] }
}

/// `--kv-type` of such commands.
struct KVTypeFlag: SettingFlags {
    var kvType: String?
    var settings: [FlagSetting] { kvType.map { [(SettingKey.kvType.name, [$0], "--kv-type")] } ?? [] }
}

/// `bench speed`: prefill and decode, beside a peer if one is named.
struct BenchSpeed: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "speed", abstract: "Measure tokens per second, optionally beside llama-bench.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var progress: ProgressOptions
    @Option(name: .long, help: ArgumentHelp("Threads that compute.", valueName: "n"))
    var threads: String?
    @Option(name: .long, help: ArgumentHelp("How keys and values are kept: f16, f32, q8 or q4.", valueName: "type"))
    var kvType: String?
    @Option(name: .long, help: ArgumentHelp("Path of llama-bench; its runs alternate with ours.", valueName: "path"))
    var peer: String?
    @Option(name: .long, help: ArgumentHelp("Samples of each case.", valueName: "n"))
    var rounds = 3
    @Option(name: .long, help: ArgumentHelp("Prompt lengths to read.", valueName: "tokens,…"))
    var prefill = "512,4096"
    @Option(name: .long, help: ArgumentHelp("Tokens to write; 0 for none.", valueName: "tokens"))
    var decode = 64

    var settingFlags: [any SettingFlags] {
        [model, progress, ThreadFlag(threads: threads), KVTypeFlag(kvType: kvType)]
    }

    func run(in context: CommandContext) async throws {
        let lengths = prefill.split(separator: ",").map { Quantity.tokens(String($0)) ?? 0 }
        guard rounds >= 1, decode >= 0, lengths.allSatisfy({ $0 >= 1 }) else {
            throw UserError(
                .badFlag, "--rounds, --prefill and --decode take whole numbers of 1 or more",
                remedies: [.init("--prefill 512,4096 --decode 64", "the defaults")])
        }
        let cases = lengths.map { SpeedCase.prefill($0) } + (decode > 0 ? [.decode(decode)] : [])
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        var options = try loader.options(for: files, wholeModel: true)
        let needed = (cases.map(\.tokens).max() ?? 0) + 8
        let most = try loader.plan(files, options: options).contextTokens
        guard needed <= most else {
            throw UserError(
                .windowTooLarge, "the longest case needs \(needed) tokens; \(files.name) accepts \(most)",
                remedies: [.init("--prefill 512", "measure shorter prompts")])
        }
        options.contextLimit = needed
        let engine = try await loader.open(files, options: options)
        let benchmark = SpeedBenchmark(
            engine, threads: options.threads, kernels: options.kernels ?? KernelSet.best().name,
            peer: peer.map { PeerBench(program: $0, model: files.path) }, rounds: rounds)
        let narrator = context.narrator
        narrator.begin(Progress(stage: "bench", done: 0, total: nil, unit: "runs"))
        let report = try await benchmark.run(cases) { what, done, total in
            narrator.update {
                $0.done = done
                $0.total = total
                $0.details = [what]
            }
        }
        narrator.end()
        if report.isDisturbed {
            narrator.warn(Self.disturbance(load: report.loadBefore))
        }
        try context.print(record(report, files), text: text(report, files))
    }

    /// The warning about figures that were taken while others computed.
    static func disturbance(load: Double?) -> String {
        let load = load.map { " (load \(Format.decimal($0, 1)) before the first run)" } ?? ""
        return "other programs were at work\(load): these figures cannot be compared; repeat on an idle machine"
    }

    private func record(_ report: SpeedReport, _ files: ModelFiles) -> JSONValue {
        .fields([
            "schema": "docproc.bench_speed/1", "model": .string(files.name), "threads": .int(report.threads),
            "kernels": .string(report.kernels), "processor": Machine.processor.map { .string($0) } ?? .null,
            "load_before": report.loadBefore.map { .double($0) } ?? .null, "disturbed": .bool(report.isDisturbed),
            "peer": report.peerVersion.map { .string($0) } ?? .null,
            "cases": .array(
                report.rows.map { row in
                    .fields([
                        "name": .string(row.kind.label), "tokens": .int(row.kind.tokens),
                        "tokens_per_second": Median.of(row.ours).map { .double($0) } ?? .null,
                        "peer_tokens_per_second": Median.of(row.peer).map { .double($0) } ?? .null,
                        "ratio": row.ratio.map { .double($0) } ?? .null, "spread": .double(row.spread),
                        "samples": .array(row.ours.map { .double($0) }),
                        "peer_samples": .array(row.peer.map { .double($0) }),
                    ])
                }), "peak_memory": report.peakMemory.map { .int($0) } ?? .null,
            "peer_peak_memory": report.peerPeakMemory.map { .int($0) } ?? .null,
        ])
    }

    private func text(_ report: SpeedReport, _ files: ModelFiles) -> String {
        let compared = report.rows.contains { !$0.peer.isEmpty }
        var rows = [["tokens per second", "docproc"] + (compared ? ["peer", "ratio"] : [])]
        for row in report.rows {
            let ours = Median.of(row.ours).map { Format.decimal($0, 1) } ?? "–"
            let peer = Median.of(row.peer).map { Format.decimal($0, 1) } ?? "–"
            rows.append(
                [row.kind.label, ours] + (compared ? [peer, row.ratio.map { Format.decimal($0, 2) } ?? "–"] : []))
        }
        rows.append(
            ["peak memory", report.peakMemory.map { Format.bytes($0) } ?? "–"]
                + (compared ? [report.peerPeakMemory.map { Format.bytes($0) } ?? "–"] : []))
        let machine = Machine.processor ?? "this processor"
        return "\(files.name) · \(Format.plural(report.threads, "thread")) · kernels \(report.kernels) · \(machine)\n"
            + Format.table(rows, rightAligned: [1, 2, 3])
            + (report.peerVersion.map { "peer: \($0); medians of \(rounds) alternating runs\n" } ?? "")
    }
}
