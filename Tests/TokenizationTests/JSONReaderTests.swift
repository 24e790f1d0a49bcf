// The JSON reader: what it accepts and refuses, and that no bytes bring it down.

import Foundation
import Testing

@testable import Tokenization

@Suite
struct JSONReaderTests {
    private func value(_ text: String) throws -> JSONValue { try JSONValue(Array(text.utf8), file: "x") }

    @Test
    func values() throws {
        #expect(
            try value(" [1, -2.5e1, true, false, null, \"\"] ")
                == .array([
                    .integer(1), .real(-25), .boolean(true), .boolean(false), .null, .string([]),
                ]))
        #expect(try value(#""a\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude42é""#).text == "a\"\\/\u{8}\u{c}\n\r\té€🙂é")
        #expect(try value(#"{"a":{"b":[]},"a":1,"c":null}"#)["a"]?["b"] == .array([]))
        #expect(try value(#"{"c":null}"#)["c"] == nil)
        #expect(try value(#""e\u0301""#).is("e\u{301}") && !value(#""e\u0301""#).is("é"))
        #expect(try value("100000000000000000000") == .real(1e20))
    }

    @Test(arguments: [
        "", " ", "[", "[1", "[1,", "[1,]", "[,1]", "{", "{\"a\"", "{\"a\":", "{\"a\":1,}", "{a:1}", "{1:1}", "[1 2]",
        "1 2", "tru", "truex", "nul", "01", "-", "+1", ".5", "1.", "1e", "1e+", "\"", "\"\\", "\"\\u12\"", "\"\\x\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\ud800\\", "\"\u{1}\"", "]", "}", "[}", "{]", "[1}",
        "nan", "1]", "\u{FEFF}1",
    ])
    func refused(_ text: String) {
        #expect(throws: TokenizerError.self) { try value(text) }
    }

    @Test
    func depthAndSizeAreBounded() throws {
        let deep = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        #expect(try value(deep(64)).elements?.count == 1)
        #expect(throws: TokenizerError.malformed(file: "x", offset: 65, reason: "nested more than 64 deep")) {
            try value(deep(65))
        }
        #expect(throws: TokenizerError.self) { try value(String(repeating: "[", count: 1_000_000)) }
        let wide = "[" + String(repeating: "0,", count: 1_100_000) + "0]"
        #expect(throws: TokenizerError.self) { try value(wide) }
        #expect(throws: TokenizerError.malformed(file: "x", offset: 1, reason: "ill-formed UTF-8")) {
            try JSONValue([0x22, 0xFF, 0x22], file: "x")
        }
    }

    /// Agrees with Foundation on values that were written at random.
    @Test
    func agreesWithAnotherParser() throws {
        var generator = SeededGenerator(seed: 3)
        func text(_ depth: Int) -> String {
            switch Int.random(in: 0...(depth > 4 ? 3 : 5), using: &generator) {
            case 0: return "\(Int.random(in: -1_000_000...1_000_000, using: &generator))"
            case 1: return ["true", "false", "null"].randomElement(using: &generator) ?? ""
            case 2, 3:
                let parts = [#"\u0041"#, #"\n"#, "é", "e\u{301}", "🙂", #"\ud83d\ude42"#, "▁", #"\""#, " "]
                return "\"" + (0..<4).map { _ in parts.randomElement(using: &generator) ?? "" }.joined() + "\""
            case 4: return "[" + (0..<3).map { _ in text(depth + 1) }.joined(separator: " , ") + "]"
            default:
                return "{" + (0..<3).map { "\"k\($0)\" : " + text(depth + 1) }.joined(separator: ",\n") + "}"
            }
        }
        for _ in 0..<500 {
            let source = text(0)
            let expected = try JSONSerialization.jsonObject(with: Data(source.utf8), options: .fragmentsAllowed)
            #expect(equal(try value(source), expected), "\(source)")
        }
    }

    private func equal(_ value: JSONValue, _ other: Any) -> Bool {
        switch value {
        case .null: other is NSNull
        case .boolean(let value): other as? Bool == value
        case .integer(let value): other as? Int == value
        case .real(let value): other as? Double == value
        case .string(let bytes): (other as? String).map { bytes.elementsEqual($0.utf8) } ?? false
        case .array(let elements):
            (other as? [Any]).map { $0.count == elements.count && zip(elements, $0).allSatisfy { equal($0, $1) } }
                ?? false
        case .object(let members):
            (other as? [String: Any]).map { other in
                members.allSatisfy { member in
                    other[String(decoding: member.key, as: UTF8.self)].map { equal(member.value, $0) } ?? false
                }
            } ?? false
        }
    }

    /// Damaged tokenizer files end in a definition or an error, never in a trap.
    @Test
    func damagedFiles() {
        var generator = SeededGenerator(seed: 20261122)
        let original = Array(HuggingFaceTests.json().utf8)
        let interesting = Array("{}[]\",:\\u0-9eE.tfn \u{1}".utf8) + [0x80, 0xFF]
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[place] = interesting.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(interesting.randomElement(using: &generator) ?? 0, at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 20))
                }
            }
            do throws(TokenizerError) {
                let definition = try TokenizerDefinition(json: bytes, config: nil, generation: nil)
                _ = try Tokenizer(definition).encode("abc <s> <x>", mode: .special)
                accepted += 1
            } catch {
                continue
            }
        }
        #expect(accepted > 100 && accepted < 15_000, "\(accepted) accepted")
    }
}
