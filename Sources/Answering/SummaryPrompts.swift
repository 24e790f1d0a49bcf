import Packing

/// The words around documents that are to be summarized.
struct SummaryPrompts {
    let dialect: PromptDialect
    let options: SummaryOptions

    /// The frame for a summary of about `words` words.
    func frame(words: Int) -> PromptFrame {
        let task = task(words: words)
        if dialect.isFewShot {
            let example = """
                Passages:

                Document: bakery.txt
                [1] The bakery was opened in 1952 by two brothers who had learned their trade at sea.
                [2] It opens at 7 a.m. on weekdays. On Sundays it opens at 8 a.m. and closes at noon.

                \(Self.task(words: 30, prompt: nil, language: nil))
                Summary: Two brothers opened the bakery in 1952 [1]. It opens at 7 a.m., on Sundays at 8 a.m. [2].

                Passages:


                """
            return PromptFrame(before: [.text(example)], after: [.text("\n\(task)\nSummary:")])
        }
        let system =
            "You summarize documents. Use only the numbered passages. Write plain sentences and end each one with the "
            + "number of the passage it comes from, like [2]."
        return dialect.frame([
            .init(.system, system), .init(.user, "Passages:\n\n" + PromptDialect.hole + "\n" + task),
        ])
    }

    private func task(words: Int) -> String {
        Self.task(words: words, prompt: options.prompt, language: options.language)
    }

    private static func task(words: Int, prompt: String?, language: String?) -> String {
        var task =
            prompt.map { PromptDialect.oneLine($0) + " Use about \(words) words." }
            ?? "Summarize the passages in about \(words) words."
        if let language { task += " Write in \(PromptDialect.oneLine(language))." }
        return task + " End each sentence with the number of its passage in brackets."
    }
}
