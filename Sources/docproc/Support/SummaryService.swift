import Answering
import Diagnostics
import Documents
import Inference
import Packing
import Runs
import Store

/// Summaries of one corpus with one model; unchanged documents are taken from the store.
struct SummaryService: Sendable {
    let context: CommandContext
    let session: ModelSession
    let corpus: LoadedCorpus
    let store: CorpusStore
    let options: SummaryOptions
    /// Compute everything anew.
    let fresh: Bool
    /// Compute anew what failed.
    let retryFailed: Bool

    private var summarizer: Summarizer { Summarizer(generator: session.generator, options: options) }

    /// What summarizing would read: the documents whose summary is not stored.
    // Not inlined: the optimizer of Swift 6.3.1 crashes in coroutines that take in this body.
    @inline(never)
    func plan() throws -> AskPlan {
        try summarizer.plan(AskCorpus(documents: try pending()))
    }

    /// Documents whose summary is to be computed.
    func pending() throws -> [SegmentedDocument] {
        let documents = corpus.corpus.documents
        guard options.per == .document else { return documents }
        return try documents.filter {
            try stored(summarizer.key(of: [$0], numerics: session.numerics)) == nil
        }
    }

    /// The records in order of paths, each handed out as soon as it is complete and stored.
    func summarize(
        events: EventSink, finished: (SummaryRecord) async throws -> Void
    ) async throws -> [SummaryRecord] {
        let narration = AnswerNarration(
            narrator: context.narrator, events: events, showsThinking: context.settings.isOn(SettingKey.showThinking)
        ) { [engine = session.engine] in engine.latestKeyValues }
        defer { narration.end() }
        narration.take(.planned(try plan()))
        var began = ContinuousClock.now
        var records: [SummaryRecord] = []
        _ = try await summarizer.summarize(
            corpus.corpus, numerics: session.numerics, reuse: { try stored($0) }, progress: { narration.take($0) }
        ) { record in
            var record = record
            // Files that could not be read have no key: nothing was computed for them.
            if !record.cached, !record.key.isEmpty {
                record.seconds = ((ContinuousClock.now - began).inSeconds * 100).rounded() / 100
                try save(record)
            }
            began = .now
            records.append(record)
            context.narrator.clearLine()
            try await finished(record)
        }
        return records
    }

    private func stored(_ key: String) throws -> SummaryRecord? {
        guard !fresh else { return nil }
        do {
            guard let result = try store.result(key),
                let record = RecordJSON.decode(SummaryRecord.self, from: result.record)
            else { return nil }
            return record.status == .failed && retryFailed ? nil : record
        } catch {
            context.narrator.warn(error.userError.cause)
            return nil
        }
    }

    private func save(_ record: SummaryRecord) throws {
        var record = record
        record.thinking = nil
        let documents = record.doc == nil ? corpus.corpus.documents.map(\.document.sha256) : [record.sha256]
        do {
            try store.saveResult(
                key: record.key, kind: "summary", record: try RecordJSON.line(record), documents: documents)
        } catch let error as StoreError {
            context.narrator.warn("the summary could not be kept: \(error.userError.cause)")
        }
    }
}
