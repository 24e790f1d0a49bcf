// JSON Schema (draft 2020-12, as far as it is listed here) to a grammar of the JSON texts that satisfy it.
//
// Output is one line with a space behind each colon and comma, keys in the schema's order. Every keyword is either
// enforced or refused; only annotations are passed over. Where the language is smaller than the schema's (no
// properties that are not named unless `additionalProperties` asks for them, references expanded a few times, years of
// four digits) what it holds still satisfies the schema.

extension Grammar {
    /// The JSON texts that satisfy a schema.
    ///
    /// Types, `properties`, `required`, `additionalProperties`, `items` and their bounds, `enum`, `const`, `anyOf`,
    /// `oneOf` of alternatives that exclude each other, references within the document, `pattern`, some formats.
    /// - Parameters:
    ///   - schema: UTF-8.
    ///   - recursion: how often a reference is followed inside of itself.
    package init(jsonSchema schema: [UInt8], recursion: Int = 4) throws(JSONSchemaError) {
        let root = try JSONSchemaReader.read(schema)
        var compiler = JSONSchemaCompiler(root: root, recursion: recursion)
        self = try compiler.document()
        do {
            _ = try GrammarAutomaton(self)
        } catch .grammar(let reason) {
            throw .unusable(reason)
        } catch {
            throw .unusable("\(error)")
        }
    }
}

/// Compiles one document.
struct JSONSchemaCompiler {
    /// Schemas compiled, references expanded: bounds what recursion can make of a small document.
    private static let mostSchemas = 20_000
    static let annotations: Set<String> = [
        "title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly",
        "writeOnly", "$defs", "definitions",
    ]
    /// What each type may be said to be.
    private static let keywords: [String: Set<String>] = [
        "object": ["properties", "required", "additionalProperties", "minProperties", "maxProperties"],
        "array": ["items", "minItems", "maxItems"],
        "string": ["minLength", "maxLength", "pattern", "format"],
        "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        "number": ["minimum", "maximum"],
        "boolean": [], "null": [],
    ]
    private static let separator = Grammar.literal(", ")

    let root: JSONSchemaValue
    let recursion: Int
    private var compiled = 0
    /// References being expanded, and how many times.
    private var open: [String: Int] = [:]

    init(root: JSONSchemaValue, recursion: Int) {
        self.root = root
        self.recursion = recursion
    }

    mutating func document() throws(JSONSchemaError) -> Grammar {
        open["#"] = 1
        return try grammar(root, "#")
    }

    /// The texts of one schema; `pointer` is where it stands.
    private mutating func grammar(_ schema: JSONSchemaValue, _ pointer: String) throws(JSONSchemaError) -> Grammar {
        compiled += 1
        guard compiled <= Self.mostSchemas else {
            throw .unusable("It expands to more than \(Self.mostSchemas) schemas.")
        }
        switch schema {
        case .bool(true): return Self.anything
        case .bool(false): return .choice([])
        case .object(let members):
            let keys = members.map(\.key).filter { !Self.annotations.contains($0) }
            for keyword in ["$ref", "allOf", "anyOf", "oneOf", "const", "enum"] where keys.contains(keyword) {
                guard let value = schema[keyword] else { continue }
                let siblings: Set = keyword == "const" || keyword == "enum" ? [keyword, "type"] : [keyword]
                if let other = keys.first(where: { !siblings.contains($0) }) {
                    throw .unsupported(pointer: pointer, keyword: other, reason: "beside '\(keyword)'")
                }
                return try combination(keyword, value, of: schema, pointer)
            }
            return try typed(schema, keys: keys, pointer)
        default: throw .invalid(pointer: pointer, keyword: "", reason: "a schema is an object, true or false")
        }
    }

