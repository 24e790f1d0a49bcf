import FoundationEssentials
import Runs

/// Records of other targets as JSON with their fields in a fixed order.
enum RecordJSON {
    /// One line; keys sorted, so that equal records give equal bytes.
    static func line(_ record: some Encodable) throws -> String { try text(record, pretty: false) }

    /// Over several lines.
    static func pretty(_ record: some Encodable) throws -> String { try text(record, pretty: true) }

    /// A record as a value that can be put into an event.
    static func value(_ record: some Encodable) throws -> JSONValue {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try JSONValue(parsing: String(decoding: encoder.encode(record), as: UTF8.self))
    }

    /// Reads a record back.
    static func decode<T: Decodable>(_ type: T.Type, from text: String) -> T? {
        try? JSONDecoder().decode(type, from: Data(text.utf8))
    }

    private static func text(_ record: some Encodable, pretty: Bool) throws -> String {
        let value = try value(record).schemaFirst
        return pretty ? value.pretty : value.line
    }
}

extension JSONValue {
    /// The same with `schema` in front, where readers look for it.
    var schemaFirst: JSONValue {
        guard case .object(let members) = self, let schema = members.first(where: { $0.key == "schema" }) else {
            return self
        }
        return .object([schema] + members.filter { $0.key != "schema" })
    }
}
