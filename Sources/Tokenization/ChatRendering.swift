// How each family writes the turns of a dialogue.

extension ChatTemplate {
    /// The dialogue in pieces, without BOS.
    ///
    /// - Parameter thinking: asks for a thought before the answer, of models that can do either.
    package func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool = true, thinking: Bool = false
    ) -> [TemplatePiece] {
        switch family {
        case .chatml: chatML(messages, addGenerationPrompt, thinking)
        case .gemma3: gemma3(messages, addGenerationPrompt)
        case .gemma4: gemma4(messages, addGenerationPrompt, thinking)
        case .llama3: llama3(messages, addGenerationPrompt)
        case .llama4: llama4(messages, addGenerationPrompt)
        case .fewShot: fewShot(messages, addGenerationPrompt)
        }
    }

    private func chatML(_ messages: [ChatMessage], _ addsPrompt: Bool, _ thinking: Bool) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        if let defaultSystem, messages.first?.role != .system {
            pieces.append(.trusted("<|im_start|>system\n\(defaultSystem)<|im_end|>\n"))
        }
        for message in messages {
            pieces.append(.trusted("<|im_start|>\(message.role.rawValue)\n"))
            pieces.append(.text(message.content))
            pieces.append(.trusted("<|im_end|>\n"))
        }
        if addsPrompt { pieces.append(.trusted("<|im_start|>assistant\n" + (thinking ? "" : variant.emptyThought))) }
        return pieces
    }

    private func gemma3(_ messages: [ChatMessage], _ addsPrompt: Bool) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
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
        if addsPrompt { pieces.append(.trusted("<start_of_turn>model\n")) }
        return pieces
    }

    private func gemma4(_ messages: [ChatMessage], _ addsPrompt: Bool, _ thinking: Bool) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        var rest = messages[...]
        let system = rest.first?.role == .system ? rest.removeFirst() : nil
        if thinking || system != nil {
            pieces.append(.trusted("<|turn>system\n" + (thinking ? variant.thinkLine : "")))
            if let system { pieces.append(.text(system.content.trimmed)) }
            pieces.append(.trusted("<turn|>\n"))
        }
        var previous: ChatMessage.Role?
        for message in rest {
            let isModel = message.role == .assistant
            if !(variant.joinsModelTurns && isModel && previous == .assistant) {
                pieces.append(.trusted("<|turn>\(isModel ? "model" : message.role.rawValue)\n"))
            }
            let content = isModel ? Self.withoutThoughts(message.content) : message.content
            pieces += [.text(content.trimmed), .trusted("<turn|>\n")]
            previous = message.role
        }
        if addsPrompt { pieces.append(.trusted("<|turn>model\n" + (thinking ? "" : variant.emptyThought))) }
        return pieces
    }

    /// Earlier answers without what the model thought: of each stretch up to a closing mark, what stands before the
    /// opening one.
    private static func withoutThoughts(_ text: String) -> String {
        text.split(separator: "<channel|>", omittingEmptySubsequences: false)
            .map { $0.split(separator: "<|channel>", maxSplits: 1, omittingEmptySubsequences: false).first ?? "" }
            .joined()
    }

    private func llama3(_ messages: [ChatMessage], _ addsPrompt: Bool) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        for message in messages {
            pieces.append(.trusted("<|start_header_id|>\(message.role.rawValue)<|end_header_id|>\n\n"))
            pieces += [.text(message.content.trimmed), .trusted("<|eot_id|>")]
        }
        if addsPrompt { pieces.append(.trusted("<|start_header_id|>assistant<|end_header_id|>\n\n")) }
        return pieces
    }

    /// Only the system text at the beginning is trimmed.
    private func llama4(_ messages: [ChatMessage], _ addsPrompt: Bool) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        for (index, message) in messages.enumerated() {
            pieces.append(.trusted("<|header_start|>\(message.role.rawValue)<|header_end|>\n\n"))
            let isOpening = index == 0 && message.role == .system
            pieces += [.text(isOpening ? message.content.trimmed : message.content), .trusted("<|eot|>")]
        }
        if addsPrompt { pieces.append(.trusted("<|header_start|>assistant<|header_end|>\n\n")) }
        return pieces
    }

    private func fewShot(_ messages: [ChatMessage], _ addsPrompt: Bool) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        for message in messages {
            switch message.role {
            case .system: pieces += [.text(message.content.trimmed), .trusted("\n\n")]
            case .user: pieces += [.trusted("Question: "), .text(message.content.trimmed), .trusted("\n")]
            case .assistant: pieces += [.trusted("Answer: "), .text(message.content.trimmed), .trusted("\n\n")]
            }
        }
        // No space at the end: the space belongs to the first word of the answer.
        if addsPrompt { pieces.append(.trusted("Answer:")) }
        return pieces
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
