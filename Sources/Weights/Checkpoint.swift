// What a model is bound from, whatever container it came in: metadata under GGUF's keys and tensors under GGUF's names.
// GGUF files are checkpoints as they are; other containers are translated into this form, so that everything above
// knows one set of names.

package import Tensors

/// What is known of a tensor without making it.
package struct TensorSummary: Sendable, Hashable {
    package var name: String
    package var type: DataType
    /// In GGUF's order.
    package var shape: [Int]
    package var byteCount: Int

    package var elements: Int { shape.reduce(1, *) }

    package init(name: String, type: DataType, shape: [Int], byteCount: Int) {
        self.name = name
        self.type = type
        self.shape = shape
        self.byteCount = byteCount
    }
}

/// An open set of weights with its metadata. Views of tensors are valid as long as it lives.
package protocol Checkpoint: AnyObject, Sendable {
    /// `general.architecture`.
    var architecture: String { get }
    /// Metadata keys in the order of the container.
    var keys: [String] { get }
    /// One metadata value, decoded.
    func value(_ key: String) -> MetadataValue?

    /// All tensors, in the order of the container.
    var summaries: [TensorSummary] { get }
    /// The tensor of that exact name. Where the container stores it otherwise (transposed, in halves), a copy is made
    /// and kept until `release`.
    func tensor(_ name: String) -> TensorView?
    /// Gives up the copy made for a tensor, if one was made: its views are no longer valid.
    func release(_ name: String)
    /// The bytes of a tensor in a mapped file; nil for tensors that are copies.
    func mappedBytes(_ name: String) -> UnsafeRawBufferPointer?
    /// Bytes of the files.
    var byteCount: Int { get }

    func string(_ key: String) -> String?
    func integer(_ key: String) -> Int?
    func float(_ key: String) -> Float?
    func boolean(_ key: String) -> Bool?
    func integers(_ key: String) -> [Int]?
    func floats(_ key: String) -> [Float]?
    func booleans(_ key: String) -> [Bool]?
    func strings(_ key: String) -> [String]?
    func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])?
    func arrayCount(_ key: String) -> Int?
}

extension Checkpoint {
    /// Names of all tensors, in the order of the container.
    package var tensorNames: [String] { summaries.map(\.name) }
}

/// What follows from decoded values. `GGUFFile` reads the mapped bytes instead.
extension Checkpoint {
    /// A text; ill-formed UTF-8 is repaired.
    package func string(_ key: String) -> String? { value(key)?.string }

    /// Any integral number, whatever its type; floats only where they are whole.
    package func integer(_ key: String) -> Int? { value(key)?.integer }

    /// Any number.
    package func float(_ key: String) -> Float? { value(key)?.float }

    /// A truth value; 0 and 1 count too.
    package func boolean(_ key: String) -> Bool? {
        integer(key).flatMap { $0 == 0 ? false : $0 == 1 ? true : nil }
    }

    /// A number or an array of numbers (a per-layer key may be either); nil if one of them is not whole.
    package func integers(_ key: String) -> [Int]? { all(key, \.integer) }

    /// A number or an array of numbers.
    package func floats(_ key: String) -> [Float]? { all(key, \.float) }

    /// A truth value or an array of them.
    package func booleans(_ key: String) -> [Bool]? {
        integers(key).flatMap { values in values.allSatisfy { $0 == 0 || $0 == 1 } ? values.map { $0 == 1 } : nil }
    }

    /// An array of texts.
    package func strings(_ key: String) -> [String]? { all(key, \.string) }

    /// All strings of an array end to end, and where each ends.
    package func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? {
        guard case .array(let elements)? = value(key) else { return nil }
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for element in elements {
            guard case .string(let text) = element else { return nil }
            bytes += text
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    /// The number of elements of an array; nil for single values and absent keys.
    package func arrayCount(_ key: String) -> Int? {
        guard case .array(let elements)? = value(key) else { return nil }
        return elements.count
    }

    private func all<T>(_ key: String, _ read: (MetadataValue) -> T?) -> [T]? {
        guard let elements = value(key)?.elements else { return nil }
        let values = elements.compactMap(read)
        return values.count == elements.count ? values : nil
    }
}