    private mutating func combination(
        _ keyword: String, _ value: JSONSchemaValue, of schema: JSONSchemaValue, _ pointer: String
    ) throws(JSONSchemaError) -> Grammar {
        switch (keyword, value) {
        case ("$ref", .string(let reference)):
            let target = try resolve(reference, pointer)
            guard open[reference, default: 0] <= recursion else { return .choice([]) }
            open[reference, default: 0] += 1
            defer { open[reference, default: 0] -= 1 }
            return try grammar(target, reference)
        case ("const", _): return .literal(value.text)
        case ("enum", .array(let values)):
            guard !values.isEmpty else { throw .invalid(pointer: pointer, keyword: "enum", reason: "it is empty") }
            let types = schema["type"] == nil ? nil : try self.types(of: schema, keys: [], pointer)
            return .choice(
                values.filter { value in
                    guard let types else { return true }
                    return types.contains(value.typeName) || (value.typeName == "integer" && types.contains("number"))
                }.map { .literal($0.text) })
        case ("allOf", .array(let parts)) where parts.count == 1: return try grammar(parts[0], pointer + "/allOf/0")
        case ("anyOf", .array(let parts)), ("oneOf", .array(let parts)):
            guard !parts.isEmpty else { throw .invalid(pointer: pointer, keyword: keyword, reason: "it is empty") }
            if keyword == "oneOf" { try checkExclusion(parts, pointer) }
            var alternatives: [Grammar] = []
            for (index, part) in parts.enumerated() {
                alternatives.append(try grammar(part, "\(pointer)/\(keyword)/\(index)"))
            }
            return .choice(alternatives)
        case ("allOf", .array):
            throw .unsupported(pointer: pointer, keyword: keyword, reason: "more than one schema at once")
        default:
            throw .invalid(pointer: pointer, keyword: keyword, reason: "it is a \(value.typeName)")
        }
    }

    /// Every pair must exclude each other, so that what satisfies one satisfies exactly one.
    private func checkExclusion(_ parts: [JSONSchemaValue], _ pointer: String) throws(JSONSchemaError) {
        let exclusion = JSONSchemaExclusion(root: root)
        for (index, part) in parts.enumerated() {
            for other in parts[..<index] where !exclusion.exclude(part, other) {
                throw .unsupported(
                    pointer: pointer, keyword: "oneOf",
                    reason: "alternatives that do not clearly exclude each other; 'anyOf' takes them")
            }
        }
    }

    private func resolve(_ reference: String, _ pointer: String) throws(JSONSchemaError) -> JSONSchemaValue {
        guard let target = root.target(of: reference) else {
            throw .unsupported(
                pointer: pointer, keyword: "$ref", reason: "'\(reference)' leads to nothing in this document")
        }
        return target
    }

    // MARK: - Types

    /// The types that a schema names, or the one that its keywords speak of; nil for all.
    private func types(
        of schema: JSONSchemaValue, keys: [String], _ pointer: String
    ) throws(JSONSchemaError) -> [String]? {
        var types: [String] = []
        switch schema["type"] {
        case .string(let name): types = [name]
        case .array(let names):
            types = names.compactMap { if case .string(let name) = $0 { name } else { nil } }
            guard types.count == names.count, !types.isEmpty else {
                throw .invalid(pointer: pointer, keyword: "type", reason: "it is a list of names")
            }
        case nil:
            let order = ["object", "array", "string", "number", "integer"]
            guard let type = order.first(where: { !Self.keywords[$0, default: []].isDisjoint(with: keys) }) else {
                return nil
            }
            return [type]
        default: throw .invalid(pointer: pointer, keyword: "type", reason: "it is a name or a list of names")
        }
        if let unknown = types.first(where: { Self.keywords[$0] == nil }) {
            throw .invalid(pointer: pointer, keyword: "type", reason: "there is no type '\(unknown)'")
        }
        return types
    }

    private mutating func typed(
        _ schema: JSONSchemaValue, keys: [String], _ pointer: String
    ) throws(JSONSchemaError) -> Grammar {
        let types = try types(of: schema, keys: keys, pointer)
        let known = (types ?? []).reduce(into: Set(["type"])) { $0.formUnion(Self.keywords[$1, default: []]) }
        if let other = keys.first(where: { !known.contains($0) }) {
            let isKnown = Self.keywords.values.contains { $0.contains(other) }
            throw .unsupported(
                pointer: pointer, keyword: other,
                reason: isKnown ? "not for type \(types?.joined(separator: ", ") ?? "")" : "it cannot be enforced")
        }
        guard let types else { return Self.anything }
        var alternatives: [Grammar] = []
        for type in types {
            switch type {
            case "object": alternatives.append(try object(schema, pointer))
            case "array": alternatives.append(try array(schema, pointer))
            case "string": alternatives.append(try string(schema, pointer))
            case "integer", "number": alternatives.append(try number(schema, isWhole: type == "integer", pointer))
            case "boolean": alternatives.append(.choice([.literal("true"), .literal("false")]))
            default: alternatives.append(.literal("null"))
            }
        }
        return .choice(alternatives)
    }

