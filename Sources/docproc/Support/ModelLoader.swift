import Answering
import Diagnostics
import Hashing
import Inference
import Kernels
import Models
import Runs
import Store
import SystemPackage
import Tokenization
import Weights

/// From a model's name in the settings to an engine that answers, with the memory limit checked in between.
struct ModelLoader {
    let context: CommandContext

    /// The file of the model that settings name.
    ///
    /// - Throws: `DP-MODEL-01` with the command that would fetch it.
    func files(named name: String? = nil) throws(UserError) -> ModelFiles {
        let wanted = name ?? context.settings.text(SettingKey.model) ?? ""
        let store = ModelStore(directory: context.places.models)
        let path = try store.resolve(
            wanted, aliases: context.settings.map(SettingKey.aliases), environment: context.environment)
        return try ModelFiles.open(path: path)
    }

    /// Engine options of the settings; the context is chosen for a strategy.
    ///
    /// - Parameter wholeModel: take as much context as the model has, not only what it uses reliably.
    func options(for files: ModelFiles, wholeModel: Bool = false) throws(UserError) -> EngineOptions {
        let settings = context.settings
        var options = EngineOptions(threads: settings.integer(SettingKey.threads) ?? Machine.cores)
        options.memoryLimit = settings.integer(SettingKey.memory)
        options.kvType = settings.text(SettingKey.kvType).flatMap(KVType.init(rawValue:)) ?? .f16
        options.kvMemory = settings.integer(SettingKey.kvMemory)
        options.kvReading = settings.text(SettingKey.kvRead).flatMap(KVReading.init) ?? .exact
        options.pagingFolder = pagingFolder
        options.pagingLimit = settings.integer(SettingKey.disk)
        options.tokenizer = try TokenizerFile(files, in: context).tokenizer()
        options.kernels = context.environment["DOCPROC_KERNELS"].flatMap { $0.isEmpty ? nil : $0 }
        switch settings.text(SettingKey.context) ?? "auto" {
        case "max": options.contextLimit = nil
        case "auto":
            // As much as the memory limit leaves of what is useful.
            let most = try plan(files, options: options)
            options.contextLimit = wholeModel ? nil : min(most.contextTokens, reliableWindow(files))
        default: options.contextLimit = settings.integer(SettingKey.context)
        }
        return options
    }

    /// Where keys and values go that memory has no room for: into a file without a name, also where nothing is to stay
    /// behind. `nil` where they may take no disk.
    private var pagingFolder: FilePath? {
        guard context.settings.integer(SettingKey.disk) != 0 else { return nil }
        return context.settings.isOn(SettingKey.store) ? context.places.keysAndValues : "/var/tmp/docproc"
    }

    /// Upper bounds of memory; over the limit is an error.
    func plan(_ files: ModelFiles, options: EngineOptions) throws(UserError) -> MemoryPlan {
        do throws(EngineError) {
            let plan = try Engine.plan(files, options: options)
            if let limit = options.memoryLimit, plan.totalBytes > limit { throw EngineError.memory(plan, limit: limit) }
            return plan
        } catch {
            throw error.userError(path: files.path)
        }
    }

    /// Opens the engine.
    func open(_ files: ModelFiles, options: EngineOptions) async throws(UserError) -> Engine {
        let memory = try plan(files, options: options)
        if memory.streamedBytes > 0 {
            context.narrator.warn(
                "\(record(files).name) does not fit the memory limit: up to \(Format.bytes(memory.streamedBytes)) of it are "
                    + "read again for every output token; --plan says how slow that is")
        }
        context.narrator.detail("opening \(files.path)")
        do {
            return try await Engine.open(files, options: options)
        } catch {
            throw error.userError(path: files.path)
        }
    }

    /// Tokens up to which the model is believed to find what it is asked for.
    func reliableWindow(_ files: ModelFiles) -> Int {
        files.catalogEntry?.reliableWindow ?? Self.unknownReliableWindow
    }

    /// For models outside of the catalogue, nobody has measured it.
    static let unknownReliableWindow = 8192

    /// The model as records name it.
    func record(_ files: ModelFiles) -> AnswerModel {
        let stored = stored(files)
        return AnswerModel(
            name: files.catalogEntry?.name ?? stored?.name ?? files.name,
            quant: files.catalogEntry?.quantization ?? stored?.pulled?.model.quantization,
            sha256: files.catalogEntry?.sha256 ?? stored?.sha256,
            license: files.catalogEntry?.licence.name ?? stored?.licence
                ?? files.checkpoint.string("general.license"))
    }

    /// The entry of the model folder whose file this is.
    func stored(_ files: ModelFiles) -> ModelStore.Stored? {
        ModelStore(directory: context.places.models).list().first { $0.path == files.path }
    }

    /// Names the model by its content in keys of results, and of keys and values: the same file in another place is the
    /// same model, another one of the same name and size is not.
    ///
    /// Where nothing is stored, nothing is hashed, and what the file system says is enough.
    func identity(_ files: ModelFiles) throws(UserError) -> String {
        guard let digests else {
            return "\(files.path) \(files.checkpoint.byteCount) \(FileFacts.modified(files.path))"
        }
        context.narrator.begin(
            Progress(
                stage: "hash", done: 0, total: files.checkpoint.byteCount, unit: "bytes", rateUnit: "B/s",
                details: ["once for \(files.name)"], inBytes: true))
        defer { context.narrator.end() }
        do {
            var hashes: [String] = []
            var before = 0
            for file in files.contents {
                var hashed = 0
                let digest = try digests.digest(of: FileFacts.absolute(file)) { done in
                    try Task.checkCancellation()
                    hashed = done
                    context.narrator.update { $0.done = before + done }
                }
                before += hashed
                // A folder is read by the names of its files, the parts of a GGUF file in their order.
                hashes.append(files.folder == nil ? digest.hex : "\(digest.hex) \(FileFacts.name(of: file))")
            }
            // Of one file, the hash that others print too.
            return hashes.count == 1 ? hashes[0] : ContentHash(of: hashes.joined(separator: "\n")).hex
        } catch is CancellationError {
            throw (context.stop.reason ?? .interrupted).error
        } catch {
            throw UserError(.modelDamaged, "the model can't be read: \(error)", places: [.init("file", files.path)])
        }
    }

    /// Where digests of large files are remembered; nil where nothing is to stay behind.
    var digests: FileDigests? {
        context.settings.isOn(SettingKey.store) ? FileDigests(memory: context.places.digests) : nil
    }
}
