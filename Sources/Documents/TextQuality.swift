extension Document {
    /// The part of a page's characters that can be read, from 0 to 1: not those that no font map or charset explains
    /// (U+FFFD, private use, control characters). 0 for a page that shows pictures of text alone; nil where it is empty.
    package func quality(of page: DocumentPage) -> Double? {
        if page.notes.contains(.scan) { return 0 }
        var read = 0
        var unread = 0
        let utf8 = text.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: page.textRange.lowerBound)
        let end = utf8.index(start, offsetBy: page.textRange.count)
        // Byte by byte: `value` is the character so far, `more` the bytes that it still lacks.
        var value: UInt32 = 0
        var more = 0
        for byte in utf8[start..<end] {
            switch byte {
            case 0x21...0x7E: read += 1
            case 0x09, 0x0A, 0x0D, 0x20: continue
            case ..<0x80: unread += 1
            case ..<0xC0:
                value = value << 6 | UInt32(byte & 0x3F)
                more -= 1
                guard more == 0 else { continue }
                switch value {
                case 0xFFFD, 0xE000...0xF8FF, 0xF0000...0x10FFFF, 0x80...0x9F: unread += 1
                default: read += 1
                }
            default:
                more = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3
                value = UInt32(byte) & (0x3F >> UInt32(more))
            }
        }
        return read + unread > 0 ? Double(read) / Double(read + unread) : nil
    }

    /// The mean of its pages' quality; nil where all are empty.
    package var quality: Double? {
        let pages = pages.compactMap { quality(of: $0) }
        return pages.isEmpty ? nil : pages.reduce(0, +) / Double(pages.count)
    }
}
