// Llama 2 and 3, SmolLM2 and SmolLM3: the plain decoder with rotary positions, grouped queries and a SiLU gate.
// specs: "LLaMA: Open and Efficient Foundation Language Models" (2023); GGUF architectures `llama` and `smollm3`, which
// differ only in that every fourth layer of the latter leaves positions out.

package import KVCache
package import Kernels
import Tensors
package import Weights

// MARK: - Configuration

package struct LlamaConfiguration: ModelConfiguration {
    package var contextLength: Int
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
        guard try metadata.optionalSize("expert_count") == nil else {
            throw .feature(key: metadata.prefix + "expert_count", value: "\(try metadata.size("expert_count"))")
        }
        let heads = try metadata.heads(embeddingLength: width)
        let dimensions = try metadata.optionalSize("rope.dimension_count") ?? heads.size
        try metadata.require(
            dimensions <= heads.size && dimensions % 2 == 0, "rope.dimension_count", dimensions,
            "it must be even and at most the size of a head")
        // The converter reorders the rows of q and k so that neighbours turn together. Llama 3's scaling arrives as
        // one divisor per pair.
        let rope = RotaryParameters(
            dimensions: dimensions, style: .interleaved, base: try metadata.optionalNumber("rope.freq_base") ?? 10_000,
            positionDivisor: try metadata.linearScaling(),
            frequencyDivisors: try WeightBinder(file: file).values("rope_freqs.weight", count: dimensions / 2) ?? [])
        // No key tells which layers these are; it is part of the architecture.
        let unrotated = file.architecture == ModelFamily.smollm3.rawValue ? 4 : nil
        layerPlan = (1...layers).map { number in
            let rotates = unrotated.map { number % $0 != 0 } ?? true
            return LayerPlan(attention: .full, rope: rotates ? rope : nil, heads: heads)
        }
        widths = ActivationWidths(
            embedding: width, feedForward: try metadata.size("feed_forward_length"), plan: layerPlan)
    }

    package func bind(_ file: any Checkpoint, compute: Compute, chunkTokens: Int) throws(ModelError) -> any LanguageModel {
        Llama(self, try LlamaWeights(file, self), compute: compute, chunkTokens: chunkTokens)
    }
}

// MARK: - Weights

struct LlamaWeights {
    struct Layer {
        let attentionNorm, feedForwardNorm: UnsafePointer<Float>  // [embedding]
        let attention: AttentionWeights
        let feedForward: FeedForwardWeights
    }

    let embedding: TensorView  // [vocabulary] rows of [embedding]
    let layers: [Layer]
    let outputNorm: UnsafePointer<Float>  // [embedding]
    /// [embedding] -> [vocabulary]; the embedding itself where the file ties them.
    let output: TensorView

    init(_ file: any Checkpoint, _ configuration: LlamaConfiguration) throws(ModelError) {
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

final class Llama: LanguageModel {
    private let settings: LlamaConfiguration
    private let weights: LlamaWeights
    private let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }

    init(_ configuration: LlamaConfiguration, _ weights: LlamaWeights, compute: Compute, chunkTokens: Int) {
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
        steps.projectHeads(layer.attention, rows: rows, pass: pass)
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
