// The weights of a Hugging Face folder: one safetensors file, or shards and their index. Names and shapes are those of
// the checkpoint; the files beside the weights (config.json and others) are left to Models.

import SystemPackage

/// All tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json` names.
package final class SafetensorsFolder: Sendable {
    /// The folder.
    package let path: String
    /// The files, opened; they own the bytes that all tensors point into. In the order of their names.
    package let files: [SafetensorsFile]
    /// File by file in the order of their bytes. With an index, those that it names.
    package let tensors: [SafetensorsTensor]

    private let indices: [String: Int]

    /// Opens every file and checks that together they hold what the index promises, each name once.
    package init(path: String) throws(SafetensorsError) {
        self.path = path
        let folder = FilePath(path)
        let single = folder.appending("model.safetensors").string
        let index = folder.appending("model.safetensors.index.json").string
        if StoreFiles.size(single) != nil {
            files = [try SafetensorsFile(path: single)]
            tensors = files[0].tensors
        } else if StoreFiles.size(index) != nil {
            let places = try Self.weightMap(index)
            let names = Set(places.values).sorted()
            for name in names where StoreFiles.size(folder.appending(name).string) == nil {
                throw SafetensorsError(path: index, problem: .missingShard(name))
            }
            var opened: [SafetensorsFile] = []
            for name in names { opened.append(try SafetensorsFile(path: folder.appending(name).string)) }
            files = opened
            tensors = try Self.listed(places, names: names, files: opened, index: index)
        } else {
            throw SafetensorsError(path: path, problem: .noWeights)
        }
        indices = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor of that exact name.
    package func tensor(_ name: String) -> SafetensorsTensor? { indices[name].map { tensors[$0] } }

    /// Bytes of all tensors.
    package var tensorBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    /// The index's `weight_map`: file names by tensor name.
    private static func weightMap(_ path: String) throws(SafetensorsError) -> [String: String] {
        let file: MappedFile
        do {
            file = try MappedFile(path: path)
        } catch {
            throw SafetensorsError(path: path, problem: .io(error))
        }
        var places: [String: String] = [:]
        var scanner = SafetensorsScanner(file, 0..<file.count)
        try scanner.object { (scanner, key) throws(SafetensorsError) in
            guard key == "weight_map" else { return try scanner.skip() }
            try scanner.object { (scanner, tensor) throws(SafetensorsError) in
                let name = try scanner.string()
                guard isFileName(name) else { throw SafetensorsError(path: path, problem: .badShardName(name)) }
                guard places.updateValue(name, forKey: tensor) == nil else {
                    throw SafetensorsError(path: path, problem: .duplicateTensor(tensor))
                }
            }
        }
        try scanner.finish()
        guard !places.isEmpty else { throw scanner.error("no weight_map") }
        return places
    }

    /// Whether a name stays inside the folder.
    private static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count < 256
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value == 0 }
    }

    private static func listed(
        _ places: [String: String], names: [String], files: [SafetensorsFile], index: String
    ) throws(SafetensorsError) -> [SafetensorsTensor] {
        var tensors: [SafetensorsTensor] = []
        var found: Set<String> = []
        for (name, file) in zip(names, files) {
            for tensor in file.tensors {
                guard let place = places[tensor.name] else { continue }
                guard place == name, found.insert(tensor.name).inserted else {
                    throw SafetensorsError(path: file.mapping.path, problem: .duplicateTensor(tensor.name))
                }
                tensors.append(tensor)
            }
        }
        // In the order of names, so that the same folder gives the same complaint.
        if let missing = places.keys.filter({ !found.contains($0) }).min(), let shard = places[missing] {
            throw SafetensorsError(path: index, problem: .missingTensor(missing, shard: shard))
        }
        return tensors
    }
}
