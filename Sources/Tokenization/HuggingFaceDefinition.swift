// Builds a definition from the files of a Hugging Face folder. The steps are recognized in HuggingFacePipeline, the
// tables read in HuggingFaceModel; here they become one vocabulary, and the ids with a role are found.

extension TokenizerDefinition {
    /// Reads tokenizer.json, and where there are such files tokenizer_config.json and generation_config.json. A
    /// tokenizer that isn't known exactly is refused, never guessed; the error names the place in the file.
    ///
    /// Ids that end a reply are those of generation_config.json, if it names any; else they are found by name.
    package init(json: [UInt8], config: [UInt8]?, generation: [UInt8]?) throws(TokenizerError) {
        var reader = try JSONReader(json, file: "tokenizer.json")
        var parts: [String: JSONValue] = [:]
        var readModel: HuggingFaceModel?
        var key: [UInt8] = []
        try reader.beginObject()
        while try reader.nextKey(&key) {
            let name = String(decoding: key, as: UTF8.self)
            if name == "model" {
                readModel = try HuggingFaceModel(&reader)
            } else {
                let value = try reader.value()
                if value != .null { parts[name] = value }
            }
        }
        try reader.finish()
        guard let model = readModel else { throw .missing(key: "model") }
        let pipeline = try HuggingFacePipeline(
            normalizer: parts["normalizer"], preTokenizer: parts["pre_tokenizer"],
            postProcessor: parts["post_processor"])
        let added = try HuggingFaceAddedToken.all(parts["added_tokens"])

        if let rule = pipeline.preTokenizer {
            guard !model.fallsBackToBytes else { throw .unsupported(key: "model.byte_fallback", value: "true") }
            guard !pipeline.escapesSpaces else { throw .unsupported(key: "normalizer.type", value: "Replace") }
            self.model = .byteLevel(rule)
        } else {
            guard pipeline.escapesSpaces else { throw .unsupported(key: "pre_tokenizer", value: "null") }
            guard !pipeline.normalizesToNFC else { throw .unsupported(key: "normalizer.type", value: "NFC") }
            guard model.fallsBackToBytes else { throw .unsupported(key: "model.byte_fallback", value: "false") }
            guard !model.ignoresMerges else { throw .unsupported(key: "model.ignore_merges", value: "true") }
            self.model = .ranked
        }
        addsBOS = false
        stopTokens = []
        scores = []
        merges = model.merges
        normalizesToNFC = pipeline.normalizesToNFC
        ignoresMerges = model.ignoresMerges
        spacePrefix = pipeline.spacePrefix
        (tokens, kinds) = try Self.vocabulary(model, added)
        for token in added where token.trimming != .none { trimming[token.id] = token.trimming }

        func id(_ name: [UInt8]?) -> Int32? {
            guard let name else { return nil }
            if let token = added.first(where: { $0.content == name }) { return token.id }
            return (0..<model.names.count).first { model.names[$0].elementsEqual(name) }.map { model.ids[$0] }
        }
        let settings = try config.map { (bytes) throws(TokenizerError) in
            try JSONValue(bytes, file: "tokenizer_config.json")
        }
        unknown = id(model.unknown ?? Self.content(settings?["unk_token"]))
        let generationSettings = try generation.map { (bytes) throws(TokenizerError) in
            try JSONValue(bytes, file: "generation_config.json")
        }
        try findBOS(pipeline, settings, id)
        // Put before nothing; other software wants to know it.
        let generationBOS = try Self.ids(generationSettings, "bos_token_id")?.first { Int($0) < tokens.count }
        bos = bos ?? generationBOS
        stopTokens = try Self.ids(generationSettings, "eos_token_id") ?? []
        if stopTokens.isEmpty {
            if let eos = id(Self.content(settings?["eos_token"])) { stopTokens.insert(eos) }
            for token in added where Self.stopNames.contains(String(decoding: token.content, as: UTF8.self)) {
                stopTokens.insert(token.id)
            }
        }
        suppressedTokens = try Self.ids(generationSettings, "suppress_tokens") ?? []
        let named = id(Self.content(settings?["eos_token"]))
        eos = named.map(stopTokens.contains) == true ? named : stopTokens.min()
        let generationPadding = try Self.ids(generationSettings, "pad_token_id")?.first
        padding = id(Self.content(settings?["pad_token"])) ?? generationPadding
    }

