/// One line of the outline that a file brings along: bookmarks of a PDF, the table of contents of a book.
public struct OutlineEntry: Sendable, Hashable, Codable {
    /// Depth, from 1.
    public var level: Int
    /// Its words.
    public var title: String
    /// 1-based page, if it names one.
    public var page: Int?

    /// Describes an entry.
    public init(level: Int, title: String, page: Int? = nil) {
        self.level = level
        self.title = title
        self.page = page
    }
}
