// The steps that decoder layers of all families are made of, on the buffers of one model. Which steps, in which order
// and with which weights is each family's own file.
//
// Layers work on rows: tokens of the pass counted from 0. All buffers but the residual stream hold the rows of the
// current step from their first element on.

import KVCache
import Kernels
import Tensors

/// The tokens of one forward pass.
struct Pass {
    /// Tokens in the pass.
    let tokens: Int
    /// Position of the first.
    let firstPosition: Int
    /// Rows whose logits are wanted.
    let wanted: Range<Int>
    let cache: KVCacheManager

    /// Takes room in the cache for the tokens.
    init(tokens: Int, wanted: Range<Int>, cache: KVCacheManager) {
        precondition(wanted.lowerBound >= 0 && wanted.upperBound <= tokens, "wanted rows are rows of the pass")
        self.tokens = tokens
        firstPosition = cache.count
        self.wanted = wanted
        self.cache = cache
        cache.reserve(tokens)
    }

    var all: Range<Int> { 0..<tokens }
}

/// Buffers, rotation and arithmetic of one model.
final class DecoderSteps {
    private let plan: [LayerPlan]
    private let compute: Compute
    private let width: Int
    private let epsilon: Float
    private let buffers: Activations
    private let rotaries: [RotaryTable]
    /// By layer, into `rotaries`.
    private let rotaryOfLayer: [Int?]

    /// - Parameter epsilon: of all norms.
    init(_ configuration: some ModelConfiguration, epsilon: Float, compute: Compute, chunkTokens: Int) {
        plan = configuration.layerPlan
        self.compute = compute
        self.epsilon = epsilon
        width = configuration.widths.embedding
        buffers = Activations(configuration.widths, chunkTokens: chunkTokens)
        var kinds: [RotaryParameters] = []
        rotaryOfLayer = plan.map { layer in
            guard let rope = layer.rope else { return nil }
            if let known = kinds.firstIndex(of: rope) { return known }
            kinds.append(rope)
            return kinds.count - 1
        }
        rotaries = kinds.map { RotaryTable($0) }
    }

    /// stream = embedding[ids] · scale: `[tokens, embedding]`
    func embed(_ ids: [Int32], _ embedding: TensorView, scale: Float = 1) {
        compute.rows(embedding, ids: ids, into: buffers.stream.pointer)
        if scale != 1 { compute.scale(buffers.stream.pointer, by: scale, count: ids.count * width) }
    }

    /// block = RMSNorm(stream): `[rows, embedding]`
    func normalizeStream(_ weight: UnsafePointer<Float>, rows: Range<Int>) {
        compute.rmsNorm(
            stream(rows), weight: weight, rows: rows.count, columns: width, eps: epsilon, into: buffers.block.pointer)
    }

    /// queries, keys, values = W · block + b. Keys and values of all tokens, queries of `rows` only.
    ///
    /// `[tokens, embedding]` -> `[rows, queryHeads, size]`, twice `[tokens, keyValueHeads, size]`
    func projectHeads(_ weights: AttentionWeights, _ biases: AttentionBiases? = nil, rows: Range<Int>, pass: Pass) {
        let query = Product(weights.query, into: buffers.queries.pointer, bias: biases?.query)
        let key = Product(weights.key, into: buffers.keys.pointer, bias: biases?.key)
        let value = Product(weights.value, into: buffers.values.pointer, bias: biases?.value)
        let block = buffers.block.pointer
        if rows == pass.all {
            compute.matmul([query, key, value], block, tokens: pass.tokens)
        } else {
            compute.matmul([key, value], block, tokens: pass.tokens)
            compute.matmul([query], block + rows.lowerBound * width, tokens: rows.count)
        }
    }

