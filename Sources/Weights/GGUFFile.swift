// An open GGUF v3 container: metadata by key and tensors by name, all checked against the file's length.
// One file is read in GGUFContents; what the tensors mean is left to Models, how their blocks are decoded to Kernels.

package import Tensors

/// An open model file, or all files of a split model. Strings and arrays stay in the mapped bytes until asked for.
///
/// A file that opens has no duplicate key or tensor, and every tensor lies inside it without overlapping another.
package final class GGUFFile: Sendable {
    /// The file that was named; it holds the metadata.
    package let mapping: MappedFile
    /// All files, the named one first; they own the bytes that all tensors point into.
    package let mappings: [MappedFile]
    /// In the order of the files.
    package let tensors: [TensorView]
    /// `general.architecture`.
    package let architecture: String
    /// In the order of the file.
    package let keys: [String]

    private let places: [String: GGUFValuePlace]
    private let tensorIndices: [String: Int]

    /// Maps a file and reads its header. For the first part of a split model, the other parts beside it too.
    package init(path: String) throws(GGUFError) {
        let first = try GGUFContents(path: path)
        mapping = first.mapping
        keys = first.keys
        places = first.places
        let parts = [first] + (try first.furtherParts())
        mappings = parts.map(\.mapping)
        guard let architecture = first.string("general.architecture") else {
            throw .missing(key: "general.architecture")
        }
        self.architecture = architecture

        tensors = parts.flatMap(\.tensors)
        var indices: [String: Int] = [:]
        for (index, tensor) in tensors.enumerated() {
            guard indices.updateValue(index, forKey: tensor.name) == nil else { throw .duplicateTensor(tensor.name) }
        }
        tensorIndices = indices
        if parts.count > 1, let promised = first.integer("split.tensors.count"), promised != tensors.count {
            throw .incompleteParts(tensors: tensors.count, promised: promised)
        }
    }

    /// The tensor of that exact name.
    package func tensor(_ name: String) -> TensorView? { tensorIndices[name].map { tensors[$0] } }

    /// Bytes of all tensors.
    package var tensorBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    func place(_ key: String) -> GGUFValuePlace? { places[key] }

    /// The number of elements of an array; nil for single values and absent keys.
    package func arrayCount(_ key: String) -> Int? { places[key]?.arrayCount }

    /// A text; ill-formed UTF-8 is repaired.
    package func string(_ key: String) -> String? { places[key].flatMap { mapping.string($0) } }

    /// Any integral number, whatever type the file chose for it; floats only where they are whole.
    package func integer(_ key: String) -> Int? { places[key].flatMap { mapping.integer($0) } }

    /// Any number.
    package func float(_ key: String) -> Float? { places[key].flatMap { mapping.float($0) } }

    /// A truth value; 0 and 1 in any integer type count too.
    package func boolean(_ key: String) -> Bool? {
        integer(key).flatMap { $0 == 0 ? false : $0 == 1 ? true : nil }
    }

    /// A number or an array of numbers (a per-layer key may be either); nil if one of them is not whole.
    package func integers(_ key: String) -> [Int]? { elements(key) { file, place in file.integer(place) } }

    /// A number or an array of numbers.
    package func floats(_ key: String) -> [Float]? { elements(key) { file, place in file.float(place) } }

    /// A truth value or an array of them.
    package func booleans(_ key: String) -> [Bool]? {
        integers(key).flatMap { values in values.allSatisfy { $0 == 0 || $0 == 1 } ? values.map { $0 == 1 } : nil }
    }

    /// An array of texts, each copied: for short arrays.
    package func strings(_ key: String) -> [String]? {
        guard let table = stringTable(key) else { return nil }
        var start = 0
        return table.ends.map { end in
            defer { start = end }
            return String(decoding: table.bytes[start..<end], as: UTF8.self)
        }
    }

    /// All strings of an array end to end, and where each ends: two allocations for a vocabulary of any size.
    package func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? {
        guard let place = places[key], place.type == .string, let count = place.arrayCount else { return nil }
        return mapping.stringTable(place, count: count)
    }

    private func elements<T>(_ key: String, _ read: (MappedFile, GGUFValuePlace) -> T?) -> [T]? {
        guard let place = places[key] else { return nil }
        guard let count = place.arrayCount else { return read(mapping, place).map { [$0] } }
        guard let size = place.type.size else { return nil }
        var result: [T] = []
        result.reserveCapacity(count)
        var element = GGUFValuePlace(type: place.type, arrayCount: nil, offset: place.offset, byteCount: size)
        for _ in 0..<count {
            guard let value = read(mapping, element) else { return nil }
            result.append(value)
            element.offset += size
        }
        return result
    }
}
