// The steps that decoder layers of all families are made of, on the buffers of one model. Which steps, in which order
// and with which weights is each family's own file; mixtures of experts are in DecoderSteps+Experts.
//
// Layers work on rows: tokens of the pass counted from 0. All buffers but the residual stream hold the rows of the
// current step from their first element on.

import KVCache
import Kernels
import Tensors
import Weights

/// The tokens of one forward pass: rows of one sequence or several, one after the other.
struct Pass {
    /// Consecutive tokens of one sequence.
    struct Part {
        var rows: Range<Int>
        /// Position of the first.
        var firstPosition: Int
        let cache: KVCacheManager
    }

    /// Tokens in the pass.
    let tokens: Int
    let parts: [Part]
    /// Rows whose logits are wanted.
    let wanted: Range<Int>

    /// Takes room in the caches for the tokens.
    init(_ sequences: [SequenceStep], wanted: Range<Int>) {
        var parts: [Part] = []
        for sequence in sequences {
            let first = parts.last?.rows.upperBound ?? 0
            let rows = first..<first + sequence.tokens.count
            parts.append(Part(rows: rows, firstPosition: sequence.cache.count, cache: sequence.cache))
            sequence.cache.reserve(rows.count)
        }
        self.parts = parts
        tokens = parts.last?.rows.upperBound ?? 0
        self.wanted = wanted
        precondition(wanted.lowerBound >= 0 && wanted.upperBound <= tokens, "wanted rows are rows of the pass")
    }

    var all: Range<Int> { 0..<tokens }

    /// What of each sequence lies in some rows.
    func parts(_ rows: Range<Int>) -> [Part] {
        guard rows != all else { return parts }
        return parts.compactMap { part in
            let common = part.rows.clamped(to: rows)
            guard !common.isEmpty else { return nil }
            let skipped = common.lowerBound - part.rows.lowerBound
            return Part(rows: common, firstPosition: part.firstPosition + skipped, cache: part.cache)
        }
    }
}

/// Buffers, rotation and arithmetic of one model.
final class DecoderSteps {
    let compute: Compute
    let width: Int
    let epsilon: Float
    let buffers: Activations
    /// The last layer with keys and values of its own.
    let lastStoringLayer: Int
    let streaming: WeightStreaming
    var observer: HiddenStateObserver?
    private let plan: [LayerPlan]
    private let rotaries: [RotaryTable]
    /// By layer, into `rotaries`.
    private let rotaryOfLayer: [Int?]

    /// - Parameter epsilon: of all norms.
    init(
        _ configuration: some ModelConfiguration, epsilon: Float, _ options: BindOptions, _ streaming: WeightStreaming
    ) {
        self.streaming = streaming
        plan = configuration.layerPlan
        lastStoringLayer = plan.lastIndex { $0.keyValues == .own } ?? plan.count - 1
        compute = options.compute
        self.epsilon = epsilon
        width = configuration.widths.embedding
        buffers = Activations(configuration.widths, chunkTokens: options.chunkTokens)
        var kinds: [RotaryParameters] = []
        rotaryOfLayer = plan.map { layer in
            guard let rope = layer.rope else { return nil }
            if let known = kinds.firstIndex(of: rope) { return known }
            kinds.append(rope)
            return kinds.count - 1
        }
        rotaries = kinds.map { RotaryTable($0, angles: options.angles) }
    }

    // MARK: - Stream

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

    /// stream *= factor: `[rows, embedding]`
    func scaleStream(_ factor: Float, rows: Range<Int>) {
        compute.scale(stream(rows), by: factor, count: rows.count * width)
    }

    /// Normalized input of the current block, or its output: `[rows, embedding]`
    var block: UnsafePointer<Float> { UnsafePointer(buffers.block.pointer) }

    func stream(_ rows: Range<Int>) -> UnsafeMutablePointer<Float> {
        buffers.stream.pointer + rows.lowerBound * width
    }

    // MARK: - Attention

    /// Rows that a layer's attention normalizes first: all whose keys and values it stores.
    func attentionRows(layer: Int, rows: Range<Int>, pass: Pass) -> Range<Int> {
        plan[layer].keyValues == .own ? pass.all : rows
    }

