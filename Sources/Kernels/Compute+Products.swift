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

    func descriptor(_ numerics: Numerics) -> ck_product {
        unsafe ck_product(
            type: weights.type.rawValue, weights: weights.bytes, rows: weights.rows, columns: weights.columns,
            bias: bias, y: output, y_stride: outputStride, rounded: numerics == .fast)
    }
}

/// Consecutive rows of an input and the matrices that multiply them: one expert of a mixture and the tokens sent to it.
package struct ProductGroup {
    /// May be empty, and may be the same for several groups, whose input is then quantized once.
    package var rows: Range<Int>
    /// Outputs begin with that of the first row of the group.
    package var products: [Product]

    /// Collects the two.
    package init(rows: Range<Int>, products: [Product]) {
        self.rows = rows
        self.products = products
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
        unsafe groupedMatmul([ProductGroup(rows: 0..<tokens, products: products)], x)
    }

    /// Products of groups of rows with matrices of their own, all in one parallel region: many small experts cost no
    /// more barriers than one matrix. A row gets the bits that `matmul` gives it.
    ///
    /// - Parameter x: `[rows, columns]`, the groups' rows wherever their ranges say; all matrices have as many columns.
    package func groupedMatmul(_ groups: [ProductGroup], _ x: UnsafePointer<Float>) {
        let groups = groups.filter { !$0.rows.isEmpty && !$0.products.isEmpty }
        guard let columns = groups.first?.products.first?.weights.columns else { return }
        precondition(groups.allSatisfy { $0.products.allSatisfy { $0.weights.columns == columns } }, "one input width")
        let inputs = unsafe quantize(groups, x, columns: columns)

        // A piece is some rows of one matrix for all tokens of its group: enough work to be worth handing out, small
        // enough that slow cores don't hold up fast ones. With few tokens it is a long stretch of weights, as each row
        // is worked on while the next ones are fetched.
        let work = groups.reduce(0) { sum, group in
            sum + group.products.reduce(0) { $0 + $1.weights.rows * columns * group.rows.count }
        }
        var tasks: [ck_product_task] = unsafe []
        unsafe tasks.reserveCapacity(groups.reduce(0) { $0 + $1.products.count })
        var pieces = 0
        for (index, group) in groups.enumerated() {
            let (panel, tokens) = (CK_PANEL_ROWS, group.rows.count)
            let wanted = min(min(tokens, 16) << 19, work / (8 * pool.threads))
            let rows = max(1, wanted / max(1, columns * tokens * panel)) * panel
            for product in group.products {
                unsafe tasks.append(
                    ck_product_task(
                        product: product.descriptor(numerics), quantized: usesQuantizedInput(product),
                        input: inputs[index], x: x + group.rows.lowerBound * columns, first_piece: pieces,
                        piece_rows: rows))
                pieces += (product.weights.rows + rows - 1) / rows
            }
        }
        announce(after: groups)
        let tokens = groups.reduce(0) { max($0, $1.rows.count) }
        let scratchBytes = max(ck_product_scratch(tokens), ck_product_float_scratch(tokens))
        unsafe tasks.withUnsafeBufferPointer { tasks in
            unsafe withScratch(scratchBytes) { scratch in
                var job = unsafe ck_product_job(
                    table: table, tasks: tasks.baseAddress, count: tasks.count, scratch: scratch)
                unsafe pool.parallel(pieces, ck_product_piece, &job)
            }
        }
    }

    /// Few tokens need little but the weights, and every pass takes them in the same order: what followed these in the
    /// last pass is announced to the threads that are done with them first.
    private func announce(after groups: [ProductGroup]) {
        guard let group = groups.first, let first = group.products.first, group.rows.count <= CK_TILE_TOKENS else {
            unsafe lastProduct = nil
            return unsafe pool.announce([])
        }
        let address = unsafe first.weights.bytes
        if let last = unsafe lastProduct {
            unsafe followers[last] = group.products.map { product in
                unsafe UnsafeRawBufferPointer(start: product.weights.bytes, count: product.weights.byteCount)
            }
        }
        unsafe lastProduct = address
        unsafe pool.announce(followers[address] ?? [])
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

    /// Whether this level can multiply few tokens straight from the blocks.
    private func hasDots(_ product: Product) -> Bool {
        unsafe ck_has_dots(table, product.weights.type.rawValue)
    }

    /// The input of each group as 8-bit integers in shared memory; without memory where no product wants integers.
    private func quantize(_ groups: [ProductGroup], _ x: UnsafePointer<Float>, columns: Int) -> [ck_activations] {
        var inputs: [ck_activations] = unsafe []
        for group in groups {
            let tokens = group.rows.count, few = tokens <= CK_DOT_TOKENS && group.products.allSatisfy(hasDots)
            unsafe inputs.append(
                ck_activations(
                    tokens: tokens, columns: columns, tile_tokens: few ? 1 : CK_TILE_TOKENS, quants: nil, scales: nil,
                    sums32: nil, sums16: nil))
        }
        guard groups.contains(where: { $0.products.contains(where: usesQuantizedInput) }) else { return unsafe inputs }

        // Equal ranges that follow each other share their input.
        func isNew(_ index: Int) -> Bool {
            guard index > 0 else { return true }
            return unsafe groups[index].rows != groups[index - 1].rows
                || inputs[index].tile_tokens != inputs[index - 1].tile_tokens
        }
        func quantBytes(_ tokens: Int) -> Int { (tokens * columns + 63) / 64 * 64 }
        let blocks = columns / 32
        func bytes(_ tokens: Int) -> Int { quantBytes(tokens) + (4 * tokens * blocks * 4 + 63) / 64 * 64 }
        let size = groups.indices.reduce(0) { $0 + (isNew($1) ? bytes(groups[$1].rows.count) : 0) }
        var free = unsafe shared.reserve(size)
        var tiles: [(group: Int, tile: Int)] = []
        for (index, group) in groups.enumerated() {
            guard isNew(index) else {
                unsafe inputs[index] = unsafe inputs[index - 1]
                continue
            }
            let tokens = group.rows.count
            let scales = unsafe (free + quantBytes(tokens)).assumingMemoryBound(to: Float.self)
            unsafe inputs[index].quants = unsafe free.assumingMemoryBound(to: Int8.self)
            unsafe inputs[index].scales = unsafe scales
            unsafe inputs[index].sums32 = unsafe scales + tokens * blocks
            unsafe inputs[index].sums16 = unsafe scales + 2 * tokens * blocks
            unsafe free += bytes(tokens)
            let width = unsafe inputs[index].tile_tokens
            for tile in 0..<(tokens + width - 1) / width { tiles.append((index, tile)) }
        }
        unsafe run(tiles.count, scratchBytes: ck_quantize_scratch(columns)) { piece, scratch in
            let (group, tile) = tiles[piece]
            var target = unsafe inputs[group]
            unsafe ck_quantize_tile(table, x + groups[group].rows.lowerBound * columns, &target, tile, scratch)
        }
        return unsafe inputs
    }
}
