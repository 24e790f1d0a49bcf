import Packing

/// A model's text taken apart into sentences and the marks that belong to each.
struct AnswerText: Sendable, Equatable {
    /// A sentence without its marks.
    struct Sentence: Sendable, Equatable {
        /// The words, with the punctuation at their end.
        var text: String
        /// Numbers of segments in the window, in order, each once.
        var marks: [Int]
    }

    /// In order.
    var sentences: [Sentence]

    /// Takes text apart. Marks behind a full stop belong to the sentence before it.
    ///
    /// - Parameter complete: false drops an unfinished sentence at the end, if others stand before it.
    init(_ text: String, complete: Bool = true) {
        var plain: [UInt8] = []
        var marks: [(offset: Int, number: Int)] = []
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "["), let (number, end) = Self.mark(bytes, at: index) {
                marks.append((plain.count, number))
                // " [1]." loses the space before the mark as well.
                if plain.last == 32, end < bytes.count, Self.isPunctuation(bytes[end]) || bytes[end] == 32 {
                    plain.removeLast()
                    marks[marks.count - 1].offset = plain.count
                }
                index = end
                // "8 p.m. [6]." has one full stop too many without its mark.
                if plain.last == UInt8(ascii: "."), index < bytes.count, bytes[index] == UInt8(ascii: ".") {
                    index += 1
                }
            } else {
                plain.append(bytes[index])
                index += 1
            }
        }
        var ranges = SentenceSplitter.sentences(of: String(decoding: plain, as: UTF8.self))
        if !complete, ranges.count > 1, let last = ranges.last, !Self.endsSentence(plain[last]) { ranges.removeLast() }
        sentences = ranges.map {
            Sentence(text: SourceQuote.oneLine(String(decoding: plain[$0], as: UTF8.self)), marks: [])
        }
        for mark in marks {
            guard var owner = ranges.lastIndex(where: { $0.lowerBound <= mark.offset }) else { continue }
            // At the very start of a sentence it belongs to the one before.
            let lead = plain[ranges[owner].lowerBound..<min(mark.offset, ranges[owner].upperBound)]
            if owner > 0, lead.allSatisfy({ $0 <= 32 }) { owner -= 1 }
            if !complete, mark.offset > ranges[ranges.count - 1].upperBound { continue }
            if !sentences[owner].marks.contains(mark.number) { sentences[owner].marks.append(mark.number) }
        }
        sentences.removeAll { sentence in
            !sentence.text.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        }
    }

    /// A sentence with marks set before the punctuation at its end.
    static func render(_ sentence: String, marks: [Int]) -> String {
        guard !marks.isEmpty else { return sentence }
        let written = marks.map { "[\($0)]" }.joined()
        // The stop of "p.m." belongs to the word.
        let tail = Array(sentence.suffix(3))
        if tail.count == 3, tail[0] == ".", tail[1].isLetter, tail[2] == "." { return sentence + " " + written + "." }
        let end = sentence.lastIndex { !".!?;:,".contains($0) }.map { sentence.index(after: $0) } ?? sentence.startIndex
        let rest = sentence[end...]
        return sentence[..<end] + " " + written + (rest.isEmpty ? "." : rest)
    }

    /// The number of the mark at an offset, and where it ends.
    private static func mark(_ bytes: [UInt8], at start: Int) -> (Int, Int)? {
        var value = 0
        var index = start + 1
        while index < bytes.count, (48...57).contains(bytes[index]), value < 1_000_000 {
            value = value * 10 + Int(bytes[index] - 48)
            index += 1
        }
        guard index > start + 1, index < bytes.count, bytes[index] == UInt8(ascii: "]") else { return nil }
        return (value, index + 1)
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        byte == 46 || byte == 44 || byte == 59 || byte == 33 || byte == 63 || byte == 58
    }

    private static func endsSentence(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let last = bytes.last(where: { $0 > 32 }) else { return false }
        return [46, 33, 63, 34, 41, 0x82, 0x9D].contains(last)
    }
}

extension AnswerText {
    /// How many sentences of a growing text are over for certain: another one has begun behind them.
    static func count(_ text: String) -> Int {
        let sentences = AnswerText(text).sentences
        // The last one counts when what follows it cannot be a mark of its own any more, which only a new one shows.
        return max(0, sentences.count - 1)
    }
}
