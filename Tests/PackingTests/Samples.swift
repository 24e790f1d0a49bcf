import Documents
import Packing

/// A generator with a known sequence (SplitMix64), so that a failing case can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A tokenizer whose counts are not additive: white space joins into runs and sticks to the word behind it, words
/// fall into pieces of three bytes, and `<|` … `|>` is a control token in control text only.
struct PieceTokenizer: PromptTokenizing {
    var promptStart: [Int32] { [1] }

    func plainTokensWithRanges(_ text: String) -> [(id: Int32, range: Range<Int>)] {
        let bytes = Array(text.utf8)
        var tokens: [(id: Int32, range: Range<Int>)] = []
        var index = 0
        while index < bytes.count {
            let start = index
            while index < bytes.count, bytes[index] <= 32 { index += 1 }
            if index == start || index - start == 1 {
                var letters = 0
                while index < bytes.count, bytes[index] > 32, letters < 3 {
                    index += 1
                    letters += 1
                }
            }
            let hash = bytes[start..<index].reduce(UInt32(7)) { ($0 &* 31 &+ UInt32($1)) & 0xFFFF }
            tokens.append((100 + Int32(hash), start..<index))
        }
        return tokens
    }

    func plainTokens(_ text: String) -> [Int32] { plainTokensWithRanges(text).map(\.id) }

    func controlTokens(_ text: String) -> [Int32] {
        text.hasPrefix("<|") && text.hasSuffix("|>") ? [2] : plainTokens(text)
    }
}

/// Documents of random words; every word is unique, so that losing one shows.
func randomCorpus(
    _ random: inout SeededGenerator, documents: Int, segments: ClosedRange<Int>, words: ClosedRange<Int>
) -> [SegmentedDocument] {
    var counter = 0
    return (0..<documents).map { number in
        var text = ""
        var parts: [Segment] = []
        for index in 0..<Int.random(in: segments, using: &random) {
            let start = text.utf8.count
            var sentence: [String] = []
            for _ in 0..<Int.random(in: words, using: &random) {
                counter += 1
                let tail = ["", "a", "éa", "文字", "[12]", "x.", "z\n"].randomElement(using: &random) ?? ""
                sentence.append("w\(counter)" + tail)
            }
            text += sentence.joined(separator: " ") + "."
            parts.append(Segment(index: index, textRange: start..<text.utf8.count, page: 1))
            text += "\n"
        }
        return sample(path: "d\(number).txt", text: text, segments: parts)
    }
}

/// A document of one page.
func sample(path: String, text: String, segments: [Segment]) -> SegmentedDocument {
    SegmentedDocument(
        document: Document(
            sha256: String(repeating: "0", count: 56) + String(format(path)), path: path, format: .text, text: text,
            pages: [DocumentPage(number: 1, textRange: 0..<text.utf8.count)],
            elements: segments.map { Element(kind: .paragraph, textRange: $0.textRange) },
            offsets: OffsetMap(identity: text.utf8.count)),
        segments: segments)
}

private func format(_ path: String) -> String {
    let hash = path.utf8.reduce(UInt32(7)) { $0 &* 31 &+ UInt32($1) }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
