import Answering
import Diagnostics
import Documents
import Hashing
import Inference
import Ingest
import KVCache
import Kernels
import Models
import Packing
import Runs
import Store
import Weights

/// A model that is open, with all that answering and records need of it.
struct ModelSession: Sendable {
    let files: ModelFiles
    let engine: Engine
    let generator: EngineGenerator
    let options: EngineOptions
    /// Names arithmetic and version: results of different arithmetic are different results.
    let numerics: String
    private let identity: String

    /// Opens the model that settings name, or another one.
    ///
    /// - Parameter written: gets what the engine is asked for.
    static func open(
        _ context: CommandContext, files: ModelFiles, options: EngineOptions,
        written: (@Sendable (GenerationRequest) -> Void)? = nil
    ) async throws(UserError) -> ModelSession {
        let loader = ModelLoader(context: context)
        var options = options
        options.kvStore = try loader.kvStore(files, options)
        let engine = try await loader.open(files, options: options)
        let thinking = context.settings.text(SettingKey.thinking).flatMap { ThinkingLevel(rawValue: $0) } ?? .none
        let generator = EngineGenerator(
            engine, model: loader.record(files), reliableWindow: loader.reliableWindow(files), thinking: thinking,
            written: written)
        if generator.thinking != thinking {
            context.narrator.warn("\(generator.model.name) does not think: --thinking \(thinking.rawValue) is ignored")
        }
        return ModelSession(
            files: files, engine: engine, generator: generator, options: options,
            numerics: loader.numerics(options)
                + (generator.thinking == .none ? "" : " thinking=\(generator.thinking.rawValue)")
                + loader.reading(options),
            identity: try loader.identity(files))
    }

    /// The key of an answer: everything that it depends on.
    func key(
        of question: Answering.Question, longest: String, corpus: LoadedCorpus, options: AskOptions
    ) throws -> String {
        let parts: JSONValue = .fields([
            "kind": "answer", "form": .int(Asker.formVersion), "model": .string(identity),
            "numerics": .string(numerics),
            "context": .int(engine.contextLength), "question": .string(question.text), "longest": .string(longest),
            "id": question.id.map { .string($0) } ?? .null, "options": try RecordJSON.value(options),
            "variant": .string(corpus.variant),
            "documents": .array(
                corpus.corpus.documents.map { .array([.string($0.document.path), .string($0.document.sha256)]) }),
            "left_out": .array(
                (corpus.corpus.skipped + corpus.corpus.failed).map { .array([.string($0.path), .string($0.reason)]) }),
        ])
        return ContentHash(of: parts.line).hex
    }

    /// The plan's line about the model.
    var planModel: RunPlan.Model {
        let model = generator.model
        return RunPlan.Model(
            name: model.name, quant: model.quant ?? "", sha256: model.sha256, bytes: files.checkpoint.byteCount,
            license: model.license)
    }
}

extension ModelLoader {
    /// Where keys and values of this model are kept; nil where nothing is to stay behind.
    func kvStore(_ files: ModelFiles, _ options: EngineOptions) throws(UserError) -> KVStoreOptions? {
        let limit = context.settings.integer(SettingKey.disk)
        guard context.settings.isOn(SettingKey.store), limit != 0 else { return nil }
        let narrator = context.narrator
        let identity = try identity(files)
        let namespace = ContentHash(of: "docproc.kv \(identity) \(numerics(options))")
        let model = record(files)
        KVSegmentFiles(root: context.places.keysAndValues).describe(
            namespace.hex,
            about: KVNamespace(
                model: model.name, quant: model.quant, sha256: identity, build: build, kernels: kernels(options),
                form: "kv=\(options.kvType) chunk=\(options.prefillChunk) \(options.numerics.rawValue)"
            ).text)
        return KVStoreOptions(root: context.places.keysAndValues, namespace: namespace, limit: limit) { problem in
            switch problem {
            case .unwritable(let errno, path: let path):
                narrator.warn("keys and values are not kept for later runs: \(errno) in \(path)")
            case .noRoom(bytes: let bytes, isDisk: let isDisk, path: let path):
                let limit = isDisk ? "would leave the disk less than 4 GiB free" : "exceed --disk"
                narrator.warn(
                    "keys and values are not kept for later runs: \(Format.bytes(bytes)) more in \(path) \(limit)")
            case .damaged(path: let path, why: let why):
                narrator.warn("stored keys and values were damaged (\(why)) and are computed again: \(path)")
            }
        }
    }

    /// Arithmetic, kernels and form of the cache, and the build of the program, which holds prompts and rules too: what
    /// changes a result. A stored result of another build is not taken for this one's.
    func numerics(_ options: EngineOptions) -> String {
        "\(options.numerics.rawValue) \(build) \(kernels(options)) kv=\(options.kvType) chunk=\(options.prefillChunk)"
    }

    /// What is left out depends on what memory holds; so does an answer then.
    func reading(_ options: EngineOptions) -> String {
        guard options.kvReading != .exact else { return "" }
        return " read=\(options.kvReading.text) memory=\(options.memoryLimit ?? 0) kv=\(options.kvMemory ?? 0)"
    }

    private func kernels(_ options: EngineOptions) -> String { options.kernels ?? KernelSet.best().name }

    /// The program by its content, so that the same build is the same on every machine.
    var build: String {
        (try? digests?.digest(of: "/proc/self/exe").hex) ?? WorkerPrograms.installed.build(for: .html)
    }
}
