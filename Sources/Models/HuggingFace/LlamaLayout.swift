// Folders of Llama 2 and 3, SmolLM2, SmolLM3 and Qwen 2.

import Weights

struct LlamaLayout: HuggingFaceLayout {
    let config: HuggingFaceConfig
    let isTied: Bool
    let architecture: ModelFamily

    let layerNames = [
        "input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
        "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.q_proj.bias": "attn_q.bias", "self_attn.k_proj.bias": "attn_k.bias",
        "self_attn.v_proj.bias": "attn_v.bias", "mlp.gate_proj.weight": "ffn_gate.weight",
        "mlp.up_proj.weight": "ffn_up.weight", "mlp.down_proj.weight": "ffn_down.weight",
    ]

    private var ropeBase: Double { ropeBase(default: architecture == .smollm3 ? 2_000_000 : 10_000) }

    func metadata() throws(ModelError) -> [(String, MetadataValue)] {
        try config.require(["silu", nil].contains(config.string("hidden_act")), "hidden_act")
        try config.require(config.bool("use_sliding_window") != true, "use_sliding_window")
        if architecture != .qwen2 {
            try config.require(config.bool("attention_bias") != true, "attention_bias")
            try config.require(config.bool("mlp_bias") != true, "mlp_bias")
        }
        let size = try headSize()
        var pairs = try commonMetadata(headSize: size)
        let keyValueHeads = config.has("num_key_value_heads") ? "num_key_value_heads" : "num_attention_heads"
        pairs += [
            ("attention.head_count_kv", .uint32(try count(keyValueHeads))),
            ("feed_forward_length", .uint32(try count("intermediate_size"))),
            ("rope.freq_base", .float32(Float(ropeBase))), ("rope.dimension_count", .uint32(UInt32(clamping: size))),
        ]
        pairs += try ropeScaling(ropeSettings)
        if architecture == .smollm3 {
            let interval = try config.optionalInteger("no_rope_layer_interval") ?? 4
            let layers = try config.integer("num_hidden_layers")
            let rotates =
                config.integers("no_rope_layers").map { $0.map { $0 != 0 } }
                ?? (1...max(layers, 1)).map { interval <= 0 || $0 % interval != 0 }
            pairs.append(("attention.rope_layers", .array(rotates.map { .bool($0) })))
        }
        return pairs
    }

    func source(
        _ name: String, layer: Int?, _ tensor: SafetensorsTensor
    ) throws(ModelError) -> [(String, TensorSource)] {
        guard architecture != .qwen2, name.hasSuffix("attn_q.weight") || name.hasSuffix("attn_k.weight") else {
            return plain(name, tensor)
        }
        let size = try headSize()
        guard tensor.shape.count == 2, size > 0, size % 2 == 0, tensor.shape[0] % size == 0 else {
            throw .shape(tensor: tensor.name, found: tensor.shape, expected: [size])
        }
        return [(name, .neighbours(tensor, heads: tensor.shape[0] / size))]
    }

    func tables() throws(ModelError) -> [(String, [Float])] {
        let divisors = try llama3Divisors(headSize: try headSize(), base: ropeBase)
        return divisors.isEmpty ? [] : [("rope_freqs.weight", divisors)]
    }
}
