// Turns rows of 32-bit floats into the blocks of a type, with the recipes that the field's tools use for the simple
// types. The K-quants, which search for their scales, are in files of their own.

package import Kernels
package import Tensors

/// Quantization of rows. Same floats, same bytes: on any processor and with any number of threads.
package enum RowQuantizer {
    /// Types that can be written.
    package static let types: Set<DataType> = [.f32, .f16, .bf16, .q8_0, .q4_0, .q5_0, .q4_K, .q6_K]

    /// Writes `count` numbers as blocks. Infinite and NaN inputs give some valid blocks.
    ///
    /// - Parameters:
    ///   - count: a whole number of the type's blocks.
    ///   - y: `type.rowBytes(count)` bytes, at any address.
    /// - Precondition: the type is one of `types`.
    package static func quantize(
        _ x: UnsafePointer<Float>, count: Int, as type: DataType, into y: UnsafeMutableRawPointer
    ) {
        precondition(count % type.blockElements == 0, "whole blocks")
        switch type {
        case .f32: unsafe y.copyMemory(from: x, byteCount: 4 * count)
        case .f16:
            for index in 0..<count {
                unsafe y.storeBytes(
                    of: HalfPrecision.bits(x[index]).littleEndian, toByteOffset: 2 * index, as: UInt16.self)
            }
        case .bf16:
            for index in 0..<count {
                unsafe y.storeBytes(
                    of: brainBits(x[index]).littleEndian, toByteOffset: 2 * index, as: UInt16.self)
            }
        case .q8_0: for block in 0..<count / 32 { unsafe eightBit(x + 32 * block, y + 34 * block) }
        case .q4_0: for block in 0..<count / 32 { unsafe fourBit(x + 32 * block, y + 18 * block) }
        case .q5_0: for block in 0..<count / 32 { unsafe fiveBit(x + 32 * block, y + 22 * block) }
        case .q4_K:
            for block in 0..<count / 256 { unsafe Q4KQuantizer.quantize(x + 256 * block, into: y + 144 * block) }
        case .q6_K:
            for block in 0..<count / 256 { unsafe Q6KQuantizer.quantize(x + 256 * block, into: y + 210 * block) }
        default: preconditionFailure("no quantizer for \(type.name)")
        }
    }

    /// The same, split among the threads of a pool.
    package static func quantize(
        _ x: UnsafePointer<Float>, count: Int, as type: DataType, into y: UnsafeMutableRawPointer, pool: ThreadPool
    ) {
        let block = type.blockElements
        precondition(count % block == 0, "whole blocks")
        // A piece is some tenths of a millisecond of work, and a whole number of blocks of any type.
        let piece = 1 << 13
        pool.parallel((count + piece - 1) / piece) { index, _ in
            let start = index * piece
            unsafe quantize(
                x + start, count: min(piece, count - start), as: type, into: y + start / block * type.blockBytes)
        }
    }

    /// The upper half of a float, rounded to nearest, ties to even.
    static func brainBits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// d = largest magnitude / 127; q = round(x / d), halves away from zero.
    private static func eightBit(_ x: UnsafePointer<Float>, _ y: UnsafeMutableRawPointer) {
        var largest = Lanes.zero
        for group in 0..<4 {
            let magnitudes = unsafe Lanes(at: x + 8 * group).magnitudes
            largest.replace(with: magnitudes, where: magnitudes .> largest)
        }
        let scale = largest.max() / 127
        let inverse = scale == 0 ? 0 : 1 / scale
        unsafe y.storeBytes(of: HalfPrecision.bits(scale).littleEndian, as: UInt16.self)
        for group in 0..<4 {
            let value = unsafe Lanes(at: x + 8 * group) * inverse
            var nearest = value.nearest
            let rest = value - nearest
            // Ties went to even: those that went towards zero go back.
            nearest.replace(with: nearest + 1, where: (rest .== 0.5) .& (value .> 0))
            nearest.replace(with: nearest - 1, where: (rest .== -0.5) .& (value .< 0))
            unsafe y.storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: nearest.nearestBits), toByteOffset: 2 + 8 * group,
                as: SIMD8<UInt8>.self)
        }
    }

    /// d = the element of largest magnitude / -8; q = min(15, floor(x / d + 8.5)).
    private static func fourBit(_ x: UnsafePointer<Float>, _ y: UnsafeMutableRawPointer) {
        let scale = unsafe x.extreme(32) / -8
        let inverse = scale == 0 ? 0 : 1 / scale
        unsafe y.storeBytes(of: HalfPrecision.bits(scale).littleEndian, as: UInt16.self)
        for group in 0..<2 {
            let low = unsafe quants(Lanes(at: x + 8 * group) * inverse, middle: 8)
            let high = unsafe quants(Lanes(at: x + 16 + 8 * group) * inverse, middle: 8)
            unsafe y.storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: low | high &<< 4), toByteOffset: 2 + 8 * group,
                as: SIMD8<UInt8>.self)
        }
    }

    /// d = the element of largest magnitude / -16; q = min(31, floor(x / d + 16.5)), its fifth bits apart.
    private static func fiveBit(_ x: UnsafePointer<Float>, _ y: UnsafeMutableRawPointer) {
        let scale = unsafe x.extreme(32) / -16
        let inverse = scale == 0 ? 0 : 1 / scale
        unsafe y.storeBytes(of: HalfPrecision.bits(scale).littleEndian, as: UInt16.self)
        var fifth: UInt32 = 0
        for group in 0..<2 {
            let low = unsafe quants(Lanes(at: x + 8 * group) * inverse, middle: 16)
            let high = unsafe quants(Lanes(at: x + 16 + 8 * group) * inverse, middle: 16)
            for lane in 0..<8 {
                fifth |= (low[lane] >> 4) << UInt32(8 * group + lane)
                fifth |= (high[lane] >> 4) << UInt32(16 + 8 * group + lane)
            }
            let fifteen = SIMD8<UInt32>(repeating: 15)
            unsafe y.storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: low & fifteen | (high & fifteen) &<< 4),
                toByteOffset: 6 + 8 * group, as: SIMD8<UInt8>.self)
        }
        unsafe y.storeBytes(of: fifth.littleEndian, toByteOffset: 2, as: UInt32.self)
    }

    /// floor(x + middle + 1/2) limited to 0..<2 * middle.
    @inline(__always)
    private static func quants(_ value: Lanes, middle: Float) -> SIMD8<UInt32> {
        let shifted = value + (middle + 0.5)
        let nearest = shifted.nearest
        let floor = nearest.replacing(with: nearest - 1, where: nearest .> shifted)
        return floor.limited(0, 2 * middle - 1).nearestBits & SIMD8(repeating: 31)
    }
}
