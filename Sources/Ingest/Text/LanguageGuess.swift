// The language of a text that does not say it: by its script, and where many languages share that, by letters or by the
// small words that every text is full of.

enum LanguageGuess {
    /// Bytes that are looked at, from the middle of the text, where it is most itself.
    private static let sample = 16 << 10
    /// Fewer letters than this tell nothing.
    private static let fewest = 40

    /// The code of ISO 639 of a text in UTF-8, such as `de`; nil where it is not clear.
    static func language(of utf8: some RandomAccessCollection<UInt8>) -> String? {
        let skipped = max(0, utf8.count - sample) / 2
        var letters = [Int](repeating: 0, count: Script.allCases.count)
        var marks: [Unicode.Scalar: Int] = [:]
        var words: [String: Int] = [:]
        var word: [UInt8] = []
        func endWord() {
            if !word.isEmpty, word.count < 8 { words[String(decoding: word, as: UTF8.self), default: 0] += 1 }
            word.removeAll(keepingCapacity: true)
        }
        for scalar in String(decoding: utf8.dropFirst(skipped).prefix(sample), as: UTF8.self).unicodeScalars {
            guard let script = Script(scalar) else {
                endWord()
                continue
            }
            letters[script.rawValue] += 1
            if script == .cyrillic || script == .arabic { marks[scalar, default: 0] += 1 }
            guard script == .latin else { continue }
            if scalar.isASCII {
                word.append(UInt8(scalar.value) | 0x20)
            } else {
                word += Array(scalar.properties.lowercaseMapping.utf8)
            }
        }
        endWord()
        let all = letters.reduce(0, +)
        guard all >= fewest else { return nil }
        func share(_ scripts: Script...) -> Double {
            scripts.reduce(0) { $0 + Double(letters[$1.rawValue]) } / Double(all)
        }
        // Texts in these scripts name much in Latin letters, and a sign of them says as much as several of those.
        if share(.hangul) > 0.2 { return "ko" }
        if share(.kana, .han) > 0.2 { return share(.kana) > 0.1 * share(.kana, .han) ? "ja" : "zh" }
        guard let script = Script.allCases.first(where: { 2 * letters[$0.rawValue] > all }) else { return nil }
        let count = letters[script.rawValue]
        switch script {
        case .latin: return latin(words)
        case .cyrillic: return first(Self.cyrillic, marks, of: count) ?? "ru"
        case .arabic: return first(Self.arabic, marks, of: count) ?? "ar"
        default: return script.code
        }
    }

    private enum Script: Int, CaseIterable {
        case latin, cyrillic, arabic, han, kana, hangul, greek, hebrew, thai, devanagari, bengali, tamil, armenian
        case georgian

        /// The one language of a script, or the one that nearly all texts in it are written in.
        var code: String? {
            switch self {
            case .latin, .cyrillic, .arabic, .han, .kana: nil
            case .hangul: "ko"
            case .greek: "el"
            case .hebrew: "he"
            case .thai: "th"
            case .devanagari: "hi"
            case .bengali: "bn"
            case .tamil: "ta"
            case .armenian: "hy"
            case .georgian: "ka"
            }
        }

        init?(_ scalar: Unicode.Scalar) {
            switch scalar.value {
            case 0x41...0x5A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x24F, 0x1E00...0x1EFF: self = .latin
            case 0x370...0x3FF, 0x1F00...0x1FFF: self = .greek
            case 0x400...0x52F: self = .cyrillic
            case 0x531...0x587: self = .armenian
            case 0x5D0...0x5EA: self = .hebrew
            case 0x620...0x64A, 0x671...0x6D3, 0xFB50...0xFDFB, 0xFE70...0xFEFC: self = .arabic
            case 0x904...0x97F: self = .devanagari
            case 0x985...0x9FE: self = .bengali
            case 0xB85...0xBFA: self = .tamil
            case 0xE01...0xE4E: self = .thai
            case 0x10A0...0x10FF: self = .georgian
            case 0x1100...0x11FF, 0x3131...0x318E, 0xAC00...0xD7A3: self = .hangul
            case 0x3041...0x30FF: self = .kana
            case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0x20000...0x3134F: self = .han
            default: return nil
            }
        }
    }

    /// Letters that a language has and those after it have not, the rarest alphabets first.
    private static let cyrillic: [(code: String, letters: String)] = [
        ("sr", "ђћџљњј"), ("be", "ў"), ("uk", "їєґі"), ("ru", "ыэё"), ("bg", "ъ"),
    ]
    private static let arabic: [(code: String, letters: String)] = [
        ("ckb", "ێۆڵڕە"), ("ur", "ٹڈڑےں"), ("ps", "ټډړښځ"), ("fa", "پچژگکی"),
    ]

    private static func first(
        _ languages: [(code: String, letters: String)], _ marks: [Unicode.Scalar: Int], of all: Int
    ) -> String? {
        languages.first { language in
            let own = Set(language.letters.unicodeScalars).reduce(0) { $0 + (marks[$1] ?? 0) }
            return 100 * own > all
        }?.code
    }

    /// The language with most of its small words; nil where two have nearly as many.
    private static func latin(_ words: [String: Int]) -> String? {
        let total = words.values.reduce(0, +)
        let scores = small.map { language in
            (
                code: language.code,
                count: language.words.split(separator: " ").reduce(0) { $0 + (words[String($1)] ?? 0) }
            )
        }.sorted { $0.count > $1.count }
        guard 12 * scores[0].count > total, 4 * scores[0].count > 5 * scores[1].count else { return nil }
        return scores[0].code
    }

    /// About a dozen and a half of the commonest words of each language; as many of each, so that counts compare.
    private static let small: [(code: String, words: String)] = [
        ("en", "the of and to in is that for it with as was on are by this from be"),
        ("de", "der die und das den ist von mit zu nicht ein eine dem auf für sich im des"),
        ("fr", "le la les des et est une dans que pour pas sur au qui ce du par sont"),
        ("es", "el los las del y que es una por con para se no al como su lo más"),
        ("pt", "o os do da que em uma não com para por se ao dos das mais como são"),
        ("it", "il di che la per non una sono con del della è gli nel alla anche più dei"),
        ("nl", "het een van en dat niet zijn op te voor met ook aan door deze naar bij wordt"),
        ("sv", "och att det som är en för av på inte till med har den ett om jag från"),
        ("da", "og at det er en til af på ikke med som der den har et jeg fra ved"),
        ("nb", "og at det er en til av på ikke med som for den har et jeg fra seg"),
        ("fi", "ja on ei että se oli myös hän mutta kun joka ovat tai sen niin kuin voi ole"),
        ("pl", "i w na nie się z do to jest że o jak od po za przez oraz są"),
        ("cs", "a v se na je že to s z o do jsou pro jako k ale který by"),
        ("hu", "a az és hogy nem is egy ez meg de volt csak már van mint el vagy ha"),
        ("ro", "și de la în cu pe nu o care este din mai un că se pentru sunt fost"),
        ("tr", "ve bir bu da için ile çok olan de gibi daha olarak ne kadar en var değil ya"),
        ("id", "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga ke adalah oleh ada atau"),
        ("vi", "và của là có không được các cho một trong người này với những đã khi để về"),
    ]
}
