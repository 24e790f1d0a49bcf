// The user's model folder: what is in it, and how a name becomes a file.

package import Diagnostics

package struct ModelStore: Sendable {
    package let directory: String

    package struct Stored: Sendable, Equatable {
        /// `smollm2-135m-instruct:q4_1` for a catalogue model, else the file's name without `.gguf`.
        package let name: String
        package let path: String
        package let byteCount: Int
        package let catalogEntry: ModelCatalog.Entry?
    }

    /// `DOCPROC_MODELS_DIR`, else `$XDG_DATA_HOME/docproc/models`, else `~/.local/share/docproc/models`.
    package static func defaultDirectory(environment: [String: String]) -> String { "" }

    package init(directory: String) { self.directory = directory }

    /// Sorted by name.
    package func list() -> [Stored] { [] }

    /// A path, an alias, a model of this folder, or one in another tool's cache; in that order.
    /// - Throws: DP-MODEL-01 with the nearest names and the command that would fetch it.
    package func resolve(
        _ name: String, aliases: [String: String] = [:], environment: [String: String] = [:]
    ) throws(UserError) -> String {
        throw UserError(.modelMissing, "there is no model \(name)")
    }

    package enum ImportMethod: Sendable { case link, copy }

    /// Brings a file into the folder and notes its SHA-256 beside it.
    package func importModel(
        from path: String, name: String? = nil, method: ImportMethod = .link,
        progress: (Int) throws -> Void = { _ in }
    ) throws -> Stored { throw UserError(.modelMissing, "") }

    package struct Verification: Sendable, Equatable {
        package let name: String
        package let expected: String?
        package let actual: String
        package var matches: Bool? { expected.map { $0 == actual } }
    }

    /// Hashes a stored model and compares with the catalogue or with what was noted at import.
    package func verify(_ name: String, progress: (Int) throws -> Void = { _ in }) throws -> Verification {
        throw UserError(.modelMissing, "")
    }

    /// Deletes a stored model and what was noted beside it; other tools' files are never touched.
    package func remove(_ name: String) throws(UserError) {}

    /// Starts or resumes the assembly of a catalogue model from its parts.
    package func assembly(of entry: ModelCatalog.Entry) throws(UserError) -> PartAssembly {
        throw UserError(.modelMissing, "")
    }
}
