// How much one character speaks for a reading of a text in some character set.
//
// The lists of common characters are general knowledge of the languages, not counted from any corpus of ours.

/// The yardstick for one character set.
struct ReadingJudge {
    private enum Family {
        case unicode, korean, japanese, chinese, latin, cyrillic, greek, hebrew, arabic, thai
    }

    private let family: Family
    private let common: Set<Unicode.Scalar>
    /// What the set's popularity adds to its mean.
    let prior: Double

    init(_ charset: Charset) {
        switch charset {
        case .utf8, .utf16LE, .utf16BE: family = .unicode
        case .eucKR: family = .korean
        case .shiftJIS, .eucJP, .iso2022JP: family = .japanese
        case .gb18030, .big5: family = .chinese
        case .windows1251, .koi8R, .koi8U, .iso8859x5, .ibm866: family = .cyrillic
        case .windows1253, .iso8859x7: family = .greek
        case .windows1255, .iso8859x8: family = .hebrew
        case .windows1256, .iso8859x6: family = .arabic
        case .windows874: family = .thai
        default: family = .latin
        }
        common = Self.common(family, charset)
        prior = charset == .windows1252 ? 0.08 : charset == .windows1251 || charset == .windows1250 ? 0.02 : 0
    }

    private static func common(_ family: Family, _ charset: Charset) -> Set<Unicode.Scalar> {
        switch family {
        case .unicode: []
        case .korean: Set(CommonCharacters.korean.unicodeScalars)
        case .japanese: Set(CommonCharacters.japaneseKanji.unicodeScalars)
        case .chinese:
            Set((charset == .big5 ? CommonCharacters.traditional : CommonCharacters.simplified).unicodeScalars)
        case .cyrillic: Set(CommonCharacters.cyrillic.unicodeScalars)
        case .greek: Set(CommonCharacters.greek.unicodeScalars)
        case .hebrew: Set("אבגדהוזחטיכלמנסעפצקרשתםןךףץ".unicodeScalars)
        case .arabic: Set("ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإآئءؤ،؟".unicodeScalars)
        case .thai: Set("ารนกอเงมยลวดทสตะปบคหแจพชขใไโ่้ัิีุู์ำ".unicodeScalars)
        case .latin:
            switch charset {
            case .windows1250, .iso8859x2: Set(CommonCharacters.centralEuropean.unicodeScalars)
            case .windows1254: Set(CommonCharacters.turkish.unicodeScalars)
            default: Set(CommonCharacters.westernEuropean.unicodeScalars)
            }
        }
    }

    /// The merit of a non-ASCII character behind another.
    func merit(of scalar: Unicode.Scalar, after previous: Unicode.Scalar) -> Double {
        let value = scalar.value
        if value == 0xFFFD { return -3 }
        if (0x80...0x9F).contains(value) || (0xE000...0xF8FF).contains(value) || value >= 0xF0000 { return -1.5 }
        if common.contains(scalar) { return commonMerit(scalar, after: previous) }
        switch family {
        case .unicode: return scalar.properties.isAlphabetic ? 0.6 : 0.2
        case .korean: return korean(value)
        case .japanese: return japanese(value)
        case .chinese: return chinese(value)
        case .latin, .cyrillic, .greek, .hebrew, .arabic, .thai: return alphabetic(scalar, after: previous)
        }
    }

    /// What an ASCII letter behind a non-ASCII character adds: words don't change script in the middle.
    func merit(ofASCII scalar: Unicode.Scalar, after previous: Unicode.Scalar) -> Double {
        guard scalar.properties.isAlphabetic else { return 0 }
        switch family {
        case .cyrillic, .greek, .hebrew, .arabic: return previous.properties.isAlphabetic ? -0.3 : 0
        case .latin: return previous.properties.isUppercase && scalar.properties.isUppercase == false ? 0.05 : 0
        default: return 0
        }
    }

    private func commonMerit(_ scalar: Unicode.Scalar, after previous: Unicode.Scalar) -> Double {
        switch family {
        case .latin, .cyrillic, .greek:
            let letterBefore = previous.properties.isAlphabetic
            if letterBefore, scalar.properties.isUppercase, previous.properties.isLowercase { return -0.6 }
            if family == .latin { return letterBefore && previous.value >= 0x80 ? 0.1 : 0.5 }
            return 0.6
        case .hebrew: return 0.65
        case .arabic: return 0.5
        case .thai: return 0.35
        case .japanese: return 0.6
        default: return 1
        }
    }