    private mutating func findBOS(
        _ pipeline: HuggingFacePipeline, _ settings: JSONValue?, _ id: ([UInt8]?) -> Int32?
    ) throws(TokenizerError) {
        // Gemma and Llama 4 were trained with BOS, whether or not their files say so.
        let family: [UInt8]? =
            switch model {
            case .ranked: Array("<bos>".utf8)
            case .byteLevel(.o200k): Array("<|begin_of_text|>".utf8)
            default: nil
            }
        let name = pipeline.prefixToken ?? Self.content(settings?["bos_token"])
        bos = id(name) ?? id(family)
        if let name = pipeline.prefixToken, bos == nil {
            throw .inconsistent(
                "post_processor names a token that isn't there: \(String(decoding: name, as: UTF8.self))")
        }
        let adds =
            pipeline.hasTemplate
            ? pipeline.prefixToken != nil : settings?["add_bos_token"]?.boolean ?? (family != nil)
        addsBOS = bos != nil && adds
    }

    /// A token in tokenizer_config.json is a text or an object with one.
    private static func content(_ value: JSONValue?) -> [UInt8]? { value?.bytes ?? value?["content"]?.bytes }

    /// A number or a list of numbers; nil if absent.
    private static func ids(_ settings: JSONValue?, _ key: String) throws(TokenizerError) -> Set<Int32>? {
        guard let value = settings?[key] else { return nil }
        var result: Set<Int32> = []
        for element in value.elements ?? [value] {
            guard let number = element.integer, let id = Int32(exactly: number), id >= 0 else {
                throw .unsupported(key: "generation_config.json: \(key)", value: element.summary)
            }
            result.insert(id)
        }
        return result
    }

    /// All entries by id; rows that no entry has are padding.
    private static func vocabulary(
        _ model: HuggingFaceModel, _ added: [HuggingFaceAddedToken]
    ) throws(TokenizerError) -> (ByteStrings, [TokenKind]) {
        let highest = max(model.ids.max() ?? -1, added.map(\.id).max() ?? -1)
        var entries = [Int32](repeating: -1, count: Int(highest) + 1)
        for (index, id) in model.ids.enumerated() {
            guard entries[Int(id)] < 0 else { throw .inconsistent("two tokens have the id \(id)") }
            entries[Int(id)] = Int32(index)
        }
        var names = model.names
        var kinds = entries.map { $0 < 0 ? TokenKind.unused : .normal }
        for token in added {
            let entry = Int(entries[Int(token.id)])
            guard entry < 0 || names[entry].elementsEqual(token.content) else {
                throw .inconsistent("two tokens have the id \(token.id)")
            }
            if entry < 0 {
                entries[Int(token.id)] = Int32(names.count)
                names.append(token.content)
            }
            kinds[Int(token.id)] = token.isSpecial ? .control : .userDefined
        }
        var tokens = ByteStrings()
        tokens.reserve(bytes: names.bytes.count, count: entries.count)
        for (id, entry) in entries.enumerated() {
            if entry < 0 {
                tokens.append([])
                continue
            }
            let name = names[Int(entry)]
            tokens.append(name)
            if model.fallsBackToBytes, kinds[id] == .normal, Vocabulary.byteValue(name) != nil { kinds[id] = .byte }
        }
        return (tokens, kinds)
    }
}

extension ChatTemplate {
    /// The template text of a Hugging Face folder: chat_template.jinja, or as older folders have it an entry of
    /// tokenizer_config.json, either the text or a list of texts with names.
    package static func text(jinja: [UInt8]?, config: [UInt8]?) throws(TokenizerError) -> String? {
        if let jinja { return String(decoding: jinja, as: UTF8.self) }
        guard let config else { return nil }
        let entry = try JSONValue(config, file: "tokenizer_config.json")["chat_template"]
        let named = entry?.elements?.first { $0["name"]?.is("default") == true }
        return entry?.text ?? named?["template"]?.text
    }
}