    /// queries, keys, values = W · block + b. Keys and values of all tokens where the layer has its own, queries of
    /// `rows` only. Without a value projection the keys are the values; where the cache keeps no keys, there are no others.
    ///
    /// `[attentionRows, embedding]` -> `[rows, queryHeads, size]`, twice `[tokens, keyValueHeads, size]`
    func projectHeads(_ weights: AttentionWeights, _ biases: AttentionBiases? = nil, rows: Range<Int>, pass: Pass) {
        let block = buffers.block.pointer
        let query = Product(weights.query, into: buffers.queries.pointer, bias: biases?.query)
        guard let keys = weights.key else {
            compute.matmul([query], block, tokens: rows.count)
            return
        }
        let target = weights.hasKeys ? buffers.keys.pointer : buffers.values.pointer
        var products = [Product(keys, into: target, bias: biases?.key)]
        if let values = weights.value {
            products.append(Product(values, into: buffers.values.pointer, bias: biases?.value))
        }
        if rows == pass.all {
            compute.matmul([query] + products, block, tokens: pass.tokens)
        } else {
            compute.matmul(products, block, tokens: pass.tokens)
            if !rows.isEmpty { compute.matmul([query], block + rows.lowerBound * width, tokens: rows.count) }
        }
        if weights.value == nil, weights.hasKeys {
            buffers.values.pointer.update(from: buffers.keys.pointer, count: pass.tokens * keys.rows)
        }
    }

    /// RMSNorm over each query head.
    ///
    /// - Parameter weight: of one head, `nil` for none.
    func normalizeQueries(layer: Int, _ weight: UnsafePointer<Float>?, rows: Range<Int>) {
        normalizeHeads(buffers.queries.pointer, weight, heads: rows.count * plan[layer].heads.queryHeads, layer: layer)
    }

    /// Whether the layer's keys are kept; otherwise attention rebuilds them from values.
    func keepsKeys(layer: Int) -> Bool { plan[layer].heads.hasKeys }

    /// RMSNorm over each key head.
    func normalizeKeys(layer: Int, _ weight: UnsafePointer<Float>?, pass: Pass) {
        normalizeHeads(
            buffers.keys.pointer, weight, heads: pass.tokens * plan[layer].heads.keyValueHeads, layer: layer)
    }

    /// RMSNorm over each value head, without weights.
    func normalizeValues(layer: Int, pass: Pass) {
        normalizeHeads(buffers.values.pointer, nil, heads: pass.tokens * plan[layer].heads.keyValueHeads, layer: layer)
    }

    private func normalizeHeads(
        _ x: UnsafeMutablePointer<Float>, _ weight: UnsafePointer<Float>?, heads: Int, layer: Int
    ) {
        compute.rmsNorm(
            x, weight: weight, rows: heads, columns: plan[layer].heads.size, eps: epsilon, into: x)
    }

    /// Turns queries, and the layer's own keys where they are kept, to their positions.
    func rotate(layer: Int, rows: Range<Int>, pass: Pass) {
        guard let rotary = rotaryOfLayer[layer] else { return }
        let heads = plan[layer].heads
        if plan[layer].keyValues == .own, heads.hasKeys {
            // All tokens first: the table then holds the angles of the subset too.
            for part in pass.parts {
                compute.rope(
                    buffers.keys.pointer + part.rows.lowerBound * heads.keyValueWidth, tokens: part.rows.count,
                    heads: heads.keyValueHeads, headDim: heads.size, firstPosition: part.firstPosition,
                    rotaries[rotary])
            }
        }
        for part in pass.parts(rows) {
            compute.rope(
                buffers.queries.pointer + (part.rows.lowerBound - rows.lowerBound) * heads.queryWidth,
                tokens: part.rows.count, heads: heads.queryHeads, headDim: heads.size,
                firstPosition: part.firstPosition, rotaries[rotary])
        }
    }

    /// Multiplies all query heads of a token by a factor of its position.
    func temperQueries(layer: Int, rows: Range<Int>, pass: Pass, _ factor: (_ position: Int) -> Float) {
        let width = plan[layer].heads.queryWidth
        for part in pass.parts(rows) {
            for row in part.rows {
                let factor = factor(part.firstPosition + row - part.rows.lowerBound)
                guard factor != 1 else { continue }
                compute.scale(
                    buffers.queries.pointer + (row - rows.lowerBound) * width, by: factor, count: width)
            }
        }
    }

