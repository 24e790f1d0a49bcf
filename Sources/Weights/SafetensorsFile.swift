// One safetensors file, memory-mapped, its header checked against its length. Names and shapes stay those of the file;
// what they mean to a model family is left to Models, several files to SafetensorsFolder.

import SystemPackage
package import Tensors

// The names are those of the format.
// swift-format-ignore: AlwaysUseLowerCamelCase
/// Element types that are read. Raw values are the names in the header.
package enum SafetensorsType: String, Sendable, Hashable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u8 = "U8"
    case bool = "BOOL"

    /// Bytes of one element.
    package var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }

    /// The same type in GGUF, which has no unsigned bytes and no truth values.
    package var dataType: DataType? {
        switch self {
        case .f64: .f64
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .i64: .i64
        case .i32: .i32
        case .i16: .i16
        case .i8: .i8
        case .u8, .bool: nil
        }
    }
}

/// A tensor inside a mapped safetensors file, which must outlive it.
@safe
package struct SafetensorsTensor: Sendable {
    /// The name in the file.
    package let name: String
    package let type: SafetensorsType
    /// In PyTorch's order: the last extent varies fastest. Empty for a scalar.
    package let shape: [Int]
    /// The first element, aligned to nothing. Read-only memory that outlives the value, hence safe on any thread.
    package nonisolated(unsafe) let bytes: UnsafeRawPointer
    package let byteCount: Int

    /// Number of elements; 1 for a scalar.
    package var elements: Int { byteCount / type.byteCount }
}

/// An open safetensors file: its tensors cover its data without gap or overlap.
package final class SafetensorsFile: Sendable {
    /// Owns the bytes that all tensors point into.
    package let mapping: MappedFile
    /// In the order of their bytes.
    package let tensors: [SafetensorsTensor]

    private let indices: [String: Int]

    /// What the format's own readers allow.
    private static let longestHeader: UInt64 = 100_000_000

    /// Maps a file and checks its header.
    package init(path: String) throws(SafetensorsError) {
        do {
            mapping = try MappedFile(path: path)
        } catch {
            throw SafetensorsError(path: path, problem: error == .noData ? .notSafetensors : .io(error))
        }
        let file = mapping
        guard file.count > 8 else { throw SafetensorsError(path: path, problem: .notSafetensors) }
        let length = file.load(UInt64.self, at: 0)
        guard length <= Self.longestHeader, length <= UInt64(file.count - 8) else {
            throw SafetensorsError(path: path, problem: .headerTooLong(length))
        }
        let dataStart = 8 + Int(length)
        var entries = try Self.entries(of: file, header: 8..<dataStart)
        entries.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
        tensors = try Self.locate(entries, in: file, from: dataStart)
        indices = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor of that exact name.
    package func tensor(_ name: String) -> SafetensorsTensor? { indices[name].map { tensors[$0] } }

    private struct Entry {
        var name: String
        var type: SafetensorsType
        var shape: [Int]
        var begin: Int
        var end: Int
    }

    private static func entries(of file: MappedFile, header: Range<Int>) throws(SafetensorsError) -> [Entry] {
        var scanner = SafetensorsScanner(file, header)
        guard scanner.isAt("{") else { throw SafetensorsError(path: file.path, problem: .notSafetensors) }
        var entries: [Entry] = []
        var names: Set<String> = []
        try scanner.object { (scanner, name) throws(SafetensorsError) in
            guard names.insert(name).inserted else {
                throw SafetensorsError(path: file.path, problem: .duplicateTensor(name))
            }
            if name == "__metadata__" { return try scanner.skip() }
            entries.append(try entry(name, &scanner, file.path))
        }
        try scanner.finish()
        return entries
    }

    private static func entry(
        _ name: String, _ scanner: inout SafetensorsScanner, _ path: String
    ) throws(SafetensorsError) -> Entry {
        var typeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { (scanner, key) throws(SafetensorsError) in
            switch key {
            case "dtype" where typeName == nil: typeName = try scanner.string()
            case "shape" where shape == nil: shape = try integers(&scanner)
            case "data_offsets" where offsets == nil: offsets = try integers(&scanner)
            default: throw scanner.error("the unexpected key \(key)")
            }
        }
        guard let typeName, let shape, let offsets, offsets.count == 2 else {
            throw scanner.error("an incomplete description of \(name)")
        }
        guard let type = SafetensorsType(rawValue: typeName) else {
            throw SafetensorsError(path: path, problem: .unsupportedType(tensor: name, type: typeName))
        }
        return Entry(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
    }

    private static func integers(_ scanner: inout SafetensorsScanner) throws(SafetensorsError) -> [Int] {
        var values: [Int] = []
        try scanner.array { scanner throws(SafetensorsError) in values.append(try scanner.integer()) }
        return values
    }

    /// Turns entries, sorted by offset, into tensors that follow one another from the start of the data to its end.
    private static func locate(
        _ entries: [Entry], in file: MappedFile, from start: Int
    ) throws(SafetensorsError) -> [SafetensorsTensor] {
        func failure(_ problem: SafetensorsError.Problem) -> SafetensorsError {
            SafetensorsError(path: file.path, problem: problem)
        }
        let available = file.count - start
        var tensors: [SafetensorsTensor] = []
        tensors.reserveCapacity(entries.count)
        var covered = 0
        for entry in entries {
            guard entry.begin <= entry.end, entry.end <= available else {
                throw failure(
                    .outsideFile(tensor: entry.name, begin: entry.begin, end: entry.end, available: available))
            }
            guard entry.shape.count <= 8, let needed = byteCount(entry.shape, entry.type) else {
                throw failure(.badShape(tensor: entry.name))
            }
            guard needed == entry.end - entry.begin else {
                throw failure(.wrongSize(tensor: entry.name, needed: needed, stored: entry.end - entry.begin))
            }
            guard entry.begin <= covered else { throw failure(.hole(from: covered, to: entry.begin)) }
            guard entry.begin == covered else {
                throw failure(.overlapping(tensors.last?.name ?? entry.name, entry.name))
            }
            covered = entry.end
            tensors.append(
                unsafe SafetensorsTensor(
                    name: entry.name, type: entry.type, shape: entry.shape, bytes: file.base + start + entry.begin,
                    byteCount: needed))
        }
        guard covered == available else { throw failure(.hole(from: covered, to: available)) }
        return tensors
    }

    /// nil when that is no representable number.
    private static func byteCount(_ shape: [Int], _ type: SafetensorsType) -> Int? {
        var product = type.byteCount
        for extent in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }
}
