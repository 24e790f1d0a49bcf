// Folders of Llama 4.

import Weights

struct Llama4Layout: HuggingFaceLayout {
    let config: HuggingFaceConfig
    let isTied: Bool
    var architecture: ModelFamily { .llama4 }

    let layerNames = [
        "input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
        "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
        "feed_forward.router.weight": "ffn_gate_inp.weight",
        "feed_forward.experts.gate_up_proj": "ffn_gate_exps.weight",
        "feed_forward.experts.down_proj": "ffn_down_exps.weight",
        "feed_forward.shared_expert.gate_proj.weight": "ffn_gate_shexp.weight",
        "feed_forward.shared_expert.up_proj.weight": "ffn_up_shexp.weight",
        "feed_forward.shared_expert.down_proj.weight": "ffn_down_shexp.weight",
        "feed_forward.gate_proj.weight": "ffn_gate.weight", "feed_forward.up_proj.weight": "ffn_up.weight",
        "feed_forward.down_proj.weight": "ffn_down.weight",
    ]

    private var base: Double { ropeBase(default: 500_000) }

    func metadata() throws(ModelError) -> [(String, MetadataValue)] {
        try config.require(["silu", nil].contains(config.string("hidden_act")), "hidden_act")
        try config.require(config.bool("attention_bias") != true, "attention_bias")
        let layers = max(1, try config.integer("num_hidden_layers"))
        let size = try config.optionalInteger("head_dim") ?? 128
        let step = try config.optionalInteger("interleave_moe_layer_step") ?? 1
        let interval = try config.optionalInteger("no_rope_layer_interval") ?? 4
        let listed = config.integers("no_rope_layers") ?? []
        // The name reads inverted: 1 is a layer that rotates.
        let rotates = listed.isEmpty ? (1...layers).map { $0 % interval != 0 } : listed.map { $0 != 0 }
        let chunked = config.strings("layer_types").map { $0.map { $0 == "chunked_attention" } } ?? rotates
        let hasExperts =
            config.integers("moe_layers").map { listed in (0..<layers).map { listed.contains($0) } }
            ?? (1...layers).map { step > 0 && $0 % step == 0 }
        let tempers = config.bool("attn_temperature_tuning") ?? true
        var pairs = try commonMetadata(headSize: size)
        pairs += [
            ("attention.head_count_kv", .uint32(try count("num_key_value_heads"))),
            ("feed_forward_length", .uint32(try count("intermediate_size_mlp"))),
            ("expert_feed_forward_length", .uint32(try count("intermediate_size"))),
            ("expert_count", .uint32(try count("num_local_experts"))),
            ("expert_used_count", .uint32(UInt32(clamping: try config.optionalInteger("num_experts_per_tok") ?? 1))),
            ("interleave_moe_layer_step", .uint32(UInt32(clamping: step))),
            ("expert_layers", .array(hasExperts.map { .bool($0) })),
            ("rope.freq_base", .float32(Float(base))),
            ("rope.dimension_count", .uint32(UInt32(clamping: size))),
            ("attention.rope_layers", .array(rotates.map { .bool($0) })),
            ("attention.qk_norm", .bool(config.bool("use_qk_norm") ?? true)),
            ("attention.temperature_scale", .float32(tempers ? Float(config.number("attn_scale") ?? 0.1) : 0)),
            ("attention.temperature_floor", .float32(Float(config.number("floor_scale") ?? 8192))),
        ]
        if let chunk = try config.optionalInteger("attention_chunk_size") {
            pairs.append(("attention.chunk_size", .uint32(UInt32(clamping: chunk))))
            pairs.append(("attention.chunked_layers", .array(chunked.map { .bool($0) })))
        } else {
            pairs.append(("attention.chunked_layers", .array(chunked.map { _ in .bool(false) })))
        }
        return pairs + (try ropeScaling(ropeSettings))
    }

    /// Experts are stored inputs first, gate and up side by side.
    func source(
        _ name: String, layer: Int?, _ tensor: SafetensorsTensor
    ) throws(ModelError) -> [(String, TensorSource)] {
        let isGate = name.hasSuffix("ffn_gate_exps.weight")
        guard isGate || name.hasSuffix("ffn_down_exps.weight") else { return plain(name, tensor) }
        guard tensor.shape.count == 3, !isGate || tensor.shape[2] % 2 == 0 else {
            throw .shape(tensor: tensor.name, found: tensor.shape, expected: [0, 0, 0])
        }
        let columns = tensor.shape[2]
        guard isGate else { return [(name, .transposed(tensor, columns: 0..<columns))] }
        let up = name.dropLast("ffn_gate_exps.weight".count) + "ffn_up_exps.weight"
        return [
            (name, .transposed(tensor, columns: 0..<columns / 2)),
            (String(up), .transposed(tensor, columns: columns / 2..<columns)),
        ]
    }

    func tables() throws(ModelError) -> [(String, [Float])] {
        let size = try config.optionalInteger("head_dim") ?? 128
        let divisors = try llama3Divisors(headSize: size, base: base)
        return divisors.isEmpty ? [] : [("rope_freqs.weight", divisors)]
    }
}
