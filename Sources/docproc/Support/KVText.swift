import Benchmarks
import Inference
import KVCache
import Kernels
import Runs

/// Tables and walks of `bench kv` as text.
enum KVText {
    /// Bytes by kind of layer, then what a whole sequence takes.
    static func tables(_ tables: [KVTable]) -> String {
        var rows = [
            ["bytes per token", "layers", "heads", "hold"] + KVTable.types.flatMap { [$0.rawValue, "on disk"] }
        ]
        for table in tables {
            for (index, layers) in table.layers.enumerated() {
                rows.append(
                    [
                        index == 0 ? table.name : "", "\(layers.count) \(kind(layers))",
                        layers.isOwn ? heads(layers.heads) : "–", layers.isOwn ? hold(layers, table) : "–",
                    ]
                        + KVTable.types.flatMap {
                            [Format.count(layers.memory[$0] ?? 0), Format.count(Int((layers.disk[$0] ?? 0).rounded()))]
                        })
            }
        }
        var sizes = [
            [
                "whole sequence", "tokens", "f16", "by hand", "q8", "by hand", "q4", "all f16", "q8: least memory",
                "on disk",
            ]
        ]
        for table in tables {
            guard let f16 = table.sizes[.f16], let q8 = table.sizes[.q8], let q4 = table.sizes[.q4] else { continue }
            sizes.append([
                table.name, Format.count(table.contextTokens), Format.bytes(f16.memory),
                Format.bytes(table.arithmetic.layerAware16), Format.bytes(q8.memory),
                Format.bytes(table.arithmetic.bytes8Once), Format.bytes(q4.memory),
                Format.bytes(table.arithmetic.everything16), Format.bytes(q8.leastMemory), Format.bytes(q8.paged),
            ])
        }
        return Format.table(rows, rightAligned: Set(3...9)) + "\n"
            + Format.table(sizes, rightAligned: Set(1...9))
            + "by hand: f16, keys and values, no room for steps; q8, full layers only, keys that are values once\n"
            + "all f16: every layer keeps every token\n"
    }

    private static func heads(_ heads: HeadShape) -> String {
        "\(heads.keyValueHeads) × \(heads.size) " + (heads.hasKeys ? "k v" : "v")
    }

    private static func kind(_ layers: KVTable.Layers) -> String {
        let sees =
            switch layers.attention {
            case .full: "full"
            case .sliding(let window): "sliding \(Format.count(window))"
            case .chunked(let size): "chunked \(Format.count(size))"
            }
        return layers.isOwn ? sees : sees + ", shared"
    }

    private static func hold(_ layers: KVTable.Layers, _ table: KVTable) -> String {
        layers.attention == .full ? "all" : Format.count(layers.mostTokens)
    }

    /// One row for each stop.
    static func walk(_ report: KVReport, name: String, options: EngineOptions) -> String {
        let pages = report.stops.contains { $0.counts.paged > 0 }
        var rows = [
            ["tokens", "prefill tok/s", "decode tok/s", "in memory"]
                + (pages ? ["on disk", "read", "ready", "waited"] : [])
        ]
        for stop in report.stops {
            let bytes = stop.prefillReads.bytes + stop.decodeReads.bytes
            let blocks = stop.prefillReads.blocks + stop.decodeReads.blocks
            let ready = stop.prefillReads.ready + stop.decodeReads.ready
            rows.append(
                [
                    Format.count(stop.position), rate(stop.prefillRate), rate(stop.decodeRate),
                    Format.bytes(stop.counts.residentBytes),
                ]
                    + (pages
                        ? [
                            Format.bytes(stop.counts.pagedBytes), Format.bytes(bytes),
                            Format.percent(ready, of: blocks), percent(stop.waitShare),
                        ] : []))
        }
        var text =
            "\(name) · kv \(options.kvType.rawValue) · \(Format.plural(options.threads, "thread"))"
            + (options.kvMemory.map { " · at most \(Format.bytes($0)) in memory" } ?? "") + "\n"
            + Format.table(rows, rightAligned: Set(0..<8))
        if let reuse = report.reuse {
            text +=
                "asked again from the store: \(Format.count(reuse.cached)) of \(Format.count(reuse.tokens)) tokens, first "
                + "token after \(Format.decimal(reuse.seconds, 2)) s instead of \(Format.decimal(report.readSeconds, 1)) s\n"
        }
        if let peak = report.peakMemory { text += "peak memory \(Format.bytes(peak))\n" }
        return text
    }

    static func rate(_ value: Double?) -> String { value.map { Format.decimal($0, $0 < 100 ? 1 : 0) } ?? "–" }

    static func percent(_ share: Double) -> String { "\(Format.decimal(share * 100, share < 0.1 ? 1 : 0)) %" }
}

