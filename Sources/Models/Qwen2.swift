// Qwen 2 and 2.5: the Llama block with biases on queries, keys and values, and pairs in halves.
// specs: "Qwen2 Technical Report" (2024); GGUF architecture `qwen2`. The window that published configurations mention
// is switched off in all of them, and files carry no key for it.

package import KVCache
package import Kernels
import Tensors
package import Weights

// MARK: - Configuration

package struct Qwen2Configuration: ModelConfiguration {
    package var contextLength: Int
    /// More rows than tokens: the rest is padding.
    package var vocabularyRows: Int
    package var layerPlan: [LayerPlan]
    package var widths: ActivationWidths
    var normEpsilon: Float

    package init(_ file: any Checkpoint) throws(ModelError) {
        let metadata = ModelMetadata(file)
        let layers = try metadata.size("block_count")
        contextLength = try metadata.size("context_length")
        vocabularyRows = try metadata.embeddingRows()
        let width = try metadata.size("embedding_length")
        normEpsilon = Float(try metadata.number("attention.layer_norm_rms_epsilon"))
        let heads = try metadata.heads(embeddingLength: width)
        let rope = RotaryParameters(
            dimensions: heads.size, style: .halfSplit, base: try metadata.number("rope.freq_base"),
            positionDivisor: try metadata.linearScaling())
        layerPlan = Array(repeating: LayerPlan(attention: .full, rope: rope, heads: heads), count: layers)
        widths = ActivationWidths(
            embedding: width, feedForward: try metadata.size("feed_forward_length"), plan: layerPlan)
    }

    package func bind(_ file: any Checkpoint, compute: Compute, chunkTokens: Int) throws(ModelError) -> any LanguageModel {
        Qwen2(self, try Qwen2Weights(file, self), compute: compute, chunkTokens: chunkTokens)
    }
}

// MARK: - Weights

struct Qwen2Weights {
    struct Layer {
        let attentionNorm, feedForwardNorm: UnsafePointer<Float>  // [embedding]
        let attention: AttentionWeights
        let biases: AttentionBiases
        let feedForward: FeedForwardWeights
    }

    let embedding: TensorView  // [vocabulary] rows of [embedding]
    let layers: [Layer]
    let outputNorm: UnsafePointer<Float>  // [embedding]
    /// [embedding] -> [vocabulary]. Some files carry it, in another type, although the model ties it to the embedding.
    let output: TensorView

    init(_ file: any Checkpoint, _ configuration: Qwen2Configuration) throws(ModelError) {
        let binder = WeightBinder(file: file)
        let width = configuration.widths.embedding
        embedding = try binder.matrix("token_embd.weight", rows: configuration.vocabularyRows, columns: width)
        var layers: [Layer] = []
        for (index, plan) in configuration.layerPlan.enumerated() {
            let prefix = "blk.\(index)."
            layers.append(
                Layer(
                    attentionNorm: try binder.vector(prefix + "attn_norm.weight", count: width),
                    feedForwardNorm: try binder.vector(prefix + "ffn_norm.weight", count: width),
                    attention: try AttentionWeights(binder, prefix, heads: plan.heads, width: width),
                    biases: try AttentionBiases(binder, prefix, heads: plan.heads),
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

final class Qwen2: LanguageModel {
    private let settings: Qwen2Configuration
    private let weights: Qwen2Weights
    private let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }

    init(_ configuration: Qwen2Configuration, _ weights: Qwen2Weights, compute: Compute, chunkTokens: Int) {
        settings = configuration
        self.weights = weights
        steps = DecoderSteps(
            configuration, epsilon: configuration.normEpsilon, compute: compute, chunkTokens: chunkTokens)
    }

    func forward(_ tokens: [Int32], wanted: Range<Int>, cache: KVCacheManager) {
        let pass = Pass(tokens: tokens.count, wanted: wanted, cache: cache)
        steps.embed(tokens, weights.embedding)  // [tokens, embedding]
        for index in weights.layers.indices {
            layer(index, rows: index == weights.layers.count - 1 ? wanted : pass.all, pass: pass)
        }
        cache.commit(tokens.count)
    }

    /// One decoder layer. All tokens store keys and values; only `rows` go on.
    private func layer(_ index: Int, rows: Range<Int>, pass: Pass) {
        let layer = weights.layers[index]
        // x += Wo · attention(RMSNorm(x))
        steps.normalizeStream(layer.attentionNorm, rows: pass.all)  // [tokens, embedding]
        // [rows, queryHeads, size], [tokens, keyValueHeads, size]
        steps.projectHeads(layer.attention, layer.biases, rows: rows, pass: pass)
        steps.rotateAndStore(layer: index, rows: rows, pass: pass)
        guard !rows.isEmpty else { return }
        let scale = 1 / Float(settings.layerPlan[index].heads.size).squareRoot()
        steps.attend(layer: index, layer.attention.output, scale: scale, rows: rows, pass: pass)  // [rows, embedding]
        steps.addBlock(rows: rows)
        // x += Wdown · (silu(Wgate · h) ⊙ Wup · h), h = RMSNorm(x)
        steps.normalizeStream(layer.feedForwardNorm, rows: rows)  // [rows, embedding]
        steps.feedForward(layer.feedForward, .silu, rows: rows)  // [rows, embedding]
        steps.addBlock(rows: rows)
    }

    func logits(row: Int, into logits: inout [Float]) {
        steps.project(row: row, norm: weights.outputNorm, weights.output, into: &logits)
    }
}
