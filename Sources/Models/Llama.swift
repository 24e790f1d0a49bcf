// Llama 2 and 3, SmolLM2, SmolLM3 and Qwen 2: the plain decoder with rotary positions, grouped queries and a SiLU gate.
// specs: "LLaMA: Open and Efficient Foundation Language Models" (2023), "Qwen2 Technical Report" (2024); GGUF
// architectures `llama`, `smollm3` (every fourth layer leaves positions out) and `qwen2` (biases on queries, keys and
// values; pairs in halves; the window that its published configurations mention is switched off in all of them).

package import KVCache
import Kernels
import Tensors
package import Weights

// MARK: - Configuration

package struct LlamaConfiguration: ModelConfiguration {
    package var contextLength: Int
    package var vocabularyRows: Int
    package var layerPlan: [LayerPlan]
    package var widths: ActivationWidths
    var normEpsilon: Float
    var hasBiases: Bool

    package init(_ checkpoint: any Checkpoint) throws(ModelError) {
        let metadata = ModelMetadata(checkpoint)
        let layers = try metadata.size("block_count")
        contextLength = try metadata.size("context_length")
        vocabularyRows = try metadata.embeddingRows()
        let width = try metadata.size("embedding_length")
        normEpsilon = Float(try metadata.number("attention.layer_norm_rms_epsilon"))
        guard try metadata.optionalSize("expert_count") == nil else {
            throw .feature(key: metadata.prefix + "expert_count", value: "\(try metadata.size("expert_count"))")
        }
        let isQwen = checkpoint.architecture == ModelFamily.qwen2.rawValue
        hasBiases = isQwen
        let heads = try metadata.heads(embeddingLength: width)
        // The converter reorders the rows of Llama's q and k so that neighbours turn together. Llama 3's scaling
        // arrives as one divisor per pair.
        let rope = try metadata.rotary(heads, style: isQwen ? .halfSplit : .interleaved)
        let rotates =
            try metadata.flags("attention.rope_layers", layers: layers)
            // No key of other converters tells which layers these are; it is part of the architecture.
            ?? (1...layers).map { checkpoint.architecture != ModelFamily.smollm3.rawValue || $0 % 4 != 0 }
        layerPlan = rotates.map { LayerPlan(attention: .full, rope: $0 ? rope : nil, heads: heads) }
        widths = ActivationWidths(
            embedding: width, feedForward: try metadata.size("feed_forward_length"), plan: layerPlan)
    }

    package func bind(_ checkpoint: any Checkpoint, _ options: BindOptions) throws(ModelError) -> any LanguageModel {
        Llama(
            self, try LlamaWeights(checkpoint, self), options,
            streaming: WeightStreaming(checkpoint, room: options.weightRoom))
    }
}

// MARK: - Weights

struct LlamaWeights {
    struct Layer {
        let attentionNorm, feedForwardNorm: UnsafePointer<Float>  // [embedding]
        let attention: AttentionWeights
        let biases: AttentionBiases?
        let feedForward: FeedForwardWeights
    }

    let embedding: TensorView  // [vocabulary] rows of [embedding]
    let layers: [Layer]
    let head: OutputHead

    init(_ checkpoint: any Checkpoint, _ configuration: LlamaConfiguration) throws(ModelError) {
        let binder = WeightBinder(file: checkpoint)
        let width = configuration.widths.embedding
        embedding = try binder.matrix("token_embd.weight", rows: configuration.vocabularyRows, columns: width)
        var layers: [Layer] = []
        for (index, plan) in configuration.layerPlan.enumerated() {
            let prefix = "blk.\(index)."
            layers.append(
                Layer(
                    attentionNorm: try binder.vector(prefix + "attn_norm.weight", count: width),
                    feedForwardNorm: try binder.vector(prefix + "ffn_norm.weight", count: width),
                    attention: try AttentionWeights(binder, prefix, plan, width: width),
                    biases: configuration.hasBiases ? try AttentionBiases(binder, prefix, heads: plan.heads) : nil,
                    feedForward: try FeedForwardWeights(
                        binder, prefix, width: width, hidden: configuration.widths.feedForward)))
        }
        self.layers = layers
        head = try OutputHead(binder, embedding: embedding)
    }
}

// MARK: - Forward pass

final class Llama: DecoderStack {
    private let settings: LlamaConfiguration
    private let weights: LlamaWeights
    let steps: DecoderSteps

    var configuration: any ModelConfiguration { settings }
    var head: OutputHead { weights.head }

    init(
        _ configuration: LlamaConfiguration, _ weights: LlamaWeights, _ options: BindOptions, streaming: WeightStreaming
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
        // x += Wo · attention(RMSNorm(x))
        steps.normalizeStream(layer.attentionNorm, rows: pass.all)  // [tokens, embedding]
        // [rows, queryHeads, size], [tokens, keyValueHeads, size]
        steps.projectHeads(layer.attention, layer.biases, rows: rows, pass: pass)
        steps.rotate(layer: index, rows: rows, pass: pass)
        steps.store(layer: index, pass: pass)
        guard !rows.isEmpty else { return }
        let scale = 1 / Float(settings.layerPlan[index].heads.size).squareRoot()
        steps.attend(layer: index, layer.attention.output, scale: scale, rows: rows, pass: pass)  // [rows, embedding]
        steps.addBlock(rows: rows)
        // x += Wdown · (silu(Wgate · h) ⊙ Wup · h), h = RMSNorm(x)
        steps.normalizeStream(layer.feedForwardNorm, rows: rows)  // [rows, embedding]
        steps.feedForward(layer.feedForward, .silu, rows: rows)  // [rows, embedding]
        steps.addBlock(rows: rows)
    }
}
