// Which of the tokens that a model writes are its reasoning and which its answer. Marks are tokens: text that only
// looks like one, from a document or from the model, never counts.

/// The tokens around a model's reasoning.
package struct ThinkingMarkers: Sendable, Equatable {
    /// `<|channel>` or `<think>`.
    package var open: Int32
    /// What follows the opening mark and is no reasoning yet: `thought` and a newline for Gemma 4, else nothing.
    package var label: [Int32]
    /// `<channel|>` or `</think>`.
    package var close: Int32

    package init(open: Int32, label: [Int32] = [], close: Int32) {
        self.open = open
        self.label = label
        self.close = close
    }

    /// The marks of a vocabulary: Gemma 4's channel, or `<think>`, where both ends are special entries.
    package init?(_ tokenizer: Tokenizer) {
        func mark(_ name: String) -> Int32? { tokenizer.id(of: name).flatMap { tokenizer.isControl($0) ? $0 : nil } }
        if let open = mark("<|channel>"), let close = mark("<channel|>") {
            self.init(open: open, label: tokenizer.encode("thought\n"), close: close)
        } else if let open = mark("<think>"), let close = mark("</think>") {
            self.init(open: open, close: close)
        } else {
            return nil
        }
    }
}

/// Sorts tokens, one after the other, as they are generated.
package struct ThinkingParser: Sendable {
    /// What a token belongs to.
    package enum Part: Sendable, Equatable {
        case answer, thinking
        /// An opening or closing mark or its label: shown to nobody.
        case marker
    }

    private let markers: ThinkingMarkers?
    /// How many tokens of the label came; nil outside of a thought.
    private var progress: Int?

    /// Without markers everything is answer. Set `isOpen` where the prompt itself ends inside a thought.
    package init(_ markers: ThinkingMarkers?, isOpen: Bool = false) {
        self.markers = markers
        progress = markers.flatMap { isOpen ? $0.label.count : nil }
    }

    /// A thought has begun and not ended. At the end of the output this means that the model gave no answer.
    package var isThinking: Bool { progress != nil }

    /// Takes the next token. A closing mark without a thought, and an opening one inside of a thought, change nothing.
    package mutating func part(of id: Int32) -> Part {
        guard let markers else { return .answer }
        if id == markers.close {
            progress = nil
            return .marker
        }
        if id == markers.open {
            progress = progress ?? 0
            return .marker
        }
        guard let matched = progress else { return .answer }
        if matched < markers.label.count, id == markers.label[matched] {
            progress = matched + 1
            return .marker
        }
        progress = markers.label.count
        return .thinking
    }
}
