// The character sets that documents come in, their labels as browsers read them, and their names in the C library.

/// A character set. The raw value is its name in the WHATWG Encoding Standard.
enum Charset: String, Sendable, CaseIterable {
    case utf8 = "utf-8"
    case utf16LE = "utf-16le"
    case utf16BE = "utf-16be"
    case eucKR = "euc-kr"
    case shiftJIS = "shift_jis"
    case eucJP = "euc-jp"
    case iso2022JP = "iso-2022-jp"
    case gb18030
    case big5
    case windows1252 = "windows-1252"
    case windows1250 = "windows-1250"
    case windows1251 = "windows-1251"
    case windows1253 = "windows-1253"
    case windows1254 = "windows-1254"
    case windows1255 = "windows-1255"
    case windows1256 = "windows-1256"
    case windows1257 = "windows-1257"
    case windows1258 = "windows-1258"
    case windows874 = "windows-874"
    case iso8859x2 = "iso-8859-2"
    case iso8859x5 = "iso-8859-5"
    case iso8859x6 = "iso-8859-6"
    case iso8859x7 = "iso-8859-7"
    case iso8859x8 = "iso-8859-8"
    case iso8859x15 = "iso-8859-15"
    case koi8R = "koi8-r"
    case koi8U = "koi8-u"
    case ibm866
    case macintosh

    /// The name that glibc's iconv knows. Where browsers read a label as a larger set, it is the larger one.
    var converterName: String {
        switch self {
        case .utf8: "UTF-8"
        case .utf16LE: "UTF-16LE"
        case .utf16BE: "UTF-16BE"
        case .eucKR: "UHC"
        case .shiftJIS: "CP932"
        case .eucJP: "EUC-JP-MS"
        case .iso2022JP: "ISO-2022-JP"
        case .gb18030: "GB18030"
        case .big5: "BIG5-HKSCS"
        case .windows1252: "CP1252"
        case .windows1250: "CP1250"
        case .windows1251: "CP1251"
        case .windows1253: "CP1253"
        case .windows1254: "CP1254"
        case .windows1255: "CP1255"
        case .windows1256: "CP1256"
        case .windows1257: "CP1257"
        case .windows1258: "CP1258"
        case .windows874: "CP874"
        case .iso8859x2: "ISO-8859-2"
        case .iso8859x5: "ISO-8859-5"
        case .iso8859x6: "ISO-8859-6"
        case .iso8859x7: "ISO-8859-7"
        case .iso8859x8: "ISO-8859-8"
        case .iso8859x15: "ISO-8859-15"
        case .koi8R: "KOI8-R"
        case .koi8U: "KOI8-U"
        case .ibm866: "IBM866"
        case .macintosh: "MACINTOSH"
        }
    }

    /// Reads a label as a browser does: `ISO-8859-1` means windows-1252, `gb2312` means GB18030, and so on.
    init?(label: some StringProtocol) {
        let key = label.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
        if let exact = Charset(rawValue: key) {
            self = exact
        } else if let alias = Charset.aliases[key] {
            self = alias
        } else {
            return nil
        }
    }

    private static let aliases: [String: Charset] = {
        let table: [(Charset, String)] = [
            (.utf8, "utf8 unicode-1-1-utf-8 x-unicode20utf8 unicode11utf8"),
            (.utf16LE, "utf-16 unicode ucs-2 iso-10646-ucs-2 csunicode unicodefeff"),
            (.utf16BE, "unicodefffe"),
            (
                .eucKR,
                "euckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 cp949 uhc ms949 iso-ir-149"
            ),
            (.shiftJIS, "shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis cp932"),
            (.eucJP, "eucjp x-euc-jp cseucpkdfmtjapanese"),
            (.iso2022JP, "csiso2022jp"),
            (.gb18030, "gb2312 gbk gb_2312 gb_2312-80 x-gbk chinese csgb2312 cp936 windows-936 euc-cn iso-ir-58"),
            (.big5, "big5-hkscs cn-big5 x-x-big5 csbig5 cp950 windows-950"),
            (
                .windows1252,
                "iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 l1 ascii us-ascii cp1252 x-cp1252 iso_8859-1:1987"
                    + " cp819 ibm819 ansi_x3.4-1968 iso-ir-100"
            ),
            (.windows1250, "cp1250 x-cp1250"), (.windows1251, "cp1251 x-cp1251"), (.windows1253, "cp1253 x-cp1253"),
            (.windows1254, "cp1254 x-cp1254 iso-8859-9 iso8859-9 iso88599 latin5 l5 iso_8859-9"),
            (.windows1255, "cp1255 x-cp1255"), (.windows1256, "cp1256 x-cp1256"), (.windows1257, "cp1257 x-cp1257"),
            (.windows1258, "cp1258 x-cp1258"),
            (.windows874, "tis-620 dos-874 iso-8859-11 iso8859-11 iso885911 cp874"),
            (.iso8859x2, "iso8859-2 iso88592 iso_8859-2 latin2 l2 csisolatin2"),
            (.iso8859x5, "iso8859-5 iso88595 iso_8859-5 cyrillic csisolatincyrillic"),
            (.iso8859x6, "iso8859-6 iso88596 iso_8859-6 arabic ecma-114 asmo-708"),
            (.iso8859x7, "iso8859-7 iso88597 iso_8859-7 greek greek8 ecma-118 elot_928"),
            (.iso8859x8, "iso8859-8 iso88598 iso_8859-8 hebrew visual iso-8859-8-i logical"),
            (.iso8859x15, "iso8859-15 iso885915 iso_8859-15 l9 csisolatin9"),
            (.koi8R, "koi koi8 koi8_r cskoi8r"), (.koi8U, "koi8-ru"), (.ibm866, "866 cp866 csibm866"),
            (.macintosh, "mac x-mac-roman csmacintosh"),
        ]
        var aliases: [String: Charset] = [:]
        for (charset, labels) in table {
            for label in labels.split(separator: " ") { aliases[String(label)] = charset }
        }
        return aliases
    }()

    /// Bytes that the character at `index` takes, as far as its first bytes tell; never past the end.
    func length(of bytes: ArraySlice<UInt8>, at index: Int) -> Int {
        let first = bytes[index]
        let left = bytes.endIndex - index
        let second = left > 1 ? bytes[index + 1] : 0
        let length: Int
        switch self {
        case .utf16LE:
            length = (0xD8...0xDB).contains(second) ? 4 : 2
        case .utf16BE:
            length = (0xD8...0xDB).contains(first) ? 4 : 2
        case .eucKR, .big5:
            length = first >= 0x81 && second >= 0x40 ? 2 : 1
        case .gb18030:
            length = first < 0x81 ? 1 : (0x30...0x39).contains(second) ? 4 : 2
        case .shiftJIS:
            length = (0x81...0x9F).contains(first) || (0xE0...0xFC).contains(first) ? 2 : 1
        case .eucJP:
            length = first == 0x8F ? 3 : first == 0x8E || first >= 0xA1 ? 2 : 1
        case .utf8:
            length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        default:
            length = 1
        }
        return min(length, left)
    }
}
