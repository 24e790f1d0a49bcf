// Folders of Gemma 3 and Gemma 4.

import Weights

/// Names that both have.
private let gemmaNames = [
    "input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "post_attention_norm.weight",
    "pre_feedforward_layernorm.weight": "ffn_norm.weight", "post_feedforward_layernorm.weight": "post_ffw_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
]

extension HuggingFaceLayout {
    /// Whether each layer sees a window only.
    fileprivate func localLayers(defaultPeriod: Int) throws(ModelError) -> [Bool] {
        let layers = try config.integer("num_hidden_layers")
        if let types = config.strings("layer_types") {
            guard types.count == layers, types.allSatisfy({ $0 == "sliding_attention" || $0 == "full_attention" })
            else {
                throw .badValue(
                    key: "\(config.path): layer_types", value: "\(types)",
                    reason: "it must name sliding_attention or full_attention for each of \(layers) layers")
            }
            return types.map { $0 == "sliding_attention" }
        }
        let key = config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern"
        let period = try config.optionalInteger(key) ?? defaultPeriod
        return (1...max(layers, 1)).map { period <= 0 || $0 % period != 0 }
    }

    fileprivate func rope(_ kind: String) -> HuggingFaceConfig? { config.object("rope_parameters")?.object(kind) }

    /// The output of Gemma's blocks is only right with this activation.
    fileprivate func requireGelu() throws(ModelError) {
        let key = config.has("hidden_activation") ? "hidden_activation" : "hidden_act"
        try config.require([nil, "gelu_pytorch_tanh"].contains(config.string(key)), key)
        try config.require(config.bool("attention_bias") != true, "attention_bias")
    }
}

struct Gemma3Layout: HuggingFaceLayout {
    let config: HuggingFaceConfig
    let isTied: Bool
    var architecture: ModelFamily { .gemma3 }
    var layerNames: [String: String] { gemmaNames }

    func metadata() throws(ModelError) -> [(String, MetadataValue)] {
        try requireGelu()
        for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
            try config.require(!config.has(key), key)
        }
        let size = try config.optionalInteger("head_dim") ?? 256
        let scalar = config.number("query_pre_attn_scalar") ?? 256
        let local = try localLayers(defaultPeriod: 6)
        var pairs = try commonMetadata(headSize: size)
        pairs += [
            ("attention.head_count_kv", .uint32(try count("num_key_value_heads"))),
            ("feed_forward_length", .uint32(try count("intermediate_size"))),
            ("attention.sliding_window", .uint32(try count("sliding_window"))),
            ("attention.sliding_window_pattern", .array(local.map { .bool($0) })),
            ("attention.scale", .float32(Float(1 / scalar.squareRoot()))),
            (
                "rope.freq_base",
                .float32(Float(rope("full_attention")?.number("rope_theta") ?? ropeBase(default: 1_000_000)))
            ),
            (
                "rope.freq_base_swa",
                .float32(
                    Float(
                        rope("sliding_attention")?.number("rope_theta") ?? config.number("rope_local_base_freq")
                            ?? 10_000))
            ),
        ]
        return pairs + (try ropeScaling(rope("full_attention") ?? config.object("rope_scaling")))
    }

    func source(
        _ name: String, layer: Int?, _ tensor: SafetensorsTensor
    ) throws(ModelError) -> [(String, TensorSource)] {
        plain(name, tensor, adding: 1)
    }
}

struct Gemma4Layout: HuggingFaceLayout {
    let config: HuggingFaceConfig
    let isTied: Bool
    var architecture: ModelFamily { .gemma4 }

    var layerNames: [String: String] {
        gemmaNames.merging([
            "layer_scalar": "layer_output_scale.weight", "per_layer_input_gate.weight": "inp_gate.weight",
            "per_layer_projection.weight": "proj.weight", "post_per_layer_input_norm.weight": "post_norm.weight",
            "router.proj.weight": "ffn_gate_inp.weight", "router.scale": "ffn_gate_inp.scale",
            "router.per_expert_scale": "ffn_down_exps.scale", "experts.gate_up_proj": "ffn_gate_up_exps.weight",
            "experts.down_proj": "ffn_down_exps.weight",
            "post_feedforward_layernorm_1.weight": "post_ffw_norm_1.weight",
            "post_feedforward_layernorm_2.weight": "post_ffw_norm_2.weight",
            "pre_feedforward_layernorm_2.weight": "pre_ffw_norm_2.weight",
        ]) { first, _ in first }
    }

