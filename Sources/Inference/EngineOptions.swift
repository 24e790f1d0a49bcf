package import Hashing
package import KVCache
package import Kernels
package import SystemPackage
package import Tokenization

/// How an engine is set up; fixed while it lives.
package struct EngineOptions: Sendable {
    /// Threads that compute, the engine's own among them.
    package var threads: Int
    /// The most bytes that may be resident: weights, cache and working memory. `nil` is without limit.
    package var memoryLimit: Int?
    package var numerics: Numerics
    /// How keys and values are stored.
    package var kvType: KVType
    /// Name of a kernel set; `nil` is the best that the processor has.
    package var kernels: String?
    /// Tokens of the prompt that are computed at a time; also how often cancellation is looked for.
    package var prefillChunk: Int
    /// The most tokens of prompt and output together; `nil` is what the model was made for.
    package var contextLimit: Int?
    /// How positions become angles.
    package var angles: RotaryAngles
    /// Whether layers whose keys follow from their values keep only these, where angles are exact. Without, results
    /// differ by no more than the cache's number format makes them; for comparing.
    package var rebuildsKeys = true
    /// The most bytes of keys and values in memory; `nil` leaves it to `memoryLimit`.
    package var kvMemory: Int?
    /// Where keys and values go that memory has no room for; `nil` keeps all of them in memory.
    package var pagingFolder: FilePath?
    /// The most bytes that they may take there; `nil` is without limit.
    package var pagingLimit: Int?
    /// How generated tokens read keys and values that are on disk.
    package var kvReading = KVReading.exact
    /// Tokens that are stored and paged out together.
    package var segmentTokens = KVSegment.fullTokens
    /// The model's tokenizer where it is at hand, such as from its compiled form; `nil` reads it from the model.
    package var tokenizer: Tokenizer?
    /// Where keys and values of shared prompts are kept; `nil` keeps none.
    package var kvStore: KVStoreOptions?

    package init(
        threads: Int, memoryLimit: Int? = nil, numerics: Numerics = .fast, kvType: KVType = .f16,
        kernels: String? = nil, prefillChunk: Int = 512, contextLimit: Int? = nil,
        angles: RotaryAngles = .exact
    ) {
        self.threads = threads
        self.memoryLimit = memoryLimit
        self.numerics = numerics
        self.kvType = kvType
        self.kernels = kernels
        self.prefillChunk = prefillChunk
        self.contextLimit = contextLimit
        self.angles = angles
    }
}

/// Where keys and values are kept from one process to the next.
package struct KVStoreOptions: Sendable {
    /// The folder of all models.
    package var root: FilePath
    /// Names everything that keys and values depend on besides tokens: weights, arithmetic, form of the cache.
    package var namespace: ContentHash
    /// The most bytes that all models may take; `nil` is without limit.
    package var limit: Int?
    /// Told of problems, none of which stops or changes anything.
    package var report: @Sendable (KVStoreProblem) -> Void

    /// Collects the four.
    package init(
        root: FilePath, namespace: ContentHash, limit: Int?, report: @escaping @Sendable (KVStoreProblem) -> Void
    ) {
        self.root = root
        self.namespace = namespace
        self.limit = limit
        self.report = report
    }
}