/// Where keys and values are, in the line of progress and at the end.
enum KeyValueWords {
    /// `kv 2.1 GiB ram + 6.4 GiB disk`; nil where nothing is on disk.
    static func line(_ counts: KeyValueCounts) -> String? {
        guard counts.pagedBytes > 0 else { return nil }
        return "kv \(Format.bytes(counts.residentBytes)) ram + \(Format.bytes(counts.pagedBytes)) disk"
    }

    /// The same with what was read, for the closing line; nil where nothing was on disk.
    static func closing(_ counts: KeyValueCounts) -> String? {
        guard counts.reads.bytes > 0 else { return line(counts) }
        return [
            line(counts) ?? "kv \(Format.bytes(counts.residentBytes)) ram", "\(Format.bytes(counts.reads.bytes)) read",
            "waited \(Format.duration(counts.reads.waitSeconds))",
        ].joined(separator: ", ")
    }

    /// The fields of a `kv` event.
    ///
    /// - Parameters:
    ///   - window: counted from 0.
    ///   - cached: tokens of the window that were not computed.
    static func event(_ counts: KeyValueCounts, window: Int, cached: Int) -> JSONValue {
        .fields([
            "window": .int(window), "resident": .int(counts.residentBytes), "paged": .int(counts.pagedBytes),
            "resident_tokens": .int(counts.resident), "paged_tokens": .int(counts.paged), "cached": .int(cached),
            "reads": counts.reads.json,
        ])
    }
}

extension KVTable {
    var json: JSONValue {
        .fields([
            "model": .string(name), "tokens": .int(contextTokens),
            "layers": .array(
                layers.map { layers in
                    .fields([
                        "kind": .string(layers.kindName), "window": layers.window.map { .int($0) } ?? .null,
                        "count": .int(layers.count), "kv_heads": .int(layers.heads.keyValueHeads),
                        "head_dim": .int(layers.heads.size), "keeps_keys": .bool(layers.heads.hasKeys),
                        "most_tokens": .int(layers.mostTokens),
                        "bytes_per_token": .object(
                            KVTable.types.map { type in
                                JSONValue.Member(
                                    type.rawValue,
                                    .fields([
                                        "memory": .int(layers.memory[type] ?? 0),
                                        "disk": .double(layers.disk[type] ?? 0),
                                    ]))
                            }),
                    ])
                }),
            "bytes": .object(
                KVTable.types.compactMap { type in
                    sizes[type].map { sizes in
                        JSONValue.Member(
                            type.rawValue,
                            .fields([
                                "memory": .int(sizes.memory), "least_memory": .int(sizes.leastMemory),
                                "paged": .int(sizes.paged), "stored": .int(sizes.stored),
                            ]))
                    }
                }),
            "arithmetic": .fields([
                "all_layers_16": .int(arithmetic.everything16), "layer_aware_16": .int(arithmetic.layerAware16),
                "int8": .int(arithmetic.bytes8), "int8_values_once": .int(arithmetic.bytes8Once),
                "local_16": .int(arithmetic.local16),
            ]),
        ])
    }
}

extension KVTable.Layers {
    fileprivate var kindName: String {
        guard isOwn else { return "shared" }
        return switch attention {
        case .full: "full"
        case .sliding: "sliding"
        case .chunked: "chunked"
        }
    }

    fileprivate var window: Int? {
        switch attention {
        case .full: nil
        case .sliding(let window), .chunked(let window): window
        }
    }
}

extension KVStop {
    var json: JSONValue {
        .fields([
            "tokens": .int(position), "read_tokens": .int(readTokens), "read_seconds": .double(readSeconds),
            "prefill_tokens_per_second": prefillRate.map { .double($0) } ?? .null,
            "decode_tokens_per_second": decodeRate.map { .double($0) } ?? .null,
            "resident": .int(counts.residentBytes), "paged": .int(counts.pagedBytes),
            "resident_tokens": .int(counts.resident), "paged_tokens": .int(counts.paged),
            "prefill_reads": prefillReads.json, "decode_reads": decodeReads.json, "wait_share": .double(waitShare),
        ])
    }
}

extension KVReadCounts {
    var json: JSONValue {
        .fields([
            "bytes": .int(bytes), "blocks": .int(blocks), "ready": .int(ready), "wait_seconds": .double(waitSeconds),
        ])
    }
}

extension KVReuse {
    func json(readSeconds: Double) -> JSONValue {
        .fields([
            "tokens": .int(tokens), "cached": .int(cached), "hit_rate": .double(hitRate), "seconds": .double(seconds),
            "read_seconds": .double(readSeconds),
        ])
    }
}
