// How folders of one family are laid out. Which layouts there are, and what they share: names of the common tensors,
// rotation settings.

import Weights

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One family's names and settings, for one folder.
protocol HuggingFaceLayout: Sendable {
    var architecture: ModelFamily { get }
    /// The text model's part of config.json.
    var config: HuggingFaceConfig { get }
    /// Whether the output projection is the embedding, whatever the files hold.
    var isTied: Bool { get }
    /// GGUF keys without the architecture's prefix.
    func metadata() throws(ModelError) -> [(String, MetadataValue)]
    /// Names of a layer's tensors: theirs after `layers.N.`, ours after `blk.N.`.
    var layerNames: [String: String] { get }
    /// Names of tensors outside of layers.
    var modelNames: [String: String] { get }
    /// Tensors under their GGUF names that come from one that is named in `layerNames` or `modelNames`.
    func source(_ name: String, layer: Int?, _ tensor: SafetensorsTensor) throws(ModelError) -> [(String, TensorSource)]
    /// Tensors that follow from the configuration, such as `rope_freqs.weight`.
    func tables() throws(ModelError) -> [(String, [Float])]
}

/// The layouts, by `model_type`.
enum HuggingFaceLayouts {
    static func layout(_ config: HuggingFaceConfig) throws(ModelError) -> any HuggingFaceLayout {
        try config.require(!config.has("quantization_config"), "quantization_config")
        let text = config.object("text_config") ?? config
        let type = text.string("model_type") ?? config.string("model_type") ?? ""
        let isTied = text.bool("tie_word_embeddings") ?? config.bool("tie_word_embeddings")
        switch type {
        case "llama": return LlamaLayout(config: text, isTied: isTied ?? false, architecture: .llama)
        case "smollm3": return LlamaLayout(config: text, isTied: isTied ?? true, architecture: .smollm3)
        case "qwen2": return LlamaLayout(config: text, isTied: isTied ?? false, architecture: .qwen2)
        case "gemma3_text", "gemma3": return Gemma3Layout(config: text, isTied: isTied ?? true)
        case "gemma4_text", "gemma4", "gemma4_unified_text", "gemma4_unified":
            return Gemma4Layout(config: text, isTied: isTied ?? true)
        case "llama4_text", "llama4": return Llama4Layout(config: text, isTied: isTied ?? false)
        default:
            throw .architecture(
                type, known: ["gemma3", "gemma4", "gemma4_unified", "llama", "llama4", "qwen2", "smollm3"])
        }
    }
}

extension HuggingFaceLayout {
    var modelNames: [String: String] {
        ["embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight"]
    }

    func tables() throws(ModelError) -> [(String, [Float])] { [] }

