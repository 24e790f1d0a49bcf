/// The fixed parts of a prompt around the documents, and the narrow door to a tokenizer.
///
/// Leaves to others: which words stand in a prompt (Answering), how a family marks turns (Tokenization).

/// A piece of a prompt. Control pieces are ours and may hold control tokens; text pieces never become one.
package enum PromptPiece: Sendable, Hashable {
    /// Template text of ours: tokenized with control tokens recognized.
    case control(String)
    /// Anything else, documents and questions above all: always plain text.
    case text(String)
}

/// What packing needs of a tokenizer.
package protocol PromptTokenizing: Sendable {
    /// The tokens of plain text: no control token can come out of it.
    func plainTokens(_ text: String) -> [Int32]
    /// The tokens of template text, control tokens recognized.
    func controlTokens(_ text: String) -> [Int32]
    /// The tokens of plain text, each with the UTF-8 range that it covers.
    func plainTokensWithRanges(_ text: String) -> [(id: Int32, range: Range<Int>)]
    /// What every prompt starts with, such as a beginning-of-sequence token.
    var promptStart: [Int32] { get }
}

/// A prompt with a hole for the documents.
///
/// The question stands in `after`, so that windows over the same documents share their beginning, and with it their
/// KV cache, whatever is asked.
package struct PromptFrame: Sendable, Hashable {
    /// What stands before the documents: the same for every question.
    package var before: [PromptPiece]
    /// What stands behind them: question, reminder, start of the answer.
    package var after: [PromptPiece]

    /// Describes a frame.
    package init(before: [PromptPiece], after: [PromptPiece]) {
        self.before = before
        self.after = after
    }
}
