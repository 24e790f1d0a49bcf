/// Finds sentences: for segments longer than a window, and for quotes.
///
/// Rules instead of a model: a full stop ends a sentence when white space and something that can begin one follow and
/// the word before it is no common abbreviation, initial or number of a list. Too few ends cost a longer quote; a wrong
/// one costs half a quote, so doubt goes to "no end".
package enum SentenceSplitter {
    /// UTF-8 ranges of the sentences of a text: together they hold it all, in order.
    package static func sentences(of text: String) -> [Range<Int>] {
        let bytes = Array(text.utf8)
        var sentences: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let length = terminator(bytes, at: index)
            guard length > 0 else {
                index += 1
                continue
            }
            var end = index + length
            // Closing quotation marks and parentheses belong to the sentence.
            while end < bytes.count, let closing = closing(bytes, at: end) { end += closing }
            let ideographic = bytes[index] >= 0x80 && length == 3
            let atBreak = end == bytes.count || isSpace(bytes[end]) || ideographic
            if atBreak, ideographic || bytes[index] == newline || endsSentence(bytes, stop: index, after: end) {
                while end < bytes.count, isSpace(bytes[end]) { end += 1 }
                sentences.append(start..<end)
                start = end
            }
            index = end
        }
        if start < bytes.count { sentences.append(start..<bytes.count) }
        return sentences
    }

    private static let newline = UInt8(ascii: "\n")

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    /// Length of a mark at `index` that can end a sentence; 0 for none. A blank line ends one as well.
    private static func terminator(_ bytes: [UInt8], at index: Int) -> Int {
        switch bytes[index] {
        case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"): return 1
        case newline:
            return index + 1 < bytes.count && bytes[index + 1] == newline ? 1 : 0
        case 0xE3:  // 。
            return bytes[index...].starts(with: [0xE3, 0x80, 0x82]) ? 3 : 0
        case 0xEF:  // ！ ？
            return bytes[index...].starts(with: [0xEF, 0xBC, 0x81]) || bytes[index...].starts(with: [0xEF, 0xBC, 0x9F])
                ? 3 : 0
        default: return 0
        }
    }

    private static func closing(_ bytes: [UInt8], at index: Int) -> Int? {
        switch bytes[index] {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "."): return 1
        case 0xE2:  // ” ’ ›
            let three = bytes[index...].prefix(3)
            return three.elementsEqual([0xE2, 0x80, 0x9D]) || three.elementsEqual([0xE2, 0x80, 0x99])
                || three.elementsEqual([0xE2, 0x80, 0xBA]) ? 3 : nil
        case 0xC2: return bytes[index...].prefix(2).elementsEqual([0xC2, 0xBB]) ? 2 : nil
        default: return nil
        }
    }

    private static func endsSentence(_ bytes: [UInt8], stop: Int, after end: Int) -> Bool {
        guard bytes[stop] == UInt8(ascii: ".") else { return true }
        var next = end
        while next < bytes.count, isSpace(bytes[next]) { next += 1 }
        guard next < bytes.count else { return true }
        // A small letter behind the stop: an abbreviation in the middle of a sentence.
        if (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[next]) { return false }
        var start = stop
        while start > 0, !isSpace(bytes[start - 1]), bytes[start - 1] != UInt8(ascii: "(") { start -= 1 }
        let word = bytes[start..<stop]
        if word.isEmpty { return true }
        // "J. Smith", "U.S. Army", "3. Scope" at the start of a line.
        if word.count == 1, let letter = word.first, (65...90).contains(letter) { return false }
        let atLineStart = start == 0 || bytes[start - 1] == newline
        if atLineStart, word.allSatisfy({ (48...57).contains($0) || $0 == 46 }) { return false }
        let lower = String(decoding: word, as: UTF8.self).lowercased()
        return !abbreviations.contains(lower)
    }

    /// Words that a full stop follows without ending a sentence, in the languages that docproc's users write most.
    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "no", "nos", "art", "arts", "sec", "secs", "par", "para", "paras", "fig",
        "figs", "eq", "eqs", "ch", "chap", "vol", "vols", "ed", "eds", "p", "pp", "cf", "e.g", "i.e", "vs", "v", "al",
        "approx", "ca", "u.s", "u.k", "e.u", "u.n", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept",
        "oct", "nov", "dec", "inc", "ltd", "co", "corp", "dept", "est", "gen", "gov", "rep", "sen", "ref", "refs",
        "app",
        "nr", "bzw", "z.b", "d.h", "u.a", "abs", "ziff", "lit", "vgl", "hrsg",
    ]
}
