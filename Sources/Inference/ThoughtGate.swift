// When an output may think, when it must stop thinking, and which of its tokens are thought.

import Tokenization

/// Follows one output. The grammar of a request is about the answer: it rests while a thought is open.
struct ThoughtGate {
    private let options: ThinkingOptions?
    private var parser: ThinkingParser
    private var hasBegun: Bool
    /// Tokens of thought so far, marks not counted.
    private(set) var count = 0

    init(_ options: ThinkingOptions?) {
        self.options = options
        parser = ThinkingParser(options?.markers, isOpen: options?.isOpen ?? false)
        hasBegun = options?.isOpen ?? false
    }

    /// A thought is open.
    var isThinking: Bool { parser.isThinking }

    /// The mark that may come next beside ordinary tokens: one thought may open before the answer, and close.
    var mark: Int32? {
        guard let options else { return nil }
        if isThinking { return options.markers.close }
        return hasBegun || options.budget == 0 ? nil : options.markers.open
    }

    /// The mark that must come next: the budget is spent.
    var forced: Int32? {
        guard isThinking, let options, let budget = options.budget, count >= budget else { return nil }
        return options.markers.close
    }

    /// Takes the next token. Marks belong to the thought and have no text.
    mutating func take(_ token: Int32) -> (channel: OutputChannel, isText: Bool) {
        hasBegun = true
        switch parser.part(of: token) {
        case .answer: return (.answer, true)
        case .thinking:
            count += 1
            return (.thinking, true)
        case .marker: return (.thinking, false)
        }
    }
}
