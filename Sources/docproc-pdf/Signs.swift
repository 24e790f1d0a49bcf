// What a sign stands for where its font has an encoding of its own and does not say it.
//
// Poppler then gives the sign of ASCII with the same number: `0` for a prime, `X` for a sum, a letter for an ornament.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF

enum Signs {
    /// The sign that is meant; nil for a part of one, such as the upper third of a brace.
    static func meant(_ scalar: Unicode.Scalar, in alphabet: cpdf_alphabet) -> Unicode.Scalar? {
        switch alphabet {
        case CPDF_ORNAMENTS: isASCIILetter(scalar) || isDigit(scalar) ? "•" : scalar
        case CPDF_TEX_SYMBOLS: isDigit(scalar) || isLowercase(scalar) ? symbols[scalar] : scalar
        case CPDF_TEX_EXTENSION: isDigit(scalar) || isASCIILetter(scalar) ? extensions[scalar] : scalar
        default: scalar
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func isLowercase(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) }
    private static func isASCIILetter(_ scalar: Unicode.Scalar) -> Bool {
        isLowercase(scalar) || ("A"..."Z").contains(scalar)
    }

    /// Knuth, "Computer Modern Typefaces", the encoding of math symbols (OMS).
    private static let symbols: [Unicode.Scalar: Unicode.Scalar] = [
        "0": "′", "1": "∞", "2": "∈", "3": "∋", "4": "△", "5": "▽", "6": "̸", "7": "↦", "8": "∀", "9": "∃", "a": "⊣",
        "b": "⌊", "c": "⌋", "d": "⌈", "e": "⌉", "f": "{", "g": "}", "h": "⟨", "i": "⟩", "j": "|", "k": "∥", "l": "↕",
        "m": "⇕", "n": "\\", "o": "≀", "p": "√", "q": "⨿", "r": "∇", "s": "∫", "t": "⊔", "u": "⊓", "v": "⊑", "w": "⊒",
        "x": "§", "y": "†", "z": "‡",
    ]

    /// The same, of large signs (OMX); brackets are built of parts.
    private static let extensions: [Unicode.Scalar: Unicode.Scalar] = [
        "F": "⊔", "G": "⊔", "H": "∮", "I": "∮", "J": "⊙", "K": "⊙", "L": "⊕", "M": "⊕", "N": "⊗", "O": "⊗", "P": "∑",
        "Q": "∏", "R": "∫", "S": "⋃", "T": "⋂", "U": "⨄", "V": "⋀", "W": "⋁", "X": "∑", "Y": "∏", "Z": "∫", "a": "∐",
        "h": "[", "i": "]", "n": "{", "o": "}", "p": "√", "q": "√", "r": "√", "s": "√", "t": "√",
    ]
}
