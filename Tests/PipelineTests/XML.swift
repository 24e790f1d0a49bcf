// A strict little XML reader for tests: elements, attributes, the five entities and character references.

struct XML {
    var name = ""
    var attributes: [String: String] = [:]
    var children: [XML] = []
    var text = ""

    struct Invalid: Error {
        var message: String
        var offset: Int
    }

    init() {}

    init(_ source: String) throws {
        var parser = Parser(scalars: Array(source.unicodeScalars))
        try parser.expect("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        self = try parser.element()
        try parser.expect("\n")
        guard parser.position == parser.scalars.count else { throw parser.invalid("text behind the root") }
    }

    private struct Parser {
        let scalars: [Unicode.Scalar]
        var position = 0

        func invalid(_ message: String) -> Invalid { Invalid(message: message, offset: position) }

        var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

        mutating func expect(_ text: String) throws {
            for scalar in text.unicodeScalars {
                guard next == scalar else { throw invalid("expected \(text)") }
                position += 1
            }
        }

        func at(_ text: String) -> Bool { scalars[position...].starts(with: text.unicodeScalars) }

        mutating func word() throws -> String {
            var out = String.UnicodeScalarView()
            while let scalar = next, scalar.properties.isAlphabetic {
                out.append(scalar)
                position += 1
            }
            guard !out.isEmpty else { throw invalid("expected a name") }
            return String(out)
        }

        mutating func text(until ends: [Unicode.Scalar]) throws -> String {
            var out = String.UnicodeScalarView()
            while let scalar = next, !ends.contains(scalar) {
                switch scalar {
                case "<", ">": throw invalid("unescaped \(scalar)")
                case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}":
                    throw invalid("forbidden character")
                case "&":
                    guard let end = scalars[position...].firstIndex(of: ";") else { throw invalid("bare &") }
                    let name = String(String.UnicodeScalarView(scalars[position + 1..<end]))
                    let known = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
                    if let value = known[name] {
                        out.append(contentsOf: value.unicodeScalars)
                    } else if name.hasPrefix("#"), let code = UInt32(name.dropFirst()),
                        let scalar = Unicode.Scalar(code)
                    {
                        out.append(scalar)
                    } else {
                        throw invalid("unknown entity \(name)")
                    }
                    position = end + 1
                    continue
                default: out.append(scalar)
                }
                position += 1
            }
            return String(out)
        }

        mutating func element() throws -> XML {
            var element = XML()
            try expect("<")
            element.name = try word()
            while next == " " {
                position += 1
                let key = try word()
                try expect("=\"")
                guard element.attributes[key] == nil else { throw invalid("repeated attribute") }
                element.attributes[key] = try text(until: ["\""])
                try expect("\"")
            }
            if at("/>") {
                position += 2
                return element
            }
            try expect(">")
            while !at("</") {
                let piece = try text(until: ["<"])
                if at("</") {
                    element.text += piece
                } else {
                    guard piece.allSatisfy(\.isWhitespace) else { throw invalid("mixed content") }
                    element.children.append(try self.element())
                }
            }
            try expect("</\(element.name)>")
            if !element.children.isEmpty { element.text = "" }
            return element
        }
    }
}
