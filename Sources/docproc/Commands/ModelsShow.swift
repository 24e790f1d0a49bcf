import ArgumentParser
import Diagnostics
import Inference
import Models
import Runs
import Weights

/// `models show`: what a model file says about itself, and what is known of it.
struct ModelsShow: DocprocCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Describe a model.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("Name, path or alias; the model of the settings by default.", valueName: "model"))
    var name: String?

    func run(in context: CommandContext) async throws {
        let loader = ModelLoader(context: context)
        let files = try loader.files(named: self.name)
        let stored = loader.stored(files)
        let name = files.catalogEntry?.fullName ?? stored?.name ?? files.name
        let sha256 = files.catalogEntry?.sha256 ?? stored?.sha256
        let source = stored?.pulled?.manifest
        let model: ModelDescription
        do {
            model = try Engine.describe(files)
        } catch {
            throw error.userError(path: files.path)
        }
        let entry = files.catalogEntry
        let layers = model.layersByAttention.sorted { $0.key < $1.key }
        var rows = [
            ["name", name], ["file", files.path],
            ["size", "\(Format.bytes(model.bytes)), \(Format.count(model.parameters)) weights"],
            ["architecture", model.architecture], ["quantisation", model.quantization],
            ["layers", layers.map { "\($0.value) \($0.key)" }.joined(separator: ", ")],
            [
                "context",
                "\(Format.count(model.contextLength)) tokens, reliable to "
                    + Format.count(loader.reliableWindow(files)),
            ], ["vocabulary", Format.count(model.vocabularySize)],
            [
                "cache",
                "\(Format.bytes(model.cacheBytesPerToken)) per token (\(Format.bytes(model.cacheBytesPerTokenAllLayers)) if every layer kept all)",
            ],
            ["template", model.templateName + (model.isBase ? " (a base model: prompts are texts to continue)" : "")],
            ["sha256", sha256 ?? "not published"],
            [
                "licence",
                entry.map { "\($0.licence.name) \($0.licence.url)" }
                    ?? stored?.licence.map {
                        [$0, source?.licenceURL ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
                    }
                    ?? model.license ?? "not stated",
            ],
            ["modalities", "text"],
        ]
        if let source {
            rows.append(["source", source.source + (source.commit.map { " at commit \($0)" } ?? "")])
        }
        if let notes = entry?.notes, !notes.isEmpty { rows.append(["notes", notes]) }
        try context.print(
            .fields([
                "schema": "docproc.model/1", "name": .string(name),
                "path": .string(files.path),
                "bytes": .int(model.bytes), "parameters": .int(model.parameters),
                "architecture": .string(model.architecture), "quantization": .string(model.quantization),
                "layers": .object(layers.map { JSONValue.Member($0.key, .int($0.value)) }),
                "context": .int(model.contextLength),
                "reliable": .int(loader.reliableWindow(files)),
                "vocabulary": .int(model.vocabularySize), "cache_bytes_per_token": .int(model.cacheBytesPerToken),
                "template": .string(model.templateName), "base": .bool(model.isBase),
                "sha256": sha256.map { .string($0) } ?? .null,
                "license": (entry?.licence.name ?? stored?.licence ?? model.license).map { .string($0) } ?? .null,
                "source": source.map { .string($0.source) } ?? .null,
                "commit": source?.commit.map { .string($0) } ?? .null, "modalities": ["text"],
            ]), text: Format.table(rows))
    }
}
