import Diagnostics
import Inference
import Pipeline
import Runs
import SystemPackage

/// The file of `--schema`: read and checked before a model is opened.
enum AnswerSchemaFile {
    /// Tokens that JSON may take where nobody says: more than a sentence, as nothing of it can be left out.
    static let outputTokens = 1024

    /// The text of the schema.
    ///
    /// - Throws: `DP-CLI-01` with the JSON pointer of what is not supported.
    static func read(_ path: String) throws(UserError) -> String {
        let bytes: [UInt8]
        do {
            bytes = Array(try SmallFile.bytes(FilePath(path)))
        } catch {
            throw UserError(.badFlag, "the schema could not be read: \(error)", places: [.init("file", path)])
        }
        do {
            _ = try Grammar(jsonSchema: bytes)
        } catch {
            throw failure(error, path)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func failure(_ error: JSONSchemaError, _ path: String) -> UserError {
        var places = [UserError.Place("file", path)]
        let cause: String
        switch error {
        case .syntax(let offset, let reason): cause = "the schema is no JSON: \(reason) at byte \(offset)"
        case .unsupported(let pointer, let keyword, let reason):
            cause = "\"\(keyword)\" of the schema is not supported: \(reason)"
            places.append(.init("pointer", pointer))
        case .invalid(let pointer, let keyword, let reason):
            cause = "\"\(keyword)\" of the schema is wrong: \(reason)"
            places.append(.init("pointer", pointer))
        case .unusable(let reason): cause = "the schema cannot be used: \(reason)"
        }
        return UserError(.badFlag, cause, places: places)
    }
}
