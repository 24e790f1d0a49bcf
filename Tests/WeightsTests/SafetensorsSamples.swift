// Writes small safetensors files for tests, header and data as given; also impossible ones.

/// A safetensors file in the making.
struct SafetensorsBuilder {
    var entries: [String] = []
    var data: [UInt8] = []
    /// Replaces the header's length.
    var headerLength: UInt64?

    /// Describes bytes of the data.
    mutating func describe(_ name: String, _ type: String, _ shape: [Int], _ range: Range<Int>) {
        entries.append(
            "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),"
                + "\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
    }

    /// Adds a tensor with its bytes.
    mutating func add(_ name: String, _ type: String, _ shape: [Int], _ content: [UInt8]) {
        describe(name, type, shape, data.count..<data.count + content.count)
        data += content
    }

    func build() -> [UInt8] {
        let header = Array("{\(entries.joined(separator: ","))}  ".utf8)
        return GGUFBuilder.bytes(headerLength ?? UInt64(header.count)) + header + data
    }

    /// One tensor of each type, the larger ones at odd offsets, a scalar and an empty one.
    static func sample() -> SafetensorsBuilder {
        var file = SafetensorsBuilder()
        file.entries.append("\"__metadata__\":{\"format\":\"pt\",\"note\":\"a \\\"b\\\" \\u00e9\\ud83d\\ude00\"}")
        file.add("flags", "BOOL", [3], [1, 0, 1])
        file.add("w.weight", "F32", [2, 1], GGUFBuilder.bytes(Float(1.5).bitPattern) + [0, 0, 0, 0xC0])
        file.add("half", "F16", [1, 2], [0, 0x3C, 0, 0x40])
        file.add("brain", "BF16", [1], [0x80, 0x3F])
        file.add("double", "F64", [1], GGUFBuilder.bytes(Double(2).bitPattern))
        for (type, size) in [("I64", 8), ("I32", 4), ("I16", 2), ("I8", 1), ("U8", 1)] {
            file.add("t.\\u0041\(type)", type, [1], [UInt8](repeating: 7, count: size))
        }
        file.add("scalar", "F32", [], [0, 0, 0, 0])
        file.add("empty", "F32", [0, 4], [])
        return file
    }
}
