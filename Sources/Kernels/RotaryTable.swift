// Rotary position embedding: which angles, and which numbers of a head they turn.

import CKernels
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
///
/// An exact angle is the sum of that of the first position of a block and that of a step inside it, so that attention
/// can rebuild the same bits for any page from a small table.
package final class RotaryTable {
    /// Positions of a block.
    private static let block = Int(CK_ANGLE_BLOCK)
    /// Nothing turns by as much as the last bit of a 32-bit number at this frequency, at any position there will be.
    private static let leastFrequency = 1e-25

    package let parameters: RotaryParameters
    private let angles: RotaryAngles
    /// Of the pairs that turn; those behind them stand still.
    private let frequencies: [Double]
    private var positions = 0..<0
    private var cosines = Buffer<Float>(count: 0)
    private var sines = Buffer<Float>(count: 0)
    /// Of the positions of one block, and of a block's first: `[2][pairs]`, cosines and sines.
    private let steps: Buffer<Double>
    private let base: Buffer<Double>
    /// Of the first positions of all blocks from 0 on, as far as was asked for.
    private var bases = Buffer<Double>(count: 0)
    private var baseCount = 0

    /// Computes the frequencies, `base^(-2i / dimensions)`.
    package init(_ parameters: RotaryParameters, angles: RotaryAngles = .exact) {
        self.parameters = parameters
        self.angles = angles
        let frequencies = (0..<parameters.dimensions / 2).map { pair in
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
        let turning = (frequencies.lastIndex { $0 > Self.leastFrequency } ?? -1) + 1
        self.frequencies = Array(frequencies.prefix(turning))
        steps = Buffer(count: Self.block * 2 * turning)
        base = Buffer(count: 2 * turning)
        for step in 0..<Self.block { unsafe fill(steps.pointer + step * 2 * turning, position: step) }
    }

    /// Leading pairs that turn.
    var pairs: Int { frequencies.count }

    /// `[positions, pairs]` for the range.
    func angles(_ range: Range<Int>) -> (cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>) {
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
            var block: Int?
            for (row, position) in range.enumerated() {
                let (cosines, sines) = unsafe (cosines.pointer + row * pairs, sines.pointer + row * pairs)
                switch angles {
                case .exact:
                    let place = parameters.period.map { position % $0 } ?? position
                    if block != place / Self.block {
                        block = place / Self.block
                        unsafe fill(base.pointer, position: place / Self.block * Self.block)
                    }
                    let step = unsafe steps.pointer + place % Self.block * 2 * pairs
                    unsafe ck_rotary_angles(base.pointer, step, pairs, cosines, sines)
                case .reference:
                    for pair in 0..<pairs {
                        let angle = Double(Float(position) * Float(frequencies[pair]))
                        unsafe cosines[pair] = Float(cos(angle))
                        unsafe sines[pair] = Float(sin(angle))
                    }
                }
            }
            positions = range
        }
        let offset = (range.lowerBound - positions.lowerBound) * pairs
        return unsafe (UnsafePointer(cosines.pointer + offset), UnsafePointer(sines.pointer + offset))
    }

    /// From what attention rebuilds the angles of all positions before `end`. The memory stays until the next call.
    ///
    /// - Precondition: angles are exact and positions count on.
    func blocks(before end: Int) -> (bases: UnsafePointer<Double>, steps: UnsafePointer<Double>) {
        precondition(angles == .exact && parameters.period == nil, "angles that are sums")
        let count = (end + Self.block - 1) / Self.block
        if baseCount < count {
            let size = 2 * pairs
            if bases.count < count * size {
                let larger = Buffer<Double>(count: max(count, 2 * baseCount) * size)
                unsafe larger.pointer.update(from: bases.pointer, count: baseCount * size)
                bases = larger
            }
            for block in baseCount..<count {
                unsafe fill(bases.pointer + block * size, position: block * Self.block)
            }
            baseCount = count
        }
        return unsafe (UnsafePointer(bases.pointer), UnsafePointer(steps.pointer))
    }

    /// Cosines and sines of one position: `[2][pairs]`.
    private func fill(_ out: UnsafeMutablePointer<Double>, position: Int) {
        for pair in 0..<pairs {
            let angle = Double(position) * frequencies[pair]
            unsafe out[pair] = cos(angle)
            unsafe out[pairs + pair] = sin(angle)
        }
    }
}
