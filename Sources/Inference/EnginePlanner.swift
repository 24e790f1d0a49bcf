// What an engine will take and what it consists of, from metadata alone. Reads no weights.

import KVCache
import Kernels
import Models
import Tensors
import Tokenization
import Weights

/// Decides sizes before anything is allocated.
struct EnginePlanner {
    /// Positions that sliding layers keep behind their window, so that the next question on the same documents finds
    /// the common prefix still usable: about a question and an answer.
    static let slackTokens = 1024
    /// Program, thread stacks, small tables: measured 25 MiB, the rest is for what the program holds beside the engine.
    static let baseBytes = 48 << 20
    /// Tokenizer tables and the tree of the vocabulary, per entry: measured 190 with the 262,144 entries of Gemma.
    static let bytesPerToken = 250
    /// No context is made smaller than this to fit a memory limit.
    static let smallestContext = 1024
    /// The context of a model whose weights are streamed, where nobody asked for another.
    static let streamedContext = 8192

    let model: ModelFiles
    let options: EngineOptions
    let configuration: any ModelConfiguration
    private let residency: WeightResidency

    init(_ model: ModelFiles, options: EngineOptions) throws(EngineError) {
        self.model = model
        self.options = options
        // Angles of the published implementations are no sums, from which keys are rebuilt.
        configuration = try Self.configuration(model, rebuildsKeys: options.rebuildsKeys && options.angles == .exact)
        residency = WeightResidency(model.checkpoint)
    }

    static func configuration(
        _ model: ModelFiles, rebuildsKeys: Bool = true
    ) throws(EngineError) -> any ModelConfiguration {
        do {
            return try ModelFamily.configuration(model.checkpoint, rebuildsKeys: rebuildsKeys)
        } catch {
            throw .model(error)
        }
    }

    static func tokenizer(_ model: ModelFiles) throws(EngineError) -> Tokenizer {
        do {
            return try Tokenizer(tokenizerDefinition(model))
        } catch {
            throw .tokenizer(error)
        }
    }

    private static func tokenizerDefinition(_ model: ModelFiles) throws(TokenizerError) -> TokenizerDefinition {
        guard let folder = model.folder else {
            return try TokenizerDefinition(metadata: CheckpointMetadata(checkpoint: model.checkpoint))
        }
        guard let json = folder.file("tokenizer.json") else { throw .missing(key: "tokenizer.json") }
        return try TokenizerDefinition(
            json: json, config: folder.file("tokenizer_config.json"), generation: folder.file("generation_config.json"))
    }

    static func template(_ model: ModelFiles, tokenizer: Tokenizer) -> ChatTemplate {
        ChatTemplate.forModel(
            architecture: model.checkpoint.architecture, name: model.checkpoint.string("general.name") ?? model.name,
            templateText: templateText(model), tokenizer: tokenizer)
    }

    private static func templateText(_ model: ModelFiles) -> String? {
        guard let folder = model.folder else { return model.checkpoint.string("tokenizer.chat_template") }
        // A file that is no JSON was refused when the tokenizer was read.
        return try? ChatTemplate.text(
            jinja: folder.file("chat_template.jinja"), config: folder.file("tokenizer_config.json"))
    }

    static func kernels(_ options: EngineOptions) throws(EngineError) -> KernelSet {
        guard let name = options.kernels else { return .best() }
        guard let set = KernelSet.named(name) else {
            throw .kernels(name, available: KernelSet.available.map(\.name))
        }
        return set
    }

    /// - Parameter residentTokens: `nil` for all.
    static func layout(_ options: EngineOptions, contextTokens: Int, residentTokens: Int?) -> KVPageLayout {
        KVPageLayout(
            contextTokens: contextTokens, chunkTokens: min(max(options.prefillChunk, 1), contextTokens),
            slackTokens: slackTokens, segmentTokens: options.segmentTokens, residentTokens: residentTokens)
    }

    func layout(contextTokens: Int, residentTokens: Int? = nil) -> KVPageLayout {
        Self.layout(options, contextTokens: contextTokens, residentTokens: residentTokens)
    }

    private func cacheBytes(_ layout: KVPageLayout) -> Int {
        KVCacheManager.maximumBytes(plan: configuration.layerPlan, layout: layout, type: options.kvType)
    }

