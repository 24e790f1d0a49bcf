import Diagnostics
import Hashing
import Inference
import Models
import Runs
import Store
import SystemPackage
import Tokenization
import Weights

extension GGUFFile: TokenizerMetadata {}

/// A tokenizer from a file that needn't be a model: GGUF, tokenizer.json, or a tokenizer.model of SentencePiece or
/// tiktoken. What it is shows in its first bytes.
///
/// The compiled form is kept in the cache folder under a SHA-256 of what it was made from: of a GGUF file everything
/// before the tensors, of other files all of them. So a changed file is another tokenizer, and models of one family that
/// only differ in their weights are told apart for no more than the time of a hash.
struct TokenizerFile: Sendable {
    let path: String
    /// Where compiled tokenizers are kept; nil: nowhere.
    let folder: FilePath?

    init(_ path: String, folder: FilePath?) {
        self.path = path
        self.folder = folder
    }

    init(_ path: String, in context: CommandContext) {
        self.path = path
        folder = context.settings.isOn(SettingKey.store) ? Self.folder(context) : nil
    }

    /// Where compiled tokenizers are kept when something is.
    static func folder(_ context: CommandContext) -> FilePath {
        FilePath(context.places.cache).appending("tokenizers")
    }

    /// The tokenizer of a model.
    init(_ files: ModelFiles, in context: CommandContext) {
        let isFolder = files.folder != nil
        self.init(
            isFolder ? FilePath(files.path).appending("tokenizer.json").string : files.path, in: context)
    }

    /// Reads the compiled form, or the file.
    func tokenizer() throws(UserError) -> Tokenizer {
        let mapping: MappedFile
        do {
            mapping = try MappedFile(path: path)
        } catch {
            throw UserError(
                FileFacts.exists(path) ? .inputUnreadable : .inputMissing,
                "the tokenizer could not be read: \(error)", places: [.init("file", path)],
                remedies: [.init("--tokenizer FILE", "a GGUF file, tokenizer.json or tokenizer.model")])
        }
        let bytes = UnsafeRawBufferPointer(start: mapping.base, count: mapping.count)
        do {
            if bytes.starts(with: Array("GGUF".utf8)) { return try gguf() }
            let all = Array(bytes)
            if all.first(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) == UInt8(ascii: "{") {
                let config = sibling("tokenizer_config.json")
                let generation = sibling("generation_config.json")
                return try compiled([all, config ?? [], generation ?? []]) { () throws(TokenizerError) in
                    try TokenizerDefinition(json: all, config: config, generation: generation)
                }
            }
            return try compiled([all]) { () throws(TokenizerError) in
                TokenizerDefinition.isTiktoken(all)
                    ? try TokenizerDefinition(tiktoken: all) : try TokenizerDefinition(sentencePiece: all)
            }
        } catch let error as TokenizerError {
            throw EngineError.tokenizer(error).userError(path: path)
        } catch let error as GGUFError {
            throw error.userError(path: path)
        } catch {
            throw UserError(
                .inputUnreadable, "the tokenizer could not be read: \(error)", places: [.init("file", path)])
        }
    }

    private func gguf() throws -> Tokenizer {
        let file = try GGUFFile(path: path)
        // All of the metadata, and at most what lies between tensors more.
        let end = min(file.mapping.count, file.mappings.reduce(0) { $0 + $1.count } - file.tensorBytes)
        var hasher = ContentHasher()
        hasher.update(UnsafeRawBufferPointer(start: file.mapping.base, count: end))
        return try compiled(hasher.finalize()) { () throws(TokenizerError) in try TokenizerDefinition(metadata: file) }
    }

    private func sibling(_ name: String) -> [UInt8]? {
        try? SmallFile.bytes(FilePath(path).removingLastComponent().appending(name))
    }

    private func compiled(
        _ parts: [[UInt8]], _ define: () throws(TokenizerError) -> TokenizerDefinition
    ) throws(TokenizerError) -> Tokenizer {
        var hasher = ContentHasher()
        for part in parts {
            hasher.update(Array("\(part.count)\n".utf8))
            hasher.update(part)
        }
        return try compiled(hasher.finalize(), define)
    }

    private func compiled(
        _ hash: ContentHash, _ define: () throws(TokenizerError) -> TokenizerDefinition
    ) throws(TokenizerError) -> Tokenizer {
        let digits = Array(hash.hex.utf8)
        let identity = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        if let folder { try? PrivateDirectory.create(folder.string) }
        return try Tokenizer(
            cache: folder?.appending("\(hash.hex).tokens").string, identity: identity, define: define)
    }
}
