// Gemma 4, text, in all sizes: E2B and E4B add inputs of their own to each layer and let the last layers read the keys
// and values of earlier ones; 26B-A4B has routed experts beside each dense block; 12B, 26B-A4B and 31B use keys as
// values in layers that see everything.
// specs: transformers `models/gemma4`; GGUF architecture `gemma4`. Norm weights are used as stored (no "1 +"), scores
// are not scaled, because queries and keys are normalized.

package import KVCache
import Kernels
import Tensors
package import Weights

// MARK: - Configuration

package struct Gemma4Configuration: ModelConfiguration {
    package var contextLength: Int
    package var vocabularyRows: Int
    package var layerPlan: [LayerPlan]
    package var widths: ActivationWidths
    var normEpsilon: Float
    /// Of token embeddings: the root of their width.
    var embeddingScale: Float
    /// Of the logits.
    var softcap: Float?
    /// By layer: hidden elements of the dense block.
    var feedForward: [Int]
    /// Elements of a layer's own input; 0 without.
    var perLayerWidth: Int

    /// - Parameter rebuildsKeys: whether layers without a value projection keep values only.
    package init(_ checkpoint: any Checkpoint, rebuildsKeys: Bool) throws(ModelError) {
        let metadata = ModelMetadata(checkpoint)
        let layers = try metadata.size("block_count")
        contextLength = try metadata.size("context_length")
        vocabularyRows = try metadata.embeddingRows()
        let width = try metadata.size("embedding_length")
        normEpsilon = Float(try metadata.number("attention.layer_norm_rms_epsilon"))
        embeddingScale = Float(width).squareRoot()
        softcap = try metadata.optionalNumber("final_logit_softcapping").map { Float($0) }
        feedForward = try metadata.sizes("feed_forward_length", layers: layers)
        perLayerWidth = try metadata.optionalCount("embedding_length_per_layer_input") ?? 0
        let tensors = rebuildsKeys ? Set(checkpoint.summaries.map(\.name)) : []
        layerPlan = try Self.plan(metadata, layers: layers) { layer in
            rebuildsKeys && !tensors.contains("blk.\(layer).attn_v.weight")
        }
        var experts: ExpertShape?
        if let count = try metadata.optionalCount("expert_count"), count > 0 {
            experts = try metadata.experts(count: count)
        }
        widths = ActivationWidths(
            embedding: width, feedForward: max(feedForward.max() ?? 0, perLayerWidth), plan: layerPlan,
            experts: experts, perLayer: perLayerWidth * layers)
    }

    /// - Parameter rebuildsKeys: of a layer, whether its values are all that it keeps.
    private static func plan(
        _ metadata: ModelMetadata, layers: Int, rebuildsKeys: (_ layer: Int) -> Bool
    ) throws(ModelError) -> [LayerPlan] {
        let key = "attention.sliding_window_pattern"
        guard let isLocal = try metadata.flags(key, layers: layers) else { throw .missingKey(metadata.prefix + key) }
        let queryHeads = try metadata.sizes("attention.head_count", layers: layers)
        let keyValueHeads = try metadata.sizes("attention.head_count_kv", layers: layers)
        let window = try metadata.size("attention.sliding_window")
        let sharing = try metadata.optionalCount("attention.shared_kv_layers") ?? 0
        try metadata.require(
            sharing < layers, "attention.shared_kv_layers", sharing, "there are only \(layers) layers")
        let globalSize = try metadata.size("attention.key_length")
        let localSize = try metadata.optionalSize("attention.key_length_swa") ?? globalSize
        var plan: [LayerPlan] = []
        for layer in 0..<layers {
            let size = isLocal[layer] ? localSize : globalSize
            // Where other layers read a layer's keys, they are kept.
            let hasKeys = isLocal[layer] || sharing > 0 || !rebuildsKeys(layer)
            let heads = HeadShape(
                queryHeads: queryHeads[layer], keyValueHeads: keyValueHeads[layer], size: size, hasKeys: hasKeys)
            try metadata.require(
                heads.queryHeads % heads.keyValueHeads == 0, "attention.head_count_kv", heads.keyValueHeads,
                "it does not divide the \(heads.queryHeads) query heads")
            // Layers that see everything turn a part of each head only: the divisors of the rest are beyond counting.
            let rope =
                isLocal[layer]
                ? try metadata.rotary(heads, style: .halfSplit, suffix: "_swa", divisors: false)
                : try metadata.rotary(heads, style: .halfSplit, base: 1_000_000)
            var keyValues = LayerPlan.KeyValues.own
            if layer >= layers - sharing {
                guard let owner = (0..<layers - sharing).last(where: { isLocal[$0] == isLocal[layer] }) else {
                    throw .badValue(
                        key: metadata.prefix + "attention.shared_kv_layers", value: "\(sharing)",
                        reason: "layer \(layer) finds no earlier layer of its kind")
                }
                keyValues = .shared(withLayer: owner)
            }
            plan.append(
                LayerPlan(
                    attention: isLocal[layer] ? .sliding(window: window) : .full, rope: rope, keyValues: keyValues,
                    heads: heads))
        }
        return plan
    }

    package func bind(_ checkpoint: any Checkpoint, _ options: BindOptions) throws(ModelError) -> any LanguageModel {
        Gemma4(
            self, try Gemma4Weights(checkpoint, self), options,
            streaming: WeightStreaming(checkpoint, room: options.weightRoom))
    }
}

