// The matrices that every dense decoder layer has, bound by the names that all GGUF converters give them.

import KVCache
import Tensors

/// The four projections of self-attention.
struct AttentionWeights {
    let query: TensorView  // [embedding] -> [queryHeads * size]
    let key, value: TensorView  // [embedding] -> [keyValueHeads * size]
    let output: TensorView  // [queryHeads * size] -> [embedding]

    /// `prefix` is that of the layer, such as `blk.0.`.
    init(_ binder: WeightBinder, _ prefix: String, heads: HeadShape, width: Int) throws(ModelError) {
        query = try binder.matrix(prefix + "attn_q.weight", rows: heads.queryWidth, columns: width)
        key = try binder.matrix(prefix + "attn_k.weight", rows: heads.keyValueWidth, columns: width)
        value = try binder.matrix(prefix + "attn_v.weight", rows: heads.keyValueWidth, columns: width)
        output = try binder.matrix(prefix + "attn_output.weight", rows: width, columns: heads.queryWidth)
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

    init(_ binder: WeightBinder, _ prefix: String, width: Int, hidden: Int) throws(ModelError) {
        gate = try binder.matrix(prefix + "ffn_gate.weight", rows: hidden, columns: width)
        up = try binder.matrix(prefix + "ffn_up.weight", rows: hidden, columns: width)
        down = try binder.matrix(prefix + "ffn_down.weight", rows: width, columns: hidden)
    }
}