    private mutating func object(_ schema: JSONSchemaValue, _ pointer: String) throws(JSONSchemaError) -> Grammar {
        var members: [JSONSchemaValue.Member] = []
        switch schema["properties"] {
        case .object(let found): members = found
        case nil: break
        default: throw .invalid(pointer: pointer, keyword: "properties", reason: "it is an object")
        }
        let required = try requiredNames(schema, pointer)
        let additional = schema["additionalProperties"]
        // Names that are required and not described satisfy what is said about additional ones.
        for name in required where !members.contains(where: { $0.key == name }) {
            members.append(.init(key: name, value: additional ?? .bool(true)))
        }
        var items: [(item: Grammar, isRequired: Bool)] = []
        for member in members {
            let value = try grammar(member.value, pointer + "/properties/" + Self.escaped(member.key))
            let key = Grammar.literal(JSONSchemaValue.quoted(member.key) + ": ")
            items.append((.sequence([key, value]), required.contains(member.key)))
        }
        let least = try bound("minProperties", schema, pointer) ?? 0
        let most = try bound("maxProperties", schema, pointer)
        // Additional ones come last. An object of which nothing at all is said may hold anything.
        let isOpen = additional != nil && additional != .bool(false) || (additional == nil && members.isEmpty)
        if let most, most < members.count {
            throw .unsupported(pointer: pointer, keyword: "maxProperties", reason: "fewer than are described")
        }
        if isOpen, most ?? .max > members.count {
            let value = try grammar(additional ?? .bool(true), pointer + "/additionalProperties")
            let pair = Grammar.sequence([.jsonKey(excluding: members.map(\.key)), .literal(": "), value])
            let list = Grammar.separated(pair, by: Self.separator, min: 1, max: most.map { $0 - members.count })
            items.append((list, least > required.count))
        }
        // Additional keys may repeat, so that no more than one of them can be counted on.
        guard least <= required.count + (isOpen ? 1 : 0) else {
            throw .unsupported(pointer: pointer, keyword: "minProperties", reason: "more than are required")
        }
        return .sequence([.literal("{"), .list(items, separator: Self.separator), .literal("}")])
    }

    private func requiredNames(_ schema: JSONSchemaValue, _ pointer: String) throws(JSONSchemaError) -> [String] {
        guard let required = schema["required"] else { return [] }
        guard case .array(let elements) = required else {
            throw .invalid(pointer: pointer, keyword: "required", reason: "it is a list of names")
        }
        let names = elements.compactMap { if case .string(let name) = $0 { name } else { nil } }
        guard names.count == elements.count else {
            throw .invalid(pointer: pointer, keyword: "required", reason: "it is a list of names")
        }
        return names
    }

    private mutating func array(_ schema: JSONSchemaValue, _ pointer: String) throws(JSONSchemaError) -> Grammar {
        let item = try grammar(schema["items"] ?? .bool(true), pointer + "/items")
        let (min, max) = try range("minItems", "maxItems", schema, pointer)
        return .sequence([
            .literal("["), .separated(item, by: Self.separator, min: min, max: max), .literal("]"),
        ])
    }

    private func string(_ schema: JSONSchemaValue, _ pointer: String) throws(JSONSchemaError) -> Grammar {
        let (min, max) = try range("minLength", "maxLength", schema, pointer)
        let isBounded = schema["minLength"] != nil || schema["maxLength"] != nil
        var pattern: String?
        if let format = schema["format"] {
            guard case .string(let name) = format, let found = JSONStringFormat.pattern(name) else {
                throw .unsupported(
                    pointer: pointer, keyword: "format",
                    reason: "known are \(JSONStringFormat.known.joined(separator: ", "))")
            }
            guard schema["pattern"] == nil, !isBounded else {
                throw .unsupported(pointer: pointer, keyword: "format", reason: "beside other limits of a string")
            }
            pattern = found
        }
        if let value = schema["pattern"] {
            guard case .string(let text) = value else {
                throw .invalid(pointer: pointer, keyword: "pattern", reason: "it is a string")
            }
            if isBounded {
                guard let (set, least, most) = JSONPattern.repeatedClass(text) else {
                    throw .unsupported(pointer: pointer, keyword: "pattern", reason: "beside a length")
                }
                let (low, high) = (Swift.max(least, min), Swift.min(most ?? .max, max ?? .max))
                guard low <= high else { return .choice([]) }
                return .quoted(.repeat(set.grammar, min: low, max: high == .max ? nil : high))
            }
            pattern = text
        }
        guard let pattern else { return .jsonString(min: min, max: max) }
        do {
            return .quoted(try JSONPattern.grammar(pattern))
        } catch {
            throw .unsupported(pointer: pointer, keyword: "pattern", reason: error.reason)
        }
    }

