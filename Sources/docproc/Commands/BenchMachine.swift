import ArgumentParser
import Benchmarks
import Diagnostics
import Kernels
import Runs

/// `bench machine`: what the processor and its memory give at most, and how much of that the kernels get.
struct BenchMachine: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine", abstract: "Measure the peaks of this machine, and the kernels as shares of them.",
        discussion: """
            Peaks are measured with the processor's own multiply-add instructions and by reading memory. Prefill is a \
            product with 512 tokens, as a share of the peak of its instruction; decode one with a single token, as a \
            share of what memory gives; attention 512 tokens at the end of 4,096, as a share of the peak of floats.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @Option(name: .long, help: ArgumentHelp("Threads that compute; one is measured too.", valueName: "n"))
    var threads: String?

    var settingFlags: [any SettingFlags] { [progress, ThreadFlag(threads: threads)] }

    func run(in context: CommandContext) async throws {
        let kernels = try kernelSet(context)
        let narrator = context.narrator
        let load = ResourceUse.load()
        narrator.begin(Progress(stage: "bench", done: 0, total: nil, unit: "runs"))
        let report = MachineReport.measure(
            threads: context.settings.integer(SettingKey.threads) ?? Machine.cores, kernels: kernels)
        narrator.end()
        let isDisturbed = (load ?? 0) > 0.5
        if isDisturbed { narrator.warn(BenchSpeed.disturbance(load: load)) }
        try context.print(record(report, load: load, isDisturbed: isDisturbed), text: text(report))
    }

    private func kernelSet(_ context: CommandContext) throws(UserError) -> KernelSet {
        guard let name = context.environment["DOCPROC_KERNELS"], !name.isEmpty else { return .best() }
        guard let set = KernelSet.named(name) else {
            throw UserError(
                .badSetting, "there are no kernels '\(name)' for this processor",
                remedies: [.init("DOCPROC_KERNELS=" + KernelSet.available.map(\.name).joined(separator: "|"))])
        }
        return set
    }

    // MARK: Text

    /// A value and its share of the peak, for each number of threads.
    private typealias Row = (name: String, cell: (MachineFigures) -> (value: String, share: Double?)?)

    private func text(_ report: MachineReport) -> String {
        var lines = [
            [""] + report.figures.flatMap { [Format.plural($0.threads, "thread"), "of peak"] }
        ]
        for row in rows(report) {
            let cells = report.figures.map { row.cell($0) }
            guard cells.contains(where: { $0 != nil }) else { continue }
            lines.append(
                [row.name] + cells.flatMap { [$0?.value ?? "–", $0?.share.map { Self.percent($0) } ?? ""] })
        }
        let machine = Machine.processor ?? "this processor"
        return "\(machine) · kernels \(report.kernels)\n"
            + Format.table(lines, rightAligned: Set(1...(2 * report.figures.count)))
    }

    private func rows(_ report: MachineReport) -> [Row] {
        guard let first = report.figures.first else { return [] }
        func peak(_ name: String, _ path: KeyPath<MachineFigures, PeakRate?>, _ text: @escaping (Double) -> String)
            -> Row
        {
            let instruction = first[keyPath: path].map { " (\($0.instruction))" } ?? ""
            return (name + instruction, { figures in figures[keyPath: path].map { (text(2 * $0.rate), nil) } })
        }
        func floats(_ rate: Double) -> String { "\(Format.decimal(rate, 1)) GFLOP/s" }
        var rows: [Row] = [
            peak("peak of 32-bit floats", \.floats, floats),
            peak("peak of 8-bit integers", \.integers) { "\(Format.decimal($0 / 1000, 2)) TOP/s" },
            peak("peak of BF16", \.halves, floats),
            ("memory read", { ("\(Format.decimal($0.memoryRead, 1)) GB/s", nil) }),
        ]
        for (index, product) in first.products.enumerated() {
            rows.append(
                (
                    "prefill \(product.name)",
                    { figures in
                        let product = figures.products[index]
                        let unit = product.usesIntegers ? "GOP/s" : "GFLOP/s"
                        return (
                            "\(Format.decimal(2 * product.prefill, 1)) \(unit)", figures.prefillShare(product)
                        )
                    }
                ))
        }
        for (index, product) in first.products.enumerated() {
            rows.append(
                (
                    "decode \(product.name)",
                    { figures in
                        let product = figures.products[index]
                        return ("\(Format.decimal(product.decodeBytes, 1)) GB/s", figures.decodeShare(product))
                    }
                ))
        }
        for (index, attention) in first.attention.enumerated() {
            rows.append(
                (
                    "attention \(attention.heads) heads of \(attention.headDim), \(attention.kvHeads) for keys",
                    { figures in
                        let attention = figures.attention[index]
                        return ("\(Format.decimal(2 * attention.rate, 1)) GFLOP/s", figures.share(attention))
                    }
                ))
        }
        return rows
    }

    private static func percent(_ share: Double) -> String { "\(Format.decimal(share * 100, 0)) %" }

    // MARK: Record

    private func record(_ report: MachineReport, load: Double?, isDisturbed: Bool) -> JSONValue {
        .fields([
            "schema": "docproc.bench_machine/1", "processor": Machine.processor.map { .string($0) } ?? .null,
            "features": .array(Machine.processorFeatures.map { .string($0) }), "kernels": .string(report.kernels),
            "load_before": load.map { .double($0) } ?? .null, "disturbed": .bool(isDisturbed),
            "figures": .array(report.figures.map { figures($0) }),
        ])
    }

    /// Rates in units of 10⁹ a second; a multiply-add is two operations.
    private func figures(_ figures: MachineFigures) -> JSONValue {
        func peak(_ peak: PeakRate?) -> JSONValue {
            peak.map { .fields(["instruction": .string($0.instruction), "gops": .double(2 * $0.rate)]) } ?? .null
        }
        func share(_ share: Double?) -> JSONValue { share.map { .double($0) } ?? .null }
        return .fields([
            "threads": .int(figures.threads), "float32": peak(figures.floats), "int8": peak(figures.integers),
            "bf16": peak(figures.halves), "memory_read_gb_per_second": .double(figures.memoryRead),
            "products": .array(
                figures.products.map { product in
                    .fields([
                        "weights": .string(product.name), "prefill_gops": .double(2 * product.prefill),
                        "prefill_share": share(figures.prefillShare(product)),
                        "decode_gb_per_second": .double(product.decodeBytes),
                        "decode_share": share(figures.decodeShare(product)),
                    ])
                }),
            "attention": .array(
                figures.attention.map { attention in
                    .fields([
                        "heads": .int(attention.heads), "kv_heads": .int(attention.kvHeads),
                        "head_dim": .int(attention.headDim), "length": .int(attention.length),
                        "gflops": .double(2 * attention.rate), "share": share(figures.share(attention)),
                    ])
                }),
        ])
    }
}
