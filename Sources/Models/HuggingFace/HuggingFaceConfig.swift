// config.json of a Hugging Face folder: values by key, with errors that name the key.

import FoundationEssentials
import Weights

/// Any JSON value.
enum ConfigValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([ConfigValue])
    case object([String: ConfigValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([ConfigValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: ConfigValue].self))
        }
    }
}

/// One object of the configuration. Keys that are absent and keys that are null are the same.
struct HuggingFaceConfig: Sendable {
    private let values: [String: ConfigValue]
    /// For errors: `config.json` and the keys down to this object.
    let path: String

    init(json: [UInt8]) throws(ModelError) {
        guard let value = try? JSONDecoder().decode(ConfigValue.self, from: Data(json)),
            case .object(let values) = value
        else { throw .badValue(key: "config.json", value: "the file", reason: "it must hold one JSON object") }
        self.values = values
        path = "config.json"
    }

    private init(_ values: [String: ConfigValue], path: String) {
        self.values = values
        self.path = path
    }

    private func value(_ key: String) -> ConfigValue? {
        if case .null? = values[key] { return nil }
        return values[key]
    }

    func has(_ key: String) -> Bool { value(key) != nil }

    var keys: [String] { values.keys.sorted() }

    func object(_ key: String) -> HuggingFaceConfig? {
        guard case .object(let values)? = value(key) else { return nil }
        return HuggingFaceConfig(values, path: "\(path): \(key)")
    }

    func string(_ key: String) -> String? {
        guard case .string(let text)? = value(key) else { return nil }
        return text
    }

    func strings(_ key: String) -> [String]? {
        guard case .array(let elements)? = value(key) else { return nil }
        return elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    func number(_ key: String) -> Double? {
        guard case .number(let number)? = value(key) else { return nil }
        return number
    }

    /// A truth value, or a number that is 0 for false: published files have both.
    func bool(_ key: String) -> Bool? {
        switch value(key) {
        case .bool(let value): value
        case .number(let number): number != 0
        default: nil
        }
    }

    func integer(_ key: String) throws(ModelError) -> Int {
        guard let value = try optionalInteger(key) else { throw .missingKey("\(path): \(key)") }
        return value
    }

    func optionalInteger(_ key: String) throws(ModelError) -> Int? {
        guard let value = value(key) else { return nil }
        guard case .number(let number) = value, let integer = Int(exactly: number), abs(integer) <= 1 << 40 else {
            throw .badValue(key: "\(path): \(key)", value: "\(value)", reason: "it must be a whole number")
        }
        return integer
    }

    func integers(_ key: String) -> [Int]? {
        guard case .array(let elements)? = value(key) else { return nil }
        return elements.compactMap { if case .number(let number) = $0 { Int(exactly: number) } else { nil } }
    }

    /// Refuses a setting that would change the result and that we do not run.
    func require(_ condition: Bool, _ key: String) throws(ModelError) {
        guard !condition else { return }
        throw .feature(key: "\(path): \(key)", value: values[key].map { "\($0)" } ?? "missing")
    }
}
