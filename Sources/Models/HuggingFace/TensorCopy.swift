// Tensors that a folder stores otherwise than models want them, rearranged once.

import Tensors
import Weights

/// Memory with one rearranged tensor.
struct TensorCopy: Sendable {
    let view: TensorView
    private let owner: Owner

    /// Shared by copies of the value; nobody writes after `init`, so sharing is safe.
    private final class Owner: Sendable {
        nonisolated(unsafe) let memory: UnsafeMutableRawPointer

        init(_ bytes: Int) {
            memory = .allocate(byteCount: max(bytes, 1), alignment: 64)
        }

        deinit { memory.deallocate() }
    }

    init(_ name: String, _ source: TensorSource) {
        switch source {
        case .mapped(let tensor), .vector(let tensor, _):
            var adding: Float = 0
            if case .vector(_, let constant) = source { adding = constant }
            let count = tensor.elements
            owner = Owner(count * 4)
            let floats = owner.memory.bindMemory(to: Float.self, capacity: count)
            for index in 0..<count { floats[index] = tensor.float(index) + adding }
            view = TensorView(
                name: name, type: .f32, shape: tensor.shape.isEmpty ? [1] : tensor.shape.reversed(),
                bytes: owner.memory, byteCount: count * 4)
        case .values(let values):
            owner = Owner(values.count * 4)
            owner.memory.bindMemory(to: Float.self, capacity: values.count).initialize(
                from: values, count: values.count)
            view = TensorView(
                name: name, type: .f32, shape: [values.count], bytes: owner.memory, byteCount: values.count * 4)
        case .neighbours(let tensor, let heads):
            owner = Owner(tensor.byteCount)
            let rows = tensor.shape[0]
            let (rowBytes, half) = (tensor.byteCount / rows, rows / heads / 2)
            for row in 0..<rows {
                let (head, place) = (row / (2 * half), row % (2 * half))
                let from = head * 2 * half + place % 2 * half + place / 2
                (owner.memory + row * rowBytes).copyMemory(from: tensor.bytes + from * rowBytes, byteCount: rowBytes)
            }
            view = Self.view(name, tensor, shape: tensor.shape.reversed(), owner, byteCount: tensor.byteCount)
        case .transposed(let tensor, let columns):
            let (experts, inputs, stored) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
            let size = tensor.type.byteCount
            let byteCount = experts * inputs * columns.count * size
            owner = Owner(byteCount)
            for expert in 0..<experts {
                let from = tensor.bytes + expert * inputs * stored * size
                let to = owner.memory + expert * inputs * columns.count * size
                // Tiles: both sides stay in the cache.
                for columnStart in stride(from: 0, to: columns.count, by: 32) {
                    for input in 0..<inputs {
                        for column in columnStart..<min(columnStart + 32, columns.count) {
                            (to + (column * inputs + input) * size).copyMemory(
                                from: from + (input * stored + columns.lowerBound + column) * size, byteCount: size)
                        }
                    }
                }
            }
            view = Self.view(name, tensor, shape: [inputs, columns.count, experts], owner, byteCount: byteCount)
        }
    }

    private static func view(
        _ name: String, _ tensor: SafetensorsTensor, shape: [Int], _ owner: Owner, byteCount: Int
    ) -> TensorView {
        guard let type = tensor.type.dataType else { preconditionFailure("layouts accept floats only") }
        return TensorView(name: name, type: type, shape: shape, bytes: owner.memory, byteCount: byteCount)
    }
}

extension SafetensorsTensor {
    /// One element of a tensor of floats.
    fileprivate func float(_ index: Int) -> Float {
        switch type {
        case .f32: Float(bitPattern: (bytes + 4 * index).loadUnaligned(as: UInt32.self))
        case .bf16: Float(bitPattern: UInt32((bytes + 2 * index).loadUnaligned(as: UInt16.self)) << 16)
        case .f16: Float(Float16(bitPattern: (bytes + 2 * index).loadUnaligned(as: UInt16.self)))
        default: preconditionFailure("layouts accept floats only")
        }
    }
}
