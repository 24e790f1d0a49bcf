import Packing

/// The words around documents and question.
///
/// Instructions are short, since small models lose long ones; they are given before the documents and, for those that
/// follow instructions, again behind the question, which stands last. A base model sees two worked examples instead,
/// one of them without an answer.
struct AskPrompts {
    /// Part of every key of a stored answer: raise it with any change of wording.
    static let version = 1
    /// What a model writes where the documents do not say.
    static let notFound = "Not in the documents."

    let dialect: PromptDialect

    /// The frame of a question. `questionFirst` puts it before the documents as well, which helps small models but
    /// gives up the shared beginning of further questions.
    func ask(_ question: String, questionFirst: Bool) -> PromptFrame {
        let question = PromptDialect.oneLine(question)
        guard !dialect.isFewShot else { return fewShot(question) }
        let system =
            "You answer questions about documents. Use only the numbered passages. Answer in one or two short "
            + "sentences and end each with the number of the passage it comes from, like [2]. If the passages do not "
            + "answer the question, reply: \(Self.notFound)"
        let first = questionFirst ? "Question: \(question)\n\nPassages:\n\n" : "Passages:\n\n"
        let last =
            "\nQuestion: \(question)\nAnswer with the number of the passage in brackets, or reply: \(Self.notFound)"
        return dialect.frame([.init(.system, system), .init(.user, first + PromptDialect.hole + last)])
    }

    private func fewShot(_ question: String) -> PromptFrame {
        let examples = """
            Passages:

            Document: bakery.txt
            [1] The bakery bakes bread twice a day and cakes on Fridays.
            [2] It opens at 7 a.m. on weekdays. On Sundays it opens at 8 a.m. and closes at noon.

            Question: When does the bakery open on Sundays?
            Answer: The bakery opens at 8 a.m. on Sundays [2].

            Passages:

            Document: station.txt
            [1] The station was built in 1911 from local stone.
            [2] Trains to the coast leave every 40 minutes.

            Question: Who owns the station's restaurant?
            Answer: \(Self.notFound)

            Passages:

            Document: garden.txt
            [1] Volunteers of the garden meet on the first Monday of each month.
            [2] A family ticket for the garden costs 12 euros; children under six need none.

            Question: How much is a family ticket?
            Answer: A family ticket costs 12 euros [2].

            Passages:


            """
        return PromptFrame(before: [.text(examples)], after: [.text("\nQuestion: \(question)\nAnswer:")])
    }

    /// Asks whether a passage answers a question; the reply is `yes` or `no`.
    func relevance(_ question: String, passage: String) -> [PromptPiece] {
        let question = PromptDialect.oneLine(question)
        if dialect.isFewShot {
            return [
                .text(
                    """
                    Passage: It opens at 7 a.m. on weekdays. On Sundays it opens at 8 a.m. and closes at noon.
                    Question: When does the bakery open on Sundays?
                    Does the passage answer the question? yes

                    Passage: Trains to the coast leave every 40 minutes.
                    Question: Who owns the station's restaurant?
                    Does the passage answer the question? no

                    Passage: \(passage)
                    Question: \(question)
                    Does the passage answer the question?
                    """)
            ]
        }
        return dialect.dress([
            .init(.system, "You judge whether a passage answers a question. Reply with yes or no only."),
            .init(
                .user,
                "Passage: \(passage)\n\nQuestion: \(question)\n\nDoes the passage answer the question? Reply yes or no."
            ),
        ])
    }

    /// A passage that answers no question: what the model says of it is its bias towards "yes".
    static let neutralPassage = "The weather was fine that day, and nothing else was noted."

    /// The two replies that are compared, as the model would begin to write them.
    var yes: String { dialect.isFewShot ? " yes" : "yes" }
    var no: String { dialect.isFewShot ? " no" : "no" }
}
