/// What a model's local layers see of a prompt: packing takes it into account where the model has such layers.
package struct LocalView: Sendable, Hashable {
    /// Positions of an aligned chunk: a token sees what stands before it in its own chunk, nothing of the one before.
    package var chunk: Int?
    /// Positions of a window that moves along: a token sees so many, its own included.
    package var window: Int?
    /// Whether passages are kept from lying across the edges of chunks; otherwise those that do are only counted.
    package var isAligned: Bool

    /// Describes a view; without limits, every layer sees everything.
    package init(chunk: Int? = nil, window: Int? = nil, isAligned: Bool = true) {
        self.chunk = chunk
        self.window = window
        self.isAligned = isAligned
    }
}

/// How a prompt lies over the edges of the chunks that local layers see.
package struct ChunkCuts: Sendable, Hashable, Codable {
    /// Edges within the prompt and the room for its answer.
    package var edges = 0
    /// Passages with an edge inside.
    package var passages = 0
    /// Documents with an edge inside, of those that are no longer than a chunk.
    package var documents = 0
    /// Windows with an edge inside what follows the documents or the answer, where a chunk has room for both.
    package var questions = 0
    /// Tokens that were put in so that edges lie between passages.
    package var padding = 0

    static func + (left: Self, right: Self) -> Self {
        Self(
            edges: left.edges + right.edges, passages: left.passages + right.passages,
            documents: left.documents + right.documents, questions: left.questions + right.questions,
            padding: left.padding + right.padding)
    }
}
