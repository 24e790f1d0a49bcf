// Random blocks of every type that conversion writes, made directly: no floats in between. Their numbers have mean zero
// and a given spread, so that products neither die out nor explode.

import Kernels
import Tensors

/// SplitMix64: the same sequence everywhere, and any number of sequences side by side.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Fills memory with blocks of one type.
struct RandomBlocks {
    let type: DataType
    /// The standard deviation of the numbers.
    let spread: Float

    /// Fills `count` blocks. The bytes depend on the seed alone, not on the pool.
    func fill(_ bytes: UnsafeMutableRawPointer, blocks count: Int, seed: UInt64, pool: ThreadPool) {
        let size = type.blockBytes
        let piece = max(1, (1 << 18) / size)
        pool.parallel((count + piece - 1) / piece) { index, _ in
            let first = index * piece
            // Far apart for neighbouring pieces, since seeds pass through the mixing too.
            var seeds = SplitMix64(seed: seed &+ UInt64(index) &* 0xD134_2543_DE82_EF95)
            var random = SplitMix64(seed: seeds.next())
            unsafe fill(bytes + first * size, blocks: min(piece, count - first), &random)
        }
    }

    private func fill(_ bytes: UnsafeMutableRawPointer, blocks count: Int, _ random: inout SplitMix64) {
        if type == .f32 { return unsafe fillFloats(bytes, count: count, &random) }
        let size = type.blockBytes
        var offset = 0
        while offset + 8 <= count * size {
            unsafe bytes.storeBytes(of: random.next().littleEndian, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count * size {
            unsafe bytes.storeBytes(of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: offset, as: UInt8.self)
            offset += 1
        }
        for block in 0..<count { unsafe setScales(bytes + block * size) }
    }

    /// Sums of four uniform numbers: close enough to normal ones, and exact.
    private func fillFloats(_ bytes: UnsafeMutableRawPointer, count: Int, _ random: inout SplitMix64) {
        // Four times the variance of a uniform number in 0..<65536.
        let factor = spread / (4 * 65_536 * 65_536 / 12 as Float).squareRoot()
        for index in 0..<count {
            let r = random.next()
            let sum = Int32(r & 0xFFFF) + Int32(r >> 16 & 0xFFFF) + Int32(r >> 32 & 0xFFFF) + Int32(r >> 48)
            let value = Float(sum - 131_070) * factor
            unsafe bytes.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
    }

    /// Replaces the random bits where a block's scales are. Divisors are the root mean squares of what the random bits
    /// that remain stand for.
    @inline(__always)
    private func setScales(_ block: UnsafeMutableRawPointer) {
        switch type {
        // Quants from -8 to 7, -16 to 15 and -128 to 127 have a mean of -1/2: a random sign takes it away.
        case .q4_0: unsafe setSigned(block, at: 0, spread / 4.6368)
        case .q5_0: unsafe setSigned(block, at: 0, spread / 9.2466)
        case .q8_0: unsafe setSigned(block, at: 0, spread / 73.902)
        case .q6_K:
            // The scales of groups are random with either sign.
            unsafe setSigned(block, at: 208, spread / (73.902 * 18.480))
        case .q4_K:
            // The offset of each group is its scale, and dmin is 7.5 d: quants stand for -7.5 to 7.5.
            let d = HalfPrecision.bits(spread / (36.517 * 4.6098))
            unsafe block.storeBytes(of: d.littleEndian, as: UInt16.self)
            unsafe block.storeBytes(
                of: HalfPrecision.bits(7.5 * HalfPrecision.float(d)).littleEndian, toByteOffset: 2, as: UInt16.self)
            for index in 4..<8 {
                let scale = unsafe block.load(fromByteOffset: index, as: UInt8.self)
                unsafe block.storeBytes(of: scale, toByteOffset: index + 4, as: UInt8.self)
                let low = unsafe block.load(fromByteOffset: index + 8, as: UInt8.self) & 15
                unsafe block.storeBytes(of: low * 17, toByteOffset: index + 8, as: UInt8.self)
            }
        default: preconditionFailure("no random blocks of \(type.name)")
        }
    }

    /// A scale with the sign bit that is there.
    @inline(__always)
    private func setSigned(_ block: UnsafeMutableRawPointer, at offset: Int, _ scale: Float) {
        let sign = unsafe block.load(fromByteOffset: offset + 1, as: UInt8.self) & 0x80
        let bits = HalfPrecision.bits(scale) | UInt16(sign) << 8
        unsafe block.storeBytes(of: bits.littleEndian, toByteOffset: offset, as: UInt16.self)
    }
}
