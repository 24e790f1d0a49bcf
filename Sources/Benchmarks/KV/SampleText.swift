package import Tokenization

/// Sentences of ordinary words, names and numbers: to a tokenizer and a model more like a document than tokens at
/// random. The same text every time.
package enum SampleText {
    private static let subjects = [
        "The committee", "A report of the ministry", "Every third house", "The old bridge", "Her first letter",
        "The northern railway", "A group of engineers", "The town of Ashford", "Nobody in the office", "The court",
        "The second edition", "A farmer from Brill", "The company's lawyer", "The museum", "Our correspondent",
    ]
    private static let verbs = [
        "was opened", "had been sold", "described the accident", "stood beside the market", "changed its name",
        "published a list of 340 names", "could not be found", "reached the river", "asked for a new contract",
        "measured 45 metres", "lost its licence", "paid for the repair", "returned to the harbour", "was mentioned",
    ]
    private static let endings = [
        "in the spring of", "by the end of", "before the flood of", "as the records show for", "again in",
        "without any reason, in", "for the third time since", "to everybody's surprise in", "during the strike of",
    ]

    /// That many tokens, with the token that sequences begin with.
    package static func tokens(_ count: Int, _ tokenizer: Tokenizer) -> [Int32] {
        var tokens = tokenizer.bos.map { [$0] } ?? []
        var paragraph = 0
        while tokens.count < count {
            let words = tokenizer.encode(text(paragraph: paragraph))
            guard !words.isEmpty else { return SpeedBenchmark.prompt(count, tokenizer) }
            tokens += words
            paragraph += 1
        }
        return Array(tokens.prefix(count))
    }

    /// A heading and ten sentences.
    static func text(paragraph: Int) -> String {
        var state = UInt64(paragraph + 1) &* 0x9E37_79B9_7F4A_7C15
        func pick(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
        let sentences = (0..<10).map { _ in
            "\(subjects[pick(subjects.count)]) \(verbs[pick(verbs.count)]) \(endings[pick(endings.count)]) "
                + "\(1700 + pick(320))."
        }
        return "\(paragraph + 1). On page \(pick(900) + 1)\n\n" + sentences.joined(separator: " ") + "\n\n"
    }
}
