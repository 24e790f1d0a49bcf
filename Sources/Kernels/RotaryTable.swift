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

/// How angles are rounded.
package enum RotaryAngles: String, Sendable, Hashable {
    /// In double precision until the last rounding.
    case exact
    /// As the published implementations do: 32-bit frequencies, times 32-bit positions, rounded to 32 bits. Off by
    /// 0.02 at position 262,144 and by 0.7 at 10 million; for comparing with references at far positions.
    case reference
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
    /// Positions count from 0 again at multiples of this. Exact where a layer sees nothing before them: only
    /// differences of positions matter.
    package var period: Int?

    /// - Precondition: `dimensions` is even, divisors are one per pair or none.
    package init(
        dimensions: Int, style: RotaryStyle, base: Double, positionDivisor: Double = 1, frequencyDivisors: [Float] = [],
        period: Int? = nil
    ) {
        precondition(dimensions > 0 && dimensions % 2 == 0, "rotary dimensions")
        precondition(frequencyDivisors.isEmpty || frequencyDivisors.count == dimensions / 2, "rotary divisors")
        self.dimensions = dimensions
        self.style = style
        self.base = base
        self.positionDivisor = positionDivisor
        self.frequencyDivisors = frequencyDivisors
        self.period = period
    }
}

/// Cosines and sines of the newest range of positions. One per kind of layer; all layers of the kind share it, so that
/// a chunk's angles are computed once.
package final class RotaryTable {
    package let parameters: RotaryParameters
    private let angles: RotaryAngles
    private let frequencies: [Double]
    private var positions = 0..<0
    private var cosines = Buffer<Float>(count: 0)
    private var sines = Buffer<Float>(count: 0)

    /// Computes the frequencies, `base^(-2i / dimensions)`.
    package init(_ parameters: RotaryParameters, angles: RotaryAngles = .exact) {
        self.parameters = parameters
        self.angles = angles
        frequencies = (0..<parameters.dimensions / 2).map { pair in
            let divisor = parameters.frequencyDivisors.isEmpty ? 1 : parameters.frequencyDivisors[pair]
            switch angles {
            case .exact:
                let frequency = pow(parameters.base, -2 * Double(pair) / Double(parameters.dimensions))
                return frequency / Double(divisor) / parameters.positionDivisor
            case .reference:
                let power = powf(Float(parameters.base), Float(2 * pair) / Float(parameters.dimensions))
                return Double(1 / power / divisor / Float(parameters.positionDivisor))
            }
        }
    }

    /// `[positions, dimensions / 2]` for the range.
    func angles(_ range: Range<Int>) -> (cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>) {
        let pairs = frequencies.count
        if let period = parameters.period, angles == .exact {
            // Whole periods further on, angles are the same.
            let shift = (range.lowerBound - positions.lowerBound) / period * period
            positions = positions.lowerBound + shift..<positions.upperBound + shift
        }
        if !(positions.lowerBound <= range.lowerBound && range.upperBound <= positions.upperBound) {
            if cosines.count < range.count * pairs {
                cosines = Buffer(count: range.count * pairs)
                sines = Buffer(count: range.count * pairs)
            }
            for (row, position) in range.enumerated() {
                for pair in 0..<pairs {
                    let angle = angle(position, frequencies[pair])
                    unsafe cosines.pointer[row * pairs + pair] = Float(cos(angle))
                    unsafe sines.pointer[row * pairs + pair] = Float(sin(angle))
                }
            }
            positions = range
        }
        let offset = (range.lowerBound - positions.lowerBound) * pairs
        return unsafe (UnsafePointer(cosines.pointer + offset), UnsafePointer(sines.pointer + offset))
    }

    private func angle(_ position: Int, _ frequency: Double) -> Double {
        switch angles {
        case .exact: Double(parameters.period.map { position % $0 } ?? position) * frequency
        case .reference: Double(Float(position) * Float(frequency))
        }
    }
}
