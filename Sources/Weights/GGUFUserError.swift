// The GGUF reader's complaints in the user's words.

package import Diagnostics
import SystemPackage

extension GGUFError {
    /// The same for the user: code, file and a way out.
    package func userError(path: String) -> UserError {
        let places = [UserError.Place("file", path)]
        let damaged = [
            UserError.Remedy("docproc models verify", "compares stored models with their published SHA-256"),
            UserError.Remedy("docproc models pull NAME", "fetches it anew"),
        ]
        switch self {
        case .io(.noSuchFileOrDirectory):
            return UserError(.modelMissing, "there is no such model file", places: places)
        case .io(.permissionDenied):
            return UserError(.noPermission, "the model file may not be read", places: places)
        case .io(.isDirectory):
            return UserError(
                .modelUnsupported, "this is a folder; models are read from GGUF files", places: places)
        case .io(let errno):
            return UserError(.modelDamaged, "the model file can't be read: \(errno)", places: places)
        case .split, .unknownParts:
            return UserError(
                .modelUnsupported, description, places: places,
                remedies: [.init("NAME-00001-of-00003.gguf", "names the first of three parts, all in one folder")])
        case .missingPart:
            return UserError(
                .modelMissing, description, places: places,
                remedies: [.init("docproc models pull NAME", "fetches all parts of a model")])
        case .part(let file, let error):
            var inner = error.userError(path: FilePath(path).removingLastComponent().appending(file).string)
            inner.cause = "\(inner.cause) (a part of a split model)"
            return inner
        case .bigEndian, .unsupportedVersion, .unsupportedType:
            return UserError(
                .modelUnsupported, description, places: places,
                remedies: [.init("docproc models list", "models that are known to run")])
        case .notGGUF:
            return UserError(
                .modelDamaged, description, places: places,
                remedies: [.init("docproc models list", "models that are known to run")])
        case .truncated, .badName, .duplicateKey, .duplicateTensor, .badValueType, .nestedTooDeep, .badAlignment,
            .badDimensions, .unknownType, .partialBlock, .badOffset, .outsideFile, .overlapping, .missing, .foreignPart,
            .incompleteParts:
            return UserError(
                .modelDamaged, "the model file is damaged: \(description)", places: places, remedies: damaged)
        }
    }
}
