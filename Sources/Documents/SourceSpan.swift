/// A place in a document: what a token range, a citation or a search hit leads back to.
public struct SourceSpan: Sendable, Hashable, Codable {
    /// `Document.sha256`.
    public var sha256: String
    /// `Document.path`.
    public var path: String
    /// UTF-8 range in `Document.text`.
    public var textRange: Range<Int>
    /// 1-based page where the range starts.
    public var page: Int

    /// Names a place.
    public init(sha256: String, path: String, textRange: Range<Int>, page: Int) {
        self.sha256 = sha256
        self.path = path
        self.textRange = textRange
        self.page = page
    }
}

/// A numbered passage of roughly a paragraph: what the model reads and what a citation can name.
public struct Segment: Sendable, Equatable, Codable {
    /// Position in its document, from 0. Numbers shown to the model are given by the packer.
    public var index: Int
    /// Its part of `Document.text`.
    public var textRange: Range<Int>
    /// 1-based page where it starts.
    public var page: Int
    /// The heading above it, if any.
    public var heading: String?

    /// Describes a segment.
    public init(index: Int, textRange: Range<Int>, page: Int, heading: String? = nil) {
        self.index = index
        self.textRange = textRange
        self.page = page
        self.heading = heading
    }
}
