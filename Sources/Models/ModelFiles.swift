// The files that make up one model, opened, whatever container they came in.

package import Diagnostics
import SystemPackage
package import Weights

/// A model ready to be bound: its checkpoint and what is known about it by name.
package struct ModelFiles: Sendable {
    package let path: String
    package let checkpoint: any Checkpoint
    /// The folder's other files; `nil` for GGUF, which holds everything itself.
    package let folder: HuggingFaceFolder?
    /// The catalogue's name, or the file's name without its ending.
    package let name: String
    /// What the file is by name and size; its hash was not checked.
    package let catalogEntry: ModelCatalog.Entry?
    /// Every file that outputs depend on, in a fixed order: weights, configuration, tokenizer.
    package let contents: [String]

    /// Opens a GGUF file, the first of the parts of one, or a folder with config.json and safetensors.
    /// - Throws: `UserError` with code DP-MODEL-01, -02 or -03, or DP-DISK-02.
    package static func open(path: String) throws(UserError) -> ModelFiles {
        if HuggingFaceFolder.isOne(path) { return try folder(path) }
        let gguf: GGUFFile
        do {
            gguf = try GGUFFile(path: path)
        } catch {
            throw error.userError(path: path)
        }
        let fileName = FilePath(path).lastComponent?.string ?? path
        let entry = ModelCatalog.entry(fileName: fileName, byteCount: gguf.byteCount)
        let stem = FilePath(path).lastComponent?.stem ?? fileName
        return ModelFiles(
            path: path, checkpoint: gguf, folder: nil, name: entry?.name ?? stem, catalogEntry: entry,
            contents: gguf.mappings.map(\.path))
    }

    private static func folder(_ path: String) throws(UserError) -> ModelFiles {
        let folder = HuggingFaceFolder(path: path)
        let weights: SafetensorsFolder
        do {
            weights = try SafetensorsFolder(path: path)
        } catch {
            throw error.userError
        }
        let name = FilePath(path).lexicallyNormalized().lastComponent?.string ?? path
        do {
            let config = try HuggingFaceConfig(json: folder.file("config.json") ?? [])
            let checkpoint = try HuggingFaceCheckpoint(
                weights, layout: HuggingFaceLayouts.layout(config), name: name)
            let beside = HuggingFaceFolder.files.filter { folder.file($0) != nil }
            return ModelFiles(
                path: path, checkpoint: checkpoint, folder: folder, name: name, catalogEntry: nil,
                contents: beside.map { FilePath(path).appending($0).string } + weights.files.map(\.mapping.path))
        } catch {
            throw error.userError(path: path)
        }
    }
}

/// The small files beside the weights of a Hugging Face folder.
package struct HuggingFaceFolder: Sendable {
    package let path: String

    /// Those that are read.
    static let files = [
        "chat_template.jinja", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    ]

    /// Whether a path is a folder with a model's configuration.
    static func isOne(_ path: String) -> Bool {
        HuggingFaceFolder(path: path).file("config.json") != nil
    }

    /// The bytes of one file; `nil` where there is none, or none that can be read.
    package func file(_ name: String) -> [UInt8]? {
        guard let file = try? MappedFile(path: FilePath(path).appending(name).string), file.count <= 256 << 20 else {
            return nil
        }
        return Array(UnsafeRawBufferPointer(start: file.base, count: file.count))
    }
}

extension ModelError {
    /// The same for the user's eyes. `path` is the model's file or folder.
    package func userError(path: String) -> UserError {
        UserError(
            isDamage ? .modelDamaged : .modelUnsupported, description, places: [.init("file", path)],
            remedies: [
                isDamage
                    ? .init("docproc models verify", "compares the file with its published hash")
                    : .init("docproc models list", "shows the models that run")
            ])
    }
}
