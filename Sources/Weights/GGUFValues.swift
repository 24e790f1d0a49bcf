// Decodes metadata values where they lie. Places come from GGUFReader and are in bounds.

extension MappedFile {
    /// A little-endian number at any address.
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        precondition(offset >= 0 && offset <= count - MemoryLayout<T>.size, "read outside the file")
        return T(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    private func buffer(at offset: Int, count length: Int) -> UnsafeRawBufferPointer {
        precondition(offset >= 0 && length >= 0 && offset <= count - length, "read outside the file")
        return unsafe UnsafeRawBufferPointer(start: base + offset, count: length)
    }

    /// nil unless the bytes are well-formed UTF-8.
    func validString(at offset: Int, count length: Int) -> String? {
        unsafe String(validating: buffer(at: offset, count: length), as: UTF8.self)
    }

    func string(_ place: GGUFValuePlace) -> String? {
        guard place.type == .string, place.arrayCount == nil else { return nil }
        return unsafe String(decoding: buffer(at: place.offset + 8, count: place.byteCount - 8), as: UTF8.self)
    }

    func integer(_ place: GGUFValuePlace) -> Int? {
        guard place.arrayCount == nil else { return nil }
        return switch place.type {
        case .uint8, .bool: Int(load(UInt8.self, at: place.offset))
        case .int8: Int(load(Int8.self, at: place.offset))
        case .uint16: Int(load(UInt16.self, at: place.offset))
        case .int16: Int(load(Int16.self, at: place.offset))
        case .uint32: Int(load(UInt32.self, at: place.offset))
        case .int32: Int(load(Int32.self, at: place.offset))
        case .uint64: Int(exactly: load(UInt64.self, at: place.offset))
        case .int64: Int(exactly: load(Int64.self, at: place.offset))
        case .float32, .float64: Int(exactly: double(place))
        case .string, .array: nil
        }
    }

    func float(_ place: GGUFValuePlace) -> Float? {
        switch place.type {
        case .float32, .float64: place.arrayCount == nil ? Float(double(place)) : nil
        default: integer(place).map { Float($0) }
        }
    }

    private func double(_ place: GGUFValuePlace) -> Double {
        place.type == .float32
            ? Double(Float(bitPattern: load(UInt32.self, at: place.offset)))
            : Double(bitPattern: load(UInt64.self, at: place.offset))
    }

    func stringTable(_ place: GGUFValuePlace, count: Int) -> (bytes: [UInt8], ends: [Int]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(place.byteCount - 8 * count)
        var ends: [Int] = []
        ends.reserveCapacity(count)
        var offset = place.offset
        for _ in 0..<count {
            let length = Int(load(UInt64.self, at: offset))
            unsafe bytes.append(contentsOf: buffer(at: offset + 8, count: length))
            ends.append(bytes.count)
            offset += 8 + length
        }
        return (bytes, ends)
    }
}
