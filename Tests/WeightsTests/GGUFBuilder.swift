// Writes small GGUF files for tests, byte by byte after the published layout; also impossible ones.

/// A GGUF file in the making.
struct GGUFBuilder {
    var version: UInt32 = 3
    var pairs: [[UInt8]] = []
    var tensors: [[UInt8]] = []
    var data: [UInt8] = []
    var alignment = 32
    var tensorCount: UInt64?
    var pairCount: UInt64?

    init(architecture: String? = "test") {
        if let architecture { add("general.architecture", 8, Self.string(architecture)) }
    }

    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func string(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }

    mutating func add(_ key: String, _ type: UInt32, _ value: [UInt8]) {
        pairs.append(Self.string(key) + Self.bytes(type) + value)
    }

    mutating func addArray(_ key: String, _ type: UInt32, count: Int, _ elements: [UInt8]) {
        add(key, 9, Self.bytes(type) + Self.bytes(UInt64(count)) + elements)
    }

    /// Describes a tensor at an offset of the data.
    mutating func describe(_ name: String, _ shape: [UInt64], type: UInt32, offset: UInt64) {
        tensors.append(
            Self.string(name) + Self.bytes(UInt32(shape.count)) + shape.flatMap { Self.bytes($0) } + Self.bytes(type)
                + Self.bytes(offset))
    }

    /// Adds a tensor with its bytes, aligned.
    mutating func add(_ name: String, _ shape: [UInt64], type: UInt32, _ content: [UInt8]) {
        while data.count % alignment != 0 { data.append(0) }
        describe(name, shape, type: type, offset: UInt64(data.count))
        data += content
    }

    func build() -> [UInt8] {
        var file = Array("GGUF".utf8) + Self.bytes(version)
        file += Self.bytes(tensorCount ?? UInt64(tensors.count)) + Self.bytes(pairCount ?? UInt64(pairs.count))
        file += pairs.joined()
        file += tensors.joined()
        while file.count % alignment != 0 { file.append(0) }
        return file + data
    }

    /// A file with every type of value, a vocabulary and three tensors.
    static func sample() -> GGUFBuilder {
        var file = GGUFBuilder()
        file.add("u8", 0, [200])
        file.add("i8", 1, [0xFF])
        file.add("u16", 2, bytes(UInt16(60_000)))
        file.add("i16", 3, bytes(Int16(-2)))
        file.add("u32", 4, bytes(UInt32(4_000_000_000)))
        file.add("i32", 5, bytes(Int32(-3)))
        file.add("f32", 6, bytes(Float(1.5).bitPattern))
        file.add("bool", 7, [1])
        file.add("u64", 10, bytes(UInt64(1) << 40))
        file.add("i64", 11, bytes(Int64(-5)))
        file.add("f64", 12, bytes(Double(32).bitPattern))
        file.addArray("tokens", 8, count: 3, string("a") + string("") + string("▁bc"))
        file.addArray("types", 5, count: 3, bytes(Int32(1)) + bytes(Int32(3)) + bytes(Int32(6)))
        file.addArray(
            "nested", 9, count: 2,
            bytes(UInt32(0)) + bytes(UInt64(2)) + [1, 2] + bytes(UInt32(4)) + bytes(UInt64(1)) + bytes(UInt32(7)))
        file.add("norm.weight", [4], type: 0, (0..<4).flatMap { bytes(Float($0).bitPattern) })
        file.add("proj.weight", [32, 3], type: 8, [UInt8](repeating: 7, count: 34 * 3))
        file.add("experts.weight", [256, 2, 2], type: 12, [UInt8](repeating: 9, count: 144 * 4))
        return file
    }
}
