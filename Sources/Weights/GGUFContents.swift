// The header of one GGUF file and its tensors, checked against the file's length; and how the files of a split model
// find one another.

import SystemPackage
import Tensors

/// One GGUF file, opened.
struct GGUFContents {
    let mapping: MappedFile
    /// In the order of the file.
    private(set) var keys: [String] = []
    private(set) var places: [String: GGUFValuePlace] = [:]
    /// In the order of the file.
    let tensors: [TensorView]

    /// Maps a file and reads its header.
    init(path: String) throws(GGUFError) {
        do {
            mapping = try MappedFile(path: path)
        } catch {
            throw error == .noData ? .notGGUF : .io(error)
        }
        var reader = GGUFReader(mapping)
        let (tensorCount, pairCount) = try reader.preamble()
        for _ in 0..<pairCount {
            let (key, place) = try reader.pair()
            guard places.updateValue(place, forKey: key) == nil else { throw .duplicateKey(key) }
            keys.append(key)
        }
        let alignment = try Self.alignment(places["general.alignment"], mapping)
        var described: [GGUFTensorPlace] = []
        var names: Set<String> = []
        for _ in 0..<tensorCount {
            let tensor = try reader.tensor()
            guard names.insert(tensor.name).inserted else { throw .duplicateTensor(tensor.name) }
            described.append(tensor)
        }
        let dataStart = (reader.offset + alignment - 1) / alignment * alignment
        tensors = try Self.locate(described, in: mapping, from: dataStart, alignment: alignment)
    }

    func string(_ key: String) -> String? { places[key].flatMap { mapping.string($0) } }

    func integer(_ key: String) -> Int? { places[key].flatMap { mapping.integer($0) } }

    private static func alignment(_ place: GGUFValuePlace?, _ file: MappedFile) throws(GGUFError) -> Int {
        guard let place else { return 32 }
        let alignment = file.integer(place) ?? 0
        guard alignment > 0, alignment <= 1 << 16, alignment.nonzeroBitCount == 1 else {
            throw .badAlignment(alignment)
        }
        return alignment
    }

    /// Checks that every tensor lies in the file and on its own.
    private static func locate(
        _ described: [GGUFTensorPlace], in file: MappedFile, from start: Int, alignment: Int
    ) throws(GGUFError) -> [TensorView] {
        var views: [TensorView] = []
        views.reserveCapacity(described.count)
        for tensor in described {
            guard tensor.offset % alignment == 0 else {
                throw .badOffset(tensor: tensor.name, offset: UInt64(tensor.offset))
            }
            let (first, farAway) = start.addingReportingOverflow(tensor.offset)
            let (end, tooLong) = first.addingReportingOverflow(tensor.byteCount)
            guard !farAway, !tooLong, end <= file.count else {
                throw .outsideFile(
                    tensor: tensor.name, end: farAway || tooLong ? Int.max : end, fileSize: file.count)
            }
            views.append(
                unsafe TensorView(
                    name: tensor.name, type: tensor.type, shape: tensor.shape, bytes: file.base + first,
                    byteCount: tensor.byteCount))
        }
        let order = described.indices.sorted { described[$0].offset < described[$1].offset }
        for (before, after) in zip(order, order.dropFirst())
        where described[before].offset + described[before].byteCount > described[after].offset {
            throw .overlapping(described[before].name, described[after].name)
        }
        return views
    }

    /// Opens the parts after this one, which must be the first; none when the model is in one file.
    func furtherParts() throws(GGUFError) -> [GGUFContents] {
        guard let count = integer("split.count"), count > 1 else { return [] }
        let number = integer("split.no") ?? 0
        guard number == 0 else { throw .split(part: number &+ 1, of: count) }
        let path = FilePath(mapping.path)
        // The name of a file holds five digits for each number.
        guard count <= 99_999, let name = path.lastComponent?.string,
            name.hasSuffix(Self.suffix(part: 1, of: count))
        else { throw .unknownParts(of: count) }
        let stem = name.dropLast(Self.suffix(part: 1, of: count).count)
        var parts: [GGUFContents] = []
        for part in 2...count {
            let file = String(stem) + Self.suffix(part: part, of: count)
            let contents: GGUFContents
            do {
                contents = try GGUFContents(path: path.removingLastComponent().appending(file).string)
            } catch {
                throw error == .io(.noSuchFileOrDirectory) ? .missingPart(file: file) : .part(file: file, error)
            }
            guard contents.integer("split.count") == count, contents.integer("split.no") == part - 1,
                contents.integer("split.tensors.count") == integer("split.tensors.count")
            else { throw .foreignPart(file: file) }
            parts.append(contents)
        }
        return parts
    }

    private static func suffix(part: Int, of count: Int) -> String {
        func digits(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }
        return "-\(digits(part))-of-\(digits(count)).gguf"
    }
}
