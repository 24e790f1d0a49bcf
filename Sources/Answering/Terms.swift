/// The words of a text that carry its meaning, reduced so that two ways of writing one thing compare equal.
///
/// Numbers lose their grouping and may be spelt out ("1,500", "sixty"); words lose case and common English endings.
/// This is for judging support, not for search: the store has its own tokenizer.
struct Terms: Sendable, Equatable {
    /// A term and what kind it is.
    struct Term: Sendable, Hashable {
        var text: String
        var kind: Kind
    }

    /// Kinds of term, by how much they prove.
    enum Kind: Sendable, Hashable { case number, name, word }

    /// In order, repetitions included.
    private(set) var list: [Term] = []
    /// The texts of all terms and of the function words left out.
    private(set) var set: Set<String> = []
    /// The first word of all.
    private(set) var first: String?

    /// Takes the terms of a text.
    init(_ text: String) {
        var word: [UInt8] = []
        var atSentenceStart = true
        let bytes = Array(text.utf8)
        func isWord(_ byte: UInt8) -> Bool {
            byte >= 0x80 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
        var index = 0
        while index <= bytes.count {
            let byte = index < bytes.count ? bytes[index] : 32
            if isWord(byte) {
                word.append(byte)
            } else if byte == 44 || byte == 46, let last = word.last, isDigit(last), index + 1 < bytes.count,
                isDigit(bytes[index + 1])
            {
                // Inside of a number: a grouping comma goes, a decimal point stays.
                if byte == 46 { word.append(byte) }
            } else {
                if !word.isEmpty {
                    add(String(decoding: word, as: UTF8.self), atSentenceStart)
                    atSentenceStart = false
                    word.removeAll(keepingCapacity: true)
                }
                if byte == 46 || byte == 33 || byte == 63 || byte == 10 || byte == 58 { atSentenceStart = true }
            }
            index += 1
        }
    }

    private mutating func add(_ raw: String, _ atSentenceStart: Bool) {
        // Bytes above ASCII were taken as letters; dashes and quotation marks among them are not.
        if raw.utf8.contains(where: { $0 >= 0x80 }) {
            let pieces = raw.split { !$0.isLetter && !$0.isNumber && $0 != "." }
            if pieces.count != 1 || pieces[0].utf8.count != raw.utf8.count {
                for piece in pieces { addWord(String(piece), atSentenceStart) }
                return
            }
        }
        addWord(raw, atSentenceStart)
    }

    private mutating func addWord(_ raw: String, _ atSentenceStart: Bool) {
        var word = raw.lowercased()
        while word.last == "." { word.removeLast() }
        guard !word.isEmpty else { return }
        if first == nil { first = word }
        if let number = Self.numbers[word] {
            set.insert(number)
            // "one" and "first" are more often grammar than number.
            if word != "one", word != "first", word != "second" { list.append(Term(text: number, kind: .number)) }
            return
        }
        if word.utf8.contains(where: { (48...57).contains($0) }) {
            let plain = Self.number(word)
            set.insert(plain)
            list.append(Term(text: plain, kind: .number))
            return
        }
        if Self.functionWords.contains(word) {
            set.insert(word)
            return
        }
        let stem = Self.stem(word)
        set.insert(stem)
        let first = raw.unicodeScalars.first
        let isName = !atSentenceStart && (first?.properties.isUppercase ?? false)
        list.append(Term(text: stem, kind: isName ? .name : .word))
    }

    /// "30th" → "30", "007" → "7", "2.50" → "2.5".
    private static func number(_ word: String) -> String {
        var plain = word
        for suffix in ["st", "nd", "rd", "th"] where plain.hasSuffix(suffix) {
            let head = plain.dropLast(2)
            if head.allSatisfy(\.isNumber) { plain = String(head) }
        }
        guard plain.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }) else { return plain }
        while plain.count > 1, plain.first == "0", plain.dropFirst().first != "." { plain.removeFirst() }
        if plain.contains(".") {
            while plain.last == "0" { plain.removeLast() }
            if plain.last == "." { plain.removeLast() }
        }
        return plain
    }

    /// Takes common English endings off; crude, but the same on both sides.
    static func stem(_ word: String) -> String {
        var stem = Substring(word)
        if stem.hasSuffix("'s") { stem = stem.dropLast(2) }
        for (ending, replacement) in endings where stem.hasSuffix(ending) {
            let head = stem.dropLast(ending.count)
            if head.count >= 3 {
                stem = head + replacement
                break
            }
        }
        if stem.count > 4, stem.hasSuffix("e") { stem = stem.dropLast() }
        // "stopping" → "stopp" → "stop"
        if stem.count > 4, let last = stem.last, last == stem.dropLast().last, !"aeiouls".contains(last) {
            stem = stem.dropLast()
        }
        return String(stem)
    }

    private static let endings: [(String, String)] = [
        ("ization", "ize"), ("isation", "ize"), ("ations", "ate"), ("ation", "ate"), ("ements", "e"), ("ement", "e"),
        ("ities", "ity"), ("ments", ""), ("ment", ""), ("ingly", ""), ("edly", ""), ("ally", "al"), ("ies", "y"),
        ("ied", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ings", ""), ("ing", ""),
        ("ised", "ize"), ("ise", "ize"), ("ed", ""), ("ly", ""), ("es", "e"), ("s", ""),
    ]

    /// Words without meaning of their own.
    static let functionWords: Set<String> = [
        "a", "an", "the", "and", "or", "but", "if", "of", "in", "on", "at", "to", "for", "from", "by", "with", "as",
        "is",
        "are", "was", "were", "be", "been", "being", "am", "do", "does", "did", "done", "has", "have", "had", "having",
        "will", "would", "shall", "should", "can", "could", "may", "might", "must", "this", "that", "these", "those",
        "there", "their", "they", "them", "it", "its", "he", "she", "his", "her", "him", "you", "your", "we", "our",
        "us",
        "i", "my", "me", "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "many", "much", "long",
        "not", "no", "yes", "than", "then", "so", "such", "into", "about", "any", "all", "each", "some", "also", "only",
        "s", "t", "according", "per", "during", "between", "under", "over", "after", "before", "up", "out", "one",
        "does",
        "document", "documents", "passage", "passages", "text", "mentioned", "stated", "states", "say", "says", "said",
        "answer", "question", "following", "given", "make", "made", "use", "used", "while", "however", "both", "other",
    ]

    private static let numbers: [String: String] = {
        let small = [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        ]
        let tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
        let ordinals = [
            "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
            "twelfth",
        ]
        var table: [String: String] = [:]
        for (value, word) in small.enumerated() { table[word] = String(value) }
        for (index, word) in tens.enumerated() { table[word] = String((index + 2) * 10) }
        for (index, word) in ordinals.enumerated() { table[word] = String(index + 1) }
        table["once"] = "1"
        table["twice"] = "2"
        table["hundred"] = "100"
        table["thousand"] = "1000"
        return table
    }()
}

/// How telling each term is in a corpus: rare ones count more.
struct TermStatistics: Sendable {
    private var frequency: [String: Int] = [:]
    private var passages = 0

    /// Adds a passage.
    mutating func add(_ terms: Terms) {
        passages += 1
        for term in terms.set { frequency[term, default: 0] += 1 }
    }

    /// Weight of a term, as BM25 has it; never negative.
    func weight(_ term: String) -> Double {
        let count = Double(frequency[term] ?? 0)
        let value = (Double(passages) - count + 0.5) / (count + 0.5)
        return logarithm(1 + max(value, 0))
    }

    /// Natural logarithm without Foundation, to far more digits than a weight needs.
    private func logarithm(_ x: Double) -> Double {
        // x = m·2^e with 1 ≤ m < 2; ln m by the series of artanh.
        let exponent = Double(x.exponent)
        let mantissa = x.significand
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var power = ratio
        var sum = 0.0
        for term in 0..<12 {
            sum += power / Double(2 * term + 1)
            power *= square
        }
        return 2 * sum + exponent * 0.693_147_180_559_945_3
    }
}
