// Moving rows for mixtures of experts and per-layer inputs: which row goes where is decided by the model.

extension Compute {
    /// `y[i] = x[rows[i]] * scales[i]`: rows put together for the expert that gets them.
    ///
    /// - Parameters:
    ///   - x: `[any, columns]`
    ///   - scales: one per gathered row; empty for none.
    ///   - y: `[rows, columns]`
    package func gatherRows(
        _ x: UnsafePointer<Float>, rows: [Int], scales: [Float] = [], columns: Int, into y: UnsafeMutablePointer<Float>
    ) {
        precondition(scales.isEmpty || scales.count == rows.count, "one scale per row")
        forRanges(rows.count, grain: max(1, 8192 / columns)) { range in
            for i in range {
                let (source, target) = unsafe (x + rows[i] * columns, y + i * columns)
                if scales.isEmpty {
                    unsafe target.update(from: source, count: columns)
                } else {
                    let scale = scales[i]
                    for column in 0..<columns { unsafe target[column] = source[column] * scale }
                }
            }
        }
    }

    /// `y[i] = sum over k of weights[i, k] * x[slots[i, k]]`, summed in the order of k, whatever rows are computed with
    /// row i.
    ///
    /// - Parameters:
    ///   - x: `[any, columns]`
    ///   - slots: `[count, k]`
    ///   - weights: `[count, k]`
    ///   - y: `[count, columns]`
    package func combineRows(
        _ x: UnsafePointer<Float>, slots: [Int], weights: [Float], count: Int, columns: Int,
        into y: UnsafeMutablePointer<Float>
    ) {
        precondition(slots.count == weights.count && slots.count % max(count, 1) == 0, "as many slots in every row")
        let chosen = slots.count / max(count, 1)
        forRanges(count, grain: max(1, 4096 / columns)) { range in
            for i in range {
                let target = unsafe y + i * columns
                unsafe target.update(repeating: 0, count: columns)
                for k in i * chosen..<(i + 1) * chosen {
                    let (source, weight) = unsafe (x + slots[k] * columns, weights[k])
                    for column in 0..<columns { unsafe target[column] += weight * source[column] }
                }
            }
        }
    }

    /// `y[row] = (x[row, first ..< first + columns] * factor + y[row]) * scale`: a block of columns of wide rows added
    /// to rows of its own.
    ///
    /// - Parameter x: `[rows, stride]`
    package func addColumns(
        of x: UnsafePointer<Float>, stride: Int, first: Int, columns: Int, factor: Float, scale: Float, rows: Int,
        to y: UnsafeMutablePointer<Float>
    ) {
        forRanges(rows, grain: max(1, 8192 / columns)) { range in
            for row in range {
                let (source, target) = unsafe (x + row * stride + first, y + row * columns)
                for column in 0..<columns {
                    unsafe target[column] = (source[column] * factor + target[column]) * scale
                }
            }
        }
    }
}
