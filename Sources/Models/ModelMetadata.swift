// Reads an architecture's keys from a file with errors that name the key. Which keys a family has is in its file.

import Tensors
import Weights

/// The keys `<architecture>.*` of a file.
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

    /// Fails where one value is no multiple of another, naming the key of the first.
    func require(_ condition: Bool, _ key: String, _ value: Int, _ reason: String) throws(ModelError) {
        guard condition else { throw .badValue(key: prefix + key, value: "\(value)", reason: reason) }
    }

    /// Rows of the token embedding, which may be more than the tokens of the tokenizer.
    func embeddingRows() throws(ModelError) -> Int {
        guard let tensor = file.tensor("token_embd.weight"), tensor.shape.count == 2 else {
            throw .missingTensor("token_embd.weight")
        }
        return tensor.rows
    }
}