    var modelNames: [String: String] {
        [
            "embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight",
            "embed_tokens_per_layer.weight": "per_layer_token_embd.weight",
            "per_layer_model_projection.weight": "per_layer_model_proj.weight",
            "per_layer_projection_norm.weight": "per_layer_proj_norm.weight",
        ]
    }

    /// Of layers that see everything, where the configuration tells them apart: by keys of their own, or layer by
    /// layer.
    private func globalSetting(_ own: String, _ perLayer: String) throws(ModelError) -> Int? {
        if let value = try config.optionalInteger(own) { return value }
        guard let layers = config.object("per_layer_config") else { return nil }
        for key in layers.keys {
            if let value = try layers.object(key)?.optionalInteger(perLayer) { return value }
        }
        return nil
    }

    private func globalHeadSize() throws(ModelError) -> Int {
        if let size = try globalSetting("global_head_dim", "head_dim") { return size }
        return try headSize()
    }

    func metadata() throws(ModelError) -> [(String, MetadataValue)] {
        try requireGelu()
        let local = try localLayers(defaultPeriod: 6)
        let (localSize, globalSize) = (try headSize(), try globalHeadSize())
        let localHeads = try count("num_key_value_heads")
        let globalHeads =
            try globalSetting("num_global_key_value_heads", "num_key_value_heads").map { UInt32(clamping: $0) }
            ?? localHeads
        let hidden = try count("intermediate_size")
        let sharing = max(0, try config.optionalInteger("num_kv_shared_layers") ?? 0)
        let isWide = config.bool("use_double_wide_mlp") ?? false
        var pairs = try commonMetadata(headSize: globalSize)
        pairs += [
            ("attention.head_count_kv", .array(local.map { .uint32($0 ? localHeads : globalHeads) })),
            ("attention.key_length_swa", .uint32(UInt32(clamping: localSize))),
            ("attention.value_length_swa", .uint32(UInt32(clamping: localSize))),
            (
                "feed_forward_length",
                .array(
                    local.indices.map { .uint32(isWide && $0 >= local.count - sharing ? 2 * hidden : hidden) })
            ),
            ("attention.sliding_window", .uint32(try count("sliding_window"))),
            ("attention.sliding_window_pattern", .array(local.map { .bool($0) })),
            ("attention.shared_kv_layers", .uint32(UInt32(clamping: sharing))),
            (
                "embedding_length_per_layer_input",
                .uint32(UInt32(clamping: try config.optionalInteger("hidden_size_per_layer_input") ?? 0))
            ),
            ("rope.freq_base", .float32(Float(rope("full_attention")?.number("rope_theta") ?? 1_000_000))),
            ("rope.freq_base_swa", .float32(Float(rope("sliding_attention")?.number("rope_theta") ?? 10_000))),
            ("rope.dimension_count", .uint32(UInt32(clamping: globalSize))),
            ("rope.dimension_count_swa", .uint32(UInt32(clamping: localSize))),
        ]
        if let cap = config.number("final_logit_softcapping") {
            pairs.append(("final_logit_softcapping", .float32(Float(cap))))
        }
        if config.bool("enable_moe_block") == true {
            pairs += [
                ("expert_count", .uint32(try count("num_experts"))),
                ("expert_used_count", .uint32(try count("top_k_experts"))),
                ("expert_feed_forward_length", .uint32(try count("moe_intermediate_size"))),
            ]
        }
        return pairs
    }

    func source(
        _ name: String, layer: Int?, _ tensor: SafetensorsTensor
    ) throws(ModelError) -> [(String, TensorSource)] {
        // Where keys double as values a projection that a file may still hold is not used.
        if let layer, name.hasSuffix("attn_v.weight"), config.bool("attention_k_eq_v") == true {
            let local = try localLayers(defaultPeriod: 6)
            if local.indices.contains(layer), !local[layer] { return [] }
        }
        return plain(name, tensor)
    }

    /// In layers that see everything only the first pairs of a head turn; the others' divisors are beyond counting.
    func tables() throws(ModelError) -> [(String, [Float])] {
        let settings = rope("full_attention")
        let kind = settings?.string("rope_type") ?? "proportional"
        guard kind == "proportional" || kind == "default" else {
            throw .feature(key: "\(config.path): rope_parameters.full_attention.rope_type", value: kind)
        }
        let share = kind == "default" ? 1 : settings?.number("partial_rotary_factor") ?? 0.25
        let factor = Float(settings?.number("factor") ?? 1)
        let pairs = try globalHeadSize() / 2
        let turning = min(pairs, max(0, Int(share * Double(pairs))))
        return [
            (
                "rope_freqs.weight",
                Array(repeating: factor, count: turning) + Array(repeating: 1e30, count: pairs - turning)
            )
        ]
    }
}
