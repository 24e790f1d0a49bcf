// Metadata and tensors of published models, for files with random weights: sizes, names and keys as they are released.

import Tensors
import Weights

/// A model whose shape can be synthesized. Raw values are what users type.
package enum SyntheticModel: String, Sendable, CaseIterable {
    case gemma4E2B = "gemma-4-e2b"
    case gemma4E4B = "gemma-4-e4b"
    case gemma412B = "gemma-4-12b"
    case gemma426B = "gemma-4-26b-a4b"
    case gemma431B = "gemma-4-31b"
    case llama4Scout = "llama-4-scout"
    case llama4Maverick = "llama-4-maverick"
}

/// What a tensor is filled with.
enum SyntheticContent: Equatable {
    /// Random numbers of this standard deviation.
    case random(spread: Float)
    case constant(Float)
    case values([Float])
}

/// A tensor before its type is chosen.
struct SyntheticTensor {
    var name: String
    /// In GGUF's order.
    var shape: [Int]
    var content: SyntheticContent
}

/// Everything a file consists of.
struct SyntheticPlan {
    var layers: Int
    /// Without the labels that depend on the types.
    var metadata: [(key: String, value: MetadataValue)]
    var tensors: [SyntheticTensor] = []

    /// A matrix that keeps the spread of its inputs.
    mutating func matrix(_ name: String, _ shape: Int...) {
        tensors.append(
            SyntheticTensor(
                name: name + ".weight", shape: shape, content: .random(spread: 1 / Float(shape[0]).squareRoot())))
    }

    mutating func random(_ name: String, _ shape: Int..., spread: Float) {
        tensors.append(SyntheticTensor(name: name + ".weight", shape: shape, content: .random(spread: spread)))
    }

    mutating func constant(_ name: String, _ count: Int, _ value: Float = 1, suffix: String = "weight") {
        tensors.append(SyntheticTensor(name: "\(name).\(suffix)", shape: [count], content: .constant(value)))
    }

    mutating func values(_ name: String, _ values: [Float]) {
        tensors.append(SyntheticTensor(name: name + ".weight", shape: [values.count], content: .values(values)))
    }
}

extension SyntheticModel {
    /// Layers of the published model.
    package var layers: Int { gemma4?.layers ?? 48 }

    /// - Parameters:
    ///   - layers: how many of them.
    ///   - vocabulary: whether the metadata has one; it is most of it.
    func plan(layers: Int, vocabulary: Bool = true) -> SyntheticPlan {
        let name = rawValue
        if let shape = gemma4 { return shape.plan(name: name, layers: layers, vocabulary: vocabulary) }
        return Llama4Shape(isScout: self == .llama4Scout).plan(name: name, layers: layers, vocabulary: vocabulary)
    }

    private var gemma4: Gemma4Shape? {
        switch self {
        case .gemma4E2B:
            Gemma4Shape(
                layers: 35, width: 1536, heads: 8, localKVHeads: 1, globalKVHeads: 1, feedForward: 6144,
                sharedFeedForward: 12_288, period: 5, window: 512, ownLayers: 15, perLayerWidth: 256,
                sharesKeysAsValues: false, context: 131_072, experts: nil)
        case .gemma4E4B:
            Gemma4Shape(
                layers: 42, width: 2560, heads: 8, localKVHeads: 2, globalKVHeads: 2, feedForward: 10_240,
                sharedFeedForward: 10_240, period: 6, window: 512, ownLayers: 24, perLayerWidth: 256,
                sharesKeysAsValues: false, context: 131_072, experts: nil)
        case .gemma412B:
            Gemma4Shape(
                layers: 48, width: 3840, heads: 16, localKVHeads: 8, globalKVHeads: 1, feedForward: 15_360,
                sharedFeedForward: 15_360, period: 6, window: 1024, ownLayers: 48, perLayerWidth: 0,
                sharesKeysAsValues: true, context: 262_144, experts: nil)
        case .gemma426B:
            Gemma4Shape(
                layers: 30, width: 2816, heads: 16, localKVHeads: 8, globalKVHeads: 2, feedForward: 2112,
                sharedFeedForward: 2112, period: 6, window: 1024, ownLayers: 30, perLayerWidth: 0,
                sharesKeysAsValues: true, context: 262_144, experts: (count: 128, used: 8, feedForward: 704))
        case .gemma431B:
            Gemma4Shape(
                layers: 60, width: 5376, heads: 32, localKVHeads: 16, globalKVHeads: 4, feedForward: 21_504,
                sharedFeedForward: 21_504, period: 6, window: 1024, ownLayers: 60, perLayerWidth: 0,
                sharesKeysAsValues: true, context: 262_144, experts: nil)
        case .llama4Scout, .llama4Maverick: nil
        }
    }
}