    /// Upper bounds for a context of that size; `nil` for the one that `open` takes.
    func plan(contextTokens: Int?) -> MemoryPlan {
        var plan = needed(contextTokens: contextTokens)
        let left = options.memoryLimit.map { max($0 - plan.totalBytes, 0) }
        plan.batchBytes = min(left ?? .max, Session.batchMemory)
        return plan
    }

    private func needed(contextTokens: Int?) -> MemoryPlan {
        if let contextTokens { return bounds(contextTokens: min(contextTokens, configuration.contextLength)) }
        let asked = min(options.contextLimit ?? configuration.contextLength, configuration.contextLength)
        let plan = bounds(contextTokens: asked)
        guard let limit = options.memoryLimit, plan.totalBytes > limit else { return plan }
        let room = limit - plan.weightBytes - plan.scratchBytes
        // Where the sequence pages, many outputs in one pass over it save the most; they need memory, too.
        let reserve = min(max(room, 0) / 8, Session.batchMemory)
        if let paged = paged(plan, cacheRoom: room - reserve), paged.totalBytes <= limit { return paged }
        guard options.contextLimit == nil else { return streamed(plan, limit: limit) ?? plan }
        // The largest context that fits, in steps of pages; the bounds grow with the context.
        let page = layout(contextTokens: asked).pageTokens
        var low = min(Self.smallestContext, asked) / page
        var high = asked / page
        while low < high {
            let middle = (low + high + 1) / 2
            if bounds(contextTokens: middle * page).totalBytes <= limit { low = middle } else { high = middle - 1 }
        }
        let smaller = bounds(contextTokens: max(low * page, min(asked, Self.smallestContext)))
        guard smaller.totalBytes > limit else { return smaller }
        // Reading weights again and again is slow; a context is not made smaller than useful for some more of them.
        return streamed(bounds(contextTokens: min(asked, Self.streamedContext)), limit: limit)
            ?? streamed(smaller, limit: limit) ?? smaller
    }

    /// The same with as many layers in memory as have room; `nil` where even the fewest don't.
    private func streamed(_ plan: MemoryPlan, limit: Int) -> MemoryPlan? {
        let room = limit - plan.cacheBytes - plan.scratchBytes
        guard room >= residency.leastBytes else { return nil }
        var plan = plan
        plan.weightBytes = room
        plan.streamedBytes = residency.streamedBytes(room: room)
        return plan
    }

    /// The same with as many positions in memory as have room, the others on disk; `nil` where nothing pages.
    private func paged(_ plan: MemoryPlan, cacheRoom: Int) -> MemoryPlan? {
        guard options.pagingFolder != nil, plan.cacheBytes > cacheRoom else { return nil }
        let least = layout(contextTokens: plan.contextTokens, residentTokens: 0)
        guard least.pages else { return nil }
        // The largest that fits, in steps of pages; memory grows with it.
        var (low, high) = (least.residentTokens / least.pageTokens, plan.contextTokens / least.pageTokens)
        while low < high {
            let middle = (low + high + 1) / 2
            let layout = layout(contextTokens: plan.contextTokens, residentTokens: middle * least.pageTokens)
            if cacheBytes(layout) <= cacheRoom { low = middle } else { high = middle - 1 }
        }
        let layout = layout(
            contextTokens: plan.contextTokens, residentTokens: max(low * least.pageTokens, least.residentTokens))
        var paged = plan
        paged.residentTokens = layout.residentTokens
        paged.cacheBytes = cacheBytes(layout)
        paged.pagedBytes = KVCacheManager.pagedBytes(
            plan: configuration.layerPlan, layout: layout, type: options.kvType)
        guard paged.cacheBytes < plan.cacheBytes else { return nil }
        if let limit = options.pagingLimit, paged.pagedBytes > limit { return nil }
        return paged
    }

    private func bounds(contextTokens: Int) -> MemoryPlan {
        let plan = resident(contextTokens: contextTokens)
        guard let limit = options.kvMemory else { return plan }
        return paged(plan, cacheRoom: limit) ?? plan
    }

