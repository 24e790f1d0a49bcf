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
    package init?(address: some StringProtocol) {
        let trimmed = address.unicodeScalars.drop { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" }
        let bytes = String(String.UnicodeScalarView(trimmed)).utf8.prefix(LinkLimits.addressBytes + 1)
        var text = String(decoding: bytes, as: UTF8.self)
        while let last = text.unicodeScalars.last, last == " " || last == "\n" || last == "\t" || last == "\r" {
            text.unicodeScalars.removeLast()
        }
        guard bytes.count <= LinkLimits.addressBytes, text.unicodeScalars.allSatisfy(Self.isPlain),
            let colon = text.firstIndex(of: ":"), text.index(after: colon) < text.endIndex,
            Self.schemes.contains(text[..<colon].lowercased())
        else { return nil }
        self = .address(text)
    }

    private static let schemes: Set<String> = ["http", "https", "mailto", "ftp", "ftps", "tel", "doi", "urn"]

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
