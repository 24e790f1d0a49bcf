// Products with weight matrices, and the rows of embedding tables.

import CKernels
package import Tensors

/// One weight matrix of a product and where its output goes.
@safe
package struct Product {
    package var weights: TensorView
    /// `[tokens, rows]`, or with a longer stride.
    package var output: UnsafeMutablePointer<Float>
    /// Floats from one token's output to the next; at least the number of rows.
    package var outputStride: Int
    /// `[rows]`
    package var bias: UnsafePointer<Float>?

    /// - Parameter outputStride: nil for as many as there are rows.
    package init(
        _ weights: TensorView, into output: UnsafeMutablePointer<Float>, outputStride: Int? = nil,
        bias: UnsafePointer<Float>? = nil
    ) {
        precondition(weights.type.isWeight, "\(weights.name) is no weight matrix")
        self.weights = weights
        unsafe self.output = unsafe output
        self.outputStride = outputStride ?? weights.rows
        unsafe self.bias = unsafe bias
    }

    var descriptor: ck_product {
        unsafe ck_product(
            type: weights.type.rawValue, weights: weights.bytes, rows: weights.rows, columns: weights.columns,
            bias: bias, y: output, y_stride: outputStride)
    }
}

extension Compute {
    /// `y[token, row] = bias[row] + sum over columns of w[row, column] * x[token, column]`
    ///
    /// - Parameters:
    ///   - x: `[tokens, columns]`
    ///   - y: `[tokens, rows]`
    package func matmul(
        _ w: TensorView, _ x: UnsafePointer<Float>, tokens: Int, into y: UnsafeMutablePointer<Float>,
        bias: UnsafePointer<Float>? = nil
    ) {
        unsafe matmul([Product(w, into: y, bias: bias)], x, tokens: tokens)
    }

    /// Several products of the same input (query, key and value; gate and up), which is quantized once.
    package func matmul(_ products: [Product], _ x: UnsafePointer<Float>, tokens: Int) {
        guard let columns = products.first?.weights.columns, tokens > 0 else { return }
        precondition(products.allSatisfy { $0.weights.columns == columns }, "one input, one width")
        let quantized = products.contains { usesQuantizedInput($0) }
        var activations = unsafe ck_activations()
        if quantized { unsafe activations = unsafe quantize(x, tokens: tokens, columns: columns) }

        // A piece is some rows of one matrix for all tokens: enough work to be worth handing out, small enough that
        // slow cores don't hold up fast ones.
        let panel = CK_PANEL_ROWS
        let totalRows = products.reduce(0) { $0 + $1.weights.rows }
        let wanted = max(1, (1 << 19) / max(1, columns * tokens * panel)) * panel
        let fair = max(panel, totalRows / (8 * pool.threads) / panel * panel)
        let rowsPerPiece = min(wanted, fair)
        var descriptors: [ck_product] = unsafe []
        var pieces: [(product: Int, row: Int)] = []
        for (index, product) in products.enumerated() {
            unsafe descriptors.append(product.descriptor)
            for row in stride(from: 0, to: product.weights.rows, by: rowsPerPiece) { pieces.append((index, row)) }
        }
        let floats = products.map { !usesQuantizedInput($0) }
        unsafe run(pieces.count, scratchBytes: max(ck_product_scratch(tokens), ck_product_float_scratch(tokens))) {
            piece, scratch in
            let (index, row) = pieces[piece]
            var product = unsafe descriptors[index]
            let count = unsafe min(rowsPerPiece, product.rows - row)
            if floats[index] {
                unsafe ck_product_rows_float(table, &product, x, tokens, row, count, scratch)
            } else {
                var activations = unsafe activations
                unsafe ck_product_rows(table, &product, &activations, row, count, scratch)
            }
        }
    }

    /// Rows of a table as floats: `y[i] = w[ids[i]]`, `[ids, columns]`.
    ///
    /// - Precondition: every id is a row of the table.
    package func rows(_ w: TensorView, ids: [Int32], into y: UnsafeMutablePointer<Float>) {
        precondition(w.type.isWeight && ids.allSatisfy { $0 >= 0 && Int($0) < w.rows }, "rows of \(w.name)")
        let (columns, rowBytes) = (w.columns, w.rowBytes)
        forRanges(ids.count, grain: 8) { range in
            for i in range {
                unsafe ck_dequantize_row(
                    table, w.type.rawValue, w.bytes + Int(ids[i]) * rowBytes, columns, y + i * columns)
            }
        }
    }

    private func usesQuantizedInput(_ product: Product) -> Bool {
        numerics == .fast && ck_class(product.weights.type.rawValue) != Int32(CK_PLAIN)
    }

    private func quantize(_ x: UnsafePointer<Float>, tokens: Int, columns: Int) -> ck_activations {
        let groups = columns / 32 * tokens
        let (quantBytes, floatBytes) = ((tokens * columns + 63) / 64 * 64, 4 * groups * MemoryLayout<Float>.stride)
        let memory = unsafe shared.reserve(quantBytes + floatBytes)
        let scales = unsafe (memory + quantBytes).assumingMemoryBound(to: Float.self)
        let activations = unsafe ck_activations(
            tokens: tokens, columns: columns, quants: memory.assumingMemoryBound(to: Int8.self), scales: scales,
            sums32: scales + groups, sums16: scales + 2 * groups)
        let tile = CK_TILE_TOKENS
        unsafe run((tokens + tile - 1) / tile, scratchBytes: ck_quantize_scratch(columns)) { piece, scratch in
            var target = unsafe activations
            unsafe ck_quantize_tile(table, x, &target, piece, scratch)
        }
        return unsafe activations
    }
}