/// Sizes of a Gemma 4 text model.
private struct Gemma4Shape {
    var layers: Int
    var width: Int
    var heads: Int
    var localKVHeads: Int
    var globalKVHeads: Int
    var feedForward: Int
    /// Of the layers that share keys and values.
    var sharedFeedForward: Int
    /// Every so many layers, one sees everything.
    var period: Int
    var window: Int
    /// The first layers, which have keys and values of their own.
    var ownLayers: Int
    /// Of the per-layer embeddings; 0 for none.
    var perLayerWidth: Int
    var sharesKeysAsValues: Bool
    var context: Int
    var experts: (count: Int, used: Int, feedForward: Int)?

    /// Layers with keys and values of their own among the first `count`: the published proportion, but at least one
    /// whole period, so that both kinds of layer have one to share from.
    private func own(of count: Int) -> Int {
        guard ownLayers < layers else { return count }
        return min(count, max(period, (count * ownLayers + layers / 2) / layers))
    }

    func plan(name: String, layers count: Int, vocabulary: Bool) -> SyntheticPlan {
        let own = own(of: count)
        // The last layer is always global.
        let isLocal = (0..<count).map { $0 % period != period - 1 && $0 != count - 1 }
        var plan = SyntheticPlan(layers: count, metadata: metadata(name, isLocal: isLocal, own: own))
        if vocabulary { plan.metadata += SyntheticVocabulary.gemma4() }
        plan.matrix("token_embd", width, SyntheticVocabulary.gemma4Size)
        if perLayerWidth > 0 {
            // Rows are multiplied by the root of their width.
            plan.random(
                "per_layer_token_embd", perLayerWidth * count, SyntheticVocabulary.gemma4Size,
                spread: 1 / Float(perLayerWidth).squareRoot())
            plan.matrix("per_layer_model_proj", width, perLayerWidth * count)
            plan.constant("per_layer_proj_norm", perLayerWidth)
        }
        // Frequency divisors of global layers: a quarter of the pairs turns.
        plan.values("rope_freqs", (0..<256).map { $0 < 64 ? 1 : 1e30 })
        for layer in 0..<count { add(layer, isLocal: isLocal[layer], ownsKeys: layer < own, to: &plan) }
        plan.constant("output_norm", width)
        return plan
    }

