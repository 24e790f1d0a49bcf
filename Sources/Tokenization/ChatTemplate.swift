// The reviewed table of chat templates: how the turns of a dialogue are written for each family of models.
// No template language is run. A file's own template text only serves to recognize its family.

/// One turn of a dialogue.
package struct ChatMessage: Sendable, Equatable {
    /// Who speaks.
    package enum Role: String, Sendable { case system, user, assistant }
    package var role: Role
    package var content: String

    package init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// A stretch of a rendered dialogue.
package enum TemplatePiece: Sendable, Equatable {
    /// Written by the template: special tokens in it count.
    case trusted(String)
    /// Written by users or documents: always ordinary text.
    case text(String)
}

/// How one family writes dialogues.
package struct ChatTemplate: Sendable, Equatable {
    /// Families in the table.
    package enum Family: String, Sendable {
        /// `<|im_start|>role … <|im_end|>`: SmolLM2, Qwen2.
        case chatml
        /// `<start_of_turn>user … <end_of_turn>`; system text goes before the first user turn.
        case gemma3
        /// `<|turn>role … <turn|>`, with a channel for thoughts.
        case gemma4
        /// `<|start_header_id|>role<|end_header_id|> … <|eot_id|>`.
        case llama3
        /// `<|header_start|>role<|header_end|> … <|eot|>`.
        case llama4
        /// For base models, which know no dialogue: a transcript of questions and answers.
        case fewShot = "few-shot"
    }

    /// How sure the choice is.
    package enum Source: String, Sendable {
        /// The file's template is, letter by letter, one that was reviewed.
        case reviewed
        /// The file's template is unknown, but has the family's marks.
        case recognized
        /// The file has no template; architecture and name decided.
        case assumed
    }

    package let family: Family
    package let source: Source
    /// Of the file's template text, 16 hexadecimal digits; nil if it has none.
    package let fingerprint: String?
    /// What the template says before a dialogue that starts without a system turn.
    package let defaultSystem: String?
    /// The tokens around the model's reasoning; nil if it does none. A prompt rendered with `thinking` makes the model
    /// write some, one without makes it answer at once.
    package let thinking: ThinkingMarkers?
    /// In what the versions of a family's template differ.
    let variant: Variant

    /// Read from the file's template text; without one, what the newest template of the family does.
    struct Variant: Sendable, Equatable {
        /// What asks Gemma 4 for thoughts, at the start of its system turn.
        var thinkLine = "<|think|>\n"
        /// What stands for a thought where none is wanted, after the generation prompt; "" for nothing.
        var emptyThought = ""
        /// Gemma 4: an assistant's message after another one goes on without a mark.
        var joinsModelTurns = true
    }

    /// `chatml`, `gemma3`, `gemma4`, `llama3`, `llama4` or `few-shot`.
    package var name: String { family.rawValue }

    /// The model knows no dialogue. Callers should give worked examples as earlier turns.
    package var isFewShot: Bool { family == .fewShot }

    /// Texts after which a reply is over, besides the stop tokens; for models that know no dialogue.
    package var stopTexts: [String] { isFewShot ? ["\nQuestion:", "\n\n"] : [] }

    /// Templates that were compared with ours, turn by turn.
    private static let reviewed: [String: (family: Family, defaultSystem: String?)] = [
        "45ec583d4d25bc3a": (.chatml, "You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
        "d855c6ee5492206f": (.chatml, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
        "c2b27ee60f1b8775": (.chatml, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
        "e26fce6b275972df": (.gemma4, nil), "e5340ed712edbd88": (.gemma4, nil), "013a78594270bf0f": (.gemma4, nil),
        "1bddef386dcb0d10": (.llama4, nil),
    ]

    private static let marks: [(String, Family)] = [
        ("<|im_start|>", .chatml), ("<start_of_turn>", .gemma3), ("<|turn>", .gemma4),
        ("<|start_header_id|>", .llama3), ("<|header_start|>", .llama4),
    ]

    /// Chooses from the table. `templateText` is the file's `tokenizer.chat_template` or a folder's
    /// chat_template.jinja, `modelName` its name or path.
    package static func forModel(
        architecture: String, name modelName: String, templateText: String?, tokenizer: Tokenizer
    ) -> ChatTemplate {
        let words = modelName.lowercased().split { !$0.isLetter && !$0.isNumber }
        let fingerprint = templateText.map { Self.fingerprint(of: $0) }
        func template(_ family: Family, _ source: Source, system: String? = nil) -> ChatTemplate {
            let markers = family == .gemma4 || family == .chatml ? ThinkingMarkers(tokenizer) : nil
            return ChatTemplate(
                family: family, source: source, fingerprint: fingerprint, defaultSystem: system, thinking: markers,
                variant: variant(of: family, templateText, words, thinks: markers != nil))
        }
        if let text = templateText {
            if let known = fingerprint.flatMap({ Self.reviewed[$0] }) {
                return template(known.family, .reviewed, system: known.defaultSystem)
            }
            if let family = marks.first(where: { text.contains($0.0) && tokenizer.id(of: $0.0) != nil })?.1 {
                let system = reviewed.values.compactMap(\.defaultSystem).first { text.contains($0) }
                return template(family, .recognized, system: system)
            }
        }
        // Base models carry the marks of their instructed siblings in the vocabulary, so only the name tells.
        guard words.contains(where: { ["it", "instruct", "chat"].contains($0) }) else {
            return template(.fewShot, .assumed)
        }
        let candidates: [Family] =
            switch architecture {
            case "gemma3": [.gemma3]
            case "gemma4": [.gemma4]
            case "qwen2", "qwen3", "smollm3": [.chatml]
            case "llama": [.llama3, .chatml]
            case "llama4": [.llama4]
            default: []
            }
        let known = marks.filter { tokenizer.id(of: $0.0) != nil }.map(\.1)
        return template(candidates.first { known.contains($0) } ?? .fewShot, .assumed)
    }

    private static func variant(
        of family: Family, _ text: String?, _ words: [Substring], thinks: Bool
    ) -> Variant {
        var variant = Variant()
        // A template writes a newline as one, or as an escape inside of a literal.
        func has(_ parts: String...) -> Bool {
            guard let text else { return false }
            return text.contains(parts.joined(separator: "\n")) || text.contains(parts.joined(separator: "\\n"))
        }
        switch family {
        case .gemma4 where text != nil:
            if !has("<|think|>", "") { variant.thinkLine = "<|think|>" }
            variant.joinsModelTurns = has("continue_same_model_turn")
            if has("<|channel>thought", "<channel|>") { variant.emptyThought = "<|channel>thought\n<channel|>" }
        // The two large models of the first release.
        case .gemma4 where words.contains { ["26b", "31b"].contains($0) }:
            variant.emptyThought = "<|channel>thought\n<channel|>"
        case .chatml where thinks:
            let thought = "<think>\n\n</think>\n"
            if has("<think>", "", "</think>", "", "") {
                variant.emptyThought = thought + "\n"
            } else if has("<think>", "", "</think>", "") {
                variant.emptyThought = thought
            }
        default: break
        }
        return variant
    }

    /// 64-bit FNV-1a of a template: tells whether two are the same, not who wrote them.
    package static func fingerprint(of text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The dialogue as ids, with exactly one BOS where the model wants one.
    ///
    /// Between two special tokens the template's text and the content are tokenized as one piece, so that ids equal
    /// those of the rendered text wherever content holds nothing that looks like a special token. Llama 4's are apart,
    /// as in Meta's own code.
    package func tokens(
        _ messages: [ChatMessage], tokenizer: Tokenizer, addGenerationPrompt: Bool = true, thinking: Bool = false
    ) -> [Int32] {
        let pieces = render(messages, addGenerationPrompt: addGenerationPrompt, thinking: thinking)
        var ids: [Int32] = []
        if tokenizer.addsBOS, let bos = tokenizer.bos { ids.append(bos) }
        var pending = ""
        func flush() {
            ids += tokenizer.encode(pending)
            pending = ""
        }
        for piece in pieces {
            if family == .llama4 { flush() }
            switch piece {
            case .text(let text): pending += text
            case .trusted(let text):
                for part in tokenizer.splitAtSpecials(text) {
                    switch part {
                    case .text(let text): pending += text
                    case .special(let id):
                        flush()
                        ids.append(id)
                    }
                }
            }
        }
        flush()
        return ids
    }
}
