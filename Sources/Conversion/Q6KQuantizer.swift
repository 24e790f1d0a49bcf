// Q6_K: 256 numbers in sixteen groups of 16, each with an 8-bit scale of one half-precision factor. The scales are
// searched for: weighted least squares from several starts, then again with the scales as stored.

/// `x = d * scale * q`, q in -32...31, scale in -128...127.
enum Q6KQuantizer {
    /// One group of 16: the numbers and how much each one's error counts.
    @safe
    private struct Group {
        let x: UnsafePointer<Float>
        let weights: UnsafePointer<Float>

        /// The best scale for the quants that an inverse scale gives, and how much of the squares it explains.
        @inline(__always)
        func refit(_ inverse: Float) -> (scale: Float, gain: Float) {
            var squared = Lanes.zero
            var product = Lanes.zero
            for lane in 0..<2 {
                let x = unsafe Lanes(at: x + 8 * lane)
                let q = (x * inverse).limited(-32, 31).nearest
                let weighted = unsafe Lanes(at: weights + 8 * lane) * q
                squared += weighted * q
                product += weighted * x
            }
            let (q2, xq) = (squared.total, product.total)
            guard q2 > 0 else { return (0, 0) }
            return (xq / q2, xq * xq / q2)
        }

        @inline(__always)
        func error(scale: Float) -> Float {
            let inverse = scale == 0 ? 0 : 1 / scale
            var sum = Lanes.zero
            for lane in 0..<2 {
                let x = unsafe Lanes(at: x + 8 * lane)
                let difference = (x * inverse).limited(-32, 31).nearest * scale - x
                sum += unsafe Lanes(at: weights + 8 * lane) * difference * difference
            }
            return sum.total
        }

        /// Searches for the scale of least error. Its sign makes the number of largest magnitude negative, where the
        /// range is longer by one.
        func best() -> Float {
            let extreme = unsafe x.extreme(16)
            guard extreme != 0 else { return 0 }
            var best: (scale: Float, gain: Float) = (0, 0)
            for step in 0..<16 {
                let fit = refit(-(30.5 + 0.2 * Float(step)) / extreme)
                if fit.gain > best.gain { best = fit }
            }
            for _ in 0..<2 {
                guard best.scale != 0, case let fit = refit(1 / best.scale), fit.gain > best.gain else { break }
                best = fit
            }
            return best.scale
        }
    }

    /// Writes one block of 210 bytes.
    static func quantize(_ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer) {
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { weights in
            guard let weights = weights.baseAddress else { return }
            unsafe quantize(x, weights: weights, into: y)
        }
    }

    /// Errors of large numbers count more, those of small ones not nothing.
    private static func weigh(_ x: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>) {
        let (first, second) = unsafe (Lanes(at: x), Lanes(at: x + 8))
        let typical = ((first * first + second * second).total / 16).squareRoot()
        unsafe (first.magnitudes + typical).store(to: weights)
        unsafe (second.magnitudes + typical).store(to: weights + 8)
    }

    private static func quantize(
        _ x: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>, into y: UnsafeMutableRawPointer
    ) {
        var wanted: InlineArray<16, Float> = .init(repeating: 0)
        var extreme: Float = 0
        for b in 0..<16 {
            unsafe weigh(x + 16 * b, weights + 16 * b)
            wanted[b] = unsafe Group(x: x + 16 * b, weights: weights + 16 * b).best()
            if abs(wanted[b]) > abs(extreme) { extreme = wanted[b] }
        }
        let d = HalfPrecision.bitsOutward(extreme / -128)
        let unit = HalfPrecision.float(d)
        unsafe y.storeBytes(of: d.littleEndian, toByteOffset: 208, as: UInt16.self)
        var scales: InlineArray<16, Float> = .init(repeating: 0)
        for b in 0..<16 {
            let group = unsafe Group(x: x + 16 * b, weights: weights + 16 * b)
            let scale = unit == 0 ? 0 : clampedInteger(wanted[b] / unit, -128...127)
            var chosen = scale
            var least = Float.infinity
            for s in max(scale - 1, -128)...min(scale + 1, 127) {
                let error = group.error(scale: unit * Float(s))
                guard error < least else { continue }
                least = error
                chosen = s
            }
            scales[b] = unit * Float(chosen)
            unsafe y.storeBytes(of: Int8(chosen), toByteOffset: 192 + b, as: Int8.self)
        }
        for half in 0..<2 {
            for lane in 0..<4 {
                // Four numbers, 32 apart, share the bytes of this place.
                var parts: InlineArray<4, SIMD8<UInt32>> = .init(repeating: .zero)
                for g in 0..<4 {
                    let at = 128 * half + 32 * g + 8 * lane
                    let scale = scales[at / 16]
                    let value = unsafe Lanes(at: x + at) * (scale == 0 ? 0 : 1 / scale)
                    parts[g] = (value.limited(-32, 31).nearestBits &+ 32) & SIMD8(repeating: 63)
                }
                let fifteen = SIMD8<UInt32>(repeating: 15)
                let low = parts[0] & fifteen | (parts[2] & fifteen) &<< 4
                let next = parts[1] & fifteen | (parts[3] & fifteen) &<< 4
                let high = parts[0] &>> 4 | (parts[1] &>> 4) &<< 2 | (parts[2] &>> 4) &<< 4 | (parts[3] &>> 4) &<< 6
                let place = 64 * half + 8 * lane
                unsafe y.storeBytes(
                    of: SIMD8<UInt8>(truncatingIfNeeded: low), toByteOffset: place, as: SIMD8<UInt8>.self)
                unsafe y.storeBytes(
                    of: SIMD8<UInt8>(truncatingIfNeeded: next), toByteOffset: place + 32, as: SIMD8<UInt8>.self)
                unsafe y.storeBytes(
                    of: SIMD8<UInt8>(truncatingIfNeeded: high), toByteOffset: 128 + 32 * half + 8 * lane,
                    as: SIMD8<UInt8>.self)
            }
        }
    }
}
