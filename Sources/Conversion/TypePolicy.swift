// Which type each tensor of a converted model gets: what matters more for its size keeps more bits, as the field's
// quantizers do. By name and shape alone, for all families.

package import Tensors

/// The choice of types for one file.
package struct TypePolicy: Sendable, Equatable {
    /// What most matrices become.
    package var type: QuantizedType
    /// The model's layers.
    package var layers: Int

    /// Chooses for a model of so many layers.
    package init(_ type: QuantizedType, layers: Int) {
        self.type = type
        self.layers = layers
    }

    /// `general.file_type`: a label only.
    package var fileType: UInt32 {
        switch type {
        case .q4_0: 2
        case .q8_0: 7
        case .q4_k: 15
        case .q6_k: 18
        }
    }

    /// The type to write. Integers and 64-bit floats stay what they are, and so do matrices that are already smaller
    /// than what they would become.
    ///
    /// - Parameters:
    ///   - name: as in GGUF.
    ///   - shape: in GGUF's order, the length of a row first.
    ///   - source: what the tensor is stored as now; nil if it is made anew.
    package func type(of name: String, shape: [Int], source: DataType?) -> DataType {
        if let source, !source.isWeight { return source }
        // Small, and all layers of the models that have it hang on it: it is never quantized, here as elsewhere.
        if let source, source.blockElements == 1, name == "per_layer_model_proj.weight" { return source }
        // Norms, biases, scales, frequencies; and routers, whose near ties decide which expert runs.
        let isMatrix = shape.count > 1 && name.hasSuffix(".weight") && !name.contains("_norm")
        guard isMatrix, !name.hasSuffix("ffn_gate_inp.weight") else { return .f32 }
        let wanted = fitting(preferred(name), columns: shape.first ?? 0)
        if let source, source.blockElements > 1, bits(source) <= bits(wanted) { return source }
        return wanted
    }

    private func bits(_ type: DataType) -> Double { Double(type.blockBytes) / Double(type.blockElements) }

    private func preferred(_ name: String) -> DataType {
        switch type {
        case .q8_0, .q6_k: return type.dataType
        case .q4_0, .q4_k:
            // Every token passes through both.
            if name == "token_embd.weight" || name == "output.weight" { return .q6_K }
            if type == .q4_k, isSensitive(name) { return .q6_K }
            return type.dataType
        }
    }

    /// Values and down projections of the first and last eighth of the layers and of every third between.
    private func isSensitive(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count > 2, parts[0] == "blk", let layer = Int(parts[1]),
            parts[2] == "attn_v" || parts[2].hasPrefix("ffn_down")
        else { return false }
        let eighth = layers / 8
        return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
    }

    /// The type, or the next larger one whose blocks fill rows of that length.
    private func fitting(_ type: DataType, columns: Int) -> DataType {
        if columns % type.blockElements == 0 { return type }
        guard columns % 32 == 0 else { return .f16 }
        return type == .q4_K ? .q5_0 : .q8_0
    }
}
