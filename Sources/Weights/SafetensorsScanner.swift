// Reads the JSON of safetensors headers and indices where it lies: objects whose keys may not repeat, texts and whole
// numbers; anything else is stepped over. Untrusted input: every byte is checked before it is read.

/// A cursor over JSON text inside a mapped file.
struct SafetensorsScanner {
    private let file: MappedFile
    private let start: Int
    private let end: Int
    private var offset: Int

    init(_ file: MappedFile, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= file.count, "JSON outside the file")
        self.file = file
        start = range.lowerBound
        end = range.upperBound
        offset = range.lowerBound
    }

    func error(_ what: String) -> SafetensorsError {
        SafetensorsError(path: file.path, problem: .badJSON(what, offset: offset - start))
    }

    private var byte: UInt8? { offset < end ? file.load(UInt8.self, at: offset) : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    /// Whether the next value starts with this letter.
    mutating func isAt(_ letter: Unicode.Scalar) -> Bool {
        skipSpace()
        return byte == UInt8(ascii: letter)
    }

    private mutating func take(_ letter: Unicode.Scalar) -> Bool {
        guard isAt(letter) else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ letter: Unicode.Scalar) throws(SafetensorsError) {
        guard take(letter) else { throw error("no \(letter)") }
    }

    /// Nothing but white space may be left.
    mutating func finish() throws(SafetensorsError) {
        skipSpace()
        guard offset == end else { throw error("more text after the end") }
    }

    /// Calls `member` at the value of each key, which must consume it.
    mutating func object(
        _ member: (inout SafetensorsScanner, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("{")
        guard !take("}") else { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Calls `element` at each element, which must consume it.
    mutating func array(
        _ element: (inout SafetensorsScanner) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("[")
        guard !take("]") else { return }
        repeat { try element(&self) } while take(",")
        try expect("]")
    }

    /// A whole number from 0 on, without fraction or exponent.
    mutating func integer() throws(SafetensorsError) -> Int {
        skipSpace()
        var value = 0
        let first = offset
        while let byte, (0x30...0x39).contains(byte) {
            let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = tens.addingReportingOverflow(Int(byte) - 0x30)
            guard !tooLarge, !overflow else { throw error("a number that is too large") }
            value = sum
            offset += 1
        }
        guard offset > first else { throw error("no whole number") }
        if let byte, byte == 0x2E || byte == 0x65 || byte == 0x45 { throw error("no whole number") }
        return value
    }

    mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        let first = offset
        var escaped = false
        while let byte, byte != 0x22 {
            guard byte >= 0x20 else { throw error("a control character in a text") }
            if byte == 0x5C { escaped = true }
            offset += byte == 0x5C ? 2 : 1
        }
        guard offset < end else {
            offset = end
            throw error("a text without end")
        }
        defer { offset += 1 }
        guard escaped else {
            guard let text = file.validString(at: first, count: offset - first) else { throw error("no UTF-8") }
            return text
        }
        return try unescaped(first..<offset)
    }

    /// The text in a range that holds escapes; each has its letter inside the range.
    private func unescaped(_ range: Range<Int>) throws(SafetensorsError) -> String {
        var units: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = file.load(UInt8.self, at: index)
            guard byte == 0x5C else {
                units.append(byte)
                index += 1
                continue
            }
            let letter = file.load(UInt8.self, at: index + 1)
            index += 2
            switch letter {
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(letter)
            case UInt8(ascii: "u"):
                let high = try codeUnit(&index, range.upperBound)
                if let scalar = Unicode.Scalar(high) {
                    units += Array(String(Character(scalar)).utf8)
                    continue
                }
                // Half of a pair: the other half must follow.
                guard UTF16.isLeadSurrogate(high), index + 2 <= range.upperBound,
                    file.load(UInt16.self, at: index) == 0x755C
                else { throw error("half a surrogate pair") }
                index += 2
                let low = try codeUnit(&index, range.upperBound)
                guard UTF16.isTrailSurrogate(low) else { throw error("half a surrogate pair") }
                units += Array(String(decoding: [high, low], as: UTF16.self).utf8)
            default: throw error("an unknown escape")
            }
        }
        guard let text = String(validating: units, as: UTF8.self) else { throw error("no UTF-8") }
        return text
    }

    private func codeUnit(_ index: inout Int, _ limit: Int) throws(SafetensorsError) -> UInt16 {
        guard index + 4 <= limit, let text = file.validString(at: index, count: 4),
            text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let unit = UInt16(text, radix: 16)
        else { throw error("an unknown escape") }
        index += 4
        return unit
    }

    /// Steps over a value of any kind.
    mutating func skip(depth: Int = 0) throws(SafetensorsError) {
        guard depth < 64 else { throw error("values nested too deep") }
        if isAt("{") {
            try object { (scanner, _) throws(SafetensorsError) in try scanner.skip(depth: depth + 1) }
        } else if isAt("[") {
            try array { scanner throws(SafetensorsError) in try scanner.skip(depth: depth + 1) }
        } else if isAt("\"") {
            _ = try string()
        } else {
            // A number, true, false or null; which one does not matter to anybody here.
            let first = offset
            while let byte, byte == 0x2B || byte == 0x2D || byte == 0x2E || isAlphanumeric(byte) { offset += 1 }
            guard offset > first else { throw error("no value") }
        }
    }

    private func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
