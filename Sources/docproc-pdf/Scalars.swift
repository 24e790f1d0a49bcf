// What kind of sign a character is. Most are ASCII, for which the tables of Unicode need not be asked.
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Unicode.Scalar {
    /// White space of any kind.
    var isSpace: Bool {
        value < 0x80 ? value == 0x20 || (0x09...0x0d).contains(value) : properties.isWhitespace
    }

    /// A letter, or a mark that belongs to one.
    var isLetter: Bool {
        guard value < 0x80 else { return properties.isAlphabetic }
        return (0x61...0x7a).contains(value | 0x20)
    }

    /// A digit or another number.
    var isNumber: Bool {
        value < 0x80 ? (0x30...0x39).contains(value) : properties.numericType != nil
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
