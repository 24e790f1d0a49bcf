import Answering
import Diagnostics
import Documents
import Inference
import Packing
import Runs
import Store

/// Questions over one corpus with one model, each answered once: equal inputs are taken from the store.
struct AskService: Sendable {
    let context: CommandContext
    let session: ModelSession
    let corpus: LoadedCorpus
    let store: CorpusStore
    let options: AskOptions
    /// Answer anew what is stored already.
    let fresh: Bool

    private var asker: Asker {
        Asker(
            generator: session.generator,
            search: StoredSearch(store: store, variant: corpus.variant, corpus: corpus.corpus), options: options)
    }

    /// What asking would read.
    func plan(_ questions: [Answering.Question]) async throws -> AskPlan {
        try await asker.plan(questions, of: corpus.corpus)
    }

    /// How many of the questions have a stored answer.
    func stored(_ questions: [Answering.Question]) throws -> Int {
        guard !fresh else { return 0 }
        return try questions.count { try stored($0, among: questions) != nil }
    }

    /// Answers in order. `finished` gets each as soon as it is complete, and whether it was stored.
    func answer(
        _ questions: [Answering.Question], events: EventSink,
        finished: (_ answer: Answer, _ stored: Bool) async throws -> Void
    ) async throws -> [Answer] {
        let known = try questions.map { fresh ? nil : try stored($0, among: questions) }
        var answers: [Answer] = []
        func passOnStored() async throws {
            while answers.count < known.count, let answer = known[answers.count] {
                answers.append(answer)
                try await finished(answer, true)
            }
        }
        try await passOnStored()
        let waiting = zip(questions, known).filter { $1 == nil }.map(\.0)
        try await compute(waiting, among: questions, events: events) { answer in
            answers.append(answer)
            try await finished(answer, false)
            try await passOnStored()
        }
        return answers
    }

    private func compute(
        _ questions: [Answering.Question], among all: [Answering.Question], events: EventSink,
        finished: (Answer) async throws -> Void
    ) async throws {
        guard !questions.isEmpty else { return }
        let narration = AnswerNarration(
            narrator: context.narrator, events: events, showsThinking: context.settings.isOn(SettingKey.showThinking)
        ) { [engine = session.engine] in engine.latestKeyValues }
        defer { narration.end() }
        narration.take(.planned(try await plan(questions)))
        var answers: [Answer] = []
        let start = ContinuousClock.now
        _ = try await asker.ask(questions, of: corpus.corpus, progress: { narration.take($0) }) { answer in
            var answer = answer
            answer.run = events.run
            if answers.count < questions.count {
                try save(answer, as: try key(questions[answers.count], among: all))
            }
            answers.append(answer)
            if answers.count == questions.count { narration.end() } else { context.narrator.clearLine() }
            try await finished(answer)
        }
        let read = narration.reading
        Calibration.keep(
            read: read,
            written: (
                answers.reduce(0) { $0 + $1.usage.outputTokens }, (ContinuousClock.now - start).inSeconds - read.seconds
            ), in: store, session: session)
    }

    /// Seconds that answering would take, once this model has been measured here.
    func seconds(_ plan: AskPlan, answers: Int) -> Double? {
        Calibration.read(store, session: session)?.seconds(
            input: plan.inputTokens, output: answers * options.maxOutputTokens / 2)
    }

    /// The windows follow from the longest of the questions asked together.
    private func key(_ question: Answering.Question, among all: [Answering.Question]) throws -> String {
        let longest = all.map(\.text).max { ($0.utf8.count, $1) < ($1.utf8.count, $0) } ?? ""
        return try session.key(of: question, longest: longest, corpus: corpus, options: options)
    }

    private func stored(_ question: Answering.Question, among all: [Answering.Question]) throws -> Answer? {
        do {
            return try store.result(try key(question, among: all)).flatMap {
                RecordJSON.decode(Answer.self, from: $0.record)
            }
        } catch let error as StoreError {
            context.narrator.warn(error.userError.cause)
            return nil
        }
    }

    /// A result that cannot be kept is still a result.
    private func save(_ answer: Answer, as key: String) throws {
        var answer = answer
        // Thoughts belong to the run in which they were had.
        answer.thinking = nil
        do {
            try store.saveResult(
                key: key, kind: "answer", record: try RecordJSON.line(answer),
                documents: corpus.corpus.documents.map(\.document.sha256))
        } catch let error as StoreError {
            context.narrator.warn("the answer could not be kept: \(error.userError.cause)")
        }
    }
}
