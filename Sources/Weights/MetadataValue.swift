// Values of a checkpoint's metadata, as GGUF knows them.

/// One value of any type that GGUF stores.
package enum MetadataValue: Sendable, Hashable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case uint64(UInt64)
    case int64(Int64)
    case float32(Float)
    case float64(Double)
    case bool(Bool)
    /// UTF-8, kept as bytes: vocabularies hold ill-formed pieces.
    case string([UInt8])
    /// Elements are of one type; arrays may nest.
    case array([MetadataValue])

    /// A text.
    package static func text(_ text: String) -> MetadataValue { .string(Array(text.utf8)) }

    /// An integral number of any type; floats only where they are whole.
    package var integer: Int? {
        switch self {
        case .uint8(let value): Int(value)
        case .int8(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint32(let value): Int(value)
        case .int32(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        case .int64(let value): Int(value)
        case .float32(let value): Int(exactly: value)
        case .float64(let value): Int(exactly: value)
        case .bool(let value): value ? 1 : 0
        case .string, .array: nil
        }
    }

    /// Any number.
    package var float: Float? {
        switch self {
        case .float32(let value): value
        case .float64(let value): Float(value)
        default: integer.map { Float($0) }
        }
    }

    package var string: String? {
        guard case .string(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The elements of an array; a single value is an array of one, since per-layer keys may be either.
    package var elements: [MetadataValue] {
        guard case .array(let elements) = self else { return [self] }
        return elements
    }
}
