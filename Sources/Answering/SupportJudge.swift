import Documents
import Packing

/// Judges without a model whether a passage bears out a sentence and speaks about the question.
///
/// Deliberately strict on numbers: a number that neither the question nor the passage has is made up.
struct SupportJudge: Sendable {
    /// A sentence needs this share of its telling words in the passage.
    static let enough = 0.6
    /// A passage that has less than this share of the question's telling words does not speak about it.
    static let onTopic = 0.34

    /// How telling each word is in the corpus at hand.
    let statistics: TermStatistics

    /// The verdict on one sentence and one or more passages.
    struct Verdict: Sendable, Equatable {
        /// Share of the sentence's own telling words, by weight, that stand in the passages; 0…1.
        var support: Double
        /// Share of the question's telling words, by weight, that stand in passages or their headings; 0…1.
        var relevance: Double
        /// Numbers of the sentence that stand neither in passages nor question.
        var inventedNumbers: [String]

        /// Whether the passages bear the sentence out.
        var isSupported: Bool { inventedNumbers.isEmpty && support >= SupportJudge.enough }
    }

    /// Judges a sentence against passages taken together. `context` is what stands above them: headings and titles.
    func verdict(_ sentence: Terms, question: Terms, passages: [Terms], context: [Terms]) -> Verdict {
        func stands(_ term: String) -> Bool { passages.contains { $0.set.contains(term) } }
        func standsNear(_ term: String) -> Bool { stands(term) || context.contains { $0.set.contains(term) } }
        let invented = sentence.list.filter { $0.kind == .number }.map(\.text).filter {
            !standsNear($0) && !question.set.contains($0)
        }
        // The sentence's own contribution: what it does not merely repeat from the question.
        var own = 0.0
        var borne = 0.0
        var seen: Set<String> = []
        for term in sentence.list where !question.set.contains(term.text) && seen.insert(term.text).inserted {
            let weight = weight(term)
            own += weight
            if standsNear(term.text) { borne += weight }
        }
        let relevance = relevance(question, passages: passages, context: context)
        // Nothing but the question's own words: an answer only where it decides between them, or says yes or no.
        let decides = Self.offersChoice(question)
        let support = own > 0 ? borne / own : decides ? relevance : 0
        return Verdict(support: support, relevance: relevance, inventedNumbers: invented)
    }

    /// Whether a question can be answered in its own words: "is it …?", "… or …?". Without a question (in a summary)
    /// every sentence stands for itself.
    private static func offersChoice(_ question: Terms) -> Bool {
        question.list.isEmpty || question.set.contains("or") || question.first.map { choosing.contains($0) } ?? true
    }

    private static let choosing: Set<String> = [
        "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should", "shall", "will",
        "has",
        "have", "had",
    ]

    /// Share of the question's telling words in passages or what stands above them.
    func relevance(_ question: Terms, passages: [Terms], context: [Terms]) -> Double {
        var all = 0.0
        var found = 0.0
        var seen: Set<String> = []
        for term in question.list where seen.insert(term.text).inserted {
            let weight = weight(term)
            all += weight
            if passages.contains(where: { $0.set.contains(term.text) })
                || context.contains(where: { $0.set.contains(term.text) })
            {
                found += weight
            }
        }
        return all > 0 ? found / all : 1
    }

    private func weight(_ term: Terms.Term) -> Double {
        let base = statistics.weight(term.text) + 0.1
        switch term.kind {
        case .number: return base * 2
        case .name: return base * 1.5
        case .word: return base
        }
    }

    /// The sentences of a passage that bear out a sentence of the answer best: at most two in a row, as a range of
    /// UTF-8 offsets within the passage's text.
    func quote(for sentence: Terms, question: Terms, in passage: String) -> Range<Int> {
        let units = Self.units(of: passage)
        guard let whole = units.first else { return 0..<passage.utf8.count }
        let bytes = Array(passage.utf8)
        let terms = units.map { Terms(String(decoding: bytes[$0], as: UTF8.self)) }
        var wanted: [String: Double] = [:]
        for term in sentence.list { wanted[term.text] = max(wanted[term.text] ?? 0, weight(term)) }
        for term in question.list { wanted[term.text] = max(wanted[term.text] ?? 0, weight(term) * 0.5) }
        func value(_ indices: Range<Int>) -> Double {
            // Summed in order of the words, so that equal input gives equal rounding.
            var total = 0.0
            for (term, weight) in wanted.sorted(by: { $0.key < $1.key })
            where indices.contains(where: { terms[$0].set.contains(term) }) {
                total += weight
            }
            return total
        }
        var best = 0
        var bestValue = -1.0
        for index in units.indices {
            let value = value(index..<index + 1)
            if value > bestValue { (best, bestValue) = (index, value) }
        }
        // A neighbour is taken in if it adds something substantial and the quote stays readable.
        var range = units.isEmpty ? whole : units[best]
        var gain = max(0.35 * bestValue, 0.5)
        for neighbour in [best - 1, best + 1] where units.indices.contains(neighbour) {
            let pair = min(best, neighbour)..<max(best, neighbour) + 1
            let joined = units[pair.lowerBound].lowerBound..<units[pair.upperBound - 1].upperBound
            let added = value(pair) - bestValue
            if added > gain, joined.count <= 420 { (range, gain) = (joined, added) }
        }
        return Self.trimmed(range, bytes)
    }

    /// Sentences, with line breaks dividing as well: rows of tables and items of lists have no full stops.
    private static func units(of passage: String) -> [Range<Int>] {
        let bytes = Array(passage.utf8)
        var units: [Range<Int>] = []
        var start = 0
        func close(_ end: Int) {
            guard end > start else { return }
            let line = String(decoding: bytes[start..<end], as: UTF8.self)
            for sentence in SentenceSplitter.sentences(of: line) {
                let range = trimmed(start + sentence.lowerBound..<start + sentence.upperBound, bytes)
                if !range.isEmpty { units.append(range) }
            }
        }
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
            close(index)
            start = index + 1
        }
        close(bytes.count)
        return units
    }

    private static func trimmed(_ range: Range<Int>, _ bytes: [UInt8]) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, bytes[lower] <= 32 { lower += 1 }
        while upper > lower, bytes[upper - 1] <= 32 { upper -= 1 }
        return lower..<upper
    }
}
