// The types that tensors can be converted to.

package import Tensors

// The names are those of the formats.
// swift-format-ignore: AlwaysUseLowerCamelCase
/// A block type that `models convert` and `models synth` write.
package enum QuantizedType: String, Sendable, CaseIterable {
    case q8_0
    case q4_0
    case q4_k
    case q6_k

    /// The same as the type of a stored tensor.
    package var dataType: DataType {
        switch self {
        case .q8_0: .q8_0
        case .q4_0: .q4_0
        case .q4_k: .q4_K
        case .q6_k: .q6_K
        }
    }
}
