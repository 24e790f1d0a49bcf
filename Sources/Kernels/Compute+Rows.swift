// What happens to rows between the products: norms, rotary embedding, gates, sums, and the helpers of sampling.

import CKernels
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The activation of a gated feed-forward layer.
package enum GateKind: String, Sendable, Hashable {
    /// x / (1 + exp(-x))
    case silu
    /// GELU in its tanh form.
    case geluTanh
}

extension Compute {
    /// `y = x / sqrt(mean(x^2) + eps) * weight` for each of `rows` rows. In place when `y` is `x`. For norms of heads
    /// count every head as a row.
    ///
    /// - Parameter weight: `[columns]`, nil for none.
    package func rmsNorm(
        _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>?, rows: Int, columns: Int, eps: Float,
        into y: UnsafeMutablePointer<Float>
    ) {
        forRanges(rows, grain: grain(columns)) { range in
            for row in range {
                unsafe table.pointee.rms_norm(x + row * columns, weight, columns, eps, y + row * columns)
            }
        }
    }

    /// Turns the heads of consecutive positions in place.
    ///
    /// - Parameter x: `[tokens, heads, headDim]`
    package func rope(
        _ x: UnsafeMutablePointer<Float>, tokens: Int, heads: Int, headDim: Int, firstPosition: Int,
        _ rotary: RotaryTable
    ) {
        let (pairs, distance) = (rotary.pairs, rotary.parameters.dimensions / 2)
        precondition(2 * distance <= headDim, "rotary dimensions fit the head")
        let (cosines, sines) = unsafe rotary.angles(firstPosition..<firstPosition + tokens)
        let isHalfSplit = rotary.parameters.style == .halfSplit
        forRanges(tokens, grain: grain(heads * headDim)) { range in
            for token in range {
                for head in 0..<heads {
                    let row = unsafe x + (token * heads + head) * headDim
                    let (cosines, sines) = unsafe (cosines + token * pairs, sines + token * pairs)
                    if isHalfSplit {
                        unsafe table.pointee.rope_halves(row, row + distance, pairs, cosines, sines)
                    } else {
                        unsafe table.pointee.rope_pairs(row, pairs, cosines, sines)
                    }
                }
            }
        }
    }

    /// `y = activation(gate) * up`, in place when `y` is one of them.
    package func gatedActivation(
        gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int, kind: GateKind,
        into y: UnsafeMutablePointer<Float>
    ) {
        guard let apply = unsafe kind == .silu ? table.pointee.silu_gate : table.pointee.gelu_gate else {
            preconditionFailure("incomplete kernel table")
        }
        forRanges(count, grain: 2048) { range in
            let start = range.lowerBound
            unsafe apply(gate + start, up + start, range.count, y + start)
        }
    }

    /// `y += x`
    package func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
        forRanges(count, grain: 8192) { range in
            unsafe table.pointee.add(x + range.lowerBound, range.count, y + range.lowerBound)
        }
    }

    /// `x *= factor`
    package func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
        forRanges(count, grain: 8192) { range in
            unsafe table.pointee.scale(x + range.lowerBound, range.count, factor)
        }
    }

    /// `x = cap * tanh(x / cap)`
    package func softcap(_ x: UnsafeMutablePointer<Float>, cap: Float, count: Int) {
        forRanges(count, grain: 2048) { range in
            unsafe table.pointee.softcap(x + range.lowerBound, range.count, cap)
        }
    }

    /// The index of the largest number, the first of equals. NaN never wins.
    package func argmax(_ x: UnsafePointer<Float>, count: Int) -> Int {
        let largest = unsafe table.pointee.maximum(x, count)
        for i in 0..<count where unsafe x[i] == largest { return i }
        return 0
    }

    /// The logarithm of the sum of exponentials: `x[i]` minus it is the log-probability of i.
    package func logSumExp(_ x: UnsafePointer<Float>, count: Int) -> Float {
        guard count > 0 else { return -.infinity }
        let largest = unsafe table.pointee.maximum(x, count)
        // Blocks in float, their sums in double: vocabularies have 10^5 entries.
        let block = 1024
        let sum = unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: block) { scratch in
            guard let copy = scratch.baseAddress else { return 0.0 }
            var sum = 0.0
            for start in stride(from: 0, to: count, by: block) {
                let length = min(block, count - start)
                unsafe copy.update(from: x + start, count: length)
                sum += unsafe Double(table.pointee.exp_shift(copy, length, largest))
            }
            return sum
        }
        return largest + Float(log(sum))
    }

    /// Turns scores into probabilities in place.
    package func softmax(_ x: UnsafeMutablePointer<Float>, count: Int) {
        let largest = unsafe table.pointee.maximum(x, count)
        let sum = unsafe table.pointee.exp_shift(x, count, largest)
        unsafe table.pointee.scale(x, count, 1 / sum)
    }

    /// Rows per piece so that a piece is some microseconds of work.
    private func grain(_ columns: Int) -> Int { max(1, 4096 / max(columns, 1)) }
}