    private func add(_ layer: Int, isLocal: Bool, ownsKeys: Bool, to plan: inout SyntheticPlan) {
        let block = "blk.\(layer)."
        let head = isLocal ? 256 : 512
        let kvHeads = isLocal ? localKVHeads : globalKVHeads
        let inner = ownsKeys ? feedForward : sharedFeedForward
        plan.constant(block + "attn_norm", width)
        plan.matrix(block + "attn_q", width, heads * head)
        // Scores are not divided by anything: this norm does it, so that no key wins outright.
        plan.constant(block + "attn_q_norm", head, 1 / Float(head).squareRoot())
        if ownsKeys {
            plan.matrix(block + "attn_k", width, kvHeads * head)
            plan.constant(block + "attn_k_norm", head)
            if isLocal || !sharesKeysAsValues { plan.matrix(block + "attn_v", width, kvHeads * head) }
        }
        plan.matrix(block + "attn_output", heads * head, width)
        plan.constant(block + "post_attention_norm", width)
        plan.constant(block + "ffn_norm", width)
        plan.matrix(block + "ffn_gate", width, inner)
        plan.matrix(block + "ffn_up", width, inner)
        plan.matrix(block + "ffn_down", inner, width)
        plan.constant(block + "post_ffw_norm", width)
        if let experts {
            // The router's input has length 1, so this spread gives logits of spread 1.
            plan.random(block + "ffn_gate_inp", width, experts.count, spread: 1)
            plan.constant(block + "ffn_gate_inp", width, suffix: "scale")
            plan.matrix(block + "ffn_gate_up_exps", width, 2 * experts.feedForward, experts.count)
            plan.matrix(block + "ffn_down_exps", experts.feedForward, width, experts.count)
            plan.constant(block + "ffn_down_exps", experts.count, suffix: "scale")
            plan.constant(block + "pre_ffw_norm_2", width)
            plan.constant(block + "post_ffw_norm_1", width)
            plan.constant(block + "post_ffw_norm_2", width)
        }
        if perLayerWidth > 0 {
            plan.matrix(block + "inp_gate", width, perLayerWidth)
            plan.matrix(block + "proj", perLayerWidth, width)
            plan.constant(block + "post_norm", width)
        }
        plan.constant(block + "layer_output_scale", 1)
    }

    private func metadata(_ name: String, isLocal: [Bool], own: Int) -> [(key: String, value: MetadataValue)] {
        func count(_ value: Int) -> MetadataValue { .uint32(UInt32(value)) }
        var pairs: [(key: String, value: MetadataValue)] = [
            ("block_count", count(isLocal.count)), ("context_length", count(context)),
            ("embedding_length", count(width)),
            (
                "feed_forward_length",
                .array(isLocal.indices.map { .int32(Int32($0 < own ? feedForward : sharedFeedForward)) })
            ),
            ("attention.head_count", count(heads)),
            ("attention.head_count_kv", .array(isLocal.map { .int32(Int32($0 ? localKVHeads : globalKVHeads)) })),
            ("rope.freq_base", .float32(1_000_000)), ("rope.freq_base_swa", .float32(10_000)),
            ("attention.layer_norm_rms_epsilon", .float32(1e-6)), ("attention.key_length", count(512)),
            ("attention.value_length", count(512)), ("attention.key_length_swa", count(256)),
            ("attention.value_length_swa", count(256)), ("final_logit_softcapping", .float32(30)),
            ("attention.sliding_window", count(window)),
            ("attention.shared_kv_layers", count(isLocal.count - own)),
            ("embedding_length_per_layer_input", count(perLayerWidth)),
            ("attention.sliding_window_pattern", .array(isLocal.map { .bool($0) })),
            ("rope.dimension_count", count(512)), ("rope.dimension_count_swa", count(256)),
        ]
        if let experts {
            pairs += [
                ("expert_count", count(experts.count)), ("expert_used_count", count(experts.used)),
                ("expert_feed_forward_length", count(experts.feedForward)),
            ]
        }
        return SyntheticPlan.general("gemma4", name) + pairs.map { ("gemma4." + $0.key, $0.value) }
    }
}

extension SyntheticPlan {
    fileprivate static func general(_ architecture: String, _ name: String) -> [(key: String, value: MetadataValue)] {
        [
            ("general.architecture", .text(architecture)), ("general.type", .text("model")),
            ("general.name", .text("\(name) (random weights)")),
        ]
    }
}

/// Sizes of the Llama 4 text models.
private struct Llama4Shape {
    var isScout: Bool

