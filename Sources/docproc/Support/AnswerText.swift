import Answering

/// Answers and summaries as people read them.
enum AnswerText {
    /// The answer and its sources, as on a terminal.
    static func plain(_ answer: Answer, style: Style) -> String {
        answer.answer + "\n" + sources(answer.citations, style: style)
    }

    /// The lines of the citations, with an empty one before; nothing without citations.
    static func sources(_ citations: [Citation], style: Style) -> String {
        guard !citations.isEmpty else { return "" }
        let rows = citations.map { citation in
            [
                "[\(citation.id)] \(place(citation))",
                "\"\(oneLine(citation.quote))\"" + (citation.hidden ? " (hidden text)" : ""),
            ]
        }
        return "\n" + Format.table(rows)
    }

    /// As Markdown, in a form that `docproc verify` reads.
    static func markdown(_ answer: Answer) -> String {
        var lines = ["## \(oneLine(answer.question))", "", answer.answer, ""]
        lines += list(answer.citations)
        return lines.joined(separator: "\n") + "\n"
    }

    /// A summary as Markdown.
    static func markdown(_ summary: SummaryRecord) -> String {
        var lines = ["## \(summary.doc ?? "Summary")", "", summary.text, ""]
        lines += list(summary.citations)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ citations: [Citation]) -> [String] {
        citations.isEmpty ? [] : citations.map { "- [\($0.id)] \(place($0)): \"\(oneLine($0.quote))\"" } + [""]
    }

    /// `contracts/msa.pdf p. 14`; a file without pages is named alone.
    private static func place(_ citation: Citation) -> String {
        citation.element == nil ? "\(citation.doc) p. \(citation.page)" : citation.doc
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
