// The word F1 of shared/tools/score_html.py, for tests: multiset of words, case folded, scripts without spaces split
// into characters.

import Foundation

enum WordScore {
    static func f1(_ predicted: String, _ truth: String) -> Double {
        let (p, t) = (counts(predicted), counts(truth))
        let hits = p.reduce(0) { $0 + min($1.value, t[$1.key] ?? 0) }
        let (pn, tn) = (p.values.reduce(0, +), t.values.reduce(0, +))
        if tn == 0 { return pn == 0 ? 1 : 0 }
        if hits == 0 { return 0 }
        let (precision, recall) = (Double(hits) / Double(pn), Double(hits) / Double(tn))
        return 2 * precision * recall / (precision + recall)
    }

    private static func counts(_ text: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        var word = String.UnicodeScalarView()
        func end() {
            if !word.isEmpty { counts[String(word), default: 0] += 1 }
            word = String.UnicodeScalarView()
        }
        for scalar in text.precomposedStringWithCanonicalMapping.lowercased().unicodeScalars {
            if isInvisible(scalar) { continue }
            if isSpaceless(scalar) {
                end()
                counts[String(scalar), default: 0] += 1
            } else if isWord(scalar) {
                word.append(scalar)
            } else {
                end()
            }
        }
        end()
        return counts
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber:
            true
        default: false
        }
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xAD, 0x200B...0x200F, 0x202A...0x202D, 0x2066...0x2069, 0xFEFF, 0x0640: true
        default: false
        }
    }

    private static func isSpaceless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x2E80...0x2FDF, 0x3005...0x3007, 0x3021...0x3029,
            0x3031...0x3035, 0x3038...0x303C, 0x3040...0x30FF, 0x3100...0x312F, 0x31A0...0x31BF, 0x31F0...0x31FF,
            0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0xFF66...0xFF9F, 0x20000...0x3FFFF:
            isWord(scalar) || scalar.value >= 0x0E00
        default: false
        }
    }
}