// MARK: - Weights

struct Gemma4Weights {
    struct Layer {
        let attentionNorm, postAttentionNorm: UnsafePointer<Float>  // [embedding]
        let queryNorm: UnsafePointer<Float>  // [size]
        /// `nil` in layers that read the keys and values of another.
        let keyNorm: UnsafePointer<Float>?  // [size]
        let feedForwardNorm, postFeedForwardNorm: UnsafePointer<Float>  // [embedding]
        let attention: AttentionWeights
        let feedForward: FeedForwardWeights
        let experts: Experts?
        let perLayer: PerLayer?
        /// Of the stream, at the end of the layer.
        let scale: Float
    }

    /// The routed experts beside the dense block.
    struct Experts {
        let routerNorm: UnsafePointer<Float>  // [embedding]
        let norm: UnsafePointer<Float>  // [embedding]
        /// Of the dense block's output and of the experts'.
        let postDenseNorm, postNorm: UnsafePointer<Float>  // [embedding]
        let weights: ExpertWeights
        let outputScales: [Float]  // [experts]
    }

    /// What a layer does with its own input.
    struct PerLayer {
        let gate: TensorView  // [embedding] -> [perLayer]
        let projection: TensorView  // [perLayer] -> [embedding]
        let norm: UnsafePointer<Float>  // [embedding]
    }

    let embedding: TensorView  // [vocabulary] rows of [embedding]
    let perLayerInputs: PerLayerInputWeights?
    let layers: [Layer]
    let head: OutputHead

    init(_ checkpoint: any Checkpoint, _ configuration: Gemma4Configuration) throws(ModelError) {
        let binder = WeightBinder(file: checkpoint)
        let width = configuration.widths.embedding
        embedding = try binder.matrix("token_embd.weight", rows: configuration.vocabularyRows, columns: width)
        let perLayer = configuration.perLayerWidth
        perLayerInputs =
            perLayer == 0
            ? nil
            : try PerLayerInputWeights(
                binder, width: perLayer, layers: configuration.layerPlan.count, embedding: width,
                vocabulary: configuration.vocabularyRows)
        var layers: [Layer] = []
        for (index, plan) in configuration.layerPlan.enumerated() {
            let prefix = "blk.\(index)."
            layers.append(
                Layer(
                    attentionNorm: try binder.vector(prefix + "attn_norm.weight", count: width),
                    postAttentionNorm: try binder.vector(prefix + "post_attention_norm.weight", count: width),
                    queryNorm: try binder.vector(prefix + "attn_q_norm.weight", count: plan.heads.size),
                    keyNorm: plan.keyValues == .own
                        ? try binder.vector(prefix + "attn_k_norm.weight", count: plan.heads.size) : nil,
                    feedForwardNorm: try binder.vector(prefix + "ffn_norm.weight", count: width),
                    postFeedForwardNorm: try binder.vector(prefix + "post_ffw_norm.weight", count: width),
                    attention: try AttentionWeights(
                        binder, prefix, plan, width: width, keysAreValues: plan.attention == .full),
                    feedForward: try FeedForwardWeights(
                        binder, prefix, width: width, hidden: configuration.feedForward[index]),
                    experts: try Self.experts(binder, prefix, configuration),
                    perLayer: perLayer == 0 ? nil : try Self.perLayer(binder, prefix, width: width, inputs: perLayer),
                    scale: try binder.values(prefix + "layer_output_scale.weight", count: 1)?[0] ?? 1))
        }
        self.layers = layers
        head = try OutputHead(binder, embedding: embedding, softcap: configuration.softcap)
    }

    private static func experts(
        _ binder: WeightBinder, _ prefix: String, _ configuration: Gemma4Configuration
    ) throws(ModelError) -> Experts? {
        guard let shape = configuration.widths.experts else { return nil }
        let width = configuration.widths.embedding
        return Experts(
            routerNorm: try binder.vector(prefix + "ffn_gate_inp.scale", count: width),
            norm: try binder.vector(prefix + "pre_ffw_norm_2.weight", count: width),
            postDenseNorm: try binder.vector(prefix + "post_ffw_norm_1.weight", count: width),
            postNorm: try binder.vector(prefix + "post_ffw_norm_2.weight", count: width),
            weights: try ExpertWeights(binder, prefix, shape, width: width),
            outputScales: try binder.values(prefix + "ffn_down_exps.scale", count: shape.count)
                ?? Array(repeating: 1, count: shape.count))
    }

