// Q4_K: 256 numbers in eight groups of 32, each with a 6-bit scale and a 6-bit offset of two half-precision factors.
// The scales are searched for: weighted least squares from several starts, then again with the scales as stored.

/// `x = d * scale * q - dmin * offset`, q in 0...15, scale and offset in 0...63.
enum Q4KQuantizer {
    /// The sums that a line through quants and numbers follows from.
    private struct Sums {
        var weight: Float = 0
        var number: Float = 0
        var numberSquared: Float = 0
        var quant: Float = 0
        var quantSquared: Float = 0
        var product: Float = 0
    }

    /// `x = scale * q + start` with start not above zero.
    private struct Line {
        var scale: Float
        var start: Float
        var error: Float
    }

    /// One group of 32: the numbers and how much each one's error counts.
    @safe
    private struct Group {
        let x: UnsafePointer<Float>
        let weights: UnsafePointer<Float>

        @inline(__always)
        func fixedSums() -> Sums {
            var weight = Lanes.zero
            var number = Lanes.zero
            var squared = Lanes.zero
            for lane in 0..<4 {
                let x = unsafe Lanes(at: x + 8 * lane)
                let w = unsafe Lanes(at: weights + 8 * lane)
                weight += w
                number += w * x
                squared += w * x * x
            }
            return Sums(weight: weight.total, number: number.total, numberSquared: squared.total)
        }

        /// The best line for the quants that another line gives.
        @inline(__always)
        func refit(_ inverse: Float, _ start: Float, _ fixed: Sums) -> Line? {
            var quant = Lanes.zero
            var squared = Lanes.zero
            var product = Lanes.zero
            for lane in 0..<4 {
                let x = unsafe Lanes(at: x + 8 * lane)
                let w = unsafe Lanes(at: weights + 8 * lane)
                let q = ((x - start) * inverse).limited(0, 15).nearest
                let weighted = w * q
                quant += weighted
                squared += weighted * q
                product += weighted * x
            }
            var sums = fixed
            sums.quant = quant.total
            sums.quantSquared = squared.total
            sums.product = product.total
            return Self.line(sums)
        }

        @inline(__always)
        private static func line(_ s: Sums) -> Line? {
            let determinant = s.weight * s.quantSquared - s.quant * s.quant
            guard s.quantSquared > 0 else { return nil }
            var scale = s.product / s.quantSquared
            var start: Float = 0
            if determinant > 0 {
                let free = (s.quantSquared * s.number - s.quant * s.product) / determinant
                if free < 0 {
                    start = free
                    scale = (s.weight * s.product - s.number * s.quant) / determinant
                }
            }
            guard scale > 0 else { return nil }
            let error =
                s.numberSquared + scale * (scale * s.quantSquared + 2 * (start * s.quant - s.product))
                + start * (start * s.weight - 2 * s.number)
            return Line(scale: scale, start: start, error: error)
        }

        /// The weighted squared error when the group is stored with a scale and an offset.
        @inline(__always)
        func error(scale: Float, offset: Float) -> Float {
            let inverse = scale > 0 ? 1 / scale : 0
            var sum = Lanes.zero
            for lane in 0..<4 {
                let x = unsafe Lanes(at: x + 8 * lane)
                let q = ((x + offset) * inverse).limited(0, 15).nearest
                let difference = q * scale - offset - x
                sum += unsafe Lanes(at: weights + 8 * lane) * difference * difference
            }
            return sum.total
        }

        /// Searches for the line of least error.
        func best() -> Line {
            var low: Float = 0
            var high = unsafe x[0]
            for index in 0..<32 {
                unsafe low = min(low, x[index])
                unsafe high = max(high, x[index])
            }
            var best = Line(scale: 0, start: low, error: .infinity)
            guard high > low else { return best }
            let fixed = fixedSums()
            // Steps somewhat narrower and wider than the range: the first cuts off extremes, the last coarsens.
            for step in 0..<12 {
                let inverse = (14 + 0.25 * Float(step)) / (high - low)
                if let line = refit(inverse, low, fixed), line.error < best.error { best = line }
            }
            for _ in 0..<3 {
                guard best.scale > 0, let line = refit(1 / best.scale, best.start, fixed),
                    line.error < best.error
                else { break }
                best = line
            }
            return best
        }
    }

