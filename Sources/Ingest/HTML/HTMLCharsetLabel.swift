/// Finds the character set that a page claims, in its first bytes, before it is parsed.
enum HTMLCharsetLabel {
    /// The charset of an XML declaration or of the first `meta` that has one, in the first 8 KiB.
    static func find(in bytes: [UInt8]) -> Charset? {
        // Labels are ASCII; bytes beyond it can't be part of one.
        let head = bytes.prefix(8192).map { byte in
            byte == 0 || byte >= 0x80 ? 0x20 : byte &- 0x41 < 26 ? byte | 0x20 : byte
        }[...]
        if let xml = head.range(of: "<?xml"), head[..<xml.lowerBound].allSatisfy({ $0 <= 0x20 }),
            let end = head[xml.upperBound...].range(of: "?>"),
            let label = value(after: "encoding", in: head[xml.upperBound..<end.lowerBound])
        {
            return Charset(label: label)
        }
        var rest = head
        while let meta = rest.range(of: "<meta") {
            rest = rest[meta.upperBound...]
            let tag = rest.prefix { $0 != UInt8(ascii: ">") }
            if let label = value(after: "charset", in: tag), let charset = Charset(label: label) { return charset }
        }
        return nil
    }

    /// What stands behind `name=`, quoted or not.
    private static func value(after name: StaticString, in text: ArraySlice<UInt8>) -> String? {
        guard let found = text.range(of: name) else { return nil }
        var rest = text[found.upperBound...].drop { $0 <= 0x20 }
        guard rest.popFirst() == UInt8(ascii: "=") else { return nil }
        rest = rest.drop { $0 <= 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
        let value = rest.prefix {
            ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
        }
        return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    }
}
