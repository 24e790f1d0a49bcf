package import Diagnostics

/// Answers questions from documents with citations that code has checked.
package struct Asker: Sendable {
    let generator: any TextGenerating
    let search: (any SegmentSearch)?
    let options: AskOptions

    /// - Parameter search: needed by the strategy `search` alone.
    package init(generator: any TextGenerating, search: (any SegmentSearch)? = nil, options: AskOptions = AskOptions())
    {
        self.generator = generator
        self.search = search
        self.options = options
    }

    /// What asking would do; no model call.
    ///
    /// - Throws: `DP-CTX-01` for a question that leaves no room, `DP-CTX-02` where `full` does not fit.
    package func plan(_ questions: [Question], of corpus: AskCorpus) async throws(UserError) -> AskPlan {
        throw UserError(.internalError, "asking is not part of this build")
    }

    /// Answers questions one after the other; those over the same window share its KV cache.
    ///
    /// `finished` gets each answer as soon as it is complete. Cancelling the task stops at the next prefill chunk.
    package func ask(
        _ questions: [Question], of corpus: AskCorpus,
        progress: @escaping @Sendable (AnswerProgress) -> Void = { _ in },
        finished: (Answer) async throws -> Void = { _ in }
    ) async throws -> [Answer] {
        throw UserError(.internalError, "asking is not part of this build")
    }
}
