// Reads pages of keys and values number by number, from the description of their form alone.

import Kernels

/// What the codes of q4 stand for, in units of the scale.
let q4Levels: [Double] = {
    let magnitudes: [Double] = [6, 18, 31, 44, 58, 75, 96, 127]
    return magnitudes + magnitudes.map { -$0 }
}()

/// The normalized Walsh-Hadamard transform of blocks of the largest power of two that divides the length.
func hadamard(_ x: [Double]) -> [Double] {
    let block = x.count & -x.count
    var y = x
    var half = 1
    while half < block {
        for i in y.indices where i & half == 0 { (y[i], y[i + half]) = (y[i] + y[i + half], y[i] - y[i + half]) }
        half *= 2
    }
    return y.map { $0 / Double(block).squareRoot() }
}

extension KVPageShape {
    /// The key of one head and place.
    func row(ofKeys plane: UnsafeRawPointer, head: Int, place: Int) -> [Double] {
        row(plane, keyType, head: head, place: place) { rows, element in (head * rows + element) * pageTokens + place }
    }

    /// The value of one head and place.
    func row(ofValues plane: UnsafeRawPointer, head: Int, place: Int) -> [Double] {
        row(plane, valueType, head: head, place: place) { rows, element in
            (head * pageTokens + place) * rows + element
        }
    }

    private func row(
        _ plane: UnsafeRawPointer, _ type: KVType, head: Int, place: Int,
        index: (_ elements: Int, _ element: Int) -> Int
    ) -> [Double] {
        func scale(behind bytes: Int) -> Double {
            let offset = kvHeads * pageTokens * bytes + (head * pageTokens + place) * 2
            return Double(plane.load(fromByteOffset: offset, as: Float16.self))
        }
        switch type {
        case .f32:
            return (0..<headDim).map { Double(plane.load(fromByteOffset: 4 * index(headDim, $0), as: Float.self)) }
        case .f16:
            return (0..<headDim).map { Double(plane.load(fromByteOffset: 2 * index(headDim, $0), as: Float16.self)) }
        case .q8:
            let scale = scale(behind: headDim)
            return hadamard(
                (0..<headDim).map { Double(plane.load(fromByteOffset: index(headDim, $0), as: Int8.self)) * scale })
        case .q4:
            let scale = scale(behind: headDim / 2), half = headDim / 2
            return hadamard(
                (0..<headDim).map { element in
                    let byte = plane.load(fromByteOffset: index(half, element % half), as: UInt8.self)
                    return q4Levels[Int(element < half ? byte & 15 : byte >> 4)] * scale
                })
        }
    }
}
