// Finds tensors by name and checks shape and type before anything trusts them.

import Tensors
import Weights

/// Binds the tensors of one checkpoint.
struct WeightBinder {
    let file: any Checkpoint

    /// A matrix of `rows` outputs and `columns` inputs, of a type that the kernels multiply.
    func matrix(_ name: String, rows: Int, columns: Int) throws(ModelError) -> TensorView {
        guard let tensor = try optionalMatrix(name, rows: rows, columns: columns) else { throw .missingTensor(name) }
        return tensor
    }

    func optionalMatrix(_ name: String, rows: Int, columns: Int) throws(ModelError) -> TensorView? {
        guard let tensor = file.tensor(name) else { return nil }
        guard tensor.shape == [columns, rows] else {
            throw .shape(tensor: name, found: tensor.shape, expected: [columns, rows])
        }
        guard tensor.type.isWeight else { throw .type(tensor: name, type: tensor.type.name) }
        return tensor
    }

    func has(_ name: String) -> Bool { file.tensor(name) != nil }

    /// One matrix of `rows` outputs and `columns` inputs per expert.
    func experts(_ name: String, rows: Int, columns: Int, count: Int) throws(ModelError) -> TensorView {
        guard let tensor = file.tensor(name) else { throw .missingTensor(name) }
        guard tensor.shape == [columns, rows, count] else {
            throw .shape(tensor: name, found: tensor.shape, expected: [columns, rows, count])
        }
        guard tensor.type.isWeight else { throw .type(tensor: name, type: tensor.type.name) }
        return tensor
    }

    /// A vector of 32-bit floats, such as a norm's weights or a bias.
    func vector(_ name: String, count: Int) throws(ModelError) -> UnsafePointer<Float> {
        guard let floats = try optionalVector(name, count: count) else { throw .missingTensor(name) }
        return floats
    }

    /// A copy of a vector that files may lack.
    func values(_ name: String, count: Int) throws(ModelError) -> [Float]? {
        try optionalVector(name, count: count).map { Array(UnsafeBufferPointer(start: $0, count: count)) }
    }

    func optionalVector(_ name: String, count: Int) throws(ModelError) -> UnsafePointer<Float>? {
        guard let tensor = file.tensor(name) else { return nil }
        guard tensor.shape == [count] else { throw .shape(tensor: name, found: tensor.shape, expected: [count]) }
        guard let floats = tensor.floats else { throw .type(tensor: name, type: tensor.type.name) }
        return floats
    }
}
