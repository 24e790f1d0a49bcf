// The reviewed table of chat templates: how the turns of a dialogue are written for each family of models.

/// One turn of a dialogue.
package struct ChatMessage: Sendable, Equatable {
    package enum Role: String, Sendable { case system, user, assistant }
    package var role: Role
    package var content: String

    package init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// A stretch of a rendered dialogue.
package enum TemplatePiece: Sendable, Equatable {
    /// Written by the template: special tokens in it count.
    case trusted(String)
    /// Written by users or documents: always ordinary text.
    case text(String)
}

/// How one family writes dialogues.
package struct ChatTemplate: Sendable, Equatable {
    /// `chatml`, `gemma3`, `llama3` or `few-shot`.
    package let name: String
    /// The model knows no dialogue: turns are written as a plain transcript of questions and answers.
    package var isFewShot: Bool { name == "few-shot" }
    /// Texts after which a reply is over, besides the stop tokens; for models that know no dialogue.
    package let stopTexts: [String]

    /// Chooses from the table. `templateText` is the file's `tokenizer.chat_template`, `modelName` its name or path.
    package static func forModel(
        architecture: String, name modelName: String, templateText: String?, tokenizer: Tokenizer
    ) -> ChatTemplate {
        ChatTemplate(name: "few-shot", stopTexts: [])
    }

    /// The dialogue in pieces, without BOS.
    package func render(_ messages: [ChatMessage], addGenerationPrompt: Bool = true) -> [TemplatePiece] { [] }

    /// The dialogue as ids, with exactly one BOS where the model wants one.
    package func tokens(
        _ messages: [ChatMessage], tokenizer: Tokenizer, addGenerationPrompt: Bool = true
    ) -> [Int32] { [] }
}
