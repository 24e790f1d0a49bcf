package import Tokenization

/// The real tokenizers, through the narrow door.
package struct PromptTokenizer: PromptTokenizing {
    private let tokenizer: Tokenizer

    /// Wraps a model's tokenizer.
    package init(_ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    package func plainTokens(_ text: String) -> [Int32] { tokenizer.encode(text, mode: .plain) }

    package func controlTokens(_ text: String) -> [Int32] { tokenizer.encode(text, mode: .special) }

    package func plainTokensWithRanges(_ text: String) -> [(id: Int32, range: Range<Int>)] {
        tokenizer.encodeWithOffsets(text, mode: .plain).map { ($0.id, $0.range) }
    }

    package var promptStart: [Int32] {
        if tokenizer.addsBOS, let bos = tokenizer.bos { [bos] } else { [] }
    }
}
