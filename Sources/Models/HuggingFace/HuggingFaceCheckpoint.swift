// A Hugging Face folder seen as a checkpoint: its configuration under GGUF's keys, its tensors under GGUF's names.
// What a family's names and settings mean is in its `HuggingFaceLayout`.

import FoundationEssentials
import Synchronization
package import Tensors
package import Weights

/// Where a tensor of the checkpoint comes from.
enum TensorSource: Sendable {
    /// The bytes of the folder's file, as they are.
    case mapped(SafetensorsTensor)
    /// 32-bit floats, with a constant added: norms of Gemma 3 are stored without their "1 +".
    case vector(SafetensorsTensor, adding: Float)
    /// Rows of each head in the order in which neighbours turn together, where the folder has them in halves.
    case neighbours(SafetensorsTensor, heads: Int)
    /// One matrix per expert, transposed, some columns of the stored matrices: rows of the result.
    case transposed(SafetensorsTensor, columns: Range<Int>)
    case values([Float])

    func summary(_ name: String) -> TensorSummary {
        switch self {
        case .mapped(let tensor), .neighbours(let tensor, _):
            Self.summary(name, tensor, shape: tensor.shape.reversed())
        case .transposed(let tensor, let columns):
            Self.summary(name, tensor, shape: [tensor.shape[1], columns.count, tensor.shape[0]])
        case .vector(let tensor, _):
            TensorSummary(
                name: name, type: .f32, shape: tensor.shape.isEmpty ? [1] : tensor.shape.reversed(),
                byteCount: tensor.elements * 4)
        case .values(let values):
            TensorSummary(name: name, type: .f32, shape: [values.count], byteCount: values.count * 4)
        }
    }

    private static func summary(_ name: String, _ tensor: SafetensorsTensor, shape: [Int]) -> TensorSummary {
        TensorSummary(
            name: name, type: tensor.type.dataType ?? .f32, shape: shape,
            byteCount: shape.reduce(1, *) * tensor.type.byteCount)
    }
}

/// A folder with config.json and safetensors, mapped.
package final class HuggingFaceCheckpoint: Checkpoint {
    package let folder: SafetensorsFolder
    package let architecture: String
    package let keys: [String]
    private let names: [String]
    private let metadata: [String: MetadataValue]
    private let sources: [String: TensorSource]
    /// Tensors that had to be made, by name.
    private let copies = Mutex<[String: TensorCopy]>([:])

    init(_ folder: SafetensorsFolder, layout: any HuggingFaceLayout, name: String) throws(ModelError) {
        self.folder = folder
        architecture = layout.architecture.rawValue
        var pairs: [(String, MetadataValue)] = [
            ("general.architecture", .text(architecture)), ("general.name", .text(name)),
        ]
        for (key, value) in try layout.metadata() { pairs.append(("\(architecture).\(key)", value)) }
        keys = pairs.map(\.0)
        metadata = Dictionary(pairs) { first, _ in first }
        var names: [String] = []
        var sources: [String: TensorSource] = [:]
        for tensor in folder.tensors {
            for (name, source) in try layout.sources(of: tensor) where sources[name] == nil {
                sources[name] = source
                names.append(name)
            }
        }
        for (name, values) in try layout.tables() {
            sources[name] = .values(values)
            names.append(name)
        }
        self.names = names
        self.sources = sources
    }

    package var summaries: [TensorSummary] { names.compactMap { name in sources[name]?.summary(name) } }

    package func value(_ key: String) -> MetadataValue? { metadata[key] }

    package var byteCount: Int { folder.files.reduce(0) { $0 + $1.mapping.count } }

    package func tensor(_ name: String) -> TensorView? {
        guard let source = sources[name] else { return nil }
        if case .mapped(let tensor) = source, let type = tensor.type.dataType {
            return TensorView(
                name: name, type: type, shape: tensor.shape.reversed(), bytes: tensor.bytes,
                byteCount: tensor.byteCount)
        }
        return copies.withLock { copies in
            if let copy = copies[name] { return copy.view }
            let copy = TensorCopy(name, source)
            copies[name] = copy
            return copy.view
        }
    }

    package func mappedBytes(_ name: String) -> UnsafeRawBufferPointer? {
        guard case .mapped(let tensor)? = sources[name] else { return nil }
        return UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
    }

    package func release(_ name: String) {
        _ = copies.withLock { $0.removeValue(forKey: name) }
    }
}
