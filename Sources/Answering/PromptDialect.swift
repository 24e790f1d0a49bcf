package import Packing

/// How a model family marks the turns of a conversation, reduced to what prompts here need.
package struct PromptDialect: Sendable {
    /// A turn of a conversation.
    package struct Turn: Sendable, Hashable {
        package enum Role: Sendable, Hashable { case system, user, assistant }
        /// Who speaks.
        package var role: Role
        /// What is said; always plain text.
        package var text: String

        package init(_ role: Role, _ text: String) {
            self.role = role
            self.text = text
        }
    }

    /// A base model gets a plain text to continue, with examples, in place of instructions.
    package var isFewShot: Bool
    /// Marks the turns, up to where the next answer begins. Not called for a base model.
    package var dress: @Sendable ([Turn]) -> [PromptPiece]

    package init(isFewShot: Bool, dress: @escaping @Sendable ([Turn]) -> [PromptPiece]) {
        self.isFewShot = isFewShot
        self.dress = dress
    }

    /// Stands for the documents while turns are dressed. Private use, and taken out of everything users type.
    static let hole = "\u{F8D0}\u{F8D1}"

    /// A frame from turns of which one holds the hole once.
    func frame(_ turns: [Turn]) -> PromptFrame {
        var frame = PromptFrame(before: [], after: [])
        var found = false
        for piece in dress(turns) {
            if !found, case .text(let text) = piece, let range = text.firstRange(of: Self.hole) {
                frame.before.append(.text(String(text[..<range.lowerBound])))
                frame.after.append(.text(String(text[range.upperBound...])))
                found = true
            } else if found {
                frame.after.append(piece)
            } else {
                frame.before.append(piece)
            }
        }
        precondition(found, "the template lost a user's text")
        return frame
    }

    /// A user's words as they may stand in a prompt: one line, without the hole's characters.
    static func oneLine(_ text: String) -> String {
        SourceQuote.oneLine(text.filter { !hole.contains($0) })
    }
}