    /// Stores keys and values of all tokens, in layers that have their own.
    func store(layer: Int, pass: Pass) {
        guard plan[layer].keyValues == .own else { return }
        let width = plan[layer].heads.keyValueWidth
        for part in pass.parts {
            compute.storeKV(
                keys: buffers.keys.pointer + part.rows.lowerBound * width,
                values: buffers.values.pointer + part.rows.lowerBound * width, tokens: part.rows.count,
                firstPosition: part.firstPosition, into: part.cache.pages(layer: layer))
        }
    }

    /// block = W · attention: `[rows, queryHeads, size]` -> `[rows, embedding]`
    ///
    /// - Parameters:
    ///   - scale: of the scores.
    ///   - keyNorm: weights of the keys' norm, for layers that keep values only.
    func attend(
        layer: Int, _ output: TensorView, scale: Float, keyNorm: UnsafePointer<Float>? = nil, rows: Range<Int>,
        pass: Pass
    ) {
        let heads = plan[layer].heads
        var rebuilding: KeyRebuilding?
        if !heads.hasKeys, let keyNorm, let rotary = rotaryOfLayer[layer] {
            rebuilding = KeyRebuilding(weights: keyNorm, rotary: rotaries[rotary])
        }
        compute.attention(
            pass.parts(rows).map { part in
                AttentionRequest(
                    queries: buffers.queries.pointer + (part.rows.lowerBound - rows.lowerBound) * heads.queryWidth,
                    tokens: part.rows.count, heads: heads.queryHeads, scale: scale, kind: plan[layer].attention,
                    firstPosition: part.firstPosition, cache: part.cache.pages(layer: layer), rebuilding: rebuilding)
            }, into: buffers.attended.pointer)
        compute.matmul(output, buffers.attended.pointer, tokens: rows.count, into: buffers.block.pointer)
        observe("hidden.attn.\(layer)", buffers.block.pointer, columns: width, rows: rows, pass: pass)
    }

    // MARK: - Feed-forward and logits

    /// block = Wdown · (activation(Wgate · block) ⊙ Wup · block):
    /// `[rows, embedding]` -> `[rows, hidden]` -> `[rows, embedding]`
    func feedForward(_ weights: FeedForwardWeights, _ kind: GateKind, rows: Range<Int>) {
        let (block, gate, up) = (buffers.block.pointer, buffers.gate.pointer, buffers.up.pointer)
        compute.matmul([Product(weights.gate, into: gate), Product(weights.up, into: up)], block, tokens: rows.count)
        compute.gatedActivation(gate: gate, up: up, count: rows.count * weights.gate.rows, kind: kind, into: gate)
        compute.matmul(weights.down, gate, tokens: rows.count, into: block)
    }

    /// Logits of rows of the stream: `[rows, embedding]` -> `[rows, vocabulary]`
    func project(rows: Range<Int>, _ head: OutputHead, into logits: inout [Float]) {
        precondition(logits.count == rows.count * head.output.rows, "one logit per row of the vocabulary")
        normalizeStream(head.norm, rows: rows)
        logits.withUnsafeMutableBufferPointer { logits in
            guard let address = logits.baseAddress else { return }
            compute.matmul(head.output, buffers.block.pointer, tokens: rows.count, into: address)
            if let cap = head.softcap { compute.softcap(address, cap: cap, count: logits.count) }
        }
    }

    // MARK: - Observation

    func observeStream(_ name: String, pass: Pass) {
        observe(name, buffers.stream.pointer, columns: width, rows: pass.wanted, pass: pass)
    }

    /// Shows `[rows, columns]` to the observer in passes that want all rows.
    func observe(_ name: String, _ values: UnsafePointer<Float>, columns: Int, rows: Range<Int>, pass: Pass) {
        guard let observer, pass.wanted == pass.all, rows == pass.all else { return }
        observer(name, UnsafeBufferPointer(start: values, count: pass.tokens * columns), columns)
    }
}
