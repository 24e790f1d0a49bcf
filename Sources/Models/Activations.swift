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
    /// Hidden elements of the widest dense feed-forward block.
    package var feedForward: Int
    /// Cosines and sines of all kinds of rotation.
    package var rotary: Int
    /// Of mixtures of experts; `nil` without.
    package var experts: ExpertShape?
    /// Per-layer inputs of all layers together; 0 without.
    package var perLayer = 0

    init(embedding: Int, feedForward: Int, plan: [LayerPlan], experts: ExpertShape? = nil, perLayer: Int = 0) {
        self.embedding = embedding
        self.feedForward = feedForward
        queries = plan.map(\.heads.queryWidth).max() ?? 0
        keyValues = plan.map(\.heads.keyValueWidth).max() ?? 0
        rotary = Set(plan.compactMap(\.rope)).reduce(0) { $0 + $1.dimensions }
        self.experts = experts
        self.perLayer = perLayer
    }

    /// Bytes of the activations of one chunk.
    package func bytes(chunkTokens: Int) -> Int {
        var elements = 2 * embedding + 2 * queries + 2 * keyValues + 2 * feedForward + rotary + 2 * perLayer
        if let experts {
            elements += embedding + experts.count + 2 * experts.chosen * (embedding + experts.hidden)
        }
        return elements * chunkTokens * MemoryLayout<Float>.size
    }
}

/// Sizes of a mixture of experts.
package struct ExpertShape: Sendable, Equatable {
    package var count: Int
    /// Experts that a token goes to.
    package var chosen: Int
    /// Elements of an expert's hidden layer.
    package var hidden: Int
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
    let experts: ExpertActivations?
    /// Per-layer inputs: `[layer][token][width]`, and `[token][layer][width]` as the table has them.
    let perLayer: Buffer<Float>
    let perLayerRows: Buffer<Float>

    init(_ widths: ActivationWidths, chunkTokens: Int) {
        stream = Buffer(count: chunkTokens * widths.embedding)
        block = Buffer(count: chunkTokens * widths.embedding)
        queries = Buffer(count: chunkTokens * widths.queries)
        attended = Buffer(count: chunkTokens * widths.queries)
        keys = Buffer(count: chunkTokens * widths.keyValues)
        values = Buffer(count: chunkTokens * widths.keyValues)
        gate = Buffer(count: chunkTokens * widths.feedForward)
        up = Buffer(count: chunkTokens * widths.feedForward)
        experts = widths.experts.map { ExpertActivations($0, embedding: widths.embedding, chunkTokens: chunkTokens) }
        perLayer = Buffer(count: chunkTokens * widths.perLayer)
        perLayerRows = Buffer(count: chunkTokens * widths.perLayer)
    }
}

/// The buffers of a mixture of experts. A token has as many rows ("slots") as experts it goes to.
final class ExpertActivations {
    /// `[tokens, experts]`
    let scores: Buffer<Float>
    /// Sum of the experts' outputs, `[tokens, embedding]`; before that the input of router and experts, where it is
    /// not the block's.
    let mixture: Buffer<Float>
    /// `[slots, embedding]`: inputs, later outputs.
    let rows, outputs: Buffer<Float>
    /// `[slots, hidden]`
    let gate, up: Buffer<Float>

    init(_ shape: ExpertShape, embedding: Int, chunkTokens: Int) {
        let slots = chunkTokens * shape.chosen
        scores = Buffer(count: chunkTokens * shape.count)
        mixture = Buffer(count: chunkTokens * embedding)
        rows = Buffer(count: slots * embedding)
        outputs = Buffer(count: slots * embedding)
        gate = Buffer(count: slots * shape.hidden)
        up = Buffer(count: slots * shape.hidden)
    }
}
