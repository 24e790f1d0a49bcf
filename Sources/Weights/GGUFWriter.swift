// Writes a GGUF file: metadata and tensor descriptions first, then the tensors' bytes one after the other, so that a
// model of any size passes through bounded memory. What is written is left to Conversion.

package import Diagnostics
import SystemPackage
package import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A tensor as the header describes it.
package struct GGUFTensorDeclaration: Sendable, Equatable {
    package var name: String
    package var type: DataType
    /// In GGUF's order: the length of a row first.
    package var shape: [Int]

    /// Describes a tensor.
    package init(name: String, type: DataType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }

    /// Bytes of all rows; rows must be whole numbers of blocks.
    package var byteCount: Int {
        guard let columns = shape.first, let rowBytes = type.rowBytes(columns) else {
            preconditionFailure("rows of \(name) are no whole number of blocks")
        }
        return shape.dropFirst().reduce(rowBytes, *)
    }
}

/// A GGUF v3 file in the making, in a temporary file beside its final place; it is moved there by `finish` and deleted
/// when the writer goes without it. One thread writes.
package final class GGUFWriter {
    /// Where the file will be.
    package let path: String
    /// Bytes of the whole file.
    package let byteCount: Int

    private let temporary: String
    private let file: FileDescriptor
    private let tensors: [GGUFTensorDeclaration]
    private let alignment: Int
    /// The tensor that comes next or is half written, and how much of it is there.
    private var current = 0
    private var written = 0
    private var isFinished = false

    /// Creates the temporary file and writes the header.
    ///
    /// - Parameters:
    ///   - metadata: in the order of the file; keys must differ. `general.alignment` is added for another alignment
    ///     than GGUF's own of 32.
    ///   - tensors: in the order in which their bytes will come; names must differ.
    /// - Throws: DP-DISK-01 when the file will not fit, DP-DISK-02 and others when it can't be created.
    package init(
        path: String, metadata: [(key: String, value: MetadataValue)], tensors: [GGUFTensorDeclaration],
        alignment: Int = 32
    ) throws(UserError) {
        precondition(alignment > 0 && alignment.nonzeroBitCount == 1, "alignment is a power of two")
        precondition(Set(metadata.map(\.key)).count == metadata.count, "keys differ")
        precondition(Set(tensors.map(\.name)).count == tensors.count, "names of tensors differ")
        self.path = path
        self.tensors = tensors
        self.alignment = alignment
        var metadata = metadata
        if alignment != 32, !metadata.contains(where: { $0.key == "general.alignment" }) {
            metadata.append(("general.alignment", .uint32(UInt32(alignment))))
        }
        var header = GGUFHeaderEncoder()
        header.encode(metadata: metadata, tensors: tensors, alignment: alignment)
        byteCount = tensors.reduce(header.bytes.count) { Self.aligned($0 + $1.byteCount, alignment) }

        let place = FilePath(path)
        let folder = place.removingLastComponent().string
        if let free = StoreFiles.freeBytes(folder.isEmpty ? "." : folder), free < byteCount {
            throw UserError(
                .diskFull, "the file needs \(byteCount) bytes, but only \(free) are free",
                places: [.init("file", path)])
        }
        temporary = "\(path).\(getpid()).part"
        do {
            file = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw StoreFiles.outputFailure(error as? Errno ?? .ioError, path)
        }
        try put(header.bytes)
    }

    deinit {
        guard !isFinished else { return }
        try? file.close()
        try? StoreFiles.remove(temporary)
    }

    private static func aligned(_ count: Int, _ alignment: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }

    private func put(_ bytes: some Sequence<UInt8>) throws(UserError) {
        do {
            _ = try file.writeAll(bytes)
        } catch {
            throw StoreFiles.outputFailure(error as? Errno ?? .ioError, path)
        }
    }

    /// Writes the next bytes of a tensor. Tensors come in the order declared; one may come in several pieces.
    package func write(_ bytes: UnsafeRawBufferPointer, of name: String) throws(UserError) {
        while current < tensors.count, written == 0, tensors[current].byteCount == 0 { current += 1 }
        precondition(current < tensors.count && tensors[current].name == name, "tensors come in the order declared")
        let size = tensors[current].byteCount
        precondition(bytes.count <= size - written, "more bytes than \(name) has")
        unsafe try put(bytes)
        written += bytes.count
        guard written == size else { return }
        try put([UInt8](repeating: 0, count: Self.aligned(size, alignment) - size))
        current += 1
        written = 0
    }

    /// Makes the file durable and moves it into place, over an older one of that name.
    package func finish() throws(UserError) {
        precondition(
            current == tensors.count || tensors[current...].allSatisfy { $0.byteCount == 0 }, "tensors are missing")
        do {
            try StoreFiles.sync(file)
            try file.close()
            isFinished = true
            try StoreFiles.rename(temporary, to: path)
        } catch {
            try? StoreFiles.remove(temporary)
            throw StoreFiles.outputFailure(error as? Errno ?? .ioError, path)
        }
        let folder = FilePath(path).removingLastComponent().string
        StoreFiles.syncDirectory(folder.isEmpty ? "." : folder)
    }
}

