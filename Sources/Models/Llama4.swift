// Llama 4 in all shapes: routed experts beside one that all tokens share, in every layer (Scout) or every second
// (Maverick); layers that see aligned chunks, and every fourth layer one that sees everything without positions.
// specs: transformers `models/llama4`; GGUF architecture `llama4`. Files of other converters do not say how large
// chunks are, which layers rotate, how queries are tempered or whether they are normalized: the released models' values
// are the defaults, keys of our own converter tell others.

package import KVCache
import Kernels
import Tensors
package import Weights

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// MARK: - Configuration

package struct Llama4Configuration: ModelConfiguration {
    /// Queries of layers without positions grow with the position: 1 + scale · ln(⌊(position + 1) / floor⌋ + 1).
    struct Tempering: Sendable {
        var scale: Float
        var floor: Float

        func factor(_ position: Int) -> Float {
            1 + scale * logf((Float(position + 1) / floor).rounded(.down) + 1)
        }
    }

    package var contextLength: Int
    package var vocabularyRows: Int
    package var layerPlan: [LayerPlan]
    package var widths: ActivationWidths
    var normEpsilon: Float
    /// Whether queries and keys of layers with positions are normalized, after turning.
    var normalizesHeads: Bool
    var tempering: Tempering?
    /// By layer.
    var hasExperts: [Bool]
    /// Hidden elements of dense blocks.
    var feedForward: Int

    package init(_ checkpoint: any Checkpoint) throws(ModelError) {
        let metadata = ModelMetadata(checkpoint)
        let layers = try metadata.size("block_count")
        contextLength = try metadata.size("context_length")
        vocabularyRows = try metadata.embeddingRows()
        let width = try metadata.size("embedding_length")
        normEpsilon = Float(try metadata.number("attention.layer_norm_rms_epsilon"))
        feedForward = try metadata.size("feed_forward_length")

        let expertCount = try metadata.optionalCount("expert_count") ?? 0
        let experts = expertCount > 0 ? try metadata.experts(count: expertCount) : nil
        let step = try metadata.optionalCount("interleave_moe_layer_step") ?? 1
        hasExperts =
            try metadata.flags("expert_layers", layers: layers)
            ?? (1...layers).map { experts != nil && step > 0 && $0 % step == 0 }

        // A window of 0 marks small relatives without chunks: every layer sees everything and rotates.
        let isPlain = checkpoint.integer(metadata.prefix + "attention.sliding_window") == 0
        let rotates =
            try metadata.flags("attention.rope_layers", layers: layers) ?? (1...layers).map { isPlain || $0 % 4 != 0 }
        let chunk = isPlain ? nil : try metadata.optionalSize("attention.chunk_size") ?? 8192
        let sees =
            try metadata.flags("attention.chunked_layers", layers: layers) ?? rotates.map { $0 && chunk != nil }
        normalizesHeads =
            checkpoint.boolean(metadata.prefix + "attention.qk_norm") ?? (!isPlain && expertCount != 128)
        let scale = checkpoint.float(metadata.prefix + "attention.temperature_scale") ?? (isPlain ? 0 : 0.1)
        tempering =
            scale == 0
            ? nil
            : Tempering(
                scale: scale, floor: Float(try metadata.optionalNumber("attention.temperature_floor") ?? 8192))

        let heads = try metadata.heads(embeddingLength: width)
        let rope = try metadata.rotary(heads, style: .interleaved, base: 500_000)
        // Inside a chunk only differences of positions matter: counting from its start keeps angles exact anywhere.
        var chunkRope = rope
        chunkRope.period = chunk
        layerPlan = zip(rotates, sees).map { rotates, seesChunk in
            LayerPlan(
                attention: seesChunk ? .chunked(size: chunk ?? 8192) : .full,
                rope: rotates ? (seesChunk ? chunkRope : rope) : nil, heads: heads)
        }
        widths = ActivationWidths(
            embedding: width, feedForward: max(feedForward, experts?.hidden ?? 0), plan: layerPlan, experts: experts)
    }

    package func bind(_ checkpoint: any Checkpoint, _ options: BindOptions) throws(ModelError) -> any LanguageModel {
        Llama4(
            self, try Llama4Weights(checkpoint, self), options,
            streaming: WeightStreaming(checkpoint, room: options.weightRoom))
    }
}

// MARK: - Weights

