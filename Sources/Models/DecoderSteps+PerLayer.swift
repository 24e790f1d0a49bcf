// Per-layer inputs (Gemma 4 E2B and E4B): besides the embedding every token has a row with a short vector for each
// layer. The table is larger than all the other weights and only looked up, so it stays mapped: a token touches one
// row of it.

import Kernels
import Tensors

/// What per-layer inputs are made from.
struct PerLayerInputWeights {
    /// Elements per layer.
    let width: Int
    let table: TensorView  // [vocabulary] rows of [layers * width]
    let projection: TensorView  // [embedding] -> [layers * width]
    let norm: UnsafePointer<Float>  // [width]

    init(
        _ binder: WeightBinder, width: Int, layers: Int, embedding: Int, vocabulary: Int
    ) throws(ModelError) {
        self.width = width
        table = try binder.matrix("per_layer_token_embd.weight", rows: vocabulary, columns: layers * width)
        projection = try binder.matrix("per_layer_model_proj.weight", rows: layers * width, columns: embedding)
        norm = try binder.vector("per_layer_proj_norm.weight", count: width)
    }
}

extension DecoderSteps {
    /// Input of each layer: (RMSNorm(W · x / √embedding) + row · √width) / √2, x the scaled embedding. For layers
    /// after the last that stores keys and values only for the wanted rows: others never get there.
    func makePerLayerInputs(_ ids: [Int32], _ weights: PerLayerInputWeights, pass: Pass) {
        let (inputs, table) = (buffers.perLayer.pointer, buffers.perLayerRows.pointer)
        let layers = weights.table.columns / weights.width
        compute.rows(weights.table, ids: ids, into: table)
        let full = min(layers, lastStoringLayer + 1)
        projectPerLayer(weights, layers: 0..<full, rows: pass.all, pass: pass)
        if full < layers, !pass.wanted.isEmpty {
            projectPerLayer(weights, layers: full..<layers, rows: pass.wanted, pass: pass)
        }
        let scale = 1 / Float(width).squareRoot()
        for layer in 0..<layers {
            let rows = layer < full ? pass.all : pass.wanted
            guard !rows.isEmpty else { continue }
            let input = inputs + (layer * pass.tokens + rows.lowerBound) * weights.width
            compute.scale(input, by: scale, count: rows.count * weights.width)
            compute.rmsNorm(
                input, weight: weights.norm, rows: rows.count, columns: weights.width, eps: epsilon, into: input)
            compute.addColumns(
                of: table + rows.lowerBound * weights.table.columns, stride: weights.table.columns,
                first: layer * weights.width, columns: weights.width, factor: Float(weights.width).squareRoot(),
                scale: Float(0.5).squareRoot(), rows: rows.count, to: input)
        }
    }

    /// `[rows, embedding]` -> `[layers][tokens, width]`
    private func projectPerLayer(_ weights: PerLayerInputWeights, layers: Range<Int>, rows: Range<Int>, pass: Pass) {
        let products = layers.map { layer in
            Product(
                weights.projection.rows(layer * weights.width..<(layer + 1) * weights.width),
                into: buffers.perLayer.pointer + (layer * pass.tokens + rows.lowerBound) * weights.width)
        }
        compute.matmul(products, stream(rows), tokens: rows.count)
    }

    /// block = Wproj · (gelu(Wgate · x) ⊙ input of the layer): `[rows, embedding]` -> `[rows, embedding]`
    func applyPerLayerInput(layer: Int, gate: TensorView, projection: TensorView, rows: Range<Int>, pass: Pass) {
        let gated = buffers.gate.pointer
        let input = buffers.perLayer.pointer + (layer * pass.tokens + rows.lowerBound) * gate.rows
        compute.matmul(gate, stream(rows), tokens: rows.count, into: gated)
        compute.gatedActivation(gate: gated, up: input, count: rows.count * gate.rows, kind: .geluTanh, into: gated)
        compute.matmul(projection, gated, tokens: rows.count, into: buffers.block.pointer)
    }
}