extension StoreFiles {
    /// A failed write to a file that the user named.
    fileprivate static func outputFailure(_ errno: Errno, _ path: String) -> UserError {
        let places = [UserError.Place("file", path)]
        return switch errno {
        case .noSpace, .diskQuotaExceeded:
            UserError(.diskFull, "the file can't be written: the disk is full", places: places)
        default: UserError(.noPermission, "the file can't be written: \(errno)", places: places)
        }
    }
}

/// The bytes before the tensors.
private struct GGUFHeaderEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func encode(
        metadata: [(key: String, value: MetadataValue)], tensors: [GGUFTensorDeclaration], alignment: Int
    ) {
        bytes += Array("GGUF".utf8)
        put(UInt32(3))
        put(UInt64(tensors.count))
        put(UInt64(metadata.count))
        for (key, value) in metadata {
            put(Array(key.utf8))
            put(Self.type(of: value).rawValue)
            put(value)
        }
        var offset = 0
        for tensor in tensors {
            put(Array(tensor.name.utf8))
            put(UInt32(tensor.shape.count))
            for extent in tensor.shape { put(UInt64(extent)) }
            put(tensor.type.rawValue)
            put(UInt64(offset))
            offset += (tensor.byteCount + alignment - 1) / alignment * alignment
        }
        while bytes.count % alignment != 0 { bytes.append(0) }
    }

    private mutating func put<T: FixedWidthInteger>(_ value: T) {
        for shift in stride(from: 0, to: T.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    private mutating func put(_ text: [UInt8]) {
        put(UInt64(text.count))
        bytes += text
    }

    private static func type(of value: MetadataValue) -> GGUFValueType {
        switch value {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .uint64: .uint64
        case .int64: .int64
        case .float32: .float32
        case .float64: .float64
        case .bool: .bool
        case .string: .string
        case .array: .array
        }
    }

    private mutating func put(_ value: MetadataValue) {
        switch value {
        case .uint8(let value): put(value)
        case .int8(let value): put(value)
        case .uint16(let value): put(value)
        case .int16(let value): put(value)
        case .uint32(let value): put(value)
        case .int32(let value): put(value)
        case .uint64(let value): put(value)
        case .int64(let value): put(value)
        case .float32(let value): put(value.bitPattern)
        case .float64(let value): put(value.bitPattern)
        case .bool(let value): put(UInt8(value ? 1 : 0))
        case .string(let text): put(text)
        case .array(let elements):
            // An empty array has lost its type; nobody can tell the difference.
            let type = elements.first.map(Self.type) ?? .uint32
            precondition(elements.allSatisfy { Self.type(of: $0) == type }, "elements of an array have one type")
            put(type.rawValue)
            put(UInt64(elements.count))
            for element in elements { put(element) }
        }
    }
}
