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
        /// `<|start_header_id|>role<|end_header_id|> … <|eot_id|>`.
        case llama3
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

    /// `chatml`, `gemma3`, `llama3` or `few-shot`.
    package var name: String { family.rawValue }

    /// The model knows no dialogue. Callers should give worked examples as earlier turns.
    package var isFewShot: Bool { family == .fewShot }

    /// Texts after which a reply is over, besides the stop tokens; for models that know no dialogue.
    package var stopTexts: [String] { isFewShot ? ["\nQuestion:", "\n\n"] : [] }

    /// Templates that were compared with ours, turn by turn.
    private static let reviewed: [String: (family: Family, defaultSystem: String?)] = [
        "45ec583d4d25bc3a": (.chatml, "You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
        "d855c6ee5492206f": (.chatml, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
    ]

    /// Chooses from the table. `templateText` is the file's `tokenizer.chat_template`, `modelName` its name or path.
    package static func forModel(
        architecture: String, name modelName: String, templateText: String?, tokenizer: Tokenizer
    ) -> ChatTemplate {
        if let text = templateText {
            let fingerprint = fingerprint(of: text)
            if let known = reviewed[fingerprint] {
                return ChatTemplate(
                    family: known.family, source: .reviewed, fingerprint: fingerprint,
                    defaultSystem: known.defaultSystem)
            }
            let marks: [(String, Family)] = [
                ("<|im_start|>", .chatml), ("<start_of_turn>", .gemma3), ("<|start_header_id|>", .llama3),
            ]
            if let family = marks.first(where: { text.contains($0.0) && tokenizer.id(of: $0.0) != nil })?.1 {
                let system = reviewed.values.compactMap(\.defaultSystem).first { text.contains($0) }
                return ChatTemplate(
                    family: family, source: .recognized, fingerprint: fingerprint, defaultSystem: system)
            }
        }
        // Base models carry the marks of their instructed siblings in the vocabulary, so only the name tells.
        let words = modelName.lowercased().split { !$0.isLetter && !$0.isNumber }
        let instructed = words.contains { ["it", "instruct", "chat"].contains($0) }
        let family: Family =
            switch architecture {
            case "gemma3" where instructed && tokenizer.id(of: "<start_of_turn>") != nil: .gemma3
            case "qwen2" where instructed && tokenizer.id(of: "<|im_start|>") != nil: .chatml
            case "llama" where instructed && tokenizer.id(of: "<|start_header_id|>") != nil: .llama3
            case "llama" where instructed && tokenizer.id(of: "<|im_start|>") != nil: .chatml
            default: .fewShot
            }
        return ChatTemplate(
            family: family, source: .assumed, fingerprint: templateText.map { fingerprint(of: $0) },
            defaultSystem: nil)
    }

    /// 64-bit FNV-1a of a template: tells whether two are the same, not who wrote them.
    package static func fingerprint(of text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The dialogue in pieces, without BOS.
    package func render(_ messages: [ChatMessage], addGenerationPrompt: Bool = true) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        switch family {
        case .chatml:
            if let defaultSystem, messages.first?.role != .system {
                pieces.append(.trusted("<|im_start|>system\n\(defaultSystem)<|im_end|>\n"))
            }
            for message in messages {
                pieces.append(.trusted("<|im_start|>\(message.role.rawValue)\n"))
                pieces.append(.text(message.content))
                pieces.append(.trusted("<|im_end|>\n"))
            }
            if addGenerationPrompt { pieces.append(.trusted("<|im_start|>assistant\n")) }
        case .gemma3:
            var system: [TemplatePiece] = []
            for message in messages {
                if message.role == .system {
                    system += [.text(message.content), .trusted("\n\n")]
                    continue
                }
                pieces.append(.trusted("<start_of_turn>\(message.role == .user ? "user" : "model")\n"))
                if message.role == .user {
                    pieces += system
                    system = []
                }
                pieces += [.text(message.content.trimmed), .trusted("<end_of_turn>\n")]
            }
            if addGenerationPrompt { pieces.append(.trusted("<start_of_turn>model\n")) }
        case .llama3:
            for message in messages {
                pieces.append(.trusted("<|start_header_id|>\(message.role.rawValue)<|end_header_id|>\n\n"))
                pieces += [.text(message.content.trimmed), .trusted("<|eot_id|>")]
            }
            if addGenerationPrompt {
                pieces.append(.trusted("<|start_header_id|>assistant<|end_header_id|>\n\n"))
            }
        case .fewShot:
            for message in messages {
                switch message.role {
                case .system: pieces += [.text(message.content.trimmed), .trusted("\n\n")]
                case .user: pieces += [.trusted("Question: "), .text(message.content.trimmed), .trusted("\n")]
                case .assistant: pieces += [.trusted("Answer: "), .text(message.content.trimmed), .trusted("\n\n")]
                }
            }
            // No space at the end: the space belongs to the first word of the answer.
            if addGenerationPrompt { pieces.append(.trusted("Answer:")) }
        }
        return pieces
    }

    /// The dialogue as ids, with exactly one BOS where the model wants one.
    ///
    /// Between two special tokens the template's text and the content are tokenized as one piece, so that ids equal
    /// those of the rendered text wherever content holds nothing that looks like a special token.
    package func tokens(
        _ messages: [ChatMessage], tokenizer: Tokenizer, addGenerationPrompt: Bool = true
    ) -> [Int32] {
        Self.tokens(of: render(messages, addGenerationPrompt: addGenerationPrompt), tokenizer: tokenizer)
    }

    /// The ids of rendered pieces, with exactly one BOS where the model wants one.
    package static func tokens(of pieces: [TemplatePiece], tokenizer: Tokenizer) -> [Int32] {
        var ids: [Int32] = []
        if tokenizer.addsBOS, let bos = tokenizer.bos { ids.append(bos) }
        var pending = ""
        func flush() {
            ids += tokenizer.encode(pending)
            pending = ""
        }
        for piece in pieces {
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

extension String {
    /// Without white space at both ends, as the templates' `trim` does: also without U+001C–001F.
    fileprivate var trimmed: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        guard let first = unicodeScalars.firstIndex(where: { !isSpace($0) }),
            let last = unicodeScalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(unicodeScalars[first...last])
    }
}
