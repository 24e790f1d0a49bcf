// Reads an architecture's keys from a checkpoint with errors that name the key. Which keys a family has is in its file.

import KVCache
import Kernels
import Tensors
import Weights

/// The keys `<architecture>.*` of a checkpoint.
struct ModelMetadata {
    let file: any Checkpoint
    let prefix: String

    init(_ file: any Checkpoint) {
        self.file = file
        prefix = file.architecture + "."
    }

    /// A count or size: present, positive and small enough to be multiplied by others.
    func size(_ key: String) throws(ModelError) -> Int {
        guard let value = try optionalSize(key) else { throw .missingKey(prefix + key) }
        return value
    }

    func optionalSize(_ key: String) throws(ModelError) -> Int? {
        guard let value = file.integer(prefix + key) else { return nil }
        guard (1...(1 << 31)).contains(value) else {
            throw .badValue(key: prefix + key, value: "\(value)", reason: "it must be from 1 to 2^31")
        }
        return value
    }

    /// A count that may be 0.
    func optionalCount(_ key: String) throws(ModelError) -> Int? {
        file.integer(prefix + key) == 0 ? 0 : try optionalSize(key)
    }

    /// Sizes of a mixture of `count` experts.
    func experts(count: Int) throws(ModelError) -> ExpertShape {
        let chosen = try size("expert_used_count")
        try require(chosen <= count, "expert_used_count", chosen, "there are only \(count) experts")
        return ExpertShape(count: count, chosen: chosen, hidden: try size("expert_feed_forward_length"))
    }

    /// A positive, finite number.
    func number(_ key: String) throws(ModelError) -> Double {
        guard let value = try optionalNumber(key) else { throw .missingKey(prefix + key) }
        return value
    }

    func optionalNumber(_ key: String) throws(ModelError) -> Double? {
        guard let value = file.float(prefix + key) else { return nil }
        guard value.isFinite, value > 0 else {
            throw .badValue(key: prefix + key, value: "\(value)", reason: "it must be a positive number")
        }
        return Double(value)
    }

    func string(_ key: String) -> String? { file.string(prefix + key) }

    /// What positions are divided by: the factor of linear scaling, 1 without scaling. Other kinds are refused.
    func linearScaling() throws(ModelError) -> Double {
        let kind = string("rope.scaling.type") ?? "none"
        guard kind == "none" || kind == "linear" else { throw .feature(key: prefix + "rope.scaling.type", value: kind) }
        return kind == "linear" ? try number("rope.scaling.factor") : 1
    }

    /// One number per layer, where the file has one for all or one for each.
    func sizes(_ key: String, layers: Int) throws(ModelError) -> [Int] {
        guard let values = file.integers(prefix + key) else { throw .missingKey(prefix + key) }
        guard values.count == 1 || values.count == layers else {
            throw .badValue(key: prefix + key, value: "\(values.count) values", reason: "there are \(layers) layers")
        }
        guard values.allSatisfy({ (1...(1 << 31)).contains($0) }) else {
            throw .badValue(key: prefix + key, value: "\(values)", reason: "they must be from 1 to 2^31")
        }
        return values.count == layers ? values : Array(repeating: values[0], count: layers)
    }

    /// One truth value per layer; `nil` where the file has none.
    func flags(_ key: String, layers: Int) throws(ModelError) -> [Bool]? {
        guard file.arrayCount(prefix + key) != nil else { return nil }
        guard let flags = file.booleans(prefix + key), flags.count == layers else {
            throw .badValue(key: prefix + key, value: "an array", reason: "it must hold \(layers) truth values")
        }
        return flags
    }

    /// Rotation of whole heads, or of as much of them as the file says.
    ///
    /// - Parameter divisors: whether the tensor `rope_freqs` is meant for these layers.
    func rotary(
        _ heads: HeadShape, style: RotaryStyle, suffix: String = "", base: Double = 10_000, divisors: Bool = true,
        period: Int? = nil
    ) throws(ModelError) -> RotaryParameters {
        let key = "rope.dimension_count" + suffix
        let dimensions = try optionalSize(key) ?? heads.size
        try require(
            dimensions <= heads.size && dimensions % 2 == 0, key, dimensions,
            "it must be even and at most the size of a head, \(heads.size)")
        let frequencyDivisors =
            divisors ? try WeightBinder(file: file).values("rope_freqs.weight", count: dimensions / 2) ?? [] : []
        return RotaryParameters(
            dimensions: dimensions, style: style, base: try optionalNumber("rope.freq_base" + suffix) ?? base,
            positionDivisor: suffix.isEmpty ? try linearScaling() : 1, frequencyDivisors: frequencyDivisors,
            period: period)
    }

    /// Fails where one value is no multiple of another, naming the key of the first.
    func require(_ condition: Bool, _ key: String, _ value: Int, _ reason: String) throws(ModelError) {
        guard condition else { throw .badValue(key: prefix + key, value: "\(value)", reason: reason) }
    }

    /// Rows of the token embedding, which may be more than the tokens of the tokenizer.
    func embeddingRows() throws(ModelError) -> Int {
        guard let tensor = file.summaries.first(where: { $0.name == "token_embd.weight" }), tensor.shape.count == 2
        else { throw .missingTensor("token_embd.weight") }
        return tensor.shape[1]
    }
}
