// Text as the index sees it, and questions as lists of words.
//
// No character of a question ever reaches SQLite as query syntax: words are looked up as values.

/// Cuts text and questions for the index.
enum SearchText {
    /// A word of a question.
    struct Word: Equatable {
        var text: String
        /// Whether longer words that begin with it are meant too.
        var isPrefix: Bool
    }

    /// Most words of a question that are looked up; what follows is not a question any more.
    static let mostWords = 64

    /// The text with each Chinese or Japanese character as a word of its own: those scripts don't write spaces, and
    /// SQLite's tokenizer would take a whole clause for one word.
    static func indexed(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isIdeograph) else { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let alone = isIdeograph(scalar)
            if alone { out.append(" ") }
            out.append(scalar)
            if alone { out.append(" ") }
        }
        return String(out)
    }

    /// The words of a question that are worth looking up. If it has nothing but stop words, those are.
    static func query(_ question: String) -> [Word] {
        let all = words(indexed(question))
        let telling = all.filter { word in
            if word.isPrefix { return true }
            let folded = word.text.lowercased()
            if stopWords.contains(folded) { return false }
            // Single letters are mostly what an apostrophe cut off; digits and ideographs are not.
            guard let only = folded.unicodeScalars.first, folded.unicodeScalars.count == 1 else { return true }
            return isIdeograph(only) || only.properties.numericType != nil
        }
        var seen: Set<String> = []
        let chosen = (telling.isEmpty ? all : telling).filter { seen.insert($0.text.lowercased()).inserted }
        return Array(chosen.prefix(mostWords))
    }

    /// Runs of letters, marks and digits.
    static func words(_ text: String) -> [Word] {
        var words: [Word] = []
        var current = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isWordScalar(scalar) {
                current.append(scalar)
            } else if !current.isEmpty {
                words.append(Word(text: String(current), isPrefix: scalar == "*"))
                current = String.UnicodeScalarView()
            }
        }
        if !current.isEmpty { words.append(Word(text: String(current), isPrefix: false)) }
        return words
    }

    /// Letters, digits, marks and private use, as SQLite's unicode61 takes them.
    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark, .privateUse:
            true
        default: false
        }
    }

    static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3041...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFD: true
        default: false
        }
    }

    /// English words that say nothing about the subject of a question.
    private static let stopWords: Set<String> = [
        "a", "about", "after", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "before",
        "but", "by", "can", "could", "did", "do", "does", "for", "from", "get", "give", "had", "has", "have", "he",
        "her", "here", "his", "how", "i", "if", "in", "into", "is", "it", "its", "many", "may", "me", "much", "must",
        "my", "no", "not", "of", "on", "one", "or", "our", "please", "shall", "she", "should", "so", "some", "such",
        "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to",
        "under",
        "up", "us", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will",
        "with", "would", "you", "your",
    ]
}