struct Llama4Weights {
    struct Layer {
        let attentionNorm, feedForwardNorm: UnsafePointer<Float>  // [embedding]
        let attention: AttentionWeights
        /// The dense block, or the expert that all tokens share.
        let feedForward: FeedForwardWeights
        let experts: ExpertWeights?
    }

    let embedding: TensorView  // [vocabulary] rows of [embedding]
    let layers: [Layer]
    let head: OutputHead

    init(_ checkpoint: any Checkpoint, _ configuration: Llama4Configuration) throws(ModelError) {
        let binder = WeightBinder(file: checkpoint)
        let width = configuration.widths.embedding
        embedding = try binder.matrix("token_embd.weight", rows: configuration.vocabularyRows, columns: width)
        var layers: [Layer] = []
        for (index, plan) in configuration.layerPlan.enumerated() {
            let prefix = "blk.\(index)."
            let experts = configuration.hasExperts[index] ? configuration.widths.experts : nil
            layers.append(
                Layer(
                    attentionNorm: try binder.vector(prefix + "attn_norm.weight", count: width),
                    feedForwardNorm: try binder.vector(prefix + "ffn_norm.weight", count: width),
                    attention: try AttentionWeights(binder, prefix, plan, width: width),
                    feedForward: try FeedForwardWeights(
                        binder, prefix, suffix: experts == nil ? "" : "_shexp", width: width,
                        hidden: experts?.hidden ?? configuration.feedForward),
                    experts: try Self.experts(binder, prefix, experts, width: width)))
        }
        self.layers = layers
        head = try OutputHead(binder, embedding: embedding)
    }

    private static func experts(
        _ binder: WeightBinder, _ prefix: String, _ shape: ExpertShape?, width: Int
    ) throws(ModelError) -> ExpertWeights? {
        guard let shape else { return nil }
        return try ExpertWeights(binder, prefix, shape, width: width)
    }
}

// MARK: - Forward pass

final class Llama4: DecoderStack {
    private let settings: Llama4Configuration
    private let weights: Llama4Weights
    let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }
    var head: OutputHead { weights.head }

    init(
        _ configuration: Llama4Configuration, _ weights: Llama4Weights, _ options: BindOptions,
        streaming: WeightStreaming
    ) {
        settings = configuration
        self.weights = weights
        steps = DecoderSteps(configuration, epsilon: configuration.normEpsilon, options, streaming)
    }

    func embed(_ tokens: [Int32], pass: Pass) {
        steps.embed(tokens, weights.embedding)
    }

    func layer(_ index: Int, rows: Range<Int>, pass: Pass) {
        let layer = weights.layers[index]
        let plan = settings.layerPlan[index]
        // x += Wo · attention(RMSNorm(x))
        steps.normalizeStream(layer.attentionNorm, rows: pass.all)  // [tokens, embedding]
        // [rows, queryHeads, size], [tokens, keyValueHeads, size]
        steps.projectHeads(layer.attention, rows: rows, pass: pass)
        steps.rotate(layer: index, rows: rows, pass: pass)
        if plan.rope != nil {
            if settings.normalizesHeads {
                steps.normalizeQueries(layer: index, nil, rows: rows)
                steps.normalizeKeys(layer: index, nil, pass: pass)
            }
        } else if let tempering = settings.tempering {
            steps.temperQueries(layer: index, rows: rows, pass: pass, tempering.factor)
        }
        steps.store(layer: index, pass: pass)
        guard !rows.isEmpty else { return }
        let scale = 1 / Float(plan.heads.size).squareRoot()
        steps.attend(layer: index, layer.attention.output, scale: scale, rows: rows, pass: pass)  // [rows, embedding]
        steps.addBlock(rows: rows)
        // x += dense(h), or shared expert(h) + Σ expert(sigmoid(score) · h), h = RMSNorm(x)
        steps.normalizeStream(layer.feedForwardNorm, rows: rows)  // [rows, embedding]
        if let experts = layer.experts {
            let routing = steps.route(steps.block, experts, rows: rows)
            let gates = routing.weights.map { 1 / (1 + expf(-$0)) }
            steps.mix(steps.block, experts, routing, inputScales: gates, .silu, rows: rows)
        }
        steps.feedForward(layer.feedForward, .silu, rows: rows)  // [rows, embedding]
        if layer.experts != nil { steps.addMixture(rows: rows) }
        steps.addBlock(rows: rows)
    }
}
