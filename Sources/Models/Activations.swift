// Working memory of forward passes, allocated once for the largest chunk.

import KVCache
import Kernels
import Tensors

/// Elements per token that a model's activations take; from them follows the working memory.
package struct ActivationWidths: Sendable, Equatable {
    package var embedding: Int
    /// All query heads, in the layer with the most.
    package var queries: Int
    /// All key heads, in the layer with the most; the same for values.
    package var keyValues: Int
    package var feedForward: Int
    /// Cosines and sines of all kinds of rotation.
    package var rotary: Int

    init(embedding: Int, feedForward: Int, plan: [LayerPlan]) {
        self.embedding = embedding
        self.feedForward = feedForward
        queries = plan.map(\.heads.queryWidth).max() ?? 0
        keyValues = plan.map(\.heads.keyValueWidth).max() ?? 0
        rotary = Set(plan.compactMap(\.rope)).reduce(0) { $0 + $1.dimensions }
    }

    /// Bytes of the activations of one chunk.
    package func bytes(chunkTokens: Int) -> Int {
        (2 * embedding + 2 * queries + 2 * keyValues + 2 * feedForward + rotary) * chunkTokens
            * MemoryLayout<Float>.size
    }
}

/// The buffers of one model, `[chunkTokens, width]` each.
final class Activations {
    /// The residual stream.
    let stream: Buffer<Float>
    /// Normalized input of a block, later its output.
    let block: Buffer<Float>
    let queries: Buffer<Float>
    let attended: Buffer<Float>
    let keys: Buffer<Float>
    let values: Buffer<Float>
    let gate: Buffer<Float>
    let up: Buffer<Float>

    init(_ widths: ActivationWidths, chunkTokens: Int) {
        stream = Buffer(count: chunkTokens * widths.embedding)
        block = Buffer(count: chunkTokens * widths.embedding)
        queries = Buffer(count: chunkTokens * widths.queries)
        attended = Buffer(count: chunkTokens * widths.queries)
        keys = Buffer(count: chunkTokens * widths.keyValues)
        values = Buffer(count: chunkTokens * widths.keyValues)
        gate = Buffer(count: chunkTokens * widths.feedForward)
        up = Buffer(count: chunkTokens * widths.feedForward)
    }
}
