// The matrices that decoder layers are made of, bound by the names that all GGUF converters give them.

import KVCache
import Tensors

/// The projections of self-attention.
struct AttentionWeights {
    let query: TensorView  // [embedding] -> [queryHeads * size]
    /// [embedding] -> [keyValueHeads * size]; `nil` in layers that read the keys and values of another.
    let key: TensorView?
    /// The same; `nil` also where the projected keys are the values.
    let value: TensorView?
    /// Whether the cache keeps keys; without, they are projected as values only.
    let hasKeys: Bool
    let output: TensorView  // [queryHeads * size] -> [embedding]

    /// - Parameters:
    ///   - prefix: of the layer, such as `blk.0.`.
    ///   - keysAreValues: whether layers without a value projection are right.
    init(
        _ binder: WeightBinder, _ prefix: String, _ plan: LayerPlan, width: Int, keysAreValues: Bool = false
    ) throws(ModelError) {
        let heads = plan.heads
        hasKeys = heads.hasKeys
        query = try binder.matrix(prefix + "attn_q.weight", rows: heads.queryWidth, columns: width)
        output = try binder.matrix(prefix + "attn_output.weight", rows: width, columns: heads.queryWidth)
        guard plan.keyValues == .own else {
            (key, value) = (nil, nil)
            return
        }
        key = try binder.matrix(prefix + "attn_k.weight", rows: heads.keyValueWidth, columns: width)
        let name = prefix + "attn_v.weight"
        value = try binder.optionalMatrix(name, rows: heads.keyValueWidth, columns: width)
        guard value != nil || keysAreValues else { throw .missingTensor(name) }
    }
}

/// Biases of the projections, in families that have them.
struct AttentionBiases {
    let query: UnsafePointer<Float>  // [queryHeads * size]
    let key, value: UnsafePointer<Float>  // [keyValueHeads * size]

    init(_ binder: WeightBinder, _ prefix: String, heads: HeadShape) throws(ModelError) {
        query = try binder.vector(prefix + "attn_q.bias", count: heads.queryWidth)
        key = try binder.vector(prefix + "attn_k.bias", count: heads.keyValueWidth)
        value = try binder.vector(prefix + "attn_v.bias", count: heads.keyValueWidth)
    }
}

/// A gated feed-forward block.
struct FeedForwardWeights {
    let gate, up: TensorView  // [embedding] -> [hidden]
    let down: TensorView  // [hidden] -> [embedding]

    /// - Parameter suffix: of the names, such as `_shexp` for the expert that all tokens share.
    init(
        _ binder: WeightBinder, _ prefix: String, suffix: String = "", width: Int, hidden: Int
    ) throws(ModelError) {
        gate = try binder.matrix("\(prefix)ffn_gate\(suffix).weight", rows: hidden, columns: width)
        up = try binder.matrix("\(prefix)ffn_up\(suffix).weight", rows: hidden, columns: width)
        down = try binder.matrix("\(prefix)ffn_down\(suffix).weight", rows: width, columns: hidden)
    }
}

/// The routed experts of one layer: one matrix per expert, end to end.
struct ExpertWeights {
    let shape: ExpertShape
    let router: TensorView  // [embedding] -> [experts]
    /// Per expert [embedding] -> [hidden].
    private let gate, up: TensorView
    /// Per expert [hidden] -> [embedding].
    private let down: TensorView
    /// Whether `gate` and `up` are the same tensor, rows of the gate first.
    private let isFused: Bool

    init(_ binder: WeightBinder, _ prefix: String, _ shape: ExpertShape, width: Int) throws(ModelError) {
        self.shape = shape
        router = try binder.matrix(prefix + "ffn_gate_inp.weight", rows: shape.count, columns: width)
        let (count, hidden) = (shape.count, shape.hidden)
        down = try binder.experts(prefix + "ffn_down_exps.weight", rows: width, columns: hidden, count: count)
        let fused = prefix + "ffn_gate_up_exps.weight"
        isFused = binder.has(fused)
        if isFused {
            gate = try binder.experts(fused, rows: 2 * hidden, columns: width, count: count)
            up = gate
        } else {
            gate = try binder.experts(prefix + "ffn_gate_exps.weight", rows: hidden, columns: width, count: count)
            up = try binder.experts(prefix + "ffn_up_exps.weight", rows: hidden, columns: width, count: count)
        }
    }

    func gate(_ expert: Int) -> TensorView {
        isFused ? gate.slice(expert).rows(0..<shape.hidden) : gate.slice(expert)
    }

    func up(_ expert: Int) -> TensorView {
        isFused ? up.slice(expert).rows(shape.hidden..<2 * shape.hidden) : up.slice(expert)
    }

    func down(_ expert: Int) -> TensorView { down.slice(expert) }
}
