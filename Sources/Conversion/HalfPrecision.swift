// IEEE half precision by integer arithmetic: the same bits on every processor, rounded to nearest, ties to even.

/// Conversions between 32-bit floats and the bits of 16-bit ones.
package enum HalfPrecision {
    /// The nearest half; beyond the largest, infinity.
    package static func bits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude >= 0x4780_0000 {
            // 65536 and above, infinity, NaN.
            return sign | (magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00)
        }
        if magnitude < 0x3880_0000 {
            // Subnormal or zero: adding one half aligns the mantissa so that the addition itself rounds.
            let aligned = Float(bitPattern: magnitude) + 0.5
            return sign | UInt16(truncatingIfNeeded: aligned.bitPattern &- 0x3F00_0000)
        }
        let odd = (magnitude >> 13) & 1
        let rounded = (magnitude &- 0x3800_0000 &+ 0xFFF &+ odd) >> 13
        return sign | UInt16(truncatingIfNeeded: rounded)
    }

    /// The float of the same value.
    package static func float(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let mantissa = UInt32(bits & 0x3FF)
        switch exponent {
        case 0: return (sign == 0 ? 1 : -1) * Float(mantissa) * 0x1p-24
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | mantissa << 13)
        default: return Float(bitPattern: sign | (exponent &+ 112) << 23 | mantissa << 13)
        }
    }

    /// The smallest half that is not nearer to zero: what a unit should be whose multiples must reach far enough.
    static func bitsOutward(_ value: Float) -> UInt16 {
        let nearest = bits(value)
        return abs(float(nearest)) < abs(value) ? nearest + 1 : nearest
    }
}
