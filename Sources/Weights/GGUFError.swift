// What can be wrong with a GGUF file, in the words of the format.

package import SystemPackage

/// Why a GGUF file is refused. Offsets are bytes from the start of the file.
package enum GGUFError: Error, Sendable, Equatable {
    case io(Errno)
    case notGGUF
    /// A big-endian file; its version reads byte-swapped.
    case bigEndian
    case unsupportedVersion(UInt32)
    /// The file ends inside what is named.
    case truncated(String, offset: Int)
    /// A name that is empty, too long or not UTF-8.
    case badName(offset: Int)
    case duplicateKey(String)
    case duplicateTensor(String)
    case badValueType(key: String, type: UInt32)
    case nestedTooDeep(key: String)
    case badAlignment(Int)
    case badDimensions(tensor: String)
    /// An id that GGUF once had or never had.
    case unknownType(tensor: String, id: UInt32)
    /// A known format that docproc can't compute with.
    case unsupportedType(tensor: String, id: UInt32, name: String)
    case partialBlock(tensor: String, type: String, columns: Int)
    case badOffset(tensor: String, offset: UInt64)
    /// The tensor's bytes end after the file does.
    case outsideFile(tensor: String, end: Int, fileSize: Int)
    case overlapping(String, String)
    /// A later one of several files that only together are a model; they are opened by the first.
    case split(part: Int, of: Int)
    /// The first part of a split model whose own name does not say how the others are called.
    case unknownParts(of: Int)
    case missingPart(file: String)
    /// A file with the name of a part that is none of this model.
    case foreignPart(file: String)
    /// What is wrong with a later part.
    indirect case part(file: String, GGUFError)
    /// The parts together hold another number of tensors than the first one says.
    case incompleteParts(tensors: Int, promised: Int)
    case missing(key: String)
}

extension GGUFError: CustomStringConvertible {
    /// One sentence without the path.
    package var description: String {
        switch self {
        case .io(let errno): errno.description
        case .notGGUF: "not a GGUF file"
        case .bigEndian: "a big-endian GGUF file; only little-endian ones are read"
        case .unsupportedVersion(let version): "GGUF version \(version) is not supported (2 and 3 are)"
        case .truncated(let what, let offset): "the file ends inside \(what) at byte \(offset)"
        case .badName(let offset): "an impossible name at byte \(offset)"
        case .duplicateKey(let key): "the key \(key) appears twice"
        case .duplicateTensor(let name): "the tensor \(name) appears twice"
        case .badValueType(let key, let type): "the key \(key) has the unknown value type \(type)"
        case .nestedTooDeep(let key): "the key \(key) holds arrays nested too deep"
        case .badAlignment(let value): "general.alignment is \(value), which is no usable power of two"
        case .badDimensions(let tensor): "the tensor \(tensor) has impossible dimensions"
        case .unknownType(let tensor, let id): "the tensor \(tensor) has the unknown type id \(id)"
        case .unsupportedType(let tensor, let id, let name):
            "the tensor \(tensor) is stored as \(name) (type id \(id)), which is not supported"
        case .partialBlock(let tensor, let type, let columns):
            "rows of \(columns) elements of the tensor \(tensor) are no whole number of \(type) blocks"
        case .badOffset(let tensor, let offset): "the tensor \(tensor) has the impossible offset \(offset)"
        case .outsideFile(let tensor, let end, let size):
            "the tensor \(tensor) ends at byte \(end), but the file has only \(size): it is truncated"
        case .overlapping(let first, let second): "the tensors \(first) and \(second) overlap"
        case .split(let part, let count):
            "this is part \(part) of a model split into \(count) files; name the first one"
        case .unknownParts(let count):
            "the model is split into \(count) files, but this one is not named like NAME-00001-of-00003.gguf"
        case .missingPart(let file): "the part \(file) of the split model is missing"
        case .foreignPart(let file): "\(file) is no part of this split model"
        case .part(let file, let error): "in the part \(file): \(error)"
        case .incompleteParts(let tensors, let promised):
            "the parts hold \(tensors) tensors, but the first one says \(promised)"
        case .missing(let key): "the key \(key) is missing"
        }
    }
}
