/// From UTF-8 offsets of normalized text to UTF-8 offsets of the raw text, as runs that advance together.
///
/// Within a run both sides move byte by byte: the bytes are equal, or a space stands for one byte of white space. A run
/// of length 0 marks a place where text was inserted or replaced: text from there up to the next run stands for the
/// raw text from its raw offset up to the next run's. Runs are sorted by `text` and by `raw`; of two runs at the same
/// text offset the later one holds.
public struct OffsetMap: Sendable, Equatable, Codable {
    /// One run of bytes that correspond one to one.
    public struct Run: Sendable, Equatable, Codable {
        /// Offset in the normalized text.
        public var text: Int
        /// Offset in the raw text.
        public var raw: Int
        /// Bytes that correspond; 0 marks a replacement.
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
        guard let last = runs.last else {
            runs.append(Run(text: text, raw: raw, count: count))
            return
        }
        if last.count == 0, last.text == text, last.raw == raw {
            // The mark behind a replacement says nothing that this run doesn't.
            runs.removeLast()
            append(text: text, raw: raw, count: count)
        } else if count > 0, last.count > 0, last.text + last.count == text, last.raw + last.count == raw {
            runs[runs.count - 1].count += count
        } else {
            runs.append(Run(text: text, raw: raw, count: count))
        }
    }

    /// Forgets everything from a text offset on: the text was cut back to there.
    public mutating func truncate(to text: Int) {
        while let last = runs.last, last.text + last.count > text || last.text >= text {
            if last.text < text {
                runs[runs.count - 1].count = text - last.text
                return
            }
            runs.removeLast()
        }
    }

    /// Index of the run that holds for a text offset, or -1.
    private func run(at offset: Int) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].text <= offset { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// The raw offset of a text offset.
    public func raw(_ offset: Int) -> Int {
        let index = run(at: offset)
        guard index >= 0 else { return 0 }
        let run = runs[index]
        return run.raw + min(offset - run.text, run.count)
    }

    /// The text offset that stands for a raw offset; where raw text was dropped, the next that follows.
    public func text(_ raw: Int) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].raw <= raw { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return 0 }
        let run = runs[low - 1]
        return run.text + min(raw - run.raw, run.count)
    }

    /// The raw range of a text range; a character that was replaced is covered whole.
    public func raw(_ range: Range<Int>) -> Range<Int> {
        let start = raw(range.lowerBound)
        guard !range.isEmpty else { return start..<start }
        let index = run(at: range.upperBound - 1)
        guard index >= 0 else { return start..<start }
        let run = runs[index]
        let last = range.upperBound - 1 - run.text
        if last < run.count { return start..<max(start, run.raw + last + 1) }
        let end = index + 1 < runs.count ? runs[index + 1].raw : run.raw + run.count
        return start..<max(start, end)
    }

    /// This map with another behind it: from the text of this one to the raw text of `next`, whose text is this one's
    /// raw text.
    public func followed(by next: OffsetMap) -> OffsetMap {
        var result = OffsetMap()
        for run in runs {
            guard run.count > 0 else {
                result.append(text: run.text, raw: next.raw(run.raw), count: 0)
                continue
            }
            var at = run.raw
            var index = max(next.run(at: at), 0)
            while at < run.raw + run.count {
                while index + 1 < next.runs.count, next.runs[index + 1].text <= at { index += 1 }
                let limit = index + 1 < next.runs.count ? next.runs[index + 1].text : run.raw + run.count
                let end = min(run.raw + run.count, limit)
                let text = run.text + (at - run.raw)
                let other = next.runs.isEmpty ? Run(text: at, raw: at, count: end - at) : next.runs[index]
                let inside = at - other.text
                if inside >= 0, inside < other.count {
                    let equal = min(end, other.text + other.count) - at
                    result.append(text: text, raw: other.raw + inside, count: equal)
                    at += equal
                } else {
                    result.append(text: text, raw: next.raw(at), count: 0)
                    at = max(end, at + 1)
                }
            }
        }
        return result
    }
}
