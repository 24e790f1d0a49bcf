// Builds a definition from a model file's metadata: what the file leaves unsaid is filled in by family.

extension TokenizerDefinition {
    /// Reads `tokenizer.ggml.*`. A tokenizer that isn't known exactly is refused, never guessed: other ids than the
    /// model was trained with would go unnoticed.
    package init(metadata: some TokenizerMetadata) throws(TokenizerError) {
        let prefix = "tokenizer.ggml."
        guard let kind = metadata.string(prefix + "model") else { throw .missing(key: prefix + "model") }
        guard let table = metadata.stringTable(prefix + "tokens") else { throw .missing(key: prefix + "tokens") }
        tokens = ByteStrings(bytes: table.bytes, ends: table.ends)
        guard let types = metadata.integers(prefix + "token_type") else { throw .missing(key: prefix + "token_type") }
        kinds = []
        kinds.reserveCapacity(types.count)
        for (id, type) in types.enumerated() {
            guard let kind = UInt8(exactly: type).flatMap(TokenKind.init(rawValue:)) else {
                throw .inconsistent("token \(id) has the type \(type)")
            }
            kinds.append(kind)
        }

        let preTokenizer = metadata.string(prefix + "pre")
        scores = []
        merges = ByteStrings()
        normalizesToNFC = false
        ignoresMerges = false
        var defaultBOS = false
        var alwaysBOS = false
        switch kind {
        case "gpt2":
            guard let name = preTokenizer else { throw .missing(key: prefix + "pre") }
            guard let rule = Self.preTokenizers[name] else { throw .unsupported(key: prefix + "pre", value: name) }
            model = .byteLevel(rule)
            normalizesToNFC = rule == .qwen2
            // Llama 3's own files; others took over its rule alone.
            let isLlama3 = rule == .llama3 && name != "smaug-bpe"
            ignoresMerges = isLlama3
            defaultBOS = isLlama3
            alwaysBOS = rule == .o200k
        case "llama":
            // A space put before each text changes every first token; no model of the kind could be checked.
            if metadata.boolean(prefix + "add_space_prefix") ?? true {
                throw .unsupported(key: prefix + "add_space_prefix", value: "true")
            }
            model = .scored
            guard let values = metadata.floats(prefix + "scores") else { throw .missing(key: prefix + "scores") }
            scores = values
            defaultBOS = true
        case "gemma4":
            model = .ranked
            alwaysBOS = true
        default: throw .unsupported(key: prefix + "model", value: kind)
        }
        if model != .scored {
            guard let table = metadata.stringTable(prefix + "merges") else { throw .missing(key: prefix + "merges") }
            merges = ByteStrings(bytes: table.bytes, ends: table.ends)
        }

        bos = try Self.id("bos", metadata)
        eos = try Self.id("eos", metadata)
        padding = try Self.id("padding", metadata)
        unknown = try Self.id("unknown", metadata)
        let ownStops = metadata.integers(OwnTokenizerKey.stopTokens)
        alwaysBOS = alwaysBOS && ownStops == nil
        addsBOS = bos != nil && (alwaysBOS || (metadata.boolean(prefix + "add_bos_token") ?? defaultBOS))
        for id in metadata.integers(prefix + "suppress_tokens") ?? [] {
            if let id = Int32(exactly: id), id >= 0 { suppressedTokens.insert(id) }
        }
        stopTokens = Set((ownStops ?? []).compactMap { Int32(exactly: $0) })
        try readOwnKeys(metadata)
        guard ownStops == nil else { return }
        for id in [eos, try Self.id("eot", metadata), try Self.id("eom", metadata)].compactMap(\.self) {
            stopTokens.insert(id)
        }
        // Files name one stop token where several are in use; the rest is known by name.
        for id in kinds.indices where kinds[id] == .control || kinds[id] == .userDefined {
            if Self.stopNames.contains(tokens.string(id)) { stopTokens.insert(Int32(id)) }
        }
    }

    /// What `metadata(rows:as:)` wrote beside the usual keys.
    private mutating func readOwnKeys(_ metadata: some TokenizerMetadata) throws(TokenizerError) {
        ignoresMerges = metadata.boolean(OwnTokenizerKey.ignoresMerges) ?? ignoresMerges
        normalizesToNFC = metadata.boolean(OwnTokenizerKey.normalizesToNFC) ?? normalizesToNFC
        if let name = metadata.string(OwnTokenizerKey.spacePrefix) {
            guard let rule = SpacePrefix(rawValue: name) else {
                throw .unsupported(key: OwnTokenizerKey.spacePrefix, value: name)
            }
            spacePrefix = rule
        }
        for id in (metadata.integers(OwnTokenizerKey.trimsBefore) ?? []).compactMap({ Int32(exactly: $0) }) {
            trimming[id, default: .none].before = true
        }
        for id in (metadata.integers(OwnTokenizerKey.trimsAfter) ?? []).compactMap({ Int32(exactly: $0) }) {
            trimming[id, default: .none].after = true
        }
    }

    private static func id(_ name: String, _ metadata: some TokenizerMetadata) throws(TokenizerError) -> Int32? {
        let key = "tokenizer.ggml.\(name)_token_id"
        guard let value = metadata.integer(key) else { return nil }
        // Converters write -1 or 2³²-1 for "none".
        if value == -1 || value == Int(UInt32.max) { return nil }
        guard let id = Int32(exactly: value), id >= 0 else { throw .unsupported(key: key, value: "\(value)") }
        return id
    }

    /// Names that `tokenizer.ggml.pre` uses, as far as the rule is known exactly.
    private static let preTokenizers: [String: PreTokenizer] = [
        "gpt-2": .gpt2, "smollm": .smollm, "qwen2": .qwen2, "llama-bpe": .llama3, "llama3": .llama3,
        "llama-v3": .llama3, "smaug-bpe": .llama3, "llama4": .o200k,
    ]

    static let stopNames: Set<String> = [
        "<|im_end|>", "<|endoftext|>",  // ChatML: SmolLM2, Qwen2
        "<eos>", "<end_of_turn>",  // Gemma 3
        "<turn|>", "<|tool_response>",  // Gemma 4
        "<|end_of_text|>", "<|eom_id|>", "<|eot_id|>",  // Llama 3
        "<|eom|>", "<|eot|>",  // Llama 4
    ]
}
