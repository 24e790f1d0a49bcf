// The JSON Schema of pipeline files, made from the table the validator reads.

package import Runs

/// `docproc schema pipeline`.
package enum PipelineSchema {
    /// The schema, draft 2020-12. Keys that are not built yet are not in it.
    package static var json: JSONValue {
        guard case .object(let members) = schema(PipelineKeys.root) else { return .null }
        return .object(
            [
                .init("$schema", "https://json-schema.org/draft/2020-12/schema"),
                .init("$id", "docproc.pipeline/1"), .init("title", "docproc pipeline"),
            ] + members)
    }

    private static func schema(_ shape: Shape) -> JSONValue {
        switch shape {
        case .text, .regex: text("\\S")
        case .identifier: text("^[\\p{L}\\p{N}][\\p{L}\\p{N}._-]*$")
        case .sha256: text("^[0-9A-Fa-f]{64}$")
        case .integer(let range): orVariable(bounds("integer", low: range.lowerBound, high: range.upperBound))
        case .number(let range): orVariable(bounds(range))
        case .boolean: orVariable(.fields(["type": "boolean"]))
        case .bytes: .fields(["type": "string", "pattern": .string("^[0-9][0-9.]*[KMGT](i?B)?$|" + variable)])
        case .reading:
            text("^(exact|lazy-v:0?\\.[0-9]+|certified:0?\\.[0-9]+|budget:[0-9]+)$|" + variable)
        case .tokens:
            .fields([
                "type": ["integer", "string"], "minimum": 1, "pattern": .string("^[0-9][0-9.]*[KM]?$|" + variable),
            ])
        case .share: .fields(["type": "string", "pattern": .string("^[0-9][0-9.]*%$|" + variable)])
        case .duration: .fields(["type": "string", "pattern": .string("^([0-9][0-9.]*[dhms])+$|" + variable)])
        case .words:
            .fields([
                "type": ["integer", "string"], "minimum": 1, "pattern": .string("^[0-9]+( words?)?$|" + variable),
            ])
        case .pages:
            .fields(["type": ["integer", "string"], "minimum": 1, "pattern": .string("^[0-9 ,-]+$|" + variable)])
        case .anyScalar: .fields(["type": ["string", "number", "boolean"]])
        case .choice(let words, _):
            .fields(["anyOf": [.fields(["enum": .array(words.map { .string($0) })]), text(variable)]])
        case .list(let item): .fields(["type": "array", "minItems": 1, "items": schema(item)])
        case .oneOrMore(let item): .fields(["anyOf": [schema(item), schema(.list(item))]])
        case .short(let short, let long): .fields(["anyOf": [schema(short), schema(long)]])
        case .either(let one, let other): .fields(["anyOf": [schema(one), schema(other)]])
        case .named(_, let item):
            .fields(["type": "object", "minProperties": 1, "additionalProperties": schema(item)])
        case .mapping(let mapping): object(mapping)
        case .oneKey(_, let keys):
            .object([
                .init("type", "object"), .init("properties", properties(keys)), .init("additionalProperties", false),
                .init("minProperties", 1), .init("maxProperties", 1),
            ])
        }
    }

    private static let variable = "\\$\\{(env|params)\\."

    private static func text(_ pattern: String) -> JSONValue {
        // Plain numbers are taken as text where text is wanted.
        pattern == variable
            ? .fields(["type": "string", "pattern": .string(pattern)])
            : .fields(["type": ["string", "number"], "pattern": .string(pattern + "|" + variable)])
    }

    private static func orVariable(_ schema: JSONValue) -> JSONValue {
        .fields(["anyOf": [schema, text(variable)]])
    }

    private static func bounds(_ type: String, low: Int, high: Int) -> JSONValue {
        var members: [JSONValue.Member] = [.init("type", .string(type)), .init("minimum", .int(low))]
        if high != .max { members.append(.init("maximum", .int(high))) }
        return .object(members)
    }

    private static func bounds(_ range: ClosedRange<Double>) -> JSONValue {
        var members: [JSONValue.Member] = [.init("type", "number")]
        if range.lowerBound.isFinite { members.append(.init("minimum", .double(range.lowerBound))) }
        if range.upperBound.isFinite { members.append(.init("maximum", .double(range.upperBound))) }
        return .object(members)
    }

    private static func properties(_ keys: [Key]) -> JSONValue {
        .object(
            keys.filter(\.isBuilt).map { key in
                guard case .object(let members) = schema(key.shape) else { return .init(key.name, .null) }
                return .init(key.name, .object([.init("description", .string(key.summary))] + members))
            })
    }

    private static func object(_ mapping: MappingShape) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("type", "object"), .init("properties", properties(mapping.keys)),
            .init("additionalProperties", false),
        ]
        let required = mapping.keys.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(.init("required", .array(required))) }
        func choice(_ names: [String]) -> JSONValue {
            let built = names.filter { name in mapping.keys.contains { $0.name == name && $0.isBuilt } }
            return .array(built.map { .fields(["required": [.string($0)]]) })
        }
        if !mapping.exactlyOne.isEmpty { members.append(.init("oneOf", choice(mapping.exactlyOne))) }
        if !mapping.atLeastOne.isEmpty { members.append(.init("anyOf", choice(mapping.atLeastOne))) }
        return .object(members)
    }
}