    /// What choosing among pages on disk takes, where not all are read.
    private func selectionBytes(_ layout: KVPageLayout) -> Int {
        guard options.kvReading != .exact else { return 0 }
        let heads = configuration.layerPlan.map(\.heads.queryHeads).max() ?? 0
        return Compute.selectionBytes(pages: layout.contextTokens / layout.pageTokens, heads: heads)
    }

    private func resident(contextTokens: Int) -> MemoryPlan {
        let layout = layout(contextTokens: contextTokens)
        let logits = configuration.vocabularyRows * MemoryLayout<Float>.size
        // Activations, their quantized copies and the kernels' tiles are at most twice the activations; logits are
        // held once for each row that verifies guesses, and handed out once. The table of guesses grows with the text.
        let scratch =
            2 * configuration.widths.bytes(chunkTokens: layout.chunkTokens) + (Speculator.maximumDraft + 2) * logits
            + PromptLookup.bytes(tokens: contextTokens)
            + configuration.vocabularyRows * Self.bytesPerToken + Self.baseBytes + selectionBytes(layout)
        return MemoryPlan(
            contextTokens: contextTokens, weightBytes: residency.neededBytes,
            cacheBytes: cacheBytes(layout), scratchBytes: scratch)
    }
}

extension ModelDescription {
    /// From the file's metadata and list of tensors.
    init(
        _ model: ModelFiles, _ configuration: any ModelConfiguration, template: ChatTemplate, vocabularySize: Int
    ) {
        let checkpoint = model.checkpoint
        let tensors = checkpoint.summaries
        let plan = configuration.layerPlan
        let pageTokens = 64  // so many fill a page without padding
        let perLayer = plan.map {
            $0.keyValues == .own ? $0.heads.pageShape(.f16, pageTokens: pageTokens).bytes / pageTokens : 0
        }
        var layers: [String: Int] = [:]
        for layer in plan { layers[layer.attention.label, default: 0] += 1 }
        let chunks = plan.compactMap { if case .chunked(let size) = $0.attention { size } else { nil } }
        let windows = plan.compactMap { if case .sliding(let window) = $0.attention { window } else { nil } }
        self.init(
            name: checkpoint.string("general.name") ?? model.name, path: model.path,
            architecture: checkpoint.architecture,
            parameters: tensors.reduce(0) { $0 + $1.elements }, bytes: checkpoint.byteCount,
            quantization: Self.quantization(checkpoint, tensors), layersByAttention: layers,
            attentionChunk: chunks.min(), slidingWindow: windows.min(), contextLength: configuration.contextLength,
            vocabularySize: vocabularySize,
            cacheBytesPerToken: zip(plan, perLayer).reduce(0) { $0 + ($1.0.attention == .full ? $1.1 : 0) },
            cacheBytesPerTokenAllLayers: perLayer.reduce(0, +), templateName: template.name,
            isBase: template.isFewShot, license: checkpoint.string("general.license"))
    }

    /// The usual name of `general.file_type`, or the type that holds the most bytes.
    private static func quantization(_ checkpoint: any Checkpoint, _ tensors: [TensorSummary]) -> String {
        let labels = [
            0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
            12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
            25: "IQ4_NL", 30: "IQ4_XS", 32: "BF16", 38: "MXFP4",
        ]
        if let type = checkpoint.integer("general.file_type"), let label = labels[type] { return label }
        var bytes: [String: Int] = [:]
        for tensor in tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        return bytes.max { $0.value == $1.value ? $0.key > $1.key : $0.value < $1.value }?.key ?? "none"
    }
}

/// A checkpoint has every method already.
private struct CheckpointMetadata: TokenizerMetadata {
    let checkpoint: any Checkpoint

    func string(_ key: String) -> String? { checkpoint.string(key) }
    func integer(_ key: String) -> Int? { checkpoint.integer(key) }
    func boolean(_ key: String) -> Bool? { checkpoint.boolean(key) }
    func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? { checkpoint.stringTable(key) }
    func integers(_ key: String) -> [Int]? { checkpoint.integers(key) }
    func floats(_ key: String) -> [Float]? { checkpoint.floats(key) }
}

extension AttentionKind {
    /// Such as `sliding 512`.
    fileprivate var label: String {
        switch self {
        case .full: "full"
        case .sliding(let window): "sliding \(window)"
        case .chunked(let size): "chunked \(size)"
        }
    }
}
