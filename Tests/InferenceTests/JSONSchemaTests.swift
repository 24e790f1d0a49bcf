// Schemas become grammars whose texts satisfy them, or are refused by name.

import Foundation
import Kernels
import Testing
import Tokenization

@testable import Inference

struct JSONSchemaTests {
    /// A schema, texts that satisfy it as they are written here, and texts that do not.
    struct Case: Sendable, CustomTestStringConvertible {
        var schema: String
        var valid: [String]
        var invalid: [String]
        var testDescription: String { schema }

        init(_ schema: String, valid: [String], invalid: [String]) {
            self.schema = schema
            self.valid = valid
            self.invalid = invalid
        }
    }

    static let cases = [
        Case(
            #"{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}},"required":["a"]}"#,
            valid: [#"{"b": 7, "a": "x"}"#, #"{"a": "ä\n\"🙂"}"#],
            invalid: [
                #"{"b": 7}"#, #"{"a": "x", "b": 7}"#, #"{"a": "x",}"#, "{}", #"{"a": "\#n"}"#, #"{"a": "\ud800"}"#,
            ]),
        Case(
            #"{"type":"object","properties":{"x":{},"y":{},"z":{}},"additionalProperties":false}"#,
            valid: ["{}", #"{"x": 1}"#, #"{"y": [1, {"a": null}]}"#, #"{"x": 1, "z": "q"}"#],
            invalid: [#"{"z": 1, "x": 1}"#, #"{"w": 1}"#, "{,}", #"{"x": 1 "y": 2}"#]),
        Case(
            #"{"type":"object","properties":{"ab":{"type":"null"},"äß":{"type":"null"}},"required":["ab"],"#
                + #""additionalProperties":{"type":"integer"},"maxProperties":4}"#,
            valid: [#"{"ab": null}"#, #"{"ab": null, "a": 1, "abc": 2}"#, #"{"ab": null, "äß": null, "z": 3}"#],
            invalid: [#"{"ab": null, "ab": 3}"#, #"{"ab": null, "äß": 3}"#, #"{"ab": null, "a": 1, "b": 1, "c": 1}"#]),
        Case(
            #"{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3}"#,
            valid: ["[true]", "[true, false, true]"],
            invalid: ["[]", "[true,false]", "[true, true, true, true]", "[1]"]),
        Case(#"{"type":"array","items":{"type":"null"}}"#, valid: ["[]", "[null]", "[null, null]"], invalid: ["[,]"]),
        Case(
            #"{"type":"array","items":{"enum":[1]},"minItems":3}"#, valid: ["[1, 1, 1]", "[1, 1, 1, 1, 1]"],
            invalid: ["[1, 1]"]),
        Case(
            #"{"type":"string","minLength":2,"maxLength":3}"#, valid: [#""ab""#, #""ä🙂\\""#],
            invalid: [#""a""#, #""abcd""#]),
        Case(
            #"{"type":["string","null"],"maxLength":1}"#, valid: ["null", "\"\"", #""a""#], invalid: ["1", #""ab""#]),
        Case(
            #"{"type":"integer","minimum":-12,"exclusiveMaximum":205}"#,
            valid: ["-12", "-1", "0", "9", "10", "99", "199", "204"], invalid: ["-13", "205", "01", "-0", "1.0", "300"]),
        Case(
            #"{"type":"integer","minimum":38,"maximum":1234}"#, valid: ["38", "99", "100", "1199", "1234"],
            invalid: ["37", "1235", "2000", "9", "038"]),
        Case(
            #"{"type":"number"}"#, valid: ["0", "-1.5", "12e-3", "0.25E+7"],
            invalid: ["01", ".5", "1.", "+1", "1e", "-"]),
        Case(
            #"{"type":"number","minimum":0,"maximum":1}"#, valid: ["0", "1", "0.75"], invalid: ["1.5", "-0.5", "2"]),
        Case(
            #"{"enum":["a",1,null,{"k":[1.50,"x"]}]}"#, valid: [#""a""#, "1", "null", #"{"k": [1.50, "x"]}"#],
            invalid: ["2", #""b""#]),
        Case(#"{"type":"integer","enum":[1,"a",2]}"#, valid: ["1", "2"], invalid: [#""a""#]),
        Case(#"{"const":{"a":"é\u0001/"}}"#, valid: [#"{"a": "é\u0001/"}"#], invalid: ["{}"]),
        Case(
            ##"{"anyOf":[{"type":"integer"},{"$ref":"#/$defs/a~1b"}],"$defs":{"a/b":{"const":"x"}}}"##,
            valid: ["5", #""x""#], invalid: [#""y""#]),
        Case(
            #"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"null"}},"required":["k","v"]},"#
                + #"{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}"#,
            valid: [#"{"k": "a", "v": null}"#, #"{"k": "b"}"#], invalid: [#"{"k": "a"}"#, #"{"k": "c"}"#]),
        Case(
            ##"{"type":"object","properties":{"n":{"type":"integer"},"next":{"$ref":"#"}},"required":["n"]}"##,
            valid: [#"{"n": 1}"#, #"{"n": 1, "next": {"n": 2, "next": {"n": 3}}}"#], invalid: [#"{"next": {"n": 1}}"#]),
        Case(
            #"{"type":"string","pattern":"^[A-Z]{2,3}-\\d+(\\.[0-9a-f])?$"}"#, valid: [#""AB-1""#, #""ABC-12.f""#],
            invalid: [#""A-1""#, #""AB-""#, #""AB-1.g""#, #""xAB-1""#]),
        Case(
            #"{"type":"string","pattern":"b.d|^(?:x|yy)+\"$"}"#, valid: [#""abcde""#, #""b\"d""#, #""xyyx\"""#],
            invalid: [#""bd""#, #""xy\"""#, #""b\nd""#]),
        Case(
            #"{"type":"string","pattern":"^[^a-c\\s]+?$","maxLength":2}"#,
            valid: [#""de""#, #""é""#.replacing("é", with: "x")],
            invalid: ["\"\"", #""a""#, #""def""#, #""d e""#]),
        Case(
            #"{"type":"string","format":"date"}"#, valid: [#""2024-02-29""#, #""2000-02-29""#, #""1999-12-31""#],
            invalid: [#""2023-02-29""#, #""1900-02-29""#, #""2024-04-31""#, #""2024-13-01""#, #""2024-1-1""#]),
        Case(
            #"{"type":"string","format":"date-time"}"#,
            valid: [#""2024-02-29T23:59:59.5+01:30""#, #""2024-01-01T00:00:00Z""#],
            invalid: [#""2024-01-01 00:00:00Z""#, #""2024-01-01T24:00:00Z""#, #""2024-01-01T00:00:00""#]),
        Case(#"{"type":"string","format":"email"}"#, valid: [#""a.b@c-d.org""#], invalid: [#""a@b""#, #""a.@b.de""#]),
    ]

    @Test(arguments: cases)
    func textsAreToldApart(example: Case) throws {
        let grammar = try Grammar(jsonSchema: Array(example.schema.utf8))
        for text in example.valid { #expect(try matches(grammar, text), "\(text)") }
        for text in example.invalid { #expect(try !matches(grammar, text), "\(text)") }
    }

    private func matches(_ grammar: Grammar, _ text: String) throws -> Bool {
        var automaton = try GrammarAutomaton(grammar)
        var state: GrammarAutomaton.State = 0
        for byte in text.utf8 {
            state = automaton.step(state, byte)
            if state == GrammarAutomaton.dead { return false }
        }
        return automaton.isAccepting(state)
    }

    @Test(arguments: [
        (#"{"type":"string","contentEncoding":"base64"}"#, "#", "contentEncoding"),
        (
            #"{"type":"object","properties":{"a/b":{"type":"number","multipleOf":2}}}"#, "#/properties/a~1b",
            "multipleOf"
        ),
        (#"{"type":"array","items":{"type":"string","minimum":2}}"#, "#/items", "minimum"),
        (#"{"type":"object","patternProperties":{}}"#, "#", "patternProperties"),
        (#"{"anyOf":[{"type":"null"},{"not":{}}]}"#, "#/anyOf/1", "not"),
        (#"{"anyOf":[{"type":"null"}],"type":"null"}"#, "#", "type"),
        (#"{"allOf":[{},{}]}"#, "#", "allOf"),
        (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "#", "oneOf"),
        (#"{"$ref":"other.json"}"#, "#", "$ref"), (##"{"$ref":"#/$defs/x"}"##, "#", "$ref"),
        (#"{"type":"string","format":"iri"}"#, "#", "format"),
        (#"{"type":"string","pattern":"^(?=a)"}"#, "#", "pattern"),
        (#"{"type":"string","pattern":"(a)\\1"}"#, "#", "pattern"),
        (#"{"type":"string","pattern":"^ab$","maxLength":3}"#, "#", "pattern"),
        (#"{"type":"number","minimum":0.5}"#, "#", "minimum"),
        (#"{"type":"object","minProperties":3}"#, "#", "minProperties"),
    ])
    func whatIsNotEnforcedIsRefusedByName(schema: String, pointer: String, keyword: String) throws {
        do {
            _ = try Grammar(jsonSchema: Array(schema.utf8))
            Issue.record("\(schema) was taken")
        } catch .unsupported(let place, let name, _) {
            #expect(place == pointer && name == keyword)
        } catch {
            Issue.record("\(schema): \(error)")
        }
    }

    @Test(arguments: [
        "", "{", #"{"a":1,"a":2}"#, "[1,]", "01", #"{"a" 1}"#, "nul", #""\x""#, "{} x", #""\ud800""#,
        String(repeating: "[", count: 100),
    ])
    func textsThatAreNoJSONAreRefused(text: String) {
        do {
            _ = try Grammar(jsonSchema: Array(text.utf8))
            Issue.record("\(text) was taken")
        } catch .syntax {
        } catch {
            Issue.record("\(text): \(error)")
        }
    }

    @Test(arguments: [
        // No text, or too many.
        #"{"type":"object","properties":{},"required":["a"],"additionalProperties":false}"#, "false",
        ##"{"$ref":"#"}"##, ##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##,
        #"{"type":"string","maxLength":90000}"#,
        ##"{"type":"object","properties":{"a":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"object","properties":{"##
            + (0..<20).map { ##""p\##($0)":{"$ref":"#/$defs/t"}"## }.joined(separator: ",") + "}}}}",
    ])
    func schemasThatCannotBeUsedAreRefused(schema: String) {
        do {
            _ = try Grammar(jsonSchema: Array(schema.utf8))
            Issue.record("\(schema) was taken")
        } catch .unusable {
        } catch {
            Issue.record("\(schema): \(error)")
        }
    }

    /// Random texts of a grammar: some steps at random, then the shortest way to an end.
    private func walk(_ automaton: inout GrammarAutomaton, steps: Int, random: inout SplitMix64) -> [UInt8]? {
        var text: [UInt8] = []
        var state: GrammarAutomaton.State = 0
        for _ in 0..<steps {
            let live = (0...255 as ClosedRange<UInt8>).filter { automaton.step(state, $0) != GrammarAutomaton.dead }
            guard !live.isEmpty else { break }
            // Quotation marks, commas and brackets more often than chance: structure is what is tested.
            let marks = live.filter { Array("\",]}:{[".utf8).contains($0) }
            let pool = !marks.isEmpty && random.next() % 4 == 0 ? marks : live
            let byte = pool[Int(random.next() % UInt64(pool.count))]
            text.append(byte)
            state = automaton.step(state, byte)
        }
        var ways: [GrammarAutomaton.State: [UInt8]] = [state: []]
        var queue = [state]
        var next = 0
        while next < queue.count {
            let from = queue[next]
            next += 1
            let way = ways[from] ?? []
            if automaton.isAccepting(from) { return text + way }
            for byte in 0...255 as ClosedRange<UInt8> {
                let to = automaton.step(from, byte)
                guard to != GrammarAutomaton.dead, ways[to] == nil else { continue }
                ways[to] = way + [byte]
                queue.append(to)
            }
        }
        return nil
    }

    @Test(arguments: cases)
    func randomTextsSatisfyTheirSchemas(example: Case) throws {
        let schema = try JSONSchemaReader.read(Array(example.schema.utf8))
        var automaton = try GrammarAutomaton(Grammar(jsonSchema: Array(example.schema.utf8)))
        var random = SplitMix64(state: 11)
        for round in 0..<40 {
            let text = try #require(walk(&automaton, steps: round * 2, random: &random))
            let value = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
            let checker = JSONSchemaChecker(root: schema)
            #expect(try checker.satisfies(value, schema), "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test(.enabled(if: RealModel.smolLM2.path != nil, RealModel.smolLM2.missing))
    func modelsWriteWhatTheSchemaAsksFor() async throws {
        let schema = #"""
            {"type":"object","required":["name","born","works"],"additionalProperties":false,"properties":{
             "name":{"type":"string","minLength":1,"maxLength":40},"born":{"type":"integer","minimum":1000,"maximum":2100},
             "works":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"object","required":["title","kind"],
             "properties":{"title":{"type":"string","maxLength":30},"kind":{"enum":["novel","play","poem"]}}}}}}
            """#
        let engine = try await RealModel.smolLM2.open(numerics: .fast)
        let grammar = try Grammar(jsonSchema: Array(schema.utf8))
        let prompt = engine.tokenizer.encode(
            "<|im_start|>user\nDescribe William Shakespeare as JSON.<|im_end|>\n<|im_start|>assistant\n", mode: .special
        )
        var outputs: [String] = []
        var accepted: [Int] = []
        for speculation in [false, true] {
            var text = ""
            let request = GenerationRequest(
                prompt: prompt, maxOutputTokens: 300, grammar: grammar, speculation: speculation)
            for try await event in engine.generate(request) {
                if case .token(_, let piece, _, _) = event { text += piece }
                if case .finished(let reason, let usage) = event {
                    #expect(reason == .grammar)
                    accepted.append(usage.acceptedTokens)
                }
            }
            let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
            let root = try JSONSchemaReader.read(Array(schema.utf8))
            #expect(try JSONSchemaChecker(root: root).satisfies(value, root), "\(text)")
            outputs.append(text)
        }
        // Keys and brackets are taken as forced.
        #expect(outputs[0] == outputs[1] && accepted[1] > 5)
    }
}

/// Checks a value that Foundation read against a schema, keyword by keyword, the way the specification words them.
private struct JSONSchemaChecker {
    let root: JSONSchemaValue

    func satisfies(_ value: Any, _ schema: JSONSchemaValue) throws -> Bool {
        if case .bool(let verdict) = schema { return verdict }
        guard case .object(let members) = schema else { return false }
        return try members.allSatisfy { try check($0.key, $0.value, value, schema) }
    }

    private func check(_ keyword: String, _ argument: JSONSchemaValue, _ value: Any, _ schema: JSONSchemaValue) throws
        -> Bool
    {
        let string = value as? String
        let array = value as? [Any]
        let object = value as? [String: Any]
        let number = kind(value) == "number" ? (value as? NSNumber)?.doubleValue : nil
        func limit(_ actual: Int?, _ holds: (Int, Int) -> Bool) -> Bool {
            guard let actual, let bound = argument.integer else { return true }
            return holds(actual, bound)
        }
        func bound(_ holds: (Double, Double) -> Bool) -> Bool {
            guard let number, case .number(let text) = argument, let bound = Double(text) else { return true }
            return holds(number, bound)
        }
        switch (keyword, argument) {
        case ("type", .string(let name)): return has(value, type: name)
        case ("type", .array(let names)): return names.contains { has(value, type: text($0)) }
        case ("const", _): return try equal(value, argument)
        case ("enum", .array(let values)): return try values.contains { try equal(value, $0) }
        case ("$ref", .string(let reference)): return try satisfies(value, #require(root.target(of: reference)))
        case ("anyOf", .array(let parts)): return try parts.contains { try satisfies(value, $0) }
        case ("oneOf", .array(let parts)): return try parts.filter { try satisfies(value, $0) }.count == 1
        case ("properties", .object(let members)):
            return try members.allSatisfy { member in
                try object?[member.key].map { try satisfies($0, member.value) } ?? true
            }
        case ("required", .array(let names)): return names.allSatisfy { object == nil || object?[text($0)] != nil }
        case ("additionalProperties", _):
            var known: Set<String> = []
            if case .object(let members)? = schema["properties"] { known = Set(members.map(\.key)) }
            return try (object ?? [:]).allSatisfy { try known.contains($0.key) || satisfies($0.value, argument) }
        case ("items", _): return try (array ?? []).allSatisfy { try satisfies($0, argument) }
        case ("minItems", _): return limit(array?.count, >=)
        case ("maxItems", _): return limit(array?.count, <=)
        case ("maxProperties", _): return limit(object?.count, <=)
        case ("minLength", _): return limit(string?.unicodeScalars.count, >=)
        case ("maxLength", _): return limit(string?.unicodeScalars.count, <=)
        case ("minimum", _): return bound(>=)
        case ("maximum", _): return bound(<=)
        case ("exclusiveMaximum", _): return bound(<)
        case ("pattern", .string(let pattern)):
            return string.map { $0.range(of: pattern, options: .regularExpression) != nil } ?? true
        case ("format", .string("date")): return string.map { Self.isDate($0) } ?? true
        case ("format", .string("date-time")):
            return string.map { $0.dropFirst(10).first == "T" && Self.isDate(String($0.prefix(10))) } ?? true
        case ("format", .string("email")): return string.map { $0.split(separator: "@").count == 2 } ?? true
        case ("$defs", _): return true
        default:
            Issue.record("the checker does not know '\(keyword)'")
            return false
        }
    }

    private static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        guard parts.count == 3 else { return false }
        return DateComponents(calendar: calendar, year: parts[0], month: parts[1], day: parts[2]).isValidDate
    }

    private func kind(_ value: Any) -> String {
        switch value {
        case is String: return "string"
        case is [Any]: return "array"
        case is [String: Any]: return "object"
        case is NSNull: return "null"
        default: return value is Bool && "\(type(of: value))".contains("Bool") ? "boolean" : "number"
        }
    }

    private func has(_ value: Any, type: String) -> Bool {
        if type == "integer" {
            return kind(value) == "number"
                && (value as? NSNumber).map { $0.doubleValue.rounded() == $0.doubleValue } ?? false
        }
        return kind(value) == type
    }

    private func text(_ value: JSONSchemaValue) -> String { if case .string(let text) = value { text } else { "" } }

    private func equal(_ value: Any, _ other: JSONSchemaValue) throws -> Bool {
        let data = try JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed)
        return try JSONSchemaReader.read(Array(data)).equals(other)
    }
}
