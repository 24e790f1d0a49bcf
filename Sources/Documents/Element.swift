/// A piece of structure: a heading, a paragraph, a table row.
public struct Element: Sendable, Equatable, Codable {
    /// What it is.
    public var kind: Kind
    /// Its part of `Document.text`, without the newline that separates it from the next.
    public var textRange: Range<Int>
    /// 1-based page number.
    public var page: Int
    /// Where its lines and words stand on the page; empty where unknown.
    public var places: LinePlaces
    /// A path such as `html/body/main/p[3]` for formats that have one.
    public var path: String?
    /// Whether a reader of the page can't see this text; such elements exist only where the caller asked to keep them.
    public var hidden: Bool

    /// The kinds of element.
    public enum Kind: Sendable, Hashable, Codable {
        case heading(level: Int)
        case paragraph, listItem, tableRow, code, quote, caption, footnote, pageHeader, pageFooter
        /// Words that stand for an image: its alternative text.
        case image
    }

    /// Where it stands on the page in points from the top left corner, one box a line.
    public var boxes: [Box] { places.boxes }

    /// Describes an element.
    public init(
        kind: Kind, textRange: Range<Int>, page: Int = 1, places: LinePlaces = LinePlaces(), path: String? = nil,
        hidden: Bool = false
    ) {
        self.kind = kind
        self.textRange = textRange
        self.page = page
        self.places = places
        self.path = path
        self.hidden = hidden
    }
}

/// A rectangle in points, origin at the top left corner of the page.
public struct Box: Sendable, Hashable, Codable {
    /// Left, top, right and bottom edge.
    public var x0: Double, y0: Double, x1: Double, y1: Double

    /// Describes a rectangle.
    public init(x0: Double, y0: Double, x1: Double, y1: Double) {
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
    }
}
