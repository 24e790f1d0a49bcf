// What kind of sign a character is. For most the tables of Unicode need not be asked.
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Unicode.Scalar {
    /// White space of any kind.
    var isSpace: Bool {
        switch value {
        case 0x20, 0x09...0x0d, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
        default: false
        }
    }

    /// A letter, or a mark that belongs to one.
    var isLetter: Bool {
        switch value {
        case 0x61...0x7a, 0x41...0x5a: true
        case 0..<0x80: false
        default: isOfLetters || properties.isAlphabetic
        }
    }

    /// A digit or another number.
    var isNumber: Bool {
        value < 0x80 ? (0x30...0x39).contains(value) : !isOfLetters && properties.numericType != nil
    }

    /// In a block of letters alone: Latin, Cyrillic, kana, Hangul.
    private var isOfLetters: Bool {
        switch value {
        case 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x24f, 0x410...0x44f, 0x3041...0x3096, 0x30a1...0x30fa, 0xac00...0xd7a3:
            true
        default: false
        }
    }

    /// A sign that no font map explains: U+FFFD, private use, a control character.
    var isUnexplained: Bool {
        switch value {
        case 0x20...0x7e: false
        case 0xfffd, 0xe000...0xf8ff, 0xf0000...0x10ffff, 0x00...0x1f, 0x7f...0x9f: true
        default: false
        }
    }
}
