// What a tokenizer is made of, as plain values: the tables of a model file, before anything is indexed.
// Reading files is left to whoever has them; this target knows only the small protocol below.

/// The role of a vocabulary entry; raw values are those of GGUF's `tokenizer.ggml.token_type`.
package enum TokenKind: UInt8, Sendable {
    case normal = 1
    case unknown = 2
    /// Written by chat templates and the runtime only; never comes out of text in plain mode.
    case control = 3
    case userDefined = 4
    /// A padding row: never matched, never sampled.
    case unused = 5
    /// `<0xXX>`: one raw byte.
    case byte = 6
}

/// Why a tokenizer can't be built from a file's metadata.
package enum TokenizerError: Error, Sendable, Equatable {
    case missing(key: String)
    case unsupported(key: String, value: String)
    /// Tables that contradict each other, with a sentence that says how.
    case inconsistent(String)
    /// No JSON, or more of it than a tokenizer has.
    case malformed(file: String, offset: Int, reason: String)
}

/// The metadata of a model file, seen by key. `GGUFFile` has exactly these methods, so that a conformance is empty.
package protocol TokenizerMetadata {
    func string(_ key: String) -> String?
    func integer(_ key: String) -> Int?
    func boolean(_ key: String) -> Bool?
    /// All strings of an array end to end, and where each ends.
    func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])?
    func integers(_ key: String) -> [Int]?
    func floats(_ key: String) -> [Float]?
}

/// Many byte strings in one allocation.
package struct ByteStrings: Sendable, Equatable {
    package private(set) var bytes: [UInt8]
    /// `ends[i]` is where string `i` ends; it starts where the one before it ends.
    package private(set) var ends: [Int]

    /// Takes strings that already lie end to end.
    package init(bytes: [UInt8] = [], ends: [Int] = []) {
        self.bytes = bytes
        self.ends = ends
    }

    /// Copies strings.
    package init(_ strings: some Sequence<String>) {
        self.init()
        for string in strings { append(string.utf8) }
    }

    package var count: Int { ends.count }

    package func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    package subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(index)] }

    package func string(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

    mutating func reserve(bytes byteCount: Int, count: Int) {
        bytes.reserveCapacity(byteCount)
        ends.reserveCapacity(count)
    }

    package mutating func append(_ string: some Sequence<UInt8>) {
        bytes.append(contentsOf: string)
        ends.append(bytes.count)
    }
}

/// The tables and flags of one tokenizer.
package struct TokenizerDefinition: Sendable {
    /// How text becomes pieces.
    package enum Model: Sendable, Equatable {
        /// Byte-level BPE: pretokens by rule, merges by rank. Tokens are written in GPT-2's byte alphabet.
        case byteLevel(PreTokenizer)
        /// SentencePiece merging: the adjacent pair that makes the piece of best score first; bytes as a last resort.
        case scored
        /// BPE by rank over characters with spaces as U+2581; bytes as a last resort.
        case ranked
    }

    /// The rule that cuts text into pretokens.
    package enum PreTokenizer: String, Sendable, CaseIterable {
        case gpt2, smollm, qwen2
        case llama3 = "llama-bpe"
        case o200k = "llama4"
    }

    package var model: Model
    /// As in the file: in the byte alphabet for `byteLevel`, with U+2581 for spaces otherwise.
    package var tokens: ByteStrings
    package var kinds: [TokenKind]
    /// One per token for `scored`, else empty.
    package var scores: [Float]
    /// `left right`, in order of rank; empty for `scored`.
    package var merges: ByteStrings
    /// Text is brought into NFC first.
    package var normalizesToNFC: Bool
    /// Whole pretokens that are in the vocabulary are taken without merging.
    package var ignoresMerges: Bool
    package var bos: Int32?
    /// A sequence starts with `bos`.
    package var addsBOS: Bool
    /// Ids that end a reply.
    package var stopTokens: Set<Int32>
    /// The one of them that files name first, and the id that stands where nothing does; only for writing files.
    package var eos: Int32?
    package var padding: Int32?
    package var unknown: Int32?
    /// Ids that the publisher wants never sampled.
    package var suppressedTokens: Set<Int32> = []
    /// Whether texts get a space at the front; only for `ranked`.
    package var spacePrefix = SpacePrefix.never
    /// Special tokens that swallow white space beside them.
    package var trimming: [Int32: Trimming] = [:]

    var isByteLevel: Bool { if case .byteLevel = model { true } else { false } }

    /// Which texts get a space at the front before they are tokenized. A text is what stands between special tokens.
    package enum SpacePrefix: String, Sendable {
        case never
        case eachText = "each_text"
        /// Each text that doesn't start with a space already.
        case eachTextWithoutOne = "each_text_without_one"
        /// The first text, if it doesn't start with a space already and no special token stands before it.
        case firstTextWithoutOne = "first_text_without_one"
    }

    /// White space beside a special token that becomes part of it, in special mode.
    package struct Trimming: Sendable, Equatable {
        package var before: Bool
        package var after: Bool

        package static let none = Trimming(before: false, after: false)

        package init(before: Bool, after: Bool) {
            self.before = before
            self.after = after
        }
    }
}
