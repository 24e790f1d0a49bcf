// The door to inference: open a model, ask it, cancel by letting go. Owns nothing of the arithmetic; one dedicated
// thread computes behind it, requests wait their turn in order.

package import KVCache
package import Kernels
package import Models
import Tensors
package import Tokenization

/// A model ready to answer. Safe to share; the model and its thread go when the last reference does.
package final class Engine: Sendable {
    package let model: ModelDescription
    package let tokenizer: Tokenizer
    package let template: ChatTemplate
    /// The most tokens of prompt and output together.
    package let contextLength: Int
    /// What this engine may take.
    package let memory: MemoryPlan
    /// How generated tokens read keys and values that are on disk.
    package let reading: KVReading
    /// Whether generated tokens read all keys and values.
    package var readsAllPages: Bool { reading == .exact }
    private let core: EngineCore

    private init(_ facts: ModelFacts, core: EngineCore, reading: KVReading) {
        self.reading = reading
        model = facts.description
        tokenizer = facts.tokenizer
        template = facts.template
        contextLength = facts.memory.contextTokens
        memory = facts.memory
        self.core = core
    }

    /// Reads the metadata, checks the memory limit, then binds the weights, which stay mapped.
    ///
    /// Without a context limit the context is what the model was made for, or as much of it as the memory limit allows.
    package static func open(_ model: ModelFiles, options: EngineOptions) async throws(EngineError) -> Engine {
        let core = EngineCore()
        let facts = try await core.open(model, options: options)
        return Engine(facts, core: core, reading: options.kvReading)
    }

    /// What `open` will take, without opening: reads metadata only, and compares with no limit.
    ///
    /// - Parameter contextTokens: size of the context; `nil` is what `open` would choose.
    package static func plan(
        _ model: ModelFiles, options: EngineOptions, contextTokens: Int? = nil
    ) throws(EngineError) -> MemoryPlan {
        try EnginePlanner(model, options: options).plan(contextTokens: contextTokens)
    }

    /// The tokenizer alone.
    package static func tokenizer(_ model: ModelFiles) throws(EngineError) -> Tokenizer {
        try EnginePlanner.tokenizer(model)
    }

    /// What the file says, without opening an engine.
    ///
    /// - Parameter tokenizer: the model's, to find the template; `nil` reads it.
    package static func describe(
        _ model: ModelFiles, tokenizer: Tokenizer? = nil
    ) throws(EngineError) -> ModelDescription {
        let configuration = try EnginePlanner.configuration(model)
        let tokenizer = if let tokenizer { tokenizer } else { try EnginePlanner.tokenizer(model) }
        return ModelDescription(
            model, configuration, template: EnginePlanner.template(model, tokenizer: tokenizer),
            vocabularySize: tokenizer.vocabularySize)
    }

    /// Answers one request. Ending the task that reads the stream stops the work at the next chunk or token.
    ///
    /// The stream fails with `EngineError` or `CancellationError`.
    package func generate(_ request: GenerationRequest) -> AsyncThrowingStream<GenerationEvent, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task { [core] in
                do {
                    try await core.generate(request) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// Answers requests whose prompts follow a shared beginning, all of them step by step together: the beginning is
    /// computed once, and its keys and values are read once for each step. Events come with the request's index; those
    /// of the beginning's prefill with 0. Where memory has no room for several, they are answered one by one. Ending the task that reads the stream stops the work.
    ///
    /// - Parameter kept: tokens of the beginning that are worth keeping.
    package func generate(
        after beginning: [Int32], keeping kept: Int = 0, _ requests: [GenerationRequest]
    ) -> AsyncThrowingStream<(index: Int, event: GenerationEvent), any Error> {
        AsyncThrowingStream { continuation in
            let task = Task { [core] in
                do {
                    try await core.generate(after: beginning, keeping: kept, requests) {
                        continuation.yield((index: $0, event: $1))
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// How likely the model holds each continuation of a prompt. The prompt is computed once.
    package func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [ScoredContinuation] {
        try await core.score(prompt: prompt, continuations: continuations)
    }

    /// Logits of the token after each of `positions`: one per row of the vocabulary, padding rows included.
    package func logits(_ tokens: [Int32], positions: [Int]) async throws -> [[Float]] {
        try await core.logits(tokens, positions: positions)
    }

    /// The hidden states of one pass over all tokens, `[tokens, width]` by the names of `HiddenStateObserver`.
    ///
    /// - Precondition: the tokens fit one prefill chunk.
    package func hiddenStates(_ tokens: [Int32]) async throws -> [String: [Float]] {
        try await core.hiddenStates(tokens)
    }

    /// Forgets the last sequence, so that the next request computes its whole prompt.
    package func forget() async {
        await core.forget()
    }

    /// Where the keys and values of the last sequence are, and what reading those on disk took.
    package var keyValueCounts: KeyValueCounts {
        get async { await core.keyValueCounts }
    }

    /// The same as of the last step: at once, also while the engine computes.
    package var latestKeyValues: KeyValueCounts { core.gauge.latest }

    /// How keys and values are cut into pages, in memory and on disk.
    ///
    /// - Parameter residentTokens: `nil` for all.
    package static func layout(
        _ options: EngineOptions, contextTokens: Int, residentTokens: Int? = nil
    ) -> KVPageLayout {
        EnginePlanner.layout(options, contextTokens: contextTokens, residentTokens: residentTokens)
    }

    /// Drops from the system's file cache what is on disk of the last sequence: then reads are the disk's.
    package func emptyFileCache() async { await core.emptyFileCache() }

    /// Reads what is on disk of the last sequence once more, in the same blocks, and does nothing with it.
    ///
    /// - Parameter bytes: no more than about so many.
    /// - Returns: nil where nothing is on disk, or a read failed.
    package func probeDisk(atMost bytes: Int) async -> KVDiskProbe? { await core.probeDisk(atMost: bytes) }

    /// What generated tokens of the last request read of those on disk.
    package var keyValueUse: KeyValueUse {
        get async { await core.keyValueUse }
    }

    /// Begins to compare outputs that left out pages with exact ones, which takes the time of both.
    package func checkReading() async { await core.checkReading() }

    /// What came of it so far; nil where nothing is compared.
    package var readingCheck: KVReadingCheck? {
        get async { await core.readingCheck }
    }

    /// Bytes of keys and values allocated now.
    package var cacheBytes: Int {
        get async { await core.cacheBytes }
    }
}

/// What is known once a model is open.
private struct ModelFacts: Sendable {
    let description: ModelDescription
    let tokenizer: Tokenizer
    let template: ChatTemplate
    let memory: MemoryPlan
}

/// Keeps the session on its thread.
private actor EngineCore {
    private nonisolated let thread = EngineThread()
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    nonisolated let gauge = KeyValueGauge()
    /// `nil` until `open`.
    private var session: Session?
    /// Holds the mapping that the session's weights point into.
    private var files: ModelFiles?

    func open(_ model: ModelFiles, options: EngineOptions) throws(EngineError) -> ModelFacts {
        let planner = try EnginePlanner(model, options: options)
        let memory = planner.plan(contextTokens: nil)
        if let limit = options.memoryLimit, memory.totalBytes > limit {
            throw .memory(memory, limit: limit)
        }
        let kernels = try EnginePlanner.kernels(options)
        let tokenizer = if let given = options.tokenizer { given } else { try EnginePlanner.tokenizer(model) }
        let template = EnginePlanner.template(model, tokenizer: tokenizer)
        let compute = Compute(
            pool: ThreadPool(threads: options.threads), kernels: kernels, numerics: options.numerics)
        if let limit = options.kvMemory, memory.cacheBytes > limit {
            throw .keyValueMemory(needed: memory.cacheBytes, limit: limit)
        }
        let layout = planner.layout(contextTokens: memory.contextTokens, residentTokens: memory.residentTokens)
        let bound: any LanguageModel
        do {
            bound = try planner.configuration.bind(
                model.checkpoint,
                BindOptions(
                    compute: compute, chunkTokens: layout.chunkTokens, angles: options.angles,
                    weightRoom: memory.streamedBytes > 0 ? memory.weightBytes : nil))
        } catch {
            throw .model(error)
        }
        let cache = KVCacheManager(
            plan: planner.configuration.layerPlan, layout: layout, type: options.kvType,
            pagingFolder: options.pagingFolder)
        session = Session(
            model: bound, arithmetic: compute, cache: cache, tokenizer: tokenizer, chunkTokens: layout.chunkTokens,
            memory: memory, reading: options.kvReading,
            segments: options.kvStore.map { store in
                KVSegmentStore(
                    root: store.root, namespace: store.namespace, limit: store.limit, report: store.report)
            }, gauge: gauge)
        files = model
        return ModelFacts(
            description: ModelDescription(
                model, planner.configuration, template: template, vocabularySize: tokenizer.vocabularySize),
            tokenizer: tokenizer, template: template, memory: memory)
    }

    func generate(_ request: GenerationRequest, yield: sending (GenerationEvent) -> Void) throws {
        try opened.generate(request, yield: yield)
    }

    func generate(
        after beginning: [Int32], keeping kept: Int, _ requests: [GenerationRequest],
        yield: sending (Int, GenerationEvent) -> Void
    ) throws {
        try opened.generate(after: beginning, keeping: kept, requests, yield: yield)
    }

    func score(prompt: [Int32], continuations: [[Int32]]) throws -> [ScoredContinuation] {
        try opened.score(prompt: prompt, continuations: continuations)
    }

    func logits(_ tokens: [Int32], positions: [Int]) throws -> [[Float]] {
        try opened.logits(tokens, positions: positions)
    }

    func hiddenStates(_ tokens: [Int32]) throws -> [String: [Float]] { try opened.hiddenStates(tokens) }

    func forget() { opened.forget() }

    var cacheBytes: Int { opened.cacheBytes }

    var keyValueCounts: KeyValueCounts { opened.keyValueCounts }

    func emptyFileCache() { opened.cache.emptyFileCache() }

    func probeDisk(atMost bytes: Int) -> KVDiskProbe? { opened.cache.probeDisk(atMost: bytes) }

    var keyValueUse: KeyValueUse { opened.keyValueUse }

    func checkReading() { opened.readingCheck = KVReadingCheck() }

    var readingCheck: KVReadingCheck? { opened.readingCheck }

    private var opened: Session {
        guard let session else { preconditionFailure("an engine is handed out only after it was opened") }
        return session
    }
}
