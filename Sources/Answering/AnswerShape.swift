/// What a model may write: sentences whose only brackets are marks `[n]` of segments that exist.
///
/// A value that says it in words; `EngineGenerator` turns it into the engine's grammar.
package struct AnswerShape: Sendable, Hashable {
    /// Marks `[1]` … `[segments]` may stand in the text; none may where this is 0.
    package var segments: Int
    /// A literal that may stand in place of an answer; nil where there must be one.
    package var notFound: String?
    /// Whether an answer must hold a mark.
    package var needsMark: Bool

    package init(segments: Int, notFound: String?, needsMark: Bool = false) {
        self.segments = segments
        self.notFound = notFound
        self.needsMark = needsMark
    }
}
