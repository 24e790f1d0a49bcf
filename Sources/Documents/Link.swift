/// A part of a document's text that leads somewhere.
public struct Link: Sendable, Hashable, Codable {
    /// UTF-8 range in `Document.text`.
    public var textRange: Range<Int>
    /// Where it leads.
    public var target: LinkTarget

    /// Describes a link.
    public init(textRange: Range<Int>, target: LinkTarget) {
        self.textRange = textRange
        self.target = target
    }
}

/// Where a link leads: words to show, which nothing here follows.
public enum LinkTarget: Sendable, Hashable, Codable {
    /// An address as the file has it.
    case address(String)
    /// A page of the same file, from 1.
    case page(Int)

    /// An address that may be shown: of a known kind, not too long, without white space and signs that are not seen.
    /// Scripts, programs and files of the reader's machine are none.
    package init?(address: String) {
        let utf8 = address.utf8
        guard let start = utf8.firstIndex(where: { !Self.isSpace($0) }),
            let last = utf8.lastIndex(where: { !Self.isSpace($0) })
        else { return nil }
        let trimmed = utf8[start...last]
        // Most addresses of a page lead to its own site and name no kind.
        guard let colon = trimmed.prefix(Self.longestScheme + 1).firstIndex(of: 0x3A), colon != last,
            let scheme = String(trimmed[..<colon]), Self.schemes.contains(scheme.lowercased()),
            trimmed.count <= LinkLimits.addressBytes, let text = String(trimmed),
            trimmed.allSatisfy({ (0x21...0x7E).contains($0) }) || text.unicodeScalars.allSatisfy(Self.isPlain)
        else { return nil }
        self = .address(text)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D
    }

    private static let schemes: Set<String> = ["http", "https", "mailto", "ftp", "ftps", "tel", "doi", "urn"]
    private static let longestScheme = 6

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x21...0x7E: true
        case ..<0xA1, 0x061C, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF0...0xFFFF, 0x200B...0x200F: false
        default: !scalar.properties.isWhitespace
        }
    }
}

/// How much of its links a document may keep.
package enum LinkLimits {
    /// Longer addresses are left out: a part of one leads elsewhere.
    package static let addressBytes = 2_000
    /// Links of one page.
    package static let page = 1_000
    /// Links of one document.
    package static let document = 100_000
}
