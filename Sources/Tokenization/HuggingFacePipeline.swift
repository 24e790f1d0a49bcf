// Recognizes the steps of a Hugging Face tokenizer.json around its model: what is done to text before merging, and
// what is put before it after. Steps are matched exactly; one that isn't known is refused with its place in the file.

/// What the normalizer, pre_tokenizer and post_processor of a file amount to.
struct HuggingFacePipeline {
    /// Set for byte-level models.
    var preTokenizer: TokenizerDefinition.PreTokenizer?
    var normalizesToNFC = false
    /// Spaces become U+2581.
    var escapesSpaces = false
    var spacePrefix = TokenizerDefinition.SpacePrefix.never
    /// Content of the token put before each sequence; nil if none is.
    var prefixToken: [UInt8]?
    /// The file says what is put before and after sequences.
    var hasTemplate = false

    init(normalizer: JSONValue?, preTokenizer: JSONValue?, postProcessor: JSONValue?) throws(TokenizerError) {
        if let normalizer { try readNormalizer(normalizer, "normalizer") }
        if let preTokenizer { try readPreTokenizer(preTokenizer) }
        if let postProcessor { try readPostProcessor(postProcessor, "post_processor") }
    }

    private static let space = "▁"

    private static func unsupported(_ path: String, _ value: JSONValue?) -> TokenizerError {
        .unsupported(key: path, value: value?.summary ?? "nothing")
    }

    private mutating func readNormalizer(_ value: JSONValue, _ path: String) throws(TokenizerError) {
        switch value["type"]?.text {
        case "Sequence":
            for (index, step) in (value["normalizers"]?.elements ?? []).enumerated() {
                try readNormalizer(step, "\(path).normalizers[\(index)]")
            }
        case "NFC": normalizesToNFC = true
        case "Replace":
            guard let pattern = value["pattern"]?["String"], pattern.is(" "), let content = value["content"],
                content.is(Self.space)
            else { throw Self.unsupported(path + ".pattern", value["pattern"]) }
            escapesSpaces = true
        case "Prepend":
            guard let prefix = value["prepend"], prefix.is(Self.space) else {
                throw Self.unsupported(path + ".prepend", value["prepend"])
            }
            spacePrefix = .eachText
        default: throw Self.unsupported(path + ".type", value["type"])
        }
    }

    private mutating func readPreTokenizer(_ value: JSONValue) throws(TokenizerError) {
        let path = "pre_tokenizer"
        switch value["type"]?.text {
        case "Split":
            // Gemma's cut at spaces, of which the normalizer has left none.
            guard escapesSpaces, let pattern = value["pattern"]?["String"], pattern.is(" ") else {
                throw Self.unsupported(path + ".pattern", value["pattern"]?["Regex"] ?? value["pattern"])
            }
        case "Metaspace":
            guard value["replacement"].map({ $0.is(Self.space) }) ?? true, value["split"]?.boolean == false else {
                throw Self.unsupported(path + ".split", value["split"] ?? .boolean(true))
            }
            escapesSpaces = true
            switch value["prepend_scheme"]?.text {
            case "never": break
            case "first": spacePrefix = .firstTextWithoutOne
            case "always", nil: spacePrefix = .eachTextWithoutOne
            default: throw Self.unsupported(path + ".prepend_scheme", value["prepend_scheme"])
            }
        case "ByteLevel":
            try requireByteLevel(value, path, usesRegex: true)
            preTokenizer = .gpt2
        case "Sequence":
            let steps = value["pretokenizers"]?.elements ?? []
            guard steps.count == 2 else {
                throw .unsupported(key: path + ".pretokenizers", value: "\(steps.count) steps")
            }
            let first = path + ".pretokenizers[0]"
            switch steps[0]["type"]?.text {
            case "Digits":
                guard steps[0]["individual_digits"]?.boolean == true else {
                    throw Self.unsupported(first + ".individual_digits", steps[0]["individual_digits"])
                }
                preTokenizer = .smollm
                try requireByteLevel(steps[1], path + ".pretokenizers[1]", usesRegex: true)
            case "Split":
                guard let regex = steps[0]["pattern"]?["Regex"], let rule = Self.rule(of: regex) else {
                    throw Self.unsupported(first + ".pattern", steps[0]["pattern"]?["Regex"] ?? steps[0]["pattern"])
                }
                guard let behavior = steps[0]["behavior"], behavior.is("Isolated") else {
                    throw Self.unsupported(first + ".behavior", steps[0]["behavior"])
                }
                guard steps[0]["invert"]?.boolean != true else {
                    throw Self.unsupported(first + ".invert", steps[0]["invert"])
                }
                preTokenizer = rule
                try requireByteLevel(steps[1], path + ".pretokenizers[1]", usesRegex: false)
            default: throw Self.unsupported(first + ".type", steps[0]["type"])
            }
        default: throw Self.unsupported(path + ".type", value["type"])
        }
    }

    private func requireByteLevel(_ value: JSONValue, _ path: String, usesRegex: Bool) throws(TokenizerError) {
        guard value["type"]?.is("ByteLevel") == true else { throw Self.unsupported(path + ".type", value["type"]) }
        guard value["add_prefix_space"]?.boolean == false else {
            throw Self.unsupported(path + ".add_prefix_space", value["add_prefix_space"] ?? .boolean(true))
        }
        guard (value["use_regex"]?.boolean ?? true) == usesRegex else {
            throw Self.unsupported(path + ".use_regex", value["use_regex"] ?? .boolean(true))
        }
    }

    private static func rule(of regex: JSONValue) -> TokenizerDefinition.PreTokenizer? {
        rules.first { regex.is($0.regex) }?.rule
    }

    /// The regular expressions of the families, letter by letter as their files write them.
    private static let rules: [(regex: String, rule: TokenizerDefinition.PreTokenizer)] = [
        (llama("{1,3}"), .llama3), (llama(""), .qwen2),
        (
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
                + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
                + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
                + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
                + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#, .o200k
        ),
    ]

    private static func llama(_ digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private mutating func readPostProcessor(_ value: JSONValue, _ path: String) throws(TokenizerError) {
        switch value["type"]?.text {
        // Moves the borders of tokens, not the tokens.
        case "ByteLevel": break
        case "Sequence":
            for (index, step) in (value["processors"]?.elements ?? []).enumerated() {
                try readPostProcessor(step, "\(path).processors[\(index)]")
            }
        case "TemplateProcessing":
            hasTemplate = true
            let pieces = value["single"]?.elements ?? []
            for (index, piece) in pieces.enumerated() {
                if piece["Sequence"] != nil { continue }
                // One token before the text is BOS; anything else is no model of ours.
                guard index == 0, pieces.count == 2, let name = piece["SpecialToken"]?["id"]?.bytes else {
                    throw Self.unsupported("\(path).single[\(index)]", piece["SpecialToken"]?["id"] ?? piece)
                }
                prefixToken = name
            }
        default: throw Self.unsupported(path + ".type", value["type"])
        }
    }
}
