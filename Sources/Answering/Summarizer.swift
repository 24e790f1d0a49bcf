package import Packing

/// Summaries with citations that code has checked.
package struct Summarizer: Sendable {
    let generator: any TextGenerating
    let options: SummaryOptions

    /// Prepares for one model and one set of options.
    package init(generator: any TextGenerating, options: SummaryOptions = SummaryOptions()) {
        self.generator = generator
        self.options = options
    }

    /// Version of prompts and merging: part of every key.
    package static let formVersion = 1

    /// What a summary of these documents depends on, hashed; `numerics` names the engine's arithmetic and its version.
    package func key(of documents: [SegmentedDocument], numerics: String) -> String { "" }

    /// The records of a corpus: one per document in order of paths, or one over all.
    ///
    /// - Parameters:
    ///   - reuse: looks a key up among earlier records; a hit is passed on with `cached` set.
    ///   - finished: gets each record as soon as it is complete.
    package func summarize(
        _ corpus: AskCorpus, numerics: String,
        reuse: (String) async throws -> SummaryRecord? = { _ in nil },
        progress: @escaping @Sendable (AnswerProgress) -> Void = { _ in },
        finished: (SummaryRecord) async throws -> Void = { _ in }
    ) async throws -> [SummaryRecord] {
        []
    }
}
