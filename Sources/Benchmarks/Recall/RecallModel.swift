// The constructed recall model as a GGUF file.

import Conversion
import Tensors
package import Weights

/// The file of one model. The same values give the same bytes.
package struct RecallModel: Sendable {
    /// How matrices are stored. Their elements are the same numbers either way.
    package enum Precision: String, Sendable, CaseIterable {
        case f16, f32
    }

    /// The longest context: ten million tokens, and some for questions.
    package static let contextLength = 10 << 20 + 1 << 16

    private let shape: RecallShape
    private let precision: Precision
    private let layers: RecallLayers
    private let overrides: [(key: String, value: MetadataValue)]

    /// - Parameters:
    ///   - natsPerBit: how sharply the global layer tells keys apart; nil for so much that nothing else matters.
    ///   - overrides: metadata to put in place of the model's, by keys without the architecture: for models that are
    ///     wrong on purpose.
    package init(
        _ shape: RecallShape, precision: Precision = .f16, natsPerBit: Double? = nil,
        overrides: [(key: String, value: MetadataValue)] = []
    ) {
        self.shape = shape
        self.precision = precision
        self.overrides = overrides
        layers = RecallLayers(shape, natsPerBit: natsPerBit ?? RecallLayers.natsPerBit)
    }

    /// Writes the file; it appears at `path` when it is whole.
    /// - Throws: `UserError` when the disk is full or the place may not be written.
    package func write(to path: String) throws {
        let tensors = tensors
        let writer = try GGUFWriter(path: path, metadata: metadata, tensors: tensors.map(\.declaration))
        for tensor in tensors {
            for values in tensor.parts() { try write(values, tensor.declaration, to: writer) }
        }
        try writer.finish()
    }

    private func write(_ values: [Float], _ tensor: GGUFTensorDeclaration, to writer: GGUFWriter) throws {
        let halves = tensor.type == .f16
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * tensor.type.blockBytes)
        for value in values {
            let bits = halves ? UInt32(HalfPrecision.bits(value)) : value.bitPattern
            for shift in stride(from: 0, to: 8 * tensor.type.blockBytes, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        try bytes.withUnsafeBytes { try writer.write($0, of: tensor.name) }
    }

    // MARK: - Tensors

    /// A tensor and what makes its values, a part at a time.
    private struct Tensor {
        var declaration: GGUFTensorDeclaration
        var parts: () -> [[Float]]
    }

    private var tensors: [Tensor] {
        let (width, hidden) = (RecallStream.width, RecallShape.feedForward)
        let matrixType: DataType = precision == .f16 ? .f16 : .f32
        var tensors: [Tensor] = []
        func add(_ name: String, _ extents: [Int], _ type: DataType, _ parts: @escaping () -> [[Float]]) {
            let declaration = GGUFTensorDeclaration(name: name + ".weight", type: type, shape: extents)
            tensors.append(Tensor(declaration: declaration, parts: parts))
        }
        func add(_ name: String, _ extents: [Int], _ matrix: @escaping () -> RecallMatrix) {
            add(name, extents, matrixType) { [matrix().values] }
        }
        func norm(_ name: String) { add(name, [width], .f32) { [RecallStream.norm] } }

        add("token_embd", [width, shape.vocabulary]) { layers.embedding() }
        let queries = shape.queryHeads * RecallShape.headSize, keys = shape.keyValueHeads * RecallShape.headSize
        for layer in 0..<RecallShape.layers {
            let block = "blk.\(layer)."
            norm(block + "attn_norm")
            add(block + "attn_q", [width, queries]) { layers.query(layer: layer) }
            add(block + "attn_k", [width, keys]) { layers.key(layer: layer) }
            add(block + "attn_v", [width, keys]) { layers.value(layer: layer) }
            add(block + "attn_output", [queries, width]) { layers.output(layer: layer) }
            norm(block + "ffn_norm")
            let routed = shape.hasExperts(layer: layer), suffix = routed ? "_shexp" : ""
            add(block + "ffn_gate" + suffix, [width, hidden]) { layers.sharpening(layer: layer).gate }
            add(block + "ffn_up" + suffix, [width, hidden]) { layers.sharpening(layer: layer).up }
            add(block + "ffn_down" + suffix, [hidden, width]) { layers.sharpening(layer: layer).down }
            guard routed else { continue }
            add(block + "ffn_gate_inp", [width, shape.experts], .f32) { [layers.router().values] }
            func experts(
                _ name: String, _ extents: [Int],
                _ part: @escaping ((gate: RecallMatrix, up: RecallMatrix, down: RecallMatrix)) -> RecallMatrix
            ) {
                add(block + name, extents + [shape.experts], matrixType) {
                    (0..<shape.experts).map { part(layers.expert($0, layer: layer)).values }
                }
            }
            experts("ffn_gate_exps", [width, hidden], \.gate)
            experts("ffn_up_exps", [width, hidden], \.up)
            experts("ffn_down_exps", [hidden, width], \.down)
        }
        norm("output_norm")
        add("output", [width, shape.vocabulary]) { layers.head() }
        return tensors
    }

    // MARK: - Metadata

    private var metadata: [(key: String, value: MetadataValue)] {
        func size(_ value: Int) -> MetadataValue { .uint32(UInt32(value)) }
        var architecture: [(key: String, value: MetadataValue)] = [
            ("block_count", size(RecallShape.layers)), ("context_length", size(Self.contextLength)),
            ("embedding_length", size(RecallStream.width)), ("feed_forward_length", size(RecallShape.feedForward)),
            ("expert_feed_forward_length", size(RecallShape.feedForward)), ("expert_count", size(shape.experts)),
            ("expert_used_count", size(1)), ("interleave_moe_layer_step", size(shape.expertInterval)),
            ("vocab_size", size(shape.vocabulary)), ("attention.head_count", size(shape.queryHeads)),
            ("attention.head_count_kv", size(shape.keyValueHeads)),
            ("attention.key_length", size(RecallShape.headSize)),
            ("attention.value_length", size(RecallShape.headSize)),
            ("attention.layer_norm_rms_epsilon", .float32(1e-5)), ("attention.chunk_size", size(shape.chunk)),
            ("attention.qk_norm", .bool(shape.normalizesHeads)), ("attention.temperature_scale", .float32(0.1)),
            ("attention.temperature_floor", .float32(8192)),
            ("rope.freq_base", .float32(Float(RecallShape.rotaryBase))),
            ("rope.dimension_count", size(RecallShape.headSize)),
        ]
        for (key, value) in overrides {
            architecture.removeAll { $0.key == key }
            architecture.append((key, value))
        }
        return [
            ("general.architecture", .text("llama4")), ("general.name", .text("constructed recall")),
            ("general.file_type", size(precision == .f16 ? 1 : 0)),
        ] + architecture.map { ("llama4." + $0.key, $0.value) } + vocabulary
    }

    /// Words of letters, one per token, by the rule of Llama 3, which takes words of the vocabulary whole. No token is
    /// special: token 0 is an answer too.
    private var vocabulary: [(key: String, value: MetadataValue)] {
        let count = shape.vocabulary
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        func word(_ token: Int) -> String {
            var rest = token
            return (0..<3).reduce(into: "Ġ") { word, _ in
                word.append(letters[rest % letters.count])
                rest /= letters.count
            }
        }
        let tokens = (0..<count).map { MetadataValue.text($0 == 0 ? "nothing" : word($0)) }
        let prefix = "tokenizer.ggml."
        return [
            (prefix + "model", .text("gpt2")), (prefix + "pre", .text("llama-bpe")),
            (prefix + "tokens", .array(tokens)),
            (prefix + "token_type", .array(Array(repeating: .int32(1), count: count))),
            // There are no pieces to merge; a file without the key is taken for an incomplete one.
            (prefix + "merges", .array([.text("Ġ a")])), (prefix + "bos_token_id", .uint32(0)),
            (prefix + "add_bos_token", .bool(true)),
        ]
    }
}
