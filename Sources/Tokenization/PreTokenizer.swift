// Cuts text into pretokens as the regular expressions of the byte-level tokenizers do, without a regex engine.
// Rules are tried in order at each place; the first that matches ends the pretoken. No rule looks back.

/// One family's splitting rule over well-formed UTF-8.
///
/// Unchecked: `classes` points into a table that lives as long as the program and is never written.
struct PreTokenizer: @unchecked Sendable {
    let rule: TokenizerDefinition.PreTokenizer
    private let table = CharacterTable.shared
    private let classes = CharacterTable.shared.flags.base

    init(_ rule: TokenizerDefinition.PreTokenizer) { self.rule = rule }

    private static let newline: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D

    /// Where the pretoken that starts at `start` ends; `start` is less than the text's length.
    func end(_ text: TextView, from start: Int) -> Int {
        switch rule {
        case .gpt2, .smollm: gpt2(text, start)
        case .qwen2: llama3(text, start, digits: 1)
        case .llama3: llama3(text, start, digits: 3)
        case .o200k: o200k(text, start)
        }
    }

    /// Between these two characters all rules have a border, whatever stands before and after them: no pretoken has
    /// anything but marks, letters and a contraction after a letter, or anything but numbers after a number; and none
    /// holds a newline before a letter or number. GPT-2's white space looks ahead there.
    func isCut(_ left: UInt32, _ right: UInt32) -> Bool {
        let before = table.rawClass(left)
        let after = table.rawClass(right)
        if isLetter(before) { return isSpace(after) || after == CharacterClass.other.rawValue && right != 0x27 }
        if isNumber(before) { return !isNumber(after) }
        if rule == .gpt2 || rule == .smollm { return false }
        return left == UInt32(Self.newline) && (isLetter(after) || isNumber(after))
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    /// SmolLM2 first sets every single `\p{N}` apart, and the look-ahead of white space doesn't see across it.
    private func gpt2(_ text: TextView, _ start: Int) -> Int {
        let (first, firstLength) = classAt(text, start)
        if rule == .smollm, isNumber(first) { return start + firstLength }
        if let end = contraction(text, start, folding: false) { return end }
        let body = text[start] == 0x20 ? start + 1 : start
        if body < text.count {
            let kind = body == start ? first : classAt(text, body).kind
            if isLetter(kind) { return skip(text, body) { isLetter($0) } }
            if isNumber(kind), rule == .gpt2 { return skip(text, body) { isNumber($0) } }
            if isSymbol(kind) { return skip(text, body) { isSymbol($0) } }
        }
        let end = skip(text, start) { isSpace($0) }
        if end == text.count || rule == .smollm && isNumber(classAt(text, end).kind) { return end }
        return withoutLast(text, start, end)
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
    /// Qwen2 takes single digits.
    private func llama3(_ text: TextView, _ start: Int, digits: Int) -> Int {
        if let end = contraction(text, start, folding: true) { return end }
        let (first, firstLength) = classAt(text, start)
        if isLetter(first) { return skip(text, start) { isLetter($0) } }
        if isNumber(first) { return numbers(text, start, atMost: digits) }
        let next = start + firstLength
        if !isNewline(text[start]), next < text.count, isLetter(classAt(text, next).kind) {
            return skip(text, next) { isLetter($0) }
        }
        return symbolsOrSpace(text, start, first, trailingSlash: false)
    }

    /// Llama 4's rule; see specs of o200k: words change at a lower-to-upper border, marks belong to words.
    private func o200k(_ text: TextView, _ start: Int) -> Int {
        let (first, firstLength) = classAt(text, start)
        let prefix = !isNewline(text[start]) && !isLetter(first) && !isNumber(first) ? start + firstLength : nil
        if let prefix, let end = lowerWord(text, prefix) { return end }
        if let end = lowerWord(text, start) { return end }
        if let prefix, let end = upperWord(text, prefix) { return end }
        if let end = upperWord(text, start) { return end }
        if isNumber(first) { return numbers(text, start, atMost: 3) }
        return symbolsOrSpace(text, start, first, trailingSlash: true)
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` and a contraction.
    private func lowerWord(_ text: TextView, _ start: Int) -> Int? {
        // The greedy first class gives back as little as it must: its last character that the second class takes too.
        var offset = start
        var lastShared: Int?
        while offset < text.count {
            let (kind, length) = classAt(text, offset)
            guard isUpperish(kind) else { break }
            offset += length
            if isLowerish(kind) { lastShared = offset }
        }
        let end = skip(text, offset) { isLowerish($0) }
        guard let word = end > offset ? end : lastShared else { return nil }
        return contraction(text, word, folding: true) ?? word
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` and a contraction.
    private func upperWord(_ text: TextView, _ start: Int) -> Int? {
        let upper = skip(text, start) { isUpperish($0) }
        guard upper > start else { return nil }
        let word = skip(text, upper) { isLowerish($0) }
        return contraction(text, word, folding: true) ?? word
    }

    /// `\p{N}{1,count}`.
    private func numbers(_ text: TextView, _ start: Int, atMost count: Int) -> Int {
        var offset = start
        for _ in 0..<count where offset < text.count {
            let (kind, length) = classAt(text, offset)
            guard isNumber(kind) else { break }
            offset += length
        }
        return offset
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, where o200k's trailing set has `/` too.
    private func symbolsOrSpace(
        _ text: TextView, _ start: Int, _ first: UInt8, trailingSlash: Bool
    ) -> Int {
        let body = text[start] == 0x20 ? start + 1 : start
        if body < text.count, isSymbol(body == start ? first : classAt(text, body).kind) {
            var end = skip(text, body) { isSymbol($0) }
            while end < text.count, isNewline(text[end]) || trailingSlash && text[end] == 0x2F { end += 1 }
            return end
        }
        var end = start
        var afterNewline: Int?
        while end < text.count {
            let (kind, length) = classAt(text, end)
            guard isSpace(kind) else { break }
            end += length
            if isNewline(text[end - 1]) { afterNewline = end }
        }
        return afterNewline ?? (end == text.count ? end : withoutLast(text, start, end))
    }

    /// A run of white space before a word leaves its last character to the word, unless it has only one.
    private func withoutLast(_ text: TextView, _ start: Int, _ end: Int) -> Int {
        var last = end - 1
        while text[last] & 0xC0 == 0x80 { last -= 1 }
        return last > start ? last : end
    }

    /// An apostrophe and s, t, re, ve, m, ll or d; folding takes capitals and U+017F (long s) too.
    private func contraction(_ text: TextView, _ start: Int, folding: Bool) -> Int? {
        guard start + 1 < text.count, text[start] == 0x27 else { return nil }
        func letter(_ index: Int, _ text: TextView) -> UInt8 {
            guard index < text.count else { return 0 }
            let byte = text[index]
            return folding && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        let first = letter(start + 1, text)
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return letter(start + 2, text) == UInt8(ascii: "e") ? start + 3 : nil
        case UInt8(ascii: "l"): return letter(start + 2, text) == UInt8(ascii: "l") ? start + 3 : nil
        case 0xC5: return folding && text[start + 2] == 0xBF ? start + 3 : nil
        default: return nil
        }
    }

    @inline(__always)
    private func classAt(_ text: TextView, _ offset: Int) -> (kind: UInt8, length: Int) {
        let first = text[offset]
        if first < 0x80 { return (classes[Int(first)] & 7, 1) }
        let (scalar, length) = text.scalar(at: offset)
        return (scalar < CharacterTable.tableEnd ? classes[Int(scalar)] & 7 : table.rawClass(scalar), length)
    }

    @inline(__always)
    private func skip(_ text: TextView, _ start: Int, while matches: (UInt8) -> Bool) -> Int {
        var offset = start
        while offset < text.count {
            let (kind, length) = classAt(text, offset)
            guard matches(kind) else { break }
            offset += length
        }
        return offset
    }

    @inline(__always) private func isNewline(_ byte: UInt8) -> Bool {
        byte == Self.newline || byte == Self.carriageReturn
    }
    @inline(__always) private func isLetter(_ kind: UInt8) -> Bool { 0b01110 &>> kind & 1 != 0 }
    @inline(__always) private func isNumber(_ kind: UInt8) -> Bool { kind == CharacterClass.number.rawValue }
    @inline(__always) private func isSpace(_ kind: UInt8) -> Bool { kind == CharacterClass.space.rawValue }
    /// Neither white space, letter nor number; marks count as symbols here.
    @inline(__always) private func isSymbol(_ kind: UInt8) -> Bool { 0b10001 &>> kind & 1 != 0 }
    @inline(__always) private func isUpperish(_ kind: UInt8) -> Bool { 0b11010 &>> kind & 1 != 0 }
    @inline(__always) private func isLowerish(_ kind: UInt8) -> Bool { 0b11100 &>> kind & 1 != 0 }
}
