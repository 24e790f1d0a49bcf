// The files that make up one model, opened.

package import Diagnostics

/// A model ready to be bound: its container and what is known about it by name.
package struct ModelFiles: Sendable {
    package let path: String
    package let gguf: GGUFFile
    /// The catalogue's name, or the file's name without its ending.
    package let name: String
    /// Known from the catalogue, by name or by content.
    package let catalogEntry: ModelCatalog.Entry?

    /// Opens a GGUF file.
    /// - Throws: `UserError` with code DP-MODEL-01, -02 or -03.
    package static func open(path: String) throws(UserError) -> ModelFiles {
        throw UserError(.modelMissing, "no such file", places: [.init("file", path)])
    }
}
