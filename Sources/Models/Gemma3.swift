// Gemma 3, text: norms before and after each block, norms of queries and keys, and five layers with a sliding window
// for each one that sees everything.
// specs: "Gemma 3 Technical Report" (2025); GGUF architecture `gemma3`. Norm weights in GGUF files already contain the
// "1 +" of the published ones.

package import KVCache
package import Kernels
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

    package init(_ file: any Checkpoint) throws(ModelError) {
        let metadata = ModelMetadata(file)
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
        let pattern = try metadata.optionalSize("attention.sliding_window_pattern") ?? 6
        let window = try metadata.size("attention.sliding_window")
        let local = RotaryParameters(
            dimensions: heads.size, style: .halfSplit, base: try metadata.optionalNumber("rope.freq_base_swa") ?? 10_000
        )
        // Sizes from 4B on stretch the positions of layers that see everything, and of those only.
        let global = RotaryParameters(
            dimensions: heads.size, style: .halfSplit, base: try metadata.optionalNumber("rope.freq_base") ?? 1_000_000,
            positionDivisor: try metadata.linearScaling())
        layerPlan = (1...layers).map { number in
            number % pattern == 0
                ? LayerPlan(attention: .full, rope: global, heads: heads)
                : LayerPlan(attention: .sliding(window: window), rope: local, heads: heads)
        }
        widths = ActivationWidths(
            embedding: width, feedForward: try metadata.size("feed_forward_length"), plan: layerPlan)
    }

    package func bind(_ file: any Checkpoint, compute: Compute, chunkTokens: Int) throws(ModelError) -> any LanguageModel {
        Gemma3(self, try Gemma3Weights(file, self), compute: compute, chunkTokens: chunkTokens)
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
    let outputNorm: UnsafePointer<Float>  // [embedding]
    /// [embedding] -> [vocabulary]; the embedding itself where the file ties them.
    let output: TensorView

    init(_ file: any Checkpoint, _ configuration: Gemma3Configuration) throws(ModelError) {
        let binder = WeightBinder(file: file)
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
                    attention: try AttentionWeights(binder, prefix, heads: plan.heads, width: width),
                    feedForward: try FeedForwardWeights(
                        binder, prefix, width: width, hidden: configuration.widths.feedForward)))
        }
        self.layers = layers
        outputNorm = try binder.vector("output_norm.weight", count: width)
        output =
            try binder.optionalMatrix("output.weight", rows: configuration.vocabularyRows, columns: width) ?? embedding
    }
}

// MARK: - Forward pass

final class Gemma3: LanguageModel {
    private let settings: Gemma3Configuration
    private let weights: Gemma3Weights
    private let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }

    init(_ configuration: Gemma3Configuration, _ weights: Gemma3Weights, compute: Compute, chunkTokens: Int) {
        settings = configuration
        self.weights = weights
        steps = DecoderSteps(
            configuration, epsilon: configuration.normEpsilon, compute: compute, chunkTokens: chunkTokens)
    }

    func forward(_ tokens: [Int32], wanted: Range<Int>, cache: KVCacheManager) {
        let pass = Pass(tokens: tokens.count, wanted: wanted, cache: cache)
        steps.embed(tokens, weights.embedding, scale: settings.embeddingScale)  // [tokens, embedding]
        for index in weights.layers.indices {
            layer(index, rows: index == weights.layers.count - 1 ? wanted : pass.all, pass: pass)
        }
        cache.commit(tokens.count)
    }

    /// One decoder layer. All tokens store keys and values; only `rows` go on.
    private func layer(_ index: Int, rows: Range<Int>, pass: Pass) {
        let layer = weights.layers[index]
        // x += RMSNorm(Wo · attention(RMSNorm(x)))
        steps.normalizeStream(layer.attentionNorm, rows: pass.all)  // [tokens, embedding]
        // [rows, queryHeads, size], [tokens, keyValueHeads, size]
        steps.projectHeads(layer.attention, rows: rows, pass: pass)
        steps.normalizeHeads(layer: index, query: layer.queryNorm, key: layer.keyNorm, rows: rows, pass: pass)
        steps.rotateAndStore(layer: index, rows: rows, pass: pass)
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

    func logits(row: Int, into logits: inout [Float]) {
        steps.project(row: row, norm: weights.outputNorm, weights.output, into: &logits)
    }
}
