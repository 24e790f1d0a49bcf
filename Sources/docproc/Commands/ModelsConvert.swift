import ArgumentParser
import Conversion
import Diagnostics
import Inference
import Kernels
import Models
import Runs
import Tokenization
import Weights

/// `models convert`: any model that runs, as one GGUF file.
struct ModelsConvert: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Turn a Hugging Face folder or GGUF file into a GGUF file.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @Option(name: .long, help: ArgumentHelp("q8_0, q4_0, q4_k or q6_k.", valueName: "type"))
    var type = QuantizedType.q8_0
    @Argument(help: ArgumentHelp("Name, path or alias of a model.", valueName: "model"))
    var model: String
    @Argument(help: ArgumentHelp("The file to write.", valueName: "file.gguf"))
    var output: String

    var settingFlags: [any SettingFlags] { [progress] }

    func run(in context: CommandContext) async throws {
        let files = try ModelLoader(context: context).files(named: model)
        try ModelWriting(context: context).refuseExisting(output)
        let pool = ThreadPool(threads: context.settings.integer(SettingKey.threads) ?? Machine.cores)
        let converter = try Converter(files.checkpoint, to: type, metadata: tokenizer(of: files), pool: pool)
        try ModelWriting(context: context).write(output, stage: "convert", bytes: converter.tensorBytes) { progress in
            try converter.write(to: output, progress: progress)
        }
    }

    /// The keys of a folder's tokenizer and chat template; a GGUF file holds its own.
    private func tokenizer(of files: ModelFiles) throws(UserError) -> [(key: String, value: MetadataValue)] {
        guard let folder = files.folder else { return [] }
        let rows: Int
        do {
            rows = try ModelFamily.configuration(files.checkpoint).vocabularyRows
        } catch {
            throw error.userError(path: files.path)
        }
        do throws(TokenizerError) {
            guard let json = folder.file("tokenizer.json") else { throw .missing(key: "tokenizer.json") }
            let config = folder.file("tokenizer_config.json")
            let definition = try TokenizerDefinition(
                json: json, config: config, generation: folder.file("generation_config.json"))
            var pairs = definition.metadata(rows: rows, as: MetadataValue.self)
            if let text = try ChatTemplate.text(jinja: folder.file("chat_template.jinja"), config: config) {
                pairs.append(("tokenizer.chat_template", .text(text)))
            }
            return pairs
        } catch {
            throw EngineError.tokenizer(error).userError(path: files.path)
        }
    }
}

extension MetadataValue: TokenizerMetadataValue {}

/// `models synth`: random weights in the shape of a published model.
struct ModelsSynth: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "synth", abstract: "Write random weights in the shape of a published model, to measure with.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @Option(
        name: .long,
        help: ArgumentHelp(
            SyntheticModel.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "model"))
    var like: SyntheticModel
    @Option(name: .long, help: ArgumentHelp("Fewer layers than published.", valueName: "n"))
    var layers: Int?
    @Option(name: .long, help: ArgumentHelp("q4_0, q4_k, q8_0 or q6_k.", valueName: "type"))
    var type = QuantizedType.q4_0
    @Option(name: .long, help: ArgumentHelp("Another seed gives other weights.", valueName: "n"))
    var seed: UInt64 = 1
    @Argument(help: ArgumentHelp("The file to write.", valueName: "file.gguf"))
    var output: String

    var settingFlags: [any SettingFlags] { [progress] }

    func run(in context: CommandContext) async throws {
        if let layers, !(1...like.layers).contains(layers) {
            throw UserError(
                .badFlag, "\(like.rawValue) has \(like.layers) layers; \(layers) can't be written",
                remedies: [.init("--layers 1…\(like.layers)")])
        }
        try ModelWriting(context: context).refuseExisting(output)
        let pool = ThreadPool(threads: context.settings.integer(SettingKey.threads) ?? Machine.cores)
        let synthesizer = Synthesizer(like, layers: layers, type: type, seed: seed)
        try ModelWriting(context: context).write(output, stage: "synth", bytes: synthesizer.tensorBytes) { progress in
            try synthesizer.write(to: output, pool: pool, progress: progress)
        }
    }
}

extension QuantizedType: ExpressibleByArgument {}
extension SyntheticModel: ExpressibleByArgument {}

/// What both have in common: no file is overwritten, progress is shown, the result is said.
struct ModelWriting {
    let context: CommandContext

    func refuseExisting(_ path: String) throws(UserError) {
        guard FileFacts.exists(path) else { return }
        throw UserError(
            .badFlag, "the file exists already and is not overwritten", places: [.init("file", path)],
            remedies: [.init("rm \(path)", "removes it"), .init("another name")])
    }

    func write(
        _ path: String, stage: String, bytes: Int, _ body: ((Converter.Progress) throws -> Void) throws -> Void
    ) throws {
        if let free = Machine.freeDisk(at: FileFacts.directory(of: path)), free < bytes {
            throw UserError(
                .diskFull, "\(Format.bytes(bytes)) are needed, \(Format.bytes(free)) are free",
                places: [.init("file", path)])
        }
        context.narrator.begin(
            Progress(stage: stage, done: 0, total: bytes, unit: "bytes", rateUnit: "B/s", inBytes: true))
        try body { progress in
            try Task.checkCancellation()
            context.narrator.update {
                $0.done = progress.bytes
                $0.details = [progress.tensor]
            }
        }
        context.narrator.end()
        try context.print(
            .fields(["schema": "docproc.model_file/1", "path": .string(path), "tensor_bytes": .int(bytes)]),
            text: "wrote \(path), \(Format.bytes(bytes)) of weights\n")
    }
}