    /// What a tensor of the folder becomes: nothing for parts that a text model has no use for.
    func sources(of tensor: SafetensorsTensor) throws(ModelError) -> [(String, TensorSource)] {
        if tensor.name == "lm_head.weight" || tensor.name.hasSuffix(".lm_head.weight") {
            return isTied ? [] : try checked([("output.weight", .mapped(tensor))], tensor)
        }
        let prefixes = ["model.language_model.", "language_model.model.", "model."]
        guard let prefix = prefixes.first(where: { tensor.name.hasPrefix($0) }) else { return [] }
        let name = tensor.name.dropFirst(prefix.count)
        if name.hasPrefix("layers.") {
            let rest = name.dropFirst("layers.".count)
            guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]),
                let ours = layerNames[String(rest[rest.index(after: dot)...])]
            else { return [] }
            return try checked(source("blk.\(layer).\(ours)", layer: layer, tensor), tensor)
        }
        guard let ours = modelNames[String(name)] else { return [] }
        return try checked(source(ours, layer: nil, tensor), tensor)
    }

    /// Matrices as they are, vectors as 32-bit floats.
    func plain(_ name: String, _ tensor: SafetensorsTensor, adding: Float = 0) -> [(String, TensorSource)] {
        [(name, tensor.shape.count < 2 ? .vector(tensor, adding: adding) : .mapped(tensor))]
    }

    private func checked(
        _ sources: [(String, TensorSource)], _ tensor: SafetensorsTensor
    ) throws(ModelError) -> [(String, TensorSource)] {
        guard [.f32, .f16, .bf16].contains(tensor.type) else {
            throw .type(tensor: tensor.name, type: tensor.type.rawValue)
        }
        return sources
    }

    // MARK: Settings that several families share

    /// Keys that every decoder has.
    func commonMetadata(headSize: Int) throws(ModelError) -> [(String, MetadataValue)] {
        let heads = try config.integer("num_attention_heads")
        return [
            ("block_count", .uint32(try count("num_hidden_layers"))),
            ("context_length", .uint32(try count("max_position_embeddings"))),
            ("embedding_length", .uint32(try count("hidden_size"))),
            ("attention.head_count", .uint32(UInt32(clamping: heads))),
            ("attention.key_length", .uint32(UInt32(clamping: headSize))),
            ("attention.value_length", .uint32(UInt32(clamping: headSize))),
            ("attention.layer_norm_rms_epsilon", .float32(Float(config.number("rms_norm_eps") ?? 1e-6))),
            ("vocab_size", .uint32(try count("vocab_size"))),
        ]
    }

    /// A positive number that fits a GGUF count.
    func count(_ key: String) throws(ModelError) -> UInt32 {
        let value = try config.integer(key)
        guard let count = UInt32(exactly: value), count > 0 else {
            throw .badValue(key: "\(config.path): \(key)", value: "\(value)", reason: "it must be positive")
        }
        return count
    }

    /// `head_dim`, or the width shared out among the heads.
    func headSize() throws(ModelError) -> Int {
        if let size = try config.optionalInteger("head_dim") { return size }
        let heads = try config.integer("num_attention_heads")
        guard heads > 0 else {
            throw .badValue(
                key: "\(config.path): num_attention_heads", value: "\(heads)", reason: "it must be positive")
        }
        return try config.integer("hidden_size") / heads
    }

    /// Where rotation is described: by itself in newer files, beside a theta of its own in older ones.
    var ropeSettings: HuggingFaceConfig? { config.object("rope_parameters") ?? config.object("rope_scaling") }

    func ropeBase(default base: Double) -> Double {
        config.object("rope_parameters")?.number("rope_theta") ?? config.number("rope_theta") ?? base
    }

    /// Keys of linear scaling; other kinds than that and Llama 3's are refused.
    func ropeScaling(_ settings: HuggingFaceConfig?) throws(ModelError) -> [(String, MetadataValue)] {
        guard let settings else { return [] }
        let key = settings.has("rope_type") ? "rope_type" : "type"
        switch settings.string(key) ?? "default" {
        case "default", "llama3": return []
        case "linear":
            guard let factor = settings.number("factor") else { throw .missingKey("\(settings.path): factor") }
            return [("rope.scaling.type", .text("linear")), ("rope.scaling.factor", .float32(Float(factor)))]
        case let kind: throw .feature(key: "\(settings.path): \(key)", value: kind)
        }
    }

    /// Llama 3's scaling as divisors of frequencies: long waves are stretched by the factor, short ones not at all,
    /// those between in proportion. Empty without such scaling.
    func llama3Divisors(headSize: Int, base: Double) throws(ModelError) -> [Float] {
        guard let settings = ropeSettings, (settings.string("rope_type") ?? settings.string("type")) == "llama3" else {
            return []
        }
        guard let factor = settings.number("factor"), let low = settings.number("low_freq_factor"),
            let high = settings.number("high_freq_factor"),
            let original = settings.number("original_max_position_embeddings")
        else { throw .missingKey("\(settings.path): factor, low_freq_factor, high_freq_factor or original length") }
        return (0..<headSize / 2).map { pair in
            let wave = 2 * Double.pi * pow(base, 2 * Double(pair) / Double(headSize))
            if wave < original / high { return 1 }
            if wave > original / low { return Float(factor) }
            let share = (original / wave - low) / (high - low)
            return Float(1 / ((1 - share) / factor + share))
        }
    }
}
