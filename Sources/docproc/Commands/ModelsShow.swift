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
        let files = try ModelLoader(context: context).files(named: name)
        let model: ModelDescription
        do {
            model = try Engine.describe(files)
        } catch {
            throw error.userError(path: files.path)
        }
        let entry = files.catalogEntry
        let layers = model.layersByAttention.sorted { $0.key < $1.key }
        var rows = [
            ["name", entry?.fullName ?? files.name], ["file", files.path],
            ["size", "\(Format.bytes(model.bytes)), \(Format.count(model.parameters)) weights"],
            ["architecture", model.architecture], ["quantisation", model.quantization],
            ["layers", layers.map { "\($0.value) \($0.key)" }.joined(separator: ", ")],
            [
                "context",
                "\(Format.count(model.contextLength)) tokens, reliable to "
                    + Format.count(ModelLoader(context: context).reliableWindow(files)),
            ], ["vocabulary", Format.count(model.vocabularySize)],
            [
                "cache",
                "\(Format.bytes(model.cacheBytesPerToken)) per token (\(Format.bytes(model.cacheBytesPerTokenAllLayers)) if every layer kept all)",
            ],
            ["template", model.templateName + (model.isBase ? " (a base model: prompts are texts to continue)" : "")],
            ["sha256", entry?.sha256 ?? "not in the catalogue"],
            ["licence", entry.map { "\($0.licence.name) \($0.licence.url)" } ?? model.license ?? "not stated"],
            ["modalities", "text"],
        ]
        if let notes = entry?.notes, !notes.isEmpty { rows.append(["notes", notes]) }
        try context.print(
            .fields([
                "schema": "docproc.model/1", "name": .string(entry?.fullName ?? files.name),
                "path": .string(files.path),
                "bytes": .int(model.bytes), "parameters": .int(model.parameters),
                "architecture": .string(model.architecture), "quantization": .string(model.quantization),
                "layers": .object(layers.map { JSONValue.Member($0.key, .int($0.value)) }),
                "context": .int(model.contextLength),
                "reliable": .int(ModelLoader(context: context).reliableWindow(files)),
                "vocabulary": .int(model.vocabularySize), "cache_bytes_per_token": .int(model.cacheBytesPerToken),
                "template": .string(model.templateName), "base": .bool(model.isBase),
                "sha256": entry.map { .string($0.sha256) } ?? .null,
                "license": (entry?.licence.name ?? model.license).map { .string($0) } ?? .null, "modalities": ["text"],
            ]), text: Format.table(rows))
    }
}
