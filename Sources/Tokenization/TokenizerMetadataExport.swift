// A definition as the metadata of a GGUF file: the keys that other software knows, and under `tokenizer.docproc.` what
// these leave open. `FamilyTable` reads both back to the same definition.

/// A value of a model file's metadata. `MetadataValue` has exactly these cases, so that a conformance is empty.
package protocol TokenizerMetadataValue {
    static func uint32(_ value: UInt32) -> Self
    static func int32(_ value: Int32) -> Self
    static func float32(_ value: Float) -> Self
    static func bool(_ value: Bool) -> Self
    /// UTF-8.
    static func string(_ value: [UInt8]) -> Self
    static func array(_ elements: [Self]) -> Self
}

/// Keys of our own, each only where the usual keys would be read in another way, except for the stop tokens.
enum OwnTokenizerKey {
    private static let prefix = "tokenizer.docproc."

    /// All ids that end a reply. Where it stands, `add_bos_token` is as the publisher has it, whatever the family.
    static let stopTokens = prefix + "stop_tokens"
    static let ignoresMerges = prefix + "ignore_merges"
    static let normalizesToNFC = prefix + "normalize_nfc"
    /// The name of a `SpacePrefix`.
    static let spacePrefix = prefix + "space_prefix"
    /// Ids of special tokens that swallow white space.
    static let trimsBefore = prefix + "trim_before"
    static let trimsAfter = prefix + "trim_after"
}

extension TokenizerDefinition {
    /// The keys of a GGUF file that give this tokenizer, in the order in which they are usually written.
    ///
    /// - Parameter rows: rows of the model's table of embeddings. Other software demands as many tokens: what is missing
    ///   is written as padding, and tokens without a row, which the model can't read, are left out.
    package func metadata<Value: TokenizerMetadataValue>(rows: Int, as type: Value.Type) -> [(
        key: String, value: Value
    )] {
        let prefix = "tokenizer.ggml."
        let kept = min(rows, tokens.count)
        func text(_ text: String) -> Value { .string(Array(text.utf8)) }
        func ids(_ ids: some Sequence<Int32>) -> Value { .array(ids.sorted().map { .int32($0) }) }
        var pairs: [(key: String, value: Value)] = []
        func add(_ key: String, _ value: Value) { pairs.append((key, value)) }
        func add(id: Int32?, _ name: String) {
            if let id, id < rows { add("\(prefix)\(name)_token_id", .uint32(UInt32(id))) }
        }

        let names = names
        add(prefix + "model", text(names.model))
        if let rule = names.preTokenizer { add(prefix + "pre", text(rule)) }
        let padding = (kept..<max(rows, kept)).map { text("[PAD\($0)]") }
        add(prefix + "tokens", .array((0..<kept).map { .string(exported($0)) } + padding))
        if model == .scored {
            add(prefix + "scores", .array((scores.prefix(kept) + padding.map { _ in -1000 }).map { .float32($0) }))
        }
        let unused = Int32(TokenKind.unused.rawValue)
        add(
            prefix + "token_type",
            .array((kinds.prefix(kept).map { Int32($0.rawValue) } + padding.map { _ in unused }).map { .int32($0) }))
        if model != .scored { add(prefix + "merges", .array((0..<merges.count).map { .string(Array(merges[$0])) })) }
        add(id: bos, "bos")
        add(id: eos, "eos")
        add(id: stop(among: ["<|im_end|>", "<end_of_turn>", "<turn|>", "<|eot_id|>", "<|eot|>"]), "eot")
        add(id: stop(among: ["<|eom_id|>", "<|eom|>"]), "eom")
        add(id: unknown, "unknown")
        add(id: self.padding, "padding")
        add(prefix + "add_bos_token", .bool(addsBOS))
        add(prefix + "add_space_prefix", .bool(spacePrefix != .never))
        if !suppressedTokens.isEmpty { add(prefix + "suppress_tokens", ids(suppressedTokens)) }

        add(OwnTokenizerKey.stopTokens, ids(stopTokens.filter { $0 < rows }))
        if ignoresMerges != names.ignoresMerges { add(OwnTokenizerKey.ignoresMerges, .bool(ignoresMerges)) }
        if normalizesToNFC != names.normalizesToNFC { add(OwnTokenizerKey.normalizesToNFC, .bool(normalizesToNFC)) }
        if spacePrefix != .never { add(OwnTokenizerKey.spacePrefix, text(spacePrefix.rawValue)) }
        let before = trimming.filter { $0.value.before }.keys
        if !before.isEmpty { add(OwnTokenizerKey.trimsBefore, ids(before)) }
        let after = trimming.filter { $0.value.after }.keys
        if !after.isEmpty { add(OwnTokenizerKey.trimsAfter, ids(after)) }
        return pairs
    }

    /// What a file calls a kind of tokenizer, and what its readers take for granted then.
    private var names: (model: String, preTokenizer: String?, ignoresMerges: Bool, normalizesToNFC: Bool) {
        switch model {
        case .scored: ("llama", "default", false, false)
        case .ranked: ("gemma4", nil, false, false)
        case .byteLevel(.gpt2): ("gpt2", "gpt-2", false, false)
        case .byteLevel(.smollm): ("gpt2", "smollm", false, false)
        case .byteLevel(.qwen2): ("gpt2", "qwen2", false, true)
        // The same rule under two names: Llama 3's own takes whole pretokens without merging.
        case .byteLevel(.llama3): ("gpt2", ignoresMerges ? "llama-bpe" : "smaug-bpe", ignoresMerges, false)
        case .byteLevel(.o200k): ("gpt2", "llama4", false, false)
        }
    }

    /// An entry as files have it: no row is without a name, and marks that are matched in text hold real spaces.
    private func exported(_ id: Int) -> [UInt8] {
        if kinds[id] == .unused { return Array("[PAD\(id)]".utf8) }
        if case .byteLevel = model { return Array(tokens[id]) }
        guard kinds[id] == .userDefined else { return Array(tokens[id]) }
        var text: [UInt8] = []
        Vocabulary.unescapeSpaces(tokens.bytes.span, tokens.range(id), into: &text)
        return text
    }

    /// The stop token of one of these names.
    private func stop(among names: Set<String>) -> Int32? {
        stopTokens.sorted().first { Int($0) < tokens.count && names.contains(tokens.string(Int($0))) }
    }
}
