// Gemma 3, text: norms before and after each block, norms of queries and keys, and five layers with a sliding window
// for each one that sees everything.
// specs: "Gemma 3 Technical Report" (2025); GGUF architecture `gemma3`. Norm weights in GGUF files already contain the
// "1 +" of the published ones.

package import KVCache
import Kernels
import Tensors
package import Weights

// MARK: - Configuration

package struct Gemma3Configuration: ModelConfiguration {
    package var contextLength: Int
    package var vocabularyRows: Int
    package var layerPlan: [LayerPlan]
    package var widths: ActivationWidths
    var normEpsilon: Float
    /// Of attention scores.
    var attentionScale: Float
    /// Of token embeddings: the root of their width.
    var embeddingScale: Float

    package init(_ checkpoint: any Checkpoint) throws(ModelError) {
        let metadata = ModelMetadata(checkpoint)
        let layers = try metadata.size("block_count")
        contextLength = try metadata.size("context_length")
        vocabularyRows = try metadata.embeddingRows()
        let width = try metadata.size("embedding_length")
        normEpsilon = Float(try metadata.number("attention.layer_norm_rms_epsilon"))
        embeddingScale = Float(width).squareRoot()
        for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
            guard try metadata.optionalNumber(key) == nil else {
                throw .feature(key: "gemma3." + key, value: "\(try metadata.number(key))")
            }
        }
        let heads = try metadata.heads(embeddingLength: width)
        // The published query_pre_attn_scalar is the size of a head, except in the 27B model of 62 layers, where it is
        // the width shared out among the heads; its files do not say so.
        let scalar = layers == 62 ? width / heads.queryHeads : heads.size
        attentionScale =
            try metadata.optionalNumber("attention.scale").map { Float($0) } ?? 1 / Float(scalar).squareRoot()

        // Published files may lack the pattern and the second base; the family has one value for each.
        let key = "attention.sliding_window_pattern"
        let isLocal: [Bool]
        if let flags = try metadata.flags(key, layers: layers) {
            isLocal = flags
        } else {
            let period = try metadata.optionalSize(key) ?? 6
            isLocal = (1...layers).map { $0 % period != 0 }
        }
        let window = try metadata.size("attention.sliding_window")
        let local = try metadata.rotary(heads, style: .halfSplit, suffix: "_swa", divisors: false)
        // Sizes from 4B on stretch the positions of layers that see everything, and of those only.
        let global = try metadata.rotary(heads, style: .halfSplit, base: 1_000_000, divisors: false)
        layerPlan = isLocal.map { isLocal in
            isLocal
                ? LayerPlan(attention: .sliding(window: window), rope: local, heads: heads)
                : LayerPlan(attention: .full, rope: global, heads: heads)
        }
        widths = ActivationWidths(
            embedding: width, feedForward: try metadata.size("feed_forward_length"), plan: layerPlan)
    }

    package func bind(_ checkpoint: any Checkpoint, _ options: BindOptions) throws(ModelError) -> any LanguageModel {
        Gemma3(
            self, try Gemma3Weights(checkpoint, self), options,
            streaming: WeightStreaming(checkpoint, room: options.weightRoom))
    }
}

// MARK: - Weights

struct Gemma3Weights {
    struct Layer {
        let attentionNorm, postAttentionNorm: UnsafePointer<Float>  // [embedding]
        let queryNorm, keyNorm: UnsafePointer<Float>  // [size]
        let feedForwardNorm, postFeedForwardNorm: UnsafePointer<Float>  // [embedding]
        let attention: AttentionWeights
        let feedForward: FeedForwardWeights
    }

    let embedding: TensorView  // [vocabulary] rows of [embedding]
    let layers: [Layer]
    let head: OutputHead

    init(_ checkpoint: any Checkpoint, _ configuration: Gemma3Configuration) throws(ModelError) {
        let binder = WeightBinder(file: checkpoint)
        let width = configuration.widths.embedding
        embedding = try binder.matrix("token_embd.weight", rows: configuration.vocabularyRows, columns: width)
        var layers: [Layer] = []
        for (index, plan) in configuration.layerPlan.enumerated() {
            let prefix = "blk.\(index)."
            layers.append(
                Layer(
                    attentionNorm: try binder.vector(prefix + "attn_norm.weight", count: width),
                    postAttentionNorm: try binder.vector(prefix + "post_attention_norm.weight", count: width),
                    queryNorm: try binder.vector(prefix + "attn_q_norm.weight", count: plan.heads.size),
                    keyNorm: try binder.vector(prefix + "attn_k_norm.weight", count: plan.heads.size),
                    feedForwardNorm: try binder.vector(prefix + "ffn_norm.weight", count: width),
                    postFeedForwardNorm: try binder.vector(prefix + "post_ffw_norm.weight", count: width),
                    attention: try AttentionWeights(binder, prefix, plan, width: width),
                    feedForward: try FeedForwardWeights(
                        binder, prefix, width: width, hidden: configuration.widths.feedForward)))
        }
        self.layers = layers
        head = try OutputHead(binder, embedding: embedding)
    }
}

// MARK: - Forward pass

final class Gemma3: DecoderStack {
    private let settings: Gemma3Configuration
    private let weights: Gemma3Weights
    let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }
    var head: OutputHead { weights.head }

    init(
        _ configuration: Gemma3Configuration, _ weights: Gemma3Weights, _ options: BindOptions,
        streaming: WeightStreaming
    ) {
        settings = configuration
        self.weights = weights
        steps = DecoderSteps(configuration, epsilon: configuration.normEpsilon, options, streaming)
    }

    func embed(_ tokens: [Int32], pass: Pass) {
        steps.embed(tokens, weights.embedding, scale: settings.embeddingScale)
    }

    func layer(_ index: Int, rows: Range<Int>, pass: Pass) {
        let layer = weights.layers[index]
        // x += RMSNorm(Wo · attention(RMSNorm(x)))
        steps.normalizeStream(layer.attentionNorm, rows: pass.all)  // [tokens, embedding]
        // [rows, queryHeads, size], [tokens, keyValueHeads, size]
        steps.projectHeads(layer.attention, rows: rows, pass: pass)
        steps.normalizeQueries(layer: index, layer.queryNorm, rows: rows)
        steps.normalizeKeys(layer: index, layer.keyNorm, pass: pass)
        steps.rotate(layer: index, rows: rows, pass: pass)
        steps.store(layer: index, pass: pass)
        guard !rows.isEmpty else { return }
        steps.attend(  // [rows, embedding]
            layer: index, layer.attention.output, scale: settings.attentionScale, rows: rows, pass: pass)
        steps.normalizeBlock(layer.postAttentionNorm, rows: rows)
        steps.addBlock(rows: rows)
        // x += RMSNorm(Wdown · (gelu(Wgate · h) ⊙ Wup · h)), h = RMSNorm(x)
        steps.normalizeStream(layer.feedForwardNorm, rows: rows)  // [rows, embedding]
        steps.feedForward(layer.feedForward, .geluTanh, rows: rows)  // [rows, embedding]
        steps.normalizeBlock(layer.postFeedForwardNorm, rows: rows)
        steps.addBlock(rows: rows)
    }
}