    /// Writes one block of 144 bytes.
    static func quantize(_ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer) {
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { weights in
            guard let weights = weights.baseAddress else { return }
            unsafe quantize(x, weights: weights, into: y)
        }
    }

    /// Errors of large numbers count more, those of small ones not nothing.
    private static func weigh(_ x: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>) {
        var squares = Lanes.zero
        for lane in 0..<4 {
            let x = unsafe Lanes(at: x + 8 * lane)
            squares += x * x
        }
        let typical = (squares.total / 32).squareRoot()
        for lane in 0..<4 { unsafe (Lanes(at: x + 8 * lane).magnitudes + typical).store(to: weights + 8 * lane) }
    }

    private static func quantize(
        _ x: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>, into y: UnsafeMutableRawPointer
    ) {
        var lines: InlineArray<8, Line> = .init(repeating: Line(scale: 0, start: 0, error: 0))
        var largestScale: Float = 0
        var largestOffset: Float = 0
        for k in 0..<8 {
            unsafe weigh(x + 32 * k, weights + 32 * k)
            lines[k] = unsafe Group(x: x + 32 * k, weights: weights + 32 * k).best()
            largestScale = max(largestScale, lines[k].scale)
            largestOffset = max(largestOffset, -lines[k].start)
        }
        let d = HalfPrecision.bitsOutward(largestScale / 63)
        let dmin = HalfPrecision.bitsOutward(largestOffset / 63)
        let scaleUnit = HalfPrecision.float(d)
        let offsetUnit = HalfPrecision.float(dmin)
        unsafe y.storeBytes(of: d.littleEndian, as: UInt16.self)
        unsafe y.storeBytes(of: dmin.littleEndian, toByteOffset: 2, as: UInt16.self)

        var scales: InlineArray<8, UInt8> = .init(repeating: 0)
        var offsets: InlineArray<8, UInt8> = .init(repeating: 0)
        for k in 0..<8 {
            let group = unsafe Group(x: x + 32 * k, weights: weights + 32 * k)
            let scale = scaleUnit > 0 ? clampedInteger(lines[k].scale / scaleUnit, 0...63) : 0
            let offset = offsetUnit > 0 ? clampedInteger(-lines[k].start / offsetUnit, 0...63) : 0
            var least = Float.infinity
            // The nearest steps of both, and their neighbours: rounding one shifts the optimum of the other.
            for s in max(scale - 1, 0)...min(scale + 1, 63) {
                for o in max(offset - 1, 0)...min(offset + 1, 63) {
                    let error = group.error(scale: scaleUnit * Float(s), offset: offsetUnit * Float(o))
                    guard error < least else { continue }
                    least = error
                    scales[k] = UInt8(s)
                    offsets[k] = UInt8(o)
                }
            }
        }
        for k in 0..<4 {
            let (s, o) = (scales[k], offsets[k])
            unsafe y.storeBytes(of: s | (scales[k + 4] >> 4) << 6, toByteOffset: 4 + k, as: UInt8.self)
            unsafe y.storeBytes(of: o | (offsets[k + 4] >> 4) << 6, toByteOffset: 8 + k, as: UInt8.self)
            unsafe y.storeBytes(
                of: scales[k + 4] & 15 | offsets[k + 4] << 4, toByteOffset: 12 + k, as: UInt8.self)
        }
        for pair in 0..<4 {
            for lane in 0..<4 {
                let at = 64 * pair + 8 * lane
                let low = unsafe quants(
                    Lanes(at: x + at), scaleUnit * Float(scales[2 * pair]), offsetUnit * Float(offsets[2 * pair]))
                let high = unsafe quants(
                    Lanes(at: x + at + 32), scaleUnit * Float(scales[2 * pair + 1]),
                    offsetUnit * Float(offsets[2 * pair + 1]))
                unsafe y.storeBytes(
                    of: SIMD8<UInt8>(truncatingIfNeeded: low | high &<< 4), toByteOffset: 16 + 32 * pair + 8 * lane,
                    as: SIMD8<UInt8>.self)
            }
        }
    }

    @inline(__always)
    private static func quants(_ x: Lanes, _ scale: Float, _ offset: Float) -> SIMD8<UInt32> {
        let inverse = scale > 0 ? 1 / scale : 0
        return ((x + offset) * inverse).limited(0, 15).nearestBits & SIMD8(repeating: 15)
    }
}