    private let width = 5120
    private let heads = 40
    private let kvHeads = 8
    private let head = 128
    private let expertFeedForward = 8192
    private let denseFeedForward = 16_384

    init(isScout: Bool) { self.isScout = isScout }

    private var experts: Int { isScout ? 16 : 128 }
    private var step: Int { isScout ? 1 : 2 }

    func plan(name: String, layers: Int, vocabulary: Bool) -> SyntheticPlan {
        func count(_ value: Int) -> MetadataValue { .uint32(UInt32(value)) }
        let pairs: [(key: String, value: MetadataValue)] = [
            ("block_count", count(layers)), ("context_length", count(isScout ? 10_485_760 : 1_048_576)),
            ("embedding_length", count(width)), ("feed_forward_length", count(denseFeedForward)),
            ("attention.head_count", count(heads)), ("attention.head_count_kv", count(kvHeads)),
            ("rope.freq_base", .float32(500_000)), ("attention.layer_norm_rms_epsilon", .float32(1e-5)),
            ("expert_count", count(experts)), ("expert_used_count", count(1)),
            ("attention.key_length", count(head)), ("attention.value_length", count(head)),
            ("vocab_size", count(SyntheticVocabulary.llama4Size)), ("rope.dimension_count", count(head)),
            ("interleave_moe_layer_step", count(step)), ("expert_feed_forward_length", count(expertFeedForward)),
        ]
        var plan = SyntheticPlan(
            layers: layers,
            metadata: SyntheticPlan.general("llama4", name) + pairs.map { ("llama4." + $0.key, $0.value) })
        if vocabulary { plan.metadata += SyntheticVocabulary.llama4() }
        // Nothing scales the embedding.
        plan.random("token_embd", width, SyntheticVocabulary.llama4Size, spread: 1)
        if isScout {
            // Waves longer than the original context of 8192 are slowed 16 times, the others not at all.
            plan.values("rope_freqs", (0..<64).map { Self.wavelength(pair: $0) > 8192 ? 16 : 1 })
        }
        for layer in 0..<layers { add(layer, to: &plan) }
        plan.constant("output_norm", width)
        plan.matrix("output", width, SyntheticVocabulary.llama4Size)
        return plan
    }

    /// Positions per turn of a pair: 2 pi theta^(2j/128), theta = 500,000.
    private static func wavelength(pair: Int) -> Double {
        // 500000^(1/64), multiplied up: exact enough to say on which side of 8192 a wave lies.
        (0..<pair).reduce(2 * Double.pi) { wave, _ in wave * 1.227_570_395_565_804 }
    }

    private func add(_ layer: Int, to plan: inout SyntheticPlan) {
        let block = "blk.\(layer)."
        plan.constant(block + "attn_norm", width)
        plan.matrix(block + "attn_q", width, heads * head)
        plan.matrix(block + "attn_k", width, kvHeads * head)
        plan.matrix(block + "attn_v", width, kvHeads * head)
        plan.matrix(block + "attn_output", heads * head, width)
        plan.constant(block + "ffn_norm", width)
        guard (layer + 1) % step == 0 else {
            plan.matrix(block + "ffn_gate", width, denseFeedForward)
            plan.matrix(block + "ffn_up", width, denseFeedForward)
            plan.matrix(block + "ffn_down", denseFeedForward, width)
            return
        }
        plan.matrix(block + "ffn_gate_inp", width, experts)
        plan.matrix(block + "ffn_gate_exps", width, expertFeedForward, experts)
        plan.matrix(block + "ffn_up_exps", width, expertFeedForward, experts)
        plan.matrix(block + "ffn_down_exps", expertFeedForward, width, experts)
        plan.matrix(block + "ffn_gate_shexp", width, expertFeedForward)
        plan.matrix(block + "ffn_up_shexp", width, expertFeedForward)
        plan.matrix(block + "ffn_down_shexp", expertFeedForward, width)
    }
}
