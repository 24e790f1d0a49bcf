// The door of this target: text to token ids and back.

/// How text that looks like a special token is treated.
package enum EncodingMode: Sendable {
    /// It is ordinary text: no control token ever comes out. For everything that users or documents wrote.
    case plain
    /// It becomes the token. For the text of chat templates only.
    case special
}

/// A token and the bytes of the source that it stands for.
package struct OffsetToken: Sendable, Equatable {
    package var id: Int32
    /// UTF-8 byte range of the text given; a token that holds part of a character has the whole character's range.
    package var range: Range<Int>
}

/// Turns text into the ids of one model and back. Immutable; shared freely between threads.
///
/// No call adds BOS or EOS. Invalid UTF-8 is read as one U+FFFD for each maximal ill-formed subsequence.
package final class Tokenizer: Sendable {
    package let vocabularySize: Int
    package let bos: Int32?
    /// A sequence given to the model starts with `bos`.
    package let addsBOS: Bool
    /// Ids that end a reply.
    package let stopTokens: Set<Int32>

    package init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        vocabularySize = definition.tokens.count
        bos = definition.bos
        addsBOS = definition.addsBOS
        stopTokens = definition.stopTokens
    }

    package func encode(_ text: String, mode: EncodingMode = .plain) -> [Int32] { [] }
    package func encode(utf8: [UInt8], mode: EncodingMode = .plain) -> [Int32] { [] }
    package func encodeWithOffsets(_ text: String, mode: EncodingMode = .plain) -> [OffsetToken] { [] }
    package func encodeWithOffsets(utf8: [UInt8], mode: EncodingMode = .plain) -> [OffsetToken] { [] }
    /// The number of tokens of a text in plain mode.
    package func count(_ text: String) -> Int { encode(text).count }
    /// The text of a sequence; incomplete characters become U+FFFD.
    package func decode(_ ids: [Int32]) -> String { "" }
    /// The bytes that a token stands for; empty for ids out of range.
    package func bytes(of id: Int32) -> [UInt8] { [] }
    /// Control, unknown and padding entries, which a grammar or sampler must not produce as text.
    package func isControl(_ id: Int32) -> Bool { false }
    /// The id of an entry by its text as the file spells it, such as `<|im_end|>`.
    package func id(of token: String) -> Int32? { nil }
}
