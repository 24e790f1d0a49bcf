// Rotary position embedding: which angles, and which numbers of a head they turn.

import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which two numbers of a head form a pair.
package enum RotaryStyle: String, Sendable, Hashable {
    /// i and i + dimensions / 2 (Qwen, Gemma; "NeoX").
    case halfSplit
    /// 2i and 2i + 1 (Llama as stored in GGUF).
    case interleaved
}

/// Rotary embedding of one kind of layer (Su et al. 2021, RoFormer).
package struct RotaryParameters: Sendable, Hashable {
    /// Leading numbers of each head that are turned; the rest stay.
    package var dimensions: Int
    package var style: RotaryStyle
    /// Base of the frequencies, often called theta.
    package var base: Double
    /// Positions are divided by this (linear scaling).
    package var positionDivisor: Double
    /// Per pair, what its frequency is divided by (the tensor `rope_freqs` of Llama 3); empty for none.
    package var frequencyDivisors: [Float]

    /// - Precondition: `dimensions` is even, divisors are one per pair or none.
    package init(
        dimensions: Int, style: RotaryStyle, base: Double, positionDivisor: Double = 1, frequencyDivisors: [Float] = []
    ) {
        precondition(dimensions > 0 && dimensions % 2 == 0, "rotary dimensions")
        precondition(frequencyDivisors.isEmpty || frequencyDivisors.count == dimensions / 2, "rotary divisors")
        self.dimensions = dimensions
        self.style = style
        self.base = base
        self.positionDivisor = positionDivisor
        self.frequencyDivisors = frequencyDivisors
    }
}

/// Cosines and sines of the newest range of positions. One per kind of layer; all layers of the kind share it, so that
/// a chunk's angles are computed once.
package final class RotaryTable {
    package let parameters: RotaryParameters
    private let frequencies: [Double]
    private var positions = 0..<0
    private var cosines = Buffer<Float>(count: 0)
    private var sines = Buffer<Float>(count: 0)

    /// Computes the frequencies, `base^(-2i / dimensions)`.
    package init(_ parameters: RotaryParameters) {
        self.parameters = parameters
        frequencies = (0..<parameters.dimensions / 2).map { i in
            let divisor = parameters.frequencyDivisors.isEmpty ? 1 : Double(parameters.frequencyDivisors[i])
            let frequency = pow(parameters.base, -2 * Double(i) / Double(parameters.dimensions))
            return frequency / divisor / parameters.positionDivisor
        }
    }

    /// `[positions, dimensions / 2]` for the range, in double precision until the last rounding.
    func angles(_ range: Range<Int>) -> (cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>) {
        let pairs = frequencies.count
        if !(positions.lowerBound <= range.lowerBound && range.upperBound <= positions.upperBound) {
            if cosines.count < range.count * pairs {
                cosines = Buffer(count: range.count * pairs)
                sines = Buffer(count: range.count * pairs)
            }
            for (row, position) in range.enumerated() {
                for pair in 0..<pairs {
                    let angle = Double(position) * frequencies[pair]
                    unsafe cosines.pointer[row * pairs + pair] = Float(cos(angle))
                    unsafe sines.pointer[row * pairs + pair] = Float(sin(angle))
                }
            }
            positions = range
        }
        let offset = (range.lowerBound - positions.lowerBound) * pairs
        return unsafe (UnsafePointer(cosines.pointer + offset), UnsafePointer(sines.pointer + offset))
    }
}
