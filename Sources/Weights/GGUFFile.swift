// Reads the GGUF v3 container: metadata and the list of tensors, checked against the file before use.
// What the tensors mean is left to Models; how they are decoded to Kernels.

package import SystemPackage
package import Tensors

/// What is wrong with a GGUF file.
package enum GGUFError: Error, Sendable, Equatable {
    case io(path: String, Errno)
    case notGGUF(path: String)
}

/// An open model file. Strings and arrays stay in the mapped bytes until asked for.
package final class GGUFFile: Sendable {
    package let mapping: MappedFile
    /// In the order of the file.
    package let tensors: [TensorView]
    /// `general.architecture`.
    package let architecture: String
    /// In the order of the file.
    package let keys: [String]

    package init(path: String) throws(GGUFError) {
        throw .notGGUF(path: path)
    }

    /// The tensor of that exact name.
    package func tensor(_ name: String) -> TensorView? { nil }
    package func string(_ key: String) -> String? { nil }
    /// Any integral number, whatever type the file chose for it; floats only where they are whole.
    package func integer(_ key: String) -> Int? { nil }
    package func float(_ key: String) -> Float? { nil }
    package func boolean(_ key: String) -> Bool? { nil }
    /// A number or an array of numbers (a per-layer key may be either).
    package func integers(_ key: String) -> [Int]? { nil }
    package func floats(_ key: String) -> [Float]? { nil }
    package func booleans(_ key: String) -> [Bool]? { nil }
    package func strings(_ key: String) -> [String]? { nil }
    /// All strings of an array end to end, and where each ends.
    package func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? { nil }
}