    /// RMSNorm over each head of queries and keys; weights of one head.
    func normalizeHeads(
        layer: Int, query: UnsafePointer<Float>, key: UnsafePointer<Float>, rows: Range<Int>, pass: Pass
    ) {
        let heads = plan[layer].heads
        compute.rmsNorm(
            buffers.queries.pointer, weight: query, rows: rows.count * heads.queryHeads, columns: heads.size,
            eps: epsilon, into: buffers.queries.pointer)
        compute.rmsNorm(
            buffers.keys.pointer, weight: key, rows: pass.tokens * heads.keyValueHeads, columns: heads.size,
            eps: epsilon, into: buffers.keys.pointer)
    }

    /// Turns queries and keys to their positions, and stores keys and values of all tokens.
    func rotateAndStore(layer: Int, rows: Range<Int>, pass: Pass) {
        let heads = plan[layer].heads
        if let rotary = rotaryOfLayer[layer] {
            // All tokens first: the table then holds the angles of the subset too.
            compute.rope(
                buffers.keys.pointer, tokens: pass.tokens, heads: heads.keyValueHeads, headDim: heads.size,
                firstPosition: pass.firstPosition, rotaries[rotary])
            compute.rope(
                buffers.queries.pointer, tokens: rows.count, heads: heads.queryHeads, headDim: heads.size,
                firstPosition: pass.firstPosition + rows.lowerBound, rotaries[rotary])
        }
        compute.storeKV(
            keys: buffers.keys.pointer, values: buffers.values.pointer, tokens: pass.tokens,
            firstPosition: pass.firstPosition, into: pass.cache.pages(layer: layer))
    }

    /// block = W · attention: `[rows, queryHeads, size]` -> `[rows, embedding]`
    ///
    /// - Parameter scale: of the scores.
    func attend(layer: Int, _ output: TensorView, scale: Float, rows: Range<Int>, pass: Pass) {
        compute.attention(
            AttentionRequest(
                queries: buffers.queries.pointer, tokens: rows.count, heads: plan[layer].heads.queryHeads,
                scale: scale, kind: plan[layer].attention, firstPosition: pass.firstPosition + rows.lowerBound,
                cache: pass.cache.pages(layer: layer)),
            into: buffers.attended.pointer)
        compute.matmul(output, buffers.attended.pointer, tokens: rows.count, into: buffers.block.pointer)
    }

    /// block = Wdown · (activation(Wgate · block) ⊙ Wup · block):
    /// `[rows, embedding]` -> `[rows, hidden]` -> `[rows, embedding]`
    func feedForward(_ weights: FeedForwardWeights, _ kind: GateKind, rows: Range<Int>) {
        let (block, gate, up) = (buffers.block.pointer, buffers.gate.pointer, buffers.up.pointer)
        compute.matmul([Product(weights.gate, into: gate), Product(weights.up, into: up)], block, tokens: rows.count)
        compute.gatedActivation(gate: gate, up: up, count: rows.count * weights.gate.rows, kind: kind, into: gate)
        compute.matmul(weights.down, gate, tokens: rows.count, into: block)
    }

    /// block = RMSNorm(block): `[rows, embedding]`
    func normalizeBlock(_ weight: UnsafePointer<Float>, rows: Range<Int>) {
        compute.rmsNorm(
            buffers.block.pointer, weight: weight, rows: rows.count, columns: width, eps: epsilon,
            into: buffers.block.pointer)
    }

    /// stream += block: `[rows, embedding]`
    func addBlock(rows: Range<Int>) {
        compute.add(buffers.block.pointer, to: stream(rows), count: rows.count * width)
    }

    /// Logits of one row of the stream: `[embedding]` -> `[vocabulary]`
    func project(row: Int, norm: UnsafePointer<Float>, _ output: TensorView, into logits: inout [Float]) {
        precondition(logits.count == output.rows, "one logit per row of the vocabulary")
        normalizeStream(norm, rows: row..<row + 1)
        logits.withUnsafeMutableBufferPointer { logits in
            guard let address = logits.baseAddress else { return }
            compute.matmul(output, buffers.block.pointer, tokens: 1, into: address)
        }
    }

    private func stream(_ rows: Range<Int>) -> UnsafeMutablePointer<Float> {
        buffers.stream.pointer + rows.lowerBound * width
    }
}
