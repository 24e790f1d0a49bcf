import Packing

/// The words around documents and question.
///
/// Every model sees worked examples first: a dialogue for those that know dialogues, a plain text for base models. They
/// show the form, marks included, better than instructions that small models lose, and cost nothing after the first
/// question, since every prompt begins with them. Documents come next and the question last.
struct AskPrompts {
    /// Part of every key of a stored answer: raise it with any change of wording.
    static let version = 1
    /// What a model writes where the documents do not say.
    static let notFound = "Not in the documents."

    let dialect: PromptDialect
    /// A JSON Schema for the answer; nil for sentences.
    var schema: String?

    /// An example: passages, a question, its answer.
    private struct Example {
        var passages: String
        var question: String
        var answer: String
    }

    private static let examples = [
        Example(
            passages: """
                Document: bakery.txt
                [1] The bakery bakes bread twice a day and cakes on Fridays.
                [2] It opens at 7 a.m. on weekdays. On Sundays it opens at 8 a.m. and closes at noon.

                """, question: "When does the bakery open on Sundays?",
            answer: "On Sundays the bakery opens at 8 a.m. [2]."),
        Example(
            passages: """
                Document: station.txt
                [1] The station was built in 1911 from local stone.
                [2] Trains to the coast leave every 40 minutes.

                """, question: "What is the name of the station's restaurant?", answer: notFound),
        Example(
            passages: """
                Document: garden.txt
                [1] A family ticket for the garden costs 12 euros; children under six need none.
                [2] Volunteers of the garden meet on the first Monday of each month.

                """, question: "How much is a family ticket?", answer: "A family ticket costs 12 euros [1]."),
    ]

    /// The frame of a question. `questionFirst` puts it before the documents as well, which helps small models but
    /// gives up the shared beginning of further questions.
    func ask(_ question: String, questionFirst: Bool) -> PromptFrame {
        let question = PromptDialect.oneLine(question)
        func before(_ question: String) -> String {
            questionFirst ? "Question: \(question)\n\nPassages:\n\n" : "Passages:\n\n"
        }
        func after(_ question: String) -> String { "\nQuestion: \(question)" }
        if let schema {
            return json(PromptDialect.oneLine(schema), before: before(question), after: after(question))
        }
        if dialect.isFewShot {
            let shown = Self.examples.map { example in
                before(example.question) + example.passages + after(example.question)
                    + "\nAnswer: \(example.answer)\n\n"
            }
            return PromptFrame(
                before: [.text(shown.joined() + before(question))], after: [.text(after(question) + "\nAnswer:")])
        }
        let system =
            "Answer the question from the numbered passages in one short sentence, with the number of the passage in "
            + "brackets. If the passages do not say it, reply: \(Self.notFound)"
        var turns: [PromptDialect.Turn] = [.init(.system, system)]
        for example in Self.examples {
            turns.append(.init(.user, before(example.question) + example.passages + after(example.question)))
            turns.append(.init(.assistant, example.answer))
        }
        turns.append(.init(.user, before(question) + PromptDialect.hole + after(question)))
        return dialect.frame(turns)
    }

    /// The frame of a question whose answer is JSON. Examples would be of other schemas.
    private func json(_ schema: String, before: String, after: String) -> PromptFrame {
        let task = "JSON Schema: \(schema)\n\n"
        if dialect.isFewShot {
            return PromptFrame(
                before: [.text(task + before)], after: [.text(after + "\nAnswer as JSON by the schema: ")])
        }
        let system =
            "Answer the question from the numbered passages with one JSON value that satisfies the JSON Schema. "
            + "Use only what the passages say."
        return dialect.frame([
            .init(.system, system), .init(.user, task + before + PromptDialect.hole + after),
        ])
    }

    /// A passage that answers no question: what the model says of it is its bias.
    static let neutralPassage = "The weather was fine that day, and nothing else was noted."

    /// The question over one passage alone, in the same form, so that it shares the beginning of the prompt before it.
    func single(_ question: String, header: String, passage: String, questionFirst: Bool) -> [PromptPiece] {
        let frame = ask(question, questionFirst: questionFirst)
        return frame.before + [.text(header + "[1] " + passage + "\n")] + frame.after
    }

    /// The reply that says there is nothing, as the model would begin to write it.
    var denial: String { dialect.isFewShot ? " " + Self.notFound : Self.notFound }
}
