// The door of this target: text to token ids and back. How each family cuts and merges is in PieceEncoders.

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
    /// UTF-8 byte range of the text given. A token that holds part of a character has the whole character's range, and
    /// one that holds part of a stretch that normalization changed has that stretch's.
    package var range: Range<Int>
}

/// Turns text into the ids of one model and back. Immutable; shared freely between threads.
///
/// No call adds BOS or EOS. Invalid UTF-8 is read as one U+FFFD for each maximal ill-formed subsequence. The time for
/// any text, however hostile, grows with n log n. Texts are limited to 4 GiB.
package final class Tokenizer: Sendable {
    let vocabulary: Vocabulary
    let encoder: any TextEncoder
    let isByteLevel: Bool
    let normalizesToNFC: Bool

    package let bos: Int32?
    /// A sequence given to the model starts with `bos`.
    package let addsBOS: Bool
    /// Ids that end a reply.
    package let stopTokens: Set<Int32>
    /// Ids that the publisher wants never sampled; some may lie outside of the vocabulary.
    package let suppressedTokens: Set<Int32>
    private let unknown: Int32?
    private let spacePrefix: TokenizerDefinition.SpacePrefix
    private let trimming: [Int32: TokenizerDefinition.Trimming]

    /// Indexes a definition: some tens of milliseconds for a quarter of a million tokens, some two hundred where there
    /// are half a million merges too. `init(cache:identity:define:)` does that once.
    package convenience init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        self.init(try CompiledTokenizer(definition))
    }

    init(_ compiled: CompiledTokenizer) {
        vocabulary = compiled.vocabulary
        isByteLevel = compiled.settings.isByteLevel
        normalizesToNFC = compiled.settings.normalizesToNFC
        bos = compiled.settings.bos
        addsBOS = compiled.settings.addsBOS
        stopTokens = compiled.settings.stopTokens
        suppressedTokens = compiled.settings.suppressedTokens
        unknown = compiled.settings.unknown
        spacePrefix = compiled.settings.spacePrefix
        trimming = compiled.settings.trimming
        encoder = compiled.encoder()
    }

    /// Rows of the vocabulary, padding included.
    package var vocabularySize: Int { vocabulary.kinds.count }

    /// The ids of a text.
    package func encode(_ text: String, mode: EncodingMode = .plain) -> [Int32] {
        encode(utf8: Array(text.utf8), mode: mode)
    }

    /// The ids of bytes that should be UTF-8.
    package func encode(utf8: [UInt8], mode: EncodingMode = .plain) -> [Int32] {
        var sink = TokenSink(keepsIDs: true)
        forEachFragment(utf8, mode) { encode($0, into: &sink) }
        return sink.ids
    }

    /// The ids of a text, each with the bytes that it stands for.
    package func encodeWithOffsets(_ text: String, mode: EncodingMode = .plain) -> [OffsetToken] {
        encodeWithOffsets(utf8: Array(text.utf8), mode: mode)
    }

    /// The ids of bytes that should be UTF-8, each with the bytes that it stands for.
    package func encodeWithOffsets(utf8: [UInt8], mode: EncodingMode = .plain) -> [OffsetToken] {
        var tokens: [OffsetToken] = []
        forEachFragment(utf8, mode) { fragment in
            switch fragment {
            case .special(let id, let source): tokens.append(OffsetToken(id: id, range: source))
            case .text(let text):
                var sink = TokenSink(keepsIDs: true)
                encode(fragment, into: &sink)
                text.bytes.withTextView { appendRanges(sink.ids, $0, text, to: &tokens) }
            }
        }
        return tokens
    }

    /// Finds where tokens lie: one after the other, each as long as what it stands for.
    private func appendRanges(_ ids: [Int32], _ view: TextView, _ text: PreparedText, to tokens: inout [OffsetToken]) {
        tokens.reserveCapacity(tokens.count + ids.count)
        var position = 0
        for id in ids {
            var start = position
            if id == unknown {
                position += 1
            } else if view.continues(with: vocabulary.decoded[Int(id)], at: position) {
                position += vocabulary.decoded[Int(id)].count
            } else {
                // Bytes that a vocabulary has no token for are left out, before a token and inside of it.
                for (index, byte) in vocabulary.decoded[Int(id)].enumerated() {
                    while position < view.count, view[position] != byte { position += 1 }
                    if index == 0 { start = min(position, view.count) }
                    position = min(position + 1, view.count)
                }
            }
            var end = position
            while start > 0, view[start] & 0xC0 == 0x80 { start -= 1 }
            while end < view.count, view[end] & 0xC0 == 0x80 { end += 1 }
            tokens.append(OffsetToken(id: id, range: text.source(of: start..<end)))
        }
    }

    /// The number of tokens of a text in plain mode.
    package func count(_ text: String) -> Int { count(utf8: Array(text.utf8)) }

    /// The number of tokens of bytes that should be UTF-8, in plain mode.
    package func count(utf8: [UInt8]) -> Int {
        var sink = TokenSink(keepsIDs: false)
        forEachFragment(utf8, .plain) { encode($0, into: &sink) }
        return sink.count
    }

    /// The text of a sequence; incomplete characters become U+FFFD. The space that such tokenizers put before a text is
    /// taken away again.
    package func decode(_ ids: [Int32]) -> String {
        var bytes: [UInt8] = []
        for id in ids where isValid(id) { bytes.append(contentsOf: vocabulary.decoded[Int(id)]) }
        if spacePrefix != .never, bytes.first == 0x20 { bytes.removeFirst() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes that a token stands for; control tokens are their own names, ids out of range are empty.
    package func bytes(of id: Int32) -> [UInt8] { isValid(id) ? Array(vocabulary.decoded[Int(id)]) : [] }

    /// The entry never comes out of plain text: control, unknown and padding entries, and user-defined ones that are
    /// no formatting. Neither a grammar nor a sampler may produce one as text.
    package func isControl(_ id: Int32) -> Bool {
        guard isValid(id) else { return true }
        switch vocabulary.kind(Int(id)) {
        case .normal, .byte: return false
        case .control, .unknown, .unused: return true
        case .userDefined:
            let name = Array(vocabulary.decoded[Int(id)])
            return vocabulary.formatting.longest(name, at: 0).map { $0.id != id } ?? true
        }
    }

    /// The id of the entry that stands for a text, such as `<|im_end|>`; special entries come first.
    package func id(of token: String) -> Int32? {
        let name = Array(token.utf8)
        guard !name.isEmpty else { return nil }
        for trie in [vocabulary.specials, vocabulary.formatting] {
            if let (id, length) = trie.longest(name, at: 0), length == name.count { return id }
        }
        let id = vocabulary.index.find(name)
        return id < 0 ? nil : id
    }

    /// A part of a trusted text.
    package enum TrustedPart: Sendable, Equatable {
        case text(String)
        case special(Int32)
    }

    /// Cuts the text of a template at its control tokens, the leftmost and longest first.
    package func splitAtSpecials(_ text: String) -> [TrustedPart] {
        let bytes = Array(text.utf8)
        var parts: [TrustedPart] = []
        var start = 0
        var offset = 0
        func flush() {
            if offset > start { parts.append(.text(String(decoding: bytes[start..<offset], as: UTF8.self))) }
        }
        while offset < bytes.count {
            guard let (id, length) = vocabulary.specials.longest(bytes, at: offset), isControl(id) else {
                offset += 1
                continue
            }
            flush()
            parts.append(.special(id))
            offset += length
            start = offset
        }
        flush()
        return parts
    }

    private func isValid(_ id: Int32) -> Bool { id >= 0 && id < vocabulary.kinds.count }

    private enum Fragment {
        case text(PreparedText)
        /// With the bytes of the source that it stands for.
        case special(Int32, Range<Int>)
    }

    /// Repairs, cuts at special tokens (in special mode) and normalizes.
    private func forEachFragment(_ utf8: [UInt8], _ mode: EncodingMode, _ body: (Fragment) -> Void) {
        precondition(utf8.count < 1 << 32, "texts are limited to 4 GiB")
        let text = PreparedText(repairing: utf8)
        guard mode == .special, !vocabulary.specials.isEmpty else {
            return body(.text(normalize(text, isFirst: true)))
        }
        text.bytes.withTextView { view in
            var start = 0
            var offset = 0
            func flush(upTo end: Int) {
                if end > start { body(.text(normalize(text.fragment(start..<end), isFirst: start == 0))) }
            }
            while offset < view.count {
                guard let (id, length) = vocabulary.specials.longest(view, at: offset) else {
                    offset += 1
                    continue
                }
                let range = trimmed(offset..<offset + length, id, view, from: start)
                flush(upTo: range.lowerBound)
                body(.special(id, text.source(of: range)))
                offset = range.upperBound
                start = offset
            }
            flush(upTo: offset)
        }
    }

    private func encode(_ fragment: Fragment, into sink: inout TokenSink) {
        switch fragment {
        case .special(let id, _): sink.append(id)
        case .text(let text):
            sink.reserve(text.bytes.count / 4)
            text.bytes.withTextView { encoder.encode($0, of: $0.count, into: &sink) }
        }
    }

    /// A special token with the white space that it swallows; what lies before `start` is taken already.
    private func trimmed(
        _ range: Range<Int>, _ id: Int32, _ text: TextView, from start: Int
    ) -> Range<Int> {
        guard let trimming = trimming[id] else { return range }
        func isSpace(_ offset: Int) -> Bool {
            CharacterTable.shared.rawClass(text.scalar(at: offset).value) == CharacterClass.space.rawValue
        }
        var lower = range.lowerBound
        while trimming.before, lower > start {
            var previous = lower - 1
            while previous > start, text[previous] & 0xC0 == 0x80 { previous -= 1 }
            guard isSpace(previous) else { break }
            lower = previous
        }
        var upper = range.upperBound
        while trimming.after, upper < text.count, isSpace(upper) { upper += text.scalar(at: upper).length }
        return lower..<upper
    }

    /// - Parameters:
    ///   - isFirst: no special token stands before the text.
    ///   - isStart: the text isn't the rest of one whose beginning was normalized already.
    func normalize(_ text: PreparedText, isFirst: Bool, isStart: Bool = true) -> PreparedText {
        if isByteLevel { return normalizesToNFC ? Normalization.nfc(text) : text }
        let text = text.unescapingSpaces()
        let adds =
            switch spacePrefix {
            case .never: false
            case .eachText: true
            case .eachTextWithoutOne: text.bytes.first != 0x20
            case .firstTextWithoutOne: isFirst && text.bytes.first != 0x20
            }
        return adds && isStart && !text.bytes.isEmpty ? text.prefixed(with: 0x20) : text
    }
}