    private func number(
        _ schema: JSONSchemaValue, isWhole: Bool, _ pointer: String
    ) throws(JSONSchemaError) -> Grammar {
        func whole(_ keyword: String) throws(JSONSchemaError) -> Int? {
            guard let value = schema[keyword] else { return nil }
            guard let integer = value.integer, abs(integer) <= Grammar.largestInteger else {
                throw .unsupported(pointer: pointer, keyword: keyword, reason: "other than whole numbers of 18 digits")
            }
            return integer
        }
        let (least, most) = (try whole("minimum"), try whole("maximum"))
        guard isWhole else { return .numbers(from: least, to: most) }
        let (above, below) = (try whole("exclusiveMinimum"), try whole("exclusiveMaximum"))
        let lower = [least, above.map { $0 + 1 }].compactMap(\.self).max()
        let upper = [most, below.map { $0 - 1 }].compactMap(\.self).min()
        return .integers(from: lower, to: upper)
    }

    // MARK: - Parts

    /// Any JSON value, three levels deep.
    private static let anything: Grammar = {
        let flat = Grammar.choice([
            .jsonString(), .numbers(from: nil, to: nil), .literal("true"), .literal("false"), .literal("null"),
        ])
        var value = flat
        for _ in 0..<3 {
            let pair = Grammar.sequence([.jsonKey(excluding: []), .literal(": "), value])
            value = .choice([
                flat, .sequence([.literal("["), .separated(value, by: separator), .literal("]")]),
                .sequence([.literal("{"), .separated(pair, by: separator), .literal("}")]),
            ])
        }
        return value
    }()

    private func range(
        _ lower: String, _ upper: String, _ schema: JSONSchemaValue, _ pointer: String
    ) throws(JSONSchemaError) -> (min: Int, max: Int?) {
        let min = try bound(lower, schema, pointer) ?? 0
        let max = try bound(upper, schema, pointer)
        guard max ?? min >= min else { throw .invalid(pointer: pointer, keyword: upper, reason: "below '\(lower)'") }
        return (min, max)
    }

    /// A number of things, at most as many as a grammar has places.
    private func bound(
        _ keyword: String, _ schema: JSONSchemaValue, _ pointer: String
    ) throws(JSONSchemaError) -> Int? {
        guard let value = schema[keyword] else { return nil }
        guard let count = value.integer, count >= 0 else {
            throw .invalid(pointer: pointer, keyword: keyword, reason: "it is a whole number from 0 on")
        }
        guard count <= GrammarPlaces.maximum else {
            throw .unsupported(pointer: pointer, keyword: keyword, reason: "more than \(GrammarPlaces.maximum)")
        }
        return count
    }

    /// A step of a pointer.
    private static func escaped(_ key: String) -> String {
        var result = ""
        for character in key {
            switch character {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.append(character)
            }
        }
        return result
    }
}

extension JSONSchemaValue {
    /// What a reference within this document leads to (RFC 6901); nil for all other references.
    func target(of reference: String) -> JSONSchemaValue? {
        guard reference.first == "#", !reference.contains("%") else { return nil }
        guard reference != "#" else { return self }
        var value = self
        let steps = reference.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard steps.first == "" else { return nil }
        for step in steps.dropFirst() {
            let key = Self.unescaped(step)
            switch value {
            case .object:
                guard let next = value[key] else { return nil }
                value = next
            case .array(let elements):
                guard let index = Int(key), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }

    private static func unescaped(_ step: Substring) -> String {
        var result = ""
        var isEscape = false
        for character in step {
            if isEscape {
                result.append(character == "1" ? "/" : "~")
                isEscape = false
            } else if character == "~" {
                isEscape = true
            } else {
                result.append(character)
            }
        }
        return result
    }
}
