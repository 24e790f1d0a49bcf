// Walks the header of a GGUF file once, front to back. Every count and length is checked against the bytes that are
// left before anything is allocated or skipped; strings and arrays are only measured, not copied.

import Tensors

/// Type ids of metadata values.
enum GGUFValueType: UInt32 {
    case uint8 = 0
    case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// Bytes of one value; nil where that varies.
    var size: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}

/// Where a metadata value lies in the file.
struct GGUFValuePlace {
    /// Of the value, or of the elements of an array.
    var type: GGUFValueType
    /// nil for a single value.
    var arrayCount: Int?
    /// First byte of the value or of the first element.
    var offset: Int
    /// Bytes of the value or of all elements.
    var byteCount: Int
}

/// A tensor as the header describes it, its byte count known to be representable.
struct GGUFTensorPlace {
    var name: String
    var type: DataType
    var shape: [Int]
    var byteCount: Int
    /// From the start of the data.
    var offset: Int
}

/// The cursor. All reads go through `take`, which is where bounds are checked.
struct GGUFReader {
    let file: MappedFile
    private(set) var offset = 0

    init(_ file: MappedFile) { self.file = file }

    private var left: Int { file.count - offset }

    private mutating func take(_ count: Int, _ what: @autoclosure () -> String) throws(GGUFError) -> Int {
        guard count >= 0, count <= left else { throw .truncated(what(), offset: offset) }
        defer { offset += count }
        return offset
    }

    private mutating func uint32(_ what: @autoclosure () -> String) throws(GGUFError) -> UInt32 {
        file.load(UInt32.self, at: try take(4, what()))
    }

    /// A count or length as the file has it, refused when `unit` bytes for each can't be in the file any more.
    private mutating func size(unit: Int, _ what: @autoclosure () -> String) throws(GGUFError) -> Int {
        let start = offset
        let raw = file.load(UInt64.self, at: try take(8, what()))
        guard raw <= UInt64(left / unit) else { throw .truncated(what(), offset: start) }
        return Int(raw)
    }

    private mutating func name(_ what: @autoclosure () -> String) throws(GGUFError) -> String {
        let start = offset
        let length = try size(unit: 1, what())
        guard length > 0, length < 1 << 16, let text = file.validString(at: try take(length, what()), count: length)
        else { throw .badName(offset: start) }
        return text
    }

    /// Magic and version; returns the numbers of tensors and of key-value pairs.
    mutating func preamble() throws(GGUFError) -> (tensors: Int, pairs: Int) {
        guard file.count >= 4, file.load(UInt32.self, at: try take(4, "the magic")) == 0x4655_4747 else {
            throw .notGGUF
        }
        let version = try uint32("the version")
        switch version {
        case 2, 3: break
        case 0x0200_0000, 0x0300_0000: throw .bigEndian
        default: throw .unsupportedVersion(version)
        }
        // The shortest pair is an 8-byte length, one letter, a type and one byte; the shortest tensor has one
        // dimension and a name of one letter.
        let tensors = try size(unit: 33, "the number of tensors")
        let pairs = try size(unit: 14, "the number of metadata pairs")
        return (tensors, pairs)
    }

    mutating func pair() throws(GGUFError) -> (key: String, place: GGUFValuePlace) {
        let key = try name("a metadata key")
        let type = try valueType(key)
        guard type == .array else {
            let start = offset
            try skip(type, count: 1, key)
            return (key, GGUFValuePlace(type: type, arrayCount: nil, offset: start, byteCount: offset - start))
        }
        let (element, count) = try arrayHead(key)
        let start = offset
        try skip(element, count: count, key)
        return (key, GGUFValuePlace(type: element, arrayCount: count, offset: start, byteCount: offset - start))
    }

    private mutating func valueType(_ key: String) throws(GGUFError) -> GGUFValueType {
        let raw = try uint32("the type of \(key)")
        guard let type = GGUFValueType(rawValue: raw) else { throw .badValueType(key: key, type: raw) }
        return type
    }

    private mutating func arrayHead(_ key: String) throws(GGUFError) -> (GGUFValueType, Int) {
        let element = try valueType(key)
        let smallest = element.size ?? (element == .string ? 8 : 12)
        return (element, try size(unit: smallest, "the array \(key)"))
    }

    private mutating func skip(_ type: GGUFValueType, count: Int, _ key: String, depth: Int = 0) throws(GGUFError) {
        if let size = type.size {
            guard count <= left / size else { throw .truncated("the value of \(key)", offset: offset) }
            offset += count * size
        } else if type == .string {
            for _ in 0..<count {
                guard left >= 8 else { throw .truncated("the value of \(key)", offset: offset) }
                let length = file.load(UInt64.self, at: offset)
                guard length <= UInt64(left - 8) else { throw .truncated("the value of \(key)", offset: offset) }
                offset += 8 + Int(length)
            }
        } else {
            guard depth < 4 else { throw .nestedTooDeep(key: key) }
            for _ in 0..<count {
                let (element, inner) = try arrayHead(key)
                try skip(element, count: inner, key, depth: depth + 1)
            }
        }
    }

    mutating func tensor() throws(GGUFError) -> GGUFTensorPlace {
        let name = try name("a tensor's name")
        let dimensions = try uint32("the tensor \(name)")
        guard (1...4).contains(dimensions) else { throw .badDimensions(tensor: name) }
        var shape: [Int] = []
        var rows = 1
        for index in 0..<dimensions {
            let raw = file.load(UInt64.self, at: try take(8, "the tensor \(name)"))
            guard let extent = Int(exactly: raw), extent > 0 else { throw .badDimensions(tensor: name) }
            shape.append(extent)
            guard index > 0 else { continue }
            let (product, overflow) = rows.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw .badDimensions(tensor: name) }
            rows = product
        }
        let id = try uint32("the tensor \(name)")
        guard let type = DataType(rawValue: id) else {
            if let known = Self.unsupportedTypes[id] { throw .unsupportedType(tensor: name, id: id, name: known) }
            throw .unknownType(tensor: name, id: id)
        }
        guard shape[0] % type.blockElements == 0 else {
            throw .partialBlock(tensor: name, type: type.name, columns: shape[0])
        }
        // The number of elements must be representable too, not only that of bytes: below one byte an element.
        guard let rowBytes = type.rowBytes(shape[0]), !shape[0].multipliedReportingOverflow(by: rows).overflow,
            case let (bytes, overflow) = rowBytes.multipliedReportingOverflow(by: rows), !overflow
        else { throw .badDimensions(tensor: name) }
        let raw = file.load(UInt64.self, at: try take(8, "the tensor \(name)"))
        guard let offset = Int(exactly: raw) else { throw .badOffset(tensor: name, offset: raw) }
        return GGUFTensorPlace(name: name, type: type, shape: shape, byteCount: bytes, offset: offset)
    }

    /// Formats that exist but that no kernel here reads; ids not listed were removed or never assigned.
    private static let unsupportedTypes: [UInt32: String] = [
        9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
        29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 40: "NVFP4", 41: "Q1_0", 42: "Q2_0",
    ]
}
