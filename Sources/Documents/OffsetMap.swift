/// From UTF-8 offsets of normalized text to UTF-8 offsets of the raw text, as runs that advance together.
///
/// Within a run both sides move byte by byte; text that normalization inserted or replaced maps to the raw offset
/// where its run begins. Runs are sorted by `text` and by `raw`.
public struct OffsetMap: Sendable, Equatable, Codable {
    /// One run of bytes that are equal on both sides.
    public struct Run: Sendable, Equatable, Codable {
        /// Offset in the normalized text.
        public var text: Int
        /// Offset in the raw text.
        public var raw: Int
        /// Bytes that are equal; 0 marks a replacement.
        public var count: Int

        /// Describes a run.
        public init(text: Int, raw: Int, count: Int) {
            self.text = text
            self.raw = raw
            self.count = count
        }
    }

    /// The runs, sorted.
    public private(set) var runs: [Run]

    /// An empty map; append runs in order.
    public init() {
        runs = []
    }

    /// The map of a text that is its own raw text.
    public init(identity count: Int) {
        runs = [Run(text: 0, raw: 0, count: count)]
    }

    /// Adds a run behind the others, joined to the last one where both sides continue.
    public mutating func append(text: Int, raw: Int, count: Int) {
        if let last = runs.last, last.text + last.count == text, last.raw + last.count == raw, last.count > 0, count > 0 {
            runs[runs.count - 1].count += count
        } else {
            runs.append(Run(text: text, raw: raw, count: count))
        }
    }

    /// The raw offset of a text offset.
    public func raw(_ offset: Int) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].text <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return 0 }
        let run = runs[low - 1]
        return run.raw + min(offset - run.text, run.count)
    }

    /// The raw range of a text range.
    public func raw(_ range: Range<Int>) -> Range<Int> {
        let start = raw(range.lowerBound)
        guard !range.isEmpty else { return start..<start }
        return start..<max(start, raw(range.upperBound - 1) + 1)
    }
}
