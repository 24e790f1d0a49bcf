// What can be wrong with safetensors files, in the words of the format and in those of the user.

package import Diagnostics
package import SystemPackage

/// Why a safetensors file, or a folder of them, is refused.
package struct SafetensorsError: Error, Sendable, Equatable {
    /// The file or folder that the problem is about.
    package var path: String
    package var problem: Problem

    package enum Problem: Sendable, Equatable {
        case io(Errno)
        /// A folder with neither `model.safetensors` nor an index.
        case noWeights
        /// Too short for a header, or no JSON object where it should be.
        case notSafetensors
        case headerTooLong(UInt64)
        /// The header's or index's JSON, at a byte counted from its start.
        case badJSON(String, offset: Int)
        case duplicateTensor(String)
        /// A known or unknown element type that is not read.
        case unsupportedType(tensor: String, type: String)
        case badShape(tensor: String)
        /// Offsets that are no range of the file's data.
        case outsideFile(tensor: String, begin: Int, end: Int, available: Int)
        case wrongSize(tensor: String, needed: Int, stored: Int)
        case overlapping(String, String)
        /// Bytes of the data that belong to no tensor.
        case hole(from: Int, to: Int)
        /// The index names a file elsewhere.
        case badShardName(String)
        case missingShard(String)
        /// The index promises a tensor that the shard does not hold.
        case missingTensor(String, shard: String)
    }
}

extension SafetensorsError: CustomStringConvertible {
    /// One sentence without the path.
    package var description: String {
        switch problem {
        case .io(let errno): errno.description
        case .noWeights: "the folder holds neither model.safetensors nor model.safetensors.index.json"
        case .notSafetensors: "not a safetensors file"
        case .headerTooLong(let count): "a header of \(count) bytes does not fit the file"
        case .badJSON(let what, let offset): "\(what) at byte \(offset) of the JSON text"
        case .duplicateTensor(let name): "the tensor \(name) appears twice"
        case .unsupportedType(let tensor, let type): "the tensor \(tensor) is stored as \(type), which is not supported"
        case .badShape(let tensor): "the tensor \(tensor) has impossible dimensions"
        case .outsideFile(let tensor, let begin, let end, let available):
            "the tensor \(tensor) takes bytes \(begin) to \(end) of only \(available): the file is truncated"
        case .wrongSize(let tensor, let needed, let stored):
            "the tensor \(tensor) needs \(needed) bytes and has \(stored)"
        case .overlapping(let first, let second): "the tensors \(first) and \(second) overlap"
        case .hole(let from, let to): "bytes \(from) to \(to) of the data belong to no tensor"
        case .badShardName(let name): "the index names the file \(name), which is outside the folder"
        case .missingShard(let name): "the file \(name), which the index names, is missing"
        case .missingTensor(let tensor, let shard): "the tensor \(tensor) is not in \(shard), where the index puts it"
        }
    }

    /// The same for the user: code, file and a way out.
    package var userError: UserError {
        let places = [UserError.Place("file", path)]
        return switch problem {
        case .io(.noSuchFileOrDirectory): UserError(.modelMissing, "there is no such model file", places: places)
        case .io(.permissionDenied): UserError(.noPermission, "the model file may not be read", places: places)
        case .io(let errno): UserError(.modelDamaged, "the model file can't be read: \(errno)", places: places)
        case .noWeights:
            UserError(
                .modelMissing, description, places: [.init("folder", path)],
                remedies: [.init("docproc models list", "models that are known to run")])
        case .missingShard:
            UserError(
                .modelMissing, description, places: places,
                remedies: [.init("", "fetch all files of the model into one folder")])
        case .unsupportedType:
            UserError(
                .modelUnsupported, description, places: places,
                remedies: [.init("docproc models list", "models that are known to run")])
        case .notSafetensors, .headerTooLong, .badJSON, .duplicateTensor, .badShape, .outsideFile, .wrongSize,
            .overlapping, .hole, .badShardName, .missingTensor:
            UserError(
                .modelDamaged, "the model file is damaged: \(description)", places: places,
                remedies: [.init("", "fetch the file again and compare its size with the published one")])
        }
    }
}
