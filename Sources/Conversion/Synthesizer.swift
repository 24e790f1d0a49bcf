// Writes GGUF files of the shape of a published model with random weights: for tests of speed and memory on models
// whose weights are not at hand. What the model is made of is in SyntheticModel.

import Diagnostics
package import Kernels
import Tensors
package import Weights

/// One file of random weights.
package struct Synthesizer {
    private let plan: SyntheticPlan
    private let seed: UInt64
    private let fileType: UInt32
    /// What will be written, in order.
    package let tensors: [GGUFTensorDeclaration]

    /// Bytes made at a time.
    private static let portion = 1 << 24

    /// Plans a file. Matrices get the types that `TypePolicy` would give them in a conversion.
    ///
    /// - Parameters:
    ///   - layers: how many of the model's layers; nil for all. The pattern of layers stays, and the last one is
    ///     global in Gemma 4. Where late layers share keys and values, their share stays about the same, but the
    ///     first period of layers always has its own. llama.cpp needs at least four layers of Llama 4: it runs no
    ///     model without a global one.
    ///   - seed: other seeds give other weights; the same seed gives the same file.
    package init(_ model: SyntheticModel, layers: Int? = nil, type: QuantizedType, seed: UInt64 = 1) {
        let layers = layers ?? model.layers
        precondition(layers > 0 && layers <= model.layers, "number of layers")
        plan = model.plan(layers: layers)
        self.seed = seed
        let policy = TypePolicy(type, layers: layers)
        fileType = policy.fileType
        tensors = plan.tensors.map { tensor in
            GGUFTensorDeclaration(
                name: tensor.name, type: policy.type(of: tensor.name, shape: tensor.shape, source: nil),
                shape: tensor.shape)
        }
    }

    /// Bytes of all tensors.
    package var tensorBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    /// Writes the file; it appears at `path` when it is whole.
    ///
    /// - Parameter progress: called after each portion of some megabytes; what it throws ends the work and leaves
    ///   nothing behind.
    /// - Throws: `UserError`, or what `progress` throws.
    package func write(
        to path: String, pool: ThreadPool, progress: (Converter.Progress) throws -> Void = { _ in }
    ) throws {
        let labels: [(key: String, value: MetadataValue)] = [
            ("general.quantization_version", .uint32(2)), ("general.file_type", .uint32(fileType)),
        ]
        let writer = try GGUFWriter(path: path, metadata: plan.metadata + labels, tensors: tensors)
        let memory = Buffer<UInt8>(count: Self.portion)
        let total = tensorBytes
        var done = 0
        for (index, tensor) in tensors.enumerated() {
            let blocks = tensor.byteCount / tensor.type.blockBytes
            let portion = Self.portion / tensor.type.blockBytes
            for first in stride(from: 0, to: blocks, by: portion) {
                let count = min(portion, blocks - first)
                switch plan.tensors[index].content {
                case .random(let spread):
                    var seeds = SplitMix64(seed: seed ^ UInt64(index) << 40 ^ UInt64(first))
                    unsafe RandomBlocks(type: tensor.type, spread: spread)
                        .fill(memory.pointer, blocks: count, seed: seeds.next(), pool: pool)
                case .constant(let value):
                    unsafe store(memory.pointer, Array(repeating: value, count: count))
                case .values(let values): unsafe store(memory.pointer, Array(values[first..<first + count]))
                }
                let piece = unsafe UnsafeRawBufferPointer(
                    start: memory.pointer, count: count * tensor.type.blockBytes)
                try unsafe writer.write(piece, of: tensor.name)
                done += piece.count
                try progress(Converter.Progress(tensor: tensor.name, bytes: done, totalBytes: total))
            }
        }
        try writer.finish()
    }

    private func store(_ memory: UnsafeMutablePointer<UInt8>, _ values: [Float]) {
        for (index, value) in values.enumerated() {
            unsafe UnsafeMutableRawPointer(memory).storeBytes(
                of: value.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
    }
}
