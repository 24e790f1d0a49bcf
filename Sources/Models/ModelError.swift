/// Why a file cannot be run as a model. Every case names the key or tensor.
package enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `general.architecture` is one that we do not run.
    case architecture(String, known: [String])
    /// A metadata key that the architecture needs is not in the file.
    case missingKey(String)
    /// A metadata value that cannot be right.
    case badValue(key: String, value: String, reason: String)
    case missingTensor(String)
    case shape(tensor: String, found: [Int], expected: [Int])
    /// A block type that has no kernels.
    case type(tensor: String, type: String)
    /// A setting of the architecture that we do not run, such as an unknown rope scaling.
    case feature(key: String, value: String)

    /// Whether the file contradicts itself, rather than being of a kind that we do not run.
    package var isDamage: Bool {
        switch self {
        case .missingKey, .badValue, .missingTensor, .shape: true
        case .architecture, .type, .feature: false
        }
    }

    package var description: String {
        switch self {
        case .architecture(let name, let known):
            "the architecture '\(name)' is not supported; known are \(known.joined(separator: ", "))"
        case .missingKey(let key): "the metadata key '\(key)' is missing"
        case .badValue(let key, let value, let reason): "the metadata key '\(key)' has the value \(value): \(reason)"
        case .missingTensor(let name): "the tensor '\(name)' is missing"
        case .shape(let tensor, let found, let expected):
            "the tensor '\(tensor)' has the shape \(found), expected is \(expected)"
        case .type(let tensor, let type): "the tensor '\(tensor)' has the type \(type), which is not supported"
        case .feature(let key, let value): "'\(key)' = \(value) is not supported"
        }
    }
}
