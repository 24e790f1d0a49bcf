// One long text on several threads, and texts that come in blocks. Both cut only where no token can lie across, so the
// ids are those of the whole text.

extension Tokenizer {
    /// Parts of a text that several threads take in turn are about this long.
    private static let partBytes = 1 << 20

    /// The ids of bytes that should be UTF-8, in plain mode; the same for any number of threads.
    package func encode(utf8: [UInt8], threads: Int) async -> [Int32] {
        await encodeParts(utf8, threads, keepsIDs: true).ids
    }

    /// The number of tokens of bytes that should be UTF-8, in plain mode.
    package func count(utf8: [UInt8], threads: Int) async -> Int {
        await encodeParts(utf8, threads, keepsIDs: false).count
    }

    /// - Parameter isStart: the text isn't the rest of one whose beginning was encoded already.
    fileprivate func encodeParts(
        _ utf8: [UInt8], _ threads: Int, keepsIDs: Bool, isStart: Bool = true
    ) async -> TokenSink {
        precondition(utf8.count < 1 << 32, "texts are limited to 4 GiB")
        let parts = threads > 1 ? utf8.withTextView { self.parts($0) } : [0..<utf8.count]
        /// Repairs, normalizes and encodes.
        @Sendable func encode(_ part: Range<Int>) -> TokenSink {
            var sink = TokenSink(keepsIDs: keepsIDs)
            sink.reserve(part.count / 3)
            let isFirst = isStart && part.lowerBound == 0
            let bytes = part.count == utf8.count ? utf8 : Array(utf8[part])
            let text = normalize(PreparedText(repairing: bytes), isFirst: isFirst, isStart: isFirst)
            text.bytes.withTextView { encoder.encode($0, of: utf8.count, into: &sink) }
            return sink
        }
        if parts.count == 1 { return encode(parts[0]) }
        return await withTaskGroup(of: (Int, TokenSink).self) { group in
            var sink = TokenSink(keepsIDs: keepsIDs)
            sink.reserve(utf8.count / 3)
            var early: [Int: TokenSink] = [:]
            var next = 0
            var taken = 0
            func start(_ group: inout TaskGroup<(Int, TokenSink)>) {
                guard next < parts.count else { return }
                let index = next
                group.addTask { (index, encode(parts[index])) }
                next += 1
            }
            // One more, so that no thread waits while parts are put together.
            for _ in 0...threads { start(&group) }
            while let (index, part) = await group.next() {
                start(&group)
                early[index] = part
                while let part = early.removeValue(forKey: taken) {
                    sink.append(part)
                    taken += 1
                }
            }
            return sink
        }
    }

    private func parts(_ text: TextView) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = 0
        repeat {
            let end = firstCut(text, from: start + Self.partBytes) ?? text.count
            parts.append(start..<end)
            start = end
        } while start < text.count
        return parts
    }

    /// The first place at or after `offset`, which is more than 0, where a text that may be ill-formed can be cut and
    /// both parts repaired and normalized for themselves.
    private func firstCut(_ text: TextView, from offset: Int) -> Int? {
        var offset = offset
        while offset < text.count, text[offset] & 0xC0 == 0x80 { offset += 1 }
        var left: UInt32?
        while offset < text.count {
            let (length, isValid) = Utf8.sequence(text, offset)
            let right = isValid ? text.scalar(at: offset).value : nil
            if let left, let right, isCut(left, right) { return offset }
            left = right
            offset += length
        }
        return nil
    }

    /// Neither tokens nor normalization reach across the border of these two.
    private func isCut(_ left: UInt32, _ right: UInt32) -> Bool {
        let table = CharacterTable.shared
        return encoder.isCut(asEncoded(left), asEncoded(right))
            && (!normalizesToNFC || !table.needsNormalizing(left) && !table.needsNormalizing(right))
    }

    /// The last place after `start` where the text can be cut and both parts normalized for themselves.
    fileprivate func lastCut(_ text: TextView, after start: Int) -> Int? {
        var offset = text.count
        guard offset > 0 else { return nil }
        var (right, length) = text.scalar(before: offset)
        offset -= length
        while offset > max(0, start) {
            let left: UInt32
            (left, length) = text.scalar(before: offset)
            if isCut(left, right) { return offset }
            right = left
            offset -= length
        }
        return nil
    }

    /// The character that the encoder sees.
    private func asEncoded(_ scalar: UInt32) -> UInt32 { !isByteLevel && scalar == 0x2581 ? 0x20 : scalar }
}

/// Tokenizes a text that comes in blocks, in plain mode. Holds no more of it than what lies behind the last place where
/// it can be cut: mostly a word.
package struct TokenStream {
    private let tokenizer: Tokenizer
    private let threads: Int
    private let keepsIDs: Bool
    /// The beginning of a character: at most three bytes.
    private var incomplete: [UInt8] = []
    /// Well-formed text that waits for what follows.
    private var pending: [UInt8] = []
    private var isFirst = true

    /// What blocks gave.
    package struct Output: Sendable {
        package var count = 0
        /// Empty where only the number is wanted.
        package var ids: [Int32] = []
    }

    /// Begins a text.
    ///
    /// - Parameters:
    ///   - threads: for blocks of more than a megabyte.
    ///   - keepsIDs: whether the ids are wanted, not only their number.
    package init(_ tokenizer: Tokenizer, threads: Int = 1, keepsIDs: Bool = true) {
        self.tokenizer = tokenizer
        self.threads = threads
        self.keepsIDs = keepsIDs
    }

    /// Bytes that wait for a place where the text can be cut. A word without end grows; 4 GiB are the limit.
    package var waitingBytes: Int { pending.count + incomplete.count }

    /// Adds a block that may end anywhere; returns what is certain now.
    package mutating func append(_ block: some Sequence<UInt8>) async -> Output {
        incomplete.append(contentsOf: block)
        let tail = StreamingDecoder.incompleteTail(incomplete)
        let searched = pending.count
        pending += PreparedText(repairing: Array(incomplete.dropLast(tail))).bytes
        incomplete.removeFirst(incomplete.count - tail)
        // A cut between what was there and what has come is one too.
        guard let cut = pending.withTextView({ tokenizer.lastCut($0, after: searched - 1) }) else { return Output() }
        let output = await encode(Array(pending[..<cut]))
        pending.removeFirst(cut)
        return output
    }

    /// Returns the rest; the next block starts a new text.
    package mutating func finish() async -> Output {
        pending += PreparedText(repairing: incomplete).bytes
        incomplete = []
        let output = pending.isEmpty ? Output() : await encode(pending)
        (pending, isFirst) = ([], true)
        return output
    }

    private mutating func encode(_ text: [UInt8]) async -> Output {
        let isStart = isFirst
        isFirst = false
        let sink = await tokenizer.encodeParts(text, threads, keepsIDs: keepsIDs, isStart: isStart)
        return Output(count: sink.count, ids: sink.ids)
    }
}