    private func korean(_ value: UInt32) -> Double {
        switch value {
        case 0xAC00...0xD7A3: 0.2
        case 0x3000...0x3002, 0x300C...0x3011, 0x2018...0x201D, 0x2026, 0xB7, 0xFF01...0xFF5E: 0.1
        case 0x4E00...0x9FFF: -0.2
        default: -0.5
        }
    }

    private func japanese(_ value: UInt32) -> Double {
        switch value {
        case 0x3041...0x3096: 0.8
        case 0x30A1...0x30FC: 0.55
        case 0x3000...0x3002, 0x300C...0x3011: 0.6
        case 0x4E00...0x9FFF: 0.1
        case 0xFF01...0xFF5E: 0.1
        case 0xFF61...0xFF9F: -0.4
        default: -0.5
        }
    }

    private func chinese(_ value: UInt32) -> Double {
        switch value {
        case 0x4E00...0x9FFF: 0.15
        case 0x3000...0x3002, 0x300A...0x3011, 0xFF0C, 0xFF1A, 0xFF1B: 0.6
        case 0x2018...0x201D, 0x2026, 0xFF01...0xFF5E: 0.2
        case 0x3400...0x4DBF: -0.8
        default: -0.6
        }
    }

    private func alphabetic(_ scalar: Unicode.Scalar, after previous: Unicode.Scalar) -> Double {
        switch scalar.value {
        case 0xA0, 0x2013, 0x2014, 0x2018...0x201E, 0x2026, 0xAB, 0xBB, 0xA9, 0xAE, 0x2122, 0x20AC, 0x2022:
            // Quotes and dashes stand beside words, not in them and not in rows.
            return previous.value >= 0x80 && previous.properties.isAlphabetic == false ? -0.2 : 0.3
        case 0xB0, 0xA3, 0xA7, 0xB7, 0xBD: return -0.1
        default: break
        }
        guard scalar.properties.isAlphabetic else { return -0.6 }
        if previous.properties.isLowercase, scalar.properties.isUppercase { return -0.7 }
        return family == .latin ? -0.15 : -0.2
    }
}

/// Characters that make up a large part of running text.
enum CommonCharacters {
    static let korean = """
        이다는의에을고하가지로은기사를한도자시리어대정인스서제나해일수라부그전만아보으있장여원주과니게들비상소유구적성공면것었\
        안동와오드설치화면할및습합때된되본용선택파음방여법트진행문위경계
        """
    static let japaneseKanji = """
        日一人年大国本中長出三時行見月分後前生五間上東四今金入学高円子外下来気小山話女書先名川水電校語聞食車何南万用合場部者会\
        社事自動的体力方法同定新作使文字目的設定必要可能変更表示指定
        """
    static let simplified = """
        的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方\
        多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日者意无力它与长把机十民第公此已工使情\
        明性知全三又关点正业外将两高间由问很最重并物手应向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表化老给世\
        位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活更别打女变四总何电数安少报才结反受目太量再\
        感建务做接必场件计管期市直资命指统区保至形社便空决设式色路记品住类求据程该交规万取确传清今切让识
        """
    static let traditional = """
        的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方\
        多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日者意無力它與長把機十民第公此已工使情\
        明性知全三又關點正業外將兩高間由問很最重並物手應向頭文體政美相見被利什二等產或新己制身果加西月話合回特代內信表化老給世\
        位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活更別打女變四總何電數安少報才結反受目太量再\
        感建務做接必場件計管期市直資命指統區保至形社便空決設式色路記品住類求據程該交規萬取確傳清今切讓識
        """
    static let cyrillic = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщОНВПСКТМИДРАЗБ"
    static let greek = "αεηιοντσρυπκμλωςάίόέήύώδγθχφβξζΑΕΤΟΗΠΚΣΜ"
    static let westernEuropean = "äöüßéèàçêâîôûëïñóíáúãõåøæœÄÖÜÉÀ¿¡"
    static let centralEuropean = "ąćęłńóśźżčďěňřšťůžáéíúýőűäöşţăâîđŁŚŻČŠŽ"
    static let turkish = "ğışçöüİŞÇÖÜ"
}
