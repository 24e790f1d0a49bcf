// A published model's metadata and list of tensors, without vocabulary and without weights: whatever follows from the
// shape alone can be computed from it in no time, such as what its keys and values take.

package import Tensors
package import Weights

/// A checkpoint that holds no weights.
///
/// `@unchecked`: the numbers are written before anybody else sees the object, and read only.
package final class SyntheticCheckpoint: Checkpoint, @unchecked Sendable {
    private final class Numbers {
        let buffer: Buffer<Float>

        init(_ values: [Float]) {
            buffer = Buffer(count: values.count)
            for (index, value) in values.enumerated() { unsafe buffer.pointer[index] = value }
        }
    }

    package let architecture: String
    package let keys: [String]
    package let summaries: [TensorSummary]
    private let metadata: [String: MetadataValue]
    /// Tensors whose numbers are part of the shape, such as the divisors of frequencies.
    private let numbers: [String: Numbers]

    /// The whole model.
    package init(_ model: SyntheticModel) {
        let plan = model.plan(layers: model.layers, vocabulary: false)
        metadata = Dictionary(plan.metadata.map { ($0.key, $0.value) }) { first, _ in first }
        keys = plan.metadata.map(\.key)
        architecture = metadata["general.architecture"]?.string ?? ""
        var numbers: [String: Numbers] = [:]
        for case let (name, .values(values)) in plan.tensors.map({ ($0.name, $0.content) }) {
            numbers[name] = Numbers(values)
        }
        self.numbers = numbers
        summaries = plan.tensors.map { tensor in
            TensorSummary(name: tensor.name, type: .f32, shape: tensor.shape, byteCount: 0)
        }
    }

    package func value(_ key: String) -> MetadataValue? { metadata[key] }

    package func tensor(_ name: String) -> TensorView? {
        guard let buffer = numbers[name] else { return nil }
        let count = buffer.buffer.count
        return unsafe TensorView(
            name: name, type: .f32, shape: [count], bytes: UnsafeRawPointer(buffer.buffer.pointer),
            byteCount: buffer.buffer.byteCount)
    }

    package func release(_ name: String) {}

    package func mappedBytes(_ name: String) -> UnsafeRawBufferPointer? { nil }

    package var byteCount: Int { 0 }
}
