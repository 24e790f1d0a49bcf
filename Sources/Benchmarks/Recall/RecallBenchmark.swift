// `bench recall --synthetic`: reads a context once and asks everything that is known about it.

package import Inference
import KVCache

/// Asks an engine with the constructed recall model about a corpus.
package struct RecallBenchmark: Sendable {
    private let engine: Engine
    private let corpus: RecallCorpus
    private let context: [Int32]

    /// Tokens behind the context that questions and answers take at most.
    package static let questionTokens = RecallHiding.factTokens

    package init(_ engine: Engine, _ corpus: RecallCorpus) {
        self.engine = engine
        self.corpus = corpus
        context = corpus.context()
    }

    /// Reads the context, then asks.
    ///
    /// - Parameters:
    ///   - reading: called with tokens done and how many of them were stored before.
    ///   - asked: called after each question with its answer.
    package func run(
        reading: @Sendable (_ done: Int, _ cached: Int) -> Void = { _, _ in },
        asked: @Sendable (RecallAnswer) -> Void = { _ in }
    ) async throws -> RecallReport {
        let clock = ContinuousClock()
        let start = clock.now
        let cached = try await read(reading)
        let read = clock.now
        // What is asked for then comes from the disk, the first time at least.
        await engine.emptyFileCache()
        let (before, deviceBefore) = (await engine.keyValueCounts, ResourceUse.deviceReads())
        let asking = clock.now
        var answers = try await ask(corpus.questions, asked)
        for index in answers.indices { answers[index].balance = try await balance(answers[index].question) }
        let seconds = (clock.now - asking) / .seconds(1)
        let (after, deviceAfter) = (await engine.keyValueCounts, ResourceUse.deviceReads())
        var reads: RecallReads?
        if after.paged > 0 {
            reads = RecallReads(
                counts: after.reads.since(before.reads),
                deviceBytes: deviceAfter.flatMap { end in deviceBefore.map { end - $0 } }, seconds: seconds,
                disk: await engine.probeDisk(atMost: RecallReads.mostProbed))
        }
        return RecallReport(
            tokens: corpus.count, answers: answers, cachedTokens: cached, prefillSeconds: (read - start) / .seconds(1),
            questionSeconds: seconds, keyValues: after, reads: reads, peakMemory: ResourceUse.ownPeak())
    }

    /// Leaves keys and values of the context in the engine, and in its store.
    ///
    /// - Returns: how many tokens were stored before.
    private func read(_ progress: (_ done: Int, _ cached: Int) -> Void) async throws -> Int {
        var cached = 0
        for try await (_, event) in engine.generate(after: context, keeping: context.count, []) {
            guard case .prefill(let done, _, let before) = event else { continue }
            cached = before
            progress(done, before)
        }
        try Task.checkCancellation()
        return cached
    }

    /// All questions share the context, and are answered together.
    private func ask(
        _ questions: [RecallQuestion], _ asked: (RecallAnswer) -> Void
    ) async throws -> [RecallAnswer] {
        var answers = questions.map { RecallAnswer(question: $0, tokens: []) }
        let requests = questions.map { request($0.key, maxOutputTokens: $0.expected.count) }
        for try await (index, event) in engine.generate(after: context, requests) {
            switch event {
            case .token(let id, _, _, _): answers[index].tokens.append(id)
            case .finished: asked(answers[index])
            case .prefill: continue
            }
        }
        try Task.checkCancellation()
        return answers
    }

    /// Greedy, without guesses, and no token ends an answer before it is complete.
    private func request(_ key: [Int32], maxOutputTokens: Int) -> GenerationRequest {
        GenerationRequest(
            prompt: key, maxOutputTokens: maxOutputTokens, sampling: .greedy, stopTokens: [],
            speculation: false)
    }

    /// How much more attention one value of a question got than its rival: a logit is the mean overlap with the values
    /// found, weighted by attention.
    private func balance(_ question: RecallQuestion) async throws -> Double? {
        guard let rival = question.rival, let value = question.expected.first else { return nil }
        let prompt = context + question.key
        guard let logits = try await engine.logits(prompt, positions: [prompt.count - 1]).first else { return nil }
        let codes = TokenCodes(experts: corpus.shape.experts)
        let apart = Double(TokenCodes.bits - codes.overlap(value, rival))
        return Double(logits[Int(value)] - logits[Int(rival)]) / apart
    }
}
