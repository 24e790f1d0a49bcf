package import Packing

/// How a model family marks the turns of a conversation, reduced to what prompts here need.
package struct PromptDialect: Sendable {
    /// A base model gets examples in plain text instead of instructions.
    package var isFewShot: Bool
    /// Dresses instructions and a user's message for the model, up to where its answer begins.
    package var dress: @Sendable (_ instructions: String, _ user: [PromptPiece]) -> [PromptPiece]

    package init(
        isFewShot: Bool, dress: @escaping @Sendable (_ instructions: String, _ user: [PromptPiece]) -> [PromptPiece]
    ) {
        self.isFewShot = isFewShot
        self.dress = dress
    }
}
