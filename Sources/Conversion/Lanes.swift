// Eight floats at a time: what the quantizers' inner loops are made of. Only operations that every 64-bit processor
// has in vector form, so that results are the same everywhere.

typealias Lanes = SIMD8<Float>

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even; the sum's low bits are that integer.
private let roundingConstant = Lanes(repeating: 12_582_912)

extension SIMD8<Float> {
    @inline(__always)
    init(at pointer: UnsafePointer<Float>) {
        self = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: Self.self)
    }

    @inline(__always)
    func store(to pointer: UnsafeMutablePointer<Float>) {
        unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: Self.self)
    }

    /// The nearest integers, ties to even; for magnitudes below 2^22.
    @inline(__always)
    var nearest: Lanes { (self + roundingConstant) - roundingConstant }

    /// The nearest integers as bits in two's complement; for magnitudes below 2^22. Never traps.
    @inline(__always)
    var nearestBits: SIMD8<UInt32> { unsafe unsafeBitCast(self + roundingConstant, to: SIMD8<UInt32>.self) }

    /// NaN stays NaN.
    @inline(__always)
    func limited(_ low: Float, _ high: Float) -> Lanes {
        let raised = replacing(with: low, where: self .< low)
        return raised.replacing(with: high, where: raised .> high)
    }

    @inline(__always)
    var magnitudes: Lanes {
        unsafe unsafeBitCast(
            unsafeBitCast(self, to: SIMD8<UInt32>.self) & SIMD8<UInt32>(repeating: 0x7FFF_FFFF), to: Lanes.self)
    }

    /// The sum of all, in a fixed order.
    @inline(__always)
    var total: Float {
        let four = lowHalf + highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }
}

extension UnsafePointer<Float> {
    /// The element of largest magnitude with its sign, the first of equals. NaN never wins.
    @inline(__always)
    func extreme(_ count: Int) -> Float {
        var largest: Float = 0
        var value: Float = 0
        for index in 0..<count {
            let magnitude = unsafe abs(self[index])
            if magnitude > largest {
                largest = magnitude
                unsafe value = self[index]
            }
        }
        return value
    }
}

/// A float as an integer in a range; NaN is its lower end.
@inline(__always)
func clampedInteger(_ value: Float, _ range: ClosedRange<Int>) -> Int {
    guard value > Float(range.lowerBound) else { return range.lowerBound }
    return value < Float(range.upperBound) ? Int(value.rounded(.toNearestOrEven)) : range.upperBound
}
