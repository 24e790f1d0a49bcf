// Texts as lines of JSON, and their ids as such lines.

/// One line: an object with `id` and one of `text`, `b64` (any bytes, in base64) and `repeat` (a list of pairs of a
/// text and how often it comes, end to end).
package struct TextLine {
    /// The value of `id` as JSON; `null` where the line has none.
    package let id: [UInt8]
    package let bytes: [UInt8]

    /// What `repeat` may come to.
    private static let mostBytes = 1 << 30

    /// - Throws: `TokenizerError.malformed`, with the offset in the line.
    package init(json: [UInt8]) throws(TokenizerError) {
        let reader = try JSONReader(json, file: "line")
        let value = try JSONValue(json, file: "line")
        switch value["id"] {
        case nil: id = Array("null".utf8)
        case .integer(let number): id = Array("\(number)".utf8)
        case .string(let text): id = Self.quoted(text)
        default: throw reader.failure("'id' is no text and no number")
        }
        switch (value["text"], value["b64"], value["repeat"]) {
        case (.string(let text), nil, nil): bytes = text
        case (nil, .string(let word), nil):
            guard let decoded = Base64.decode(word) else { throw reader.failure("'b64' is no base64") }
            bytes = decoded
        case (nil, nil, .array(let parts)):
            var all: [UInt8] = []
            for part in parts {
                guard let pair = part.elements, pair.count == 2, let text = pair[0].bytes, let count = pair[1].integer,
                    count >= 0, text.count.multipliedReportingOverflow(by: count).overflow == false,
                    all.count + text.count * count <= Self.mostBytes
                else { throw reader.failure("'repeat' is no list of texts and counts, or more than 1 GiB") }
                all.reserveCapacity(all.count + text.count * count)
                for _ in 0..<count { all += text }
            }
            bytes = all
        default: throw reader.failure("expected an object with one of 'text', 'b64' and 'repeat'")
        }
    }

    /// The line with a text's ids: `{"id":…,"ids":[…]}` and a line break.
    package func line(_ ids: [Int32]) -> [UInt8] {
        var line = Array(#"{"id":"#.utf8) + id + Array(#","ids":["#.utf8)
        line.reserveCapacity(line.count + ids.count * 7 + 4)
        for (index, id) in ids.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            Self.append(id, to: &line)
        }
        line += Array("]}\n".utf8)
        return line
    }

    private static func append(_ id: Int32, to line: inout [UInt8]) {
        var rest = UInt32(max(0, id))
        let start = line.count
        repeat {
            line.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        line[start...].reverse()
    }

    private static func quoted(_ text: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var result = [UInt8(ascii: "\"")]
        for byte in text {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                result += [UInt8(ascii: "\\"), byte]
            } else if byte < 0x20 {
                result += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                result.append(byte)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }
}