    private static func perLayer(
        _ binder: WeightBinder, _ prefix: String, width: Int, inputs: Int
    ) throws(ModelError) -> PerLayer {
        PerLayer(
            gate: try binder.matrix(prefix + "inp_gate.weight", rows: inputs, columns: width),
            projection: try binder.matrix(prefix + "proj.weight", rows: width, columns: inputs),
            norm: try binder.vector(prefix + "post_norm.weight", count: width))
    }
}

// MARK: - Forward pass

final class Gemma4: DecoderStack {
    private let settings: Gemma4Configuration
    private let weights: Gemma4Weights
    let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }
    var head: OutputHead { weights.head }

    init(
        _ configuration: Gemma4Configuration, _ weights: Gemma4Weights, _ options: BindOptions,
        streaming: WeightStreaming
    ) {
        settings = configuration
        self.weights = weights
        steps = DecoderSteps(configuration, epsilon: configuration.normEpsilon, options, streaming)
    }

    func embed(_ tokens: [Int32], pass: Pass) {
        steps.embed(tokens, weights.embedding, scale: settings.embeddingScale)
        if let inputs = weights.perLayerInputs { steps.makePerLayerInputs(tokens, inputs, pass: pass) }
    }

    func layer(_ index: Int, rows: Range<Int>, pass: Pass) {
        let layer = weights.layers[index]
        attend(index, layer, rows: rows, pass: pass)
        guard !rows.isEmpty else { return }
        feedForward(layer, rows: rows)
        if let perLayer = layer.perLayer {
            // x += RMSNorm(Wproj · (gelu(Wgate · x) ⊙ input of this layer))
            steps.applyPerLayerInput(
                layer: index, gate: perLayer.gate, projection: perLayer.projection, rows: rows, pass: pass)
            steps.normalizeBlock(perLayer.norm, rows: rows)
            steps.addBlock(rows: rows)
        }
        if layer.scale != 1 { steps.scaleStream(layer.scale, rows: rows) }
    }

    /// x += RMSNorm(Wo · attention(RMSNorm(x)))
    private func attend(_ index: Int, _ layer: Gemma4Weights.Layer, rows: Range<Int>, pass: Pass) {
        steps.normalizeStream(layer.attentionNorm, rows: steps.attentionRows(layer: index, rows: rows, pass: pass))
        // [rows, queryHeads, size], [tokens, keyValueHeads, size]
        steps.projectHeads(layer.attention, rows: rows, pass: pass)
        steps.normalizeQueries(layer: index, layer.queryNorm, rows: rows)
        if let keyNorm = layer.keyNorm {
            if steps.keepsKeys(layer: index) { steps.normalizeKeys(layer: index, keyNorm, pass: pass) }
            steps.normalizeValues(layer: index, pass: pass)
        }
        steps.rotate(layer: index, rows: rows, pass: pass)
        steps.store(layer: index, pass: pass)
        guard !rows.isEmpty else { return }
        steps.attend(  // [rows, embedding]
            layer: index, layer.attention.output, scale: 1, keyNorm: layer.keyNorm, rows: rows, pass: pass)
        steps.normalizeBlock(layer.postAttentionNorm, rows: rows)
        steps.addBlock(rows: rows)
    }

    /// x += RMSNorm(dense + experts), dense = Wdown · (gelu(Wgate · h) ⊙ Wup · h), h = RMSNorm(x). With experts both
    /// have norms of their own, and the router sees the stream itself.
    private func feedForward(_ layer: Gemma4Weights.Layer, rows: Range<Int>) {
        steps.normalizeStream(layer.feedForwardNorm, rows: rows)  // [rows, embedding]
        steps.feedForward(layer.feedForward, .geluTanh, rows: rows)  // [rows, embedding]
        if let experts = layer.experts {
            steps.normalizeBlock(experts.postDenseNorm, rows: rows)
            steps.normalizeStreamForExperts(experts.routerNorm, rows: rows)
            var routing = steps.route(
                steps.mixture, experts.weights, scale: 1 / Float(settings.widths.embedding).squareRoot(), rows: rows)
            routing.softmax()
            for choice in routing.experts.indices {
                routing.weights[choice] *= experts.outputScales[routing.experts[choice]]
            }
            steps.normalizeStreamForExperts(experts.norm, rows: rows)
            steps.mix(
                steps.mixture, experts.weights, routing, outputScales: routing.weights, .geluTanh, rows: rows)
            steps.normalizeMixture(experts.postNorm, rows: rows)
            steps.addMixture(rows: rows)
        }
        steps.normalizeBlock(layer.postFeedForwardNorm, rows: rows)
        steps.addBlock(rows: rows)
    }
}
