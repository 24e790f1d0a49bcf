import Diagnostics
import Runs

/// JSON Schemas of the records that docproc prints. Fields may be added; those named here stay.
enum RecordSchemas {
    /// The records that have one.
    static let names = ["answer", "summary", "plan", "event", "error", "config"]

    /// The schema of a record.
    static func named(_ name: String) -> JSONValue? {
        switch name {
        case "answer": answer
        case "summary": summary
        case "plan": plan
        case "event": event
        case "error": error
        case "config": config
        default: nil
        }
    }

    private static func record(_ name: String, _ properties: KeyValuePairs<String, JSONValue>, required: [JSONValue])
        -> JSONValue
    {
        .fields([
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": .string("docproc.\(name)/1"),
            "title": .string("docproc \(name)"), "type": "object",
            "properties": .object(
                [.init("schema", .fields(["const": .string("docproc.\(name)/1")]))]
                    + properties.map { JSONValue.Member($0.key, $0.value) }),
            "required": .array(["schema"] + required),
        ])
    }

    private static let text: JSONValue = .fields(["type": "string"])
    private static let count: JSONValue = .fields(["type": "integer", "minimum": 0])
    private static let number: JSONValue = .fields(["type": "number"])
    private static let flag: JSONValue = .fields(["type": "boolean"])
    private static let hash: JSONValue = .fields(["type": "string", "pattern": "^[0-9a-f]{64}$"])
    private static let texts: JSONValue = list(text)

    private static func list(_ item: JSONValue) -> JSONValue { .fields(["type": "array", "items": item]) }
    private static func object(_ properties: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .fields(["type": "object", "properties": .object(properties.map { JSONValue.Member($0.key, $0.value) })])
    }
    private static func choice(_ words: [JSONValue]) -> JSONValue { .fields(["enum": .array(words)]) }

    private static let citation: JSONValue = object([
        "id": count, "doc": text, "sha256": hash, "page": count, "page_label": text, "quote": text, "prefix": text,
        "suffix": text, "offset": list(count), "boxes": list(list(number)), "element": text,
        "verified": choice(["exact", "normalized", "failed"]), "support": number, "hidden": flag,
    ])
    private static let rejected: JSONValue = object([
        "doc": text, "page": count, "quote": text, "sentence": text,
        "reason": choice(["quote_not_found", "unsupported", "uncited", "off_question"]),
    ])
    private static let coverage: JSONValue = object([
        "files": object(["read": count, "skipped": count, "failed": count]),
        "pages": object(["read": count, "skipped": count]),
        "tokens": object(["read": count, "skipped": count, "cut": count]),
        "reasons": .fields(["type": "object", "additionalProperties": count]), "note": text,
    ])
    private static let model: JSONValue = object(["name": text, "quant": text, "sha256": hash, "license": text])

    private static let keyValues = object([
        "mode": text, "bound": number, "skipped": number, "pages": count, "pages_read": count,
    ])

    private static var answer: JSONValue {
        record(
            "answer",
            [
                "run": text, "id": text, "question": text, "status": choice(["answered", "partial", "not_found"]),
                "answer": text, "strategy": choice(["full", "map", "search"]), "citations": list(citation),
                "rejected": list(rejected), "coverage": coverage,
                "usage": object([
                    "input_tokens": count, "cached_tokens": count, "output_tokens": count, "thinking_tokens": count,
                    "drafted_tokens": count, "accepted_tokens": count, "kv_read": keyValues,
                ]), "thinking": texts, "data": .object([]),
                "seconds": number, "model": model, "warnings": texts,
            ],
            required: [
                "question", "status", "answer", "strategy", "citations", "rejected", "coverage", "usage", "model",
            ])
    }

    private static var summary: JSONValue {
        record(
            "summary",
            [
                "doc": text, "sha256": hash, "status": choice(["ok", "partial", "empty", "failed"]), "text": text,
                "citations": list(citation), "rejected": list(rejected), "pages": count, "input_tokens": count,
                "output_tokens": count, "kv_read": keyValues, "thinking": texts, "seconds": number, "cached": flag,
                "key": hash,
                "coverage": coverage,
                "model": model, "warnings": texts,
            ], required: ["sha256", "status", "text", "citations", "pages", "cached"])
    }

    private static var plan: JSONValue {
        let bound = object(["bytes": count, "limit": count, "exceeded": flag])
        return record(
            "plan",
            [
                "command": text, "strategy": text,
                "model": object(["name": text, "quant": text, "bytes": count, "sha256": hash, "license": text]),
                "windows": object([
                    "count": count, "tokens": count, "largest": count, "reliable": count, "accepted": count,
                ]),
                "memory": bound, "disk": bound,
                "streaming": object([
                    "resident_bytes": count, "streamed_bytes": count, "chunk_tokens": count,
                    "read_bytes_per_second": number, "seconds_per_pass": number,
                ]), "files": object(["total": count, "reused": count]),
                "time": object(["seconds": number, "uncertainty": number]),
            ], required: ["command", "files"])
    }

    private static var event: JSONValue {
        record(
            "event",
            ["t": text, "run": text, "type": choice(Event.Kind.allCases.map { .string($0.rawValue) })],
            required: ["t", "run", "type"])
    }

    private static var error: JSONValue {
        record(
            "error",
            [
                "code": choice(ErrorCode.allCases.map { .string($0.rawValue) }), "exit": count, "cause": text,
                "places": list(object(["label": text, "value": text])),
                "remedies": list(object(["action": text, "effect": text])),
            ], required: ["code", "exit", "cause", "places", "remedies"])
    }

    /// Settings files: from the table of settings.
    private static var config: JSONValue {
        var members: [JSONValue.Member] = []
        var groups: [String: [JSONValue.Member]] = [:]
        for key in SettingKey.all {
            let parts = key.name.split(separator: ".").map { String($0) }
            if parts.count == 2 {
                groups[parts[0], default: []].append(.init(parts[1], shape(key)))
            } else {
                members.append(.init(key.name, shape(key)))
            }
        }
        for (name, entries) in groups.sorted(by: { $0.key < $1.key }) {
            members.append(
                .init(name, .fields(["type": "object", "properties": .object(entries), "additionalProperties": false])))
        }
        return .fields([
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "docproc.config/1",
            "title": "docproc settings",
            "type": "object", "properties": .object(members), "additionalProperties": false,
        ])
    }

    private static func shape(_ key: SettingKey) -> JSONValue {
        func described(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
            .object([.init("description", .string(key.help))] + members.map { .init($0.key, $0.value) })
        }
        switch key.kind {
        case .text, .size, .duration, .reading: return described(["type": ["string", "integer"]])
        case .boolean: return described(["type": "boolean"])
        case .number: return described(["type": "number", "minimum": 0])
        case .integer(let range): return described(["type": "integer", "minimum": .int(range.lowerBound)])
        case .choice(let words): return described(["enum": .array(words.map { .string($0) })])
        case .choiceOrInteger(let words, _):
            return described(["anyOf": [choice(words.map { .string($0) }), .fields(["type": ["integer", "string"]])]])
        case .list: return described(["type": "array", "items": text])
        case .map: return described(["type": "object", "additionalProperties": text])
        }
    }
}
