// Text of a growing token sequence, released only in complete characters.

/// Collects the bytes of tokens as they are generated and gives them out as soon as they form whole characters.
package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private var pending: [UInt8] = []

    package init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// Adds a token; returns the text that is now certain, maybe "".
    package mutating func append(_ id: Int32) -> String { "" }

    /// What is left at the end; an incomplete character becomes U+FFFD.
    package mutating func finish() -> String { "" }
}
