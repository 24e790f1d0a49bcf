// Writes a GGUF file from any checkpoint, tensor by tensor, in memory that does not grow with the model.

package import Diagnostics
package import Kernels
import Tensors
package import Weights

/// One conversion.
package struct Converter {
    /// How far a conversion is.
    package struct Progress: Sendable, Equatable {
        /// The tensor that was worked on last.
        package var tensor: String
        /// Bytes of tensors written, and of all of them.
        package var bytes: Int
        package var totalBytes: Int
    }

    private let checkpoint: any Checkpoint
    /// Put behind the checkpoint's own: what its container keeps elsewhere, such as the tokenizer.
    private let added: [(key: String, value: MetadataValue)]
    private let pool: ThreadPool
    private let fileType: UInt32
    /// What will be written, in the checkpoint's order.
    package let tensors: [GGUFTensorDeclaration]

    /// Numbers unpacked at a time: 16 MiB of them.
    private static let portion = 1 << 22

    /// Plans a conversion.
    ///
    /// - Parameter metadata: keys that the checkpoint does not hold itself, such as those of the tokenizer.
    package init(
        _ checkpoint: any Checkpoint, to type: QuantizedType, metadata: [(key: String, value: MetadataValue)] = [],
        pool: ThreadPool
    ) throws(UserError) {
        self.checkpoint = checkpoint
        added = metadata
        self.pool = pool
        guard let layers = checkpoint.integer("\(checkpoint.architecture).block_count") else {
            throw UserError(.modelDamaged, "the key \(checkpoint.architecture).block_count is missing")
        }
        let policy = TypePolicy(type, layers: layers)
        fileType = policy.fileType
        var declared: [GGUFTensorDeclaration] = []
        for tensor in checkpoint.summaries {
            let target = policy.type(of: tensor.name, shape: tensor.shape, source: tensor.type)
            declared.append(GGUFTensorDeclaration(name: tensor.name, type: target, shape: tensor.shape))
        }
        tensors = declared
    }

    private static func absent(_ name: String) -> UserError {
        UserError(.modelDamaged, "the tensor \(name) can't be read")
    }

    /// Bytes of all tensors as they will be written.
    package var tensorBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    /// The checkpoint's metadata with the labels of the new file.
    private var metadata: [(key: String, value: MetadataValue)] {
        let dropped: Set = ["general.alignment", "split.no", "split.count", "split.tensors.count"]
        var labels: [String: MetadataValue] = [
            "general.file_type": .uint32(fileType), "general.quantization_version": .uint32(2),
        ]
        var pairs: [(key: String, value: MetadataValue)] = []
        for key in checkpoint.keys where !dropped.contains(key) {
            if let value = labels.removeValue(forKey: key) ?? checkpoint.value(key) { pairs.append((key, value)) }
        }
        return pairs + added + labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Converts. The file appears at `path` when it is whole.
    ///
    /// - Parameter progress: called after each portion of some megabytes; what it throws ends the conversion and
    ///   leaves nothing behind.
    /// - Throws: `UserError`, or what `progress` throws.
    package func write(to path: String, progress: (Progress) throws -> Void = { _ in }) throws {
        let writer = try GGUFWriter(path: path, metadata: metadata, tensors: tensors)
        let compute = Compute(pool: pool)
        let total = tensorBytes
        var done = 0
        for target in tensors {
            guard let source = checkpoint.tensor(target.name) else { throw Self.absent(target.name) }
            defer { checkpoint.release(target.name) }
            let rows = max(1, Self.portion / max(source.columns, 1))
            let numbers = Buffer<Float>(count: source.type == target.type ? 0 : min(rows, source.rows) * source.columns)
            let blocks = Buffer<UInt8>(count: source.type == target.type ? 0 : min(rows, source.rows) * target.rowBytes)
            for first in stride(from: 0, to: source.rows, by: rows) {
                let count = min(rows, source.rows - first)
                let bytes = count * target.rowBytes
                if source.type == target.type {
                    let piece = unsafe UnsafeRawBufferPointer(
                        start: source.bytes + first * source.rowBytes, count: bytes)
                    try unsafe writer.write(piece, of: target.name)
                } else {
                    unsafe compute.rows(source, ids: (first..<first + count).map { Int32($0) }, into: numbers.pointer)
                    unsafe RowQuantizer.quantize(
                        numbers.pointer, count: count * source.columns, as: target.type, into: blocks.pointer,
                        pool: pool)
                    let piece = unsafe UnsafeRawBufferPointer(start: blocks.pointer, count: bytes)
                    try unsafe writer.write(piece, of: target.name)
                }
                done += bytes
                try progress(Progress(tensor: target.name, bytes: done, totalBytes: total))
            }
        }
        try writer.finish()
    }
}

extension GGUFTensorDeclaration {
    /// Bytes of one row.
    fileprivate var rowBytes: Int { byteCount / max(shape.dropFirst().reduce(1, *), 1) }
}
