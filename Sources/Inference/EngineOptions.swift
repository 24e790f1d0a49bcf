package import Kernels

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
