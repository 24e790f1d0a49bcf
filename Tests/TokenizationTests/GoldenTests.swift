// Token ids, byte ranges and decoded bytes against the reference implementations' own.

import Foundation
import Hashing
import Testing
import Tokenization

@Suite(.enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"))
struct GoldenTests {
    static let names = ["smollm2", "qwen25", "gemma3", "gemma4", "llama4"]

    @Test(arguments: names)
    func ids(_ name: String) throws {
        let tokenizer = try Fixture.tokenizer(name)
        let texts = try Fixture.lines(Fixture.shared("texts-a.jsonl"), as: TextCase.self)
        let golden = try Fixture.lines(Fixture.shared("golden/\(name)-a.jsonl"), as: GoldenCase.self)
        #expect(texts.count == 3137 && texts.map(\.id) == golden.map(\.id))
        let wrong = zip(texts, golden).compactMap { mistake(tokenizer, $0, $1) }
        #expect(wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(10).joined(separator: "\n"))")
    }

    @Test(arguments: names)
    func spans(_ name: String) throws {
        let tokenizer = try Fixture.tokenizer(name)
        let texts = try Fixture.lines(Fixture.shared("texts-a.jsonl"), as: TextCase.self)
        let byID = Dictionary(uniqueKeysWithValues: texts.map { ($0.id, $0) })
        var checked = 0
        var wrong: [String] = []
        for line in try Fixture.lines(Fixture.shared("golden/spans-a.jsonl"), as: [String: Spans].self) {
            guard case .ranges(let expected) = line[name], case .id(let id) = line["id"], let text = byID[id],
                text.cat != "unicode-version"
            else { continue }
            let found = tokenizer.encodeWithOffsets(utf8: text.bytes).map {
                [$0.range.lowerBound, $0.range.upperBound]
            }
            checked += 1
            if found != expected {
                let first = zip(found, expected).first { $0 != $1 }
                wrong.append("\(id) \(text.cat): \(first.map { "\($0) instead of \($1)" } ?? "count")")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(10).joined(separator: "\n"))")
        #expect(checked > 200 || name == "gemma3", "the set has no ranges for gemma3")
    }

    /// Ranges of hostile texts stay inside the text and in order, and come with the same ids.
    @Test(arguments: names)
    func rangesOfHostileTexts(_ name: String) throws {
        let tokenizer = try Fixture.tokenizer(name)
        let texts = try Fixture.lines(Fixture.shared("texts-a.jsonl"), as: TextCase.self)
        let hostile = texts.filter {
            $0.cat.hasPrefix("fuzz") || ["invalid-utf8", "special", "combining"].contains($0.cat)
        }
        #expect(hostile.count > 2500)
        for text in hostile {
            let bytes = text.bytes
            for mode in [EncodingMode.plain, .special] {
                let tokens = tokenizer.encodeWithOffsets(utf8: bytes, mode: mode)
                #expect(tokens.map(\.id) == tokenizer.encode(utf8: bytes, mode: mode), "\(text.id)")
                let bounded = tokens.allSatisfy { $0.range.upperBound <= bytes.count }
                let ordered = zip(tokens, tokens.dropFirst()).allSatisfy {
                    $0.range.lowerBound <= $1.range.lowerBound && $0.range.upperBound <= $1.range.upperBound
                }
                #expect(bounded && ordered, "\(text.id)")
            }
        }
    }

    @Test(arguments: names)
    func decoding(_ name: String) throws {
        struct Case: Decodable {
            var tok: String
            var ids: [Int32]
            var b64: String
        }
        let tokenizer = try Fixture.tokenizer(name)
        let cases = try Fixture.lines(Fixture.shared("golden/decode-a.jsonl"), as: Case.self).filter { $0.tok == name }
        #expect(cases.count > 50)
        for one in cases {
            let found = Data(one.ids.flatMap { tokenizer.bytes(of: $0) })
            #expect(found == Data(base64Encoded: one.b64), "\(one.ids)")
        }
    }
}

/// Checks ids in plain and special mode; nil if they agree.
func mistake(_ tokenizer: Tokenizer, _ text: TextCase, _ expected: GoldenCase) -> String? {
    // Characters of recent Unicode versions: their classes depend on the reference's tables.
    if text.cat == "unicode-version" { return nil }
    let bytes = text.bytes
    let plain = tokenizer.encode(utf8: bytes)
    guard let ids = expected.ids else {
        let agrees =
            plain.count == expected.n && Array(plain.prefix(16)) == expected.head
            && Array(plain.suffix(16)) == expected.tail && sha256(plain) == expected.sha256
        return agrees ? nil : "\(text.id): \(plain.count) tokens instead of \(expected.n ?? -1)"
    }
    if plain != ids { return "\(text.id) plain: \(plain.prefix(20)) instead of \(ids.prefix(20))" }
    let special = tokenizer.encode(utf8: bytes, mode: .special)
    if special == expected.special ?? ids { return nil }
    return "\(text.id) special: \(special.prefix(20)) instead of \((expected.special ?? ids).prefix(20))"
}

/// Of the ids as little-endian 32-bit words.
private func sha256(_ ids: [Int32]) -> String {
    ContentHash(of: ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } }).hex
}

/// A value in a line of spans-a.jsonl.
private enum Spans: Decodable {
    case id(String)
    case ranges([[Int]])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let id = try? value.decode(String.self) {
            self = .id(id)
        } else {
            self = .ranges(try value.decode([[Int]].self))
        }
    }
}
