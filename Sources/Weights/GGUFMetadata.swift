// Metadata of a GGUF file as values, for those who copy it: reading single keys goes to the mapped bytes directly.

import Tensors

extension GGUFFile: Checkpoint {
    package var summaries: [TensorSummary] {
        tensors.map { TensorSummary(name: $0.name, type: $0.type, shape: $0.shape, byteCount: $0.byteCount) }
    }

    package func mappedBytes(_ name: String) -> UnsafeRawBufferPointer? {
        guard let tensor = tensor(name) else { return nil }
        return unsafe UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
    }

    /// Nothing is ever copied.
    package func release(_ name: String) {}

    /// Bytes of all files.
    package var byteCount: Int { mappings.reduce(0) { $0 + $1.count } }

    /// One metadata value, decoded. Vocabularies are large: prefer `stringTable` for them.
    package func value(_ key: String) -> MetadataValue? {
        guard let place = place(key) else { return nil }
        var offset = place.offset
        guard let count = place.arrayCount else { return mapping.value(place.type, at: &offset) }
        return .array((0..<count).map { _ in mapping.value(place.type, at: &offset) })
    }
}

extension MappedFile {
    /// The value at an offset, which moves behind it. The reader has walked over all of it before.
    fileprivate func value(_ type: GGUFValueType, at offset: inout Int) -> MetadataValue {
        let start = offset
        offset += type.size ?? 0
        switch type {
        case .uint8: return .uint8(load(UInt8.self, at: start))
        case .int8: return .int8(load(Int8.self, at: start))
        case .uint16: return .uint16(load(UInt16.self, at: start))
        case .int16: return .int16(load(Int16.self, at: start))
        case .uint32: return .uint32(load(UInt32.self, at: start))
        case .int32: return .int32(load(Int32.self, at: start))
        case .uint64: return .uint64(load(UInt64.self, at: start))
        case .int64: return .int64(load(Int64.self, at: start))
        case .float32: return .float32(Float(bitPattern: load(UInt32.self, at: start)))
        case .float64: return .float64(Double(bitPattern: load(UInt64.self, at: start)))
        case .bool: return .bool(load(UInt8.self, at: start) != 0)
        case .string:
            let length = Int(load(UInt64.self, at: start))
            offset += 8 + length
            return .string((0..<length).map { load(UInt8.self, at: start + 8 + $0) })
        case .array:
            let element = GGUFValueType(rawValue: load(UInt32.self, at: start))
            let count = Int(load(UInt64.self, at: start + 4))
            offset += 12
            guard let element else { preconditionFailure("the reader checked the types") }
            return .array((0..<count).map { _ in value(element, at: &offset) })
        }
    }
}
