import ArgumentParser
import Diagnostics
import Runs
import Store
import Weights

/// `models verify`: hashes a stored model and compares; or runs one and compares with a reference.
struct ModelsVerify: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare a model file with its published SHA-256, or its outputs with a reference.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Run the models of this folder, or the named one, against golden.safetensors in it.", valueName: "dir"))
    var reference: String?
    @Argument(help: ArgumentHelp("A stored model; all of them by default.", valueName: "name"))
    var names: [String] = []

    var settingFlags: [any SettingFlags] { [progress] }

    func run(in context: CommandContext) async throws {
        if let reference {
            return try await ReferenceVerification(context: context, directory: reference).run(names)
        }
        let store = ModelStore(directory: context.places.models)
        let stored = store.list()
        let wanted = names.isEmpty ? stored.map(\.name) : names
        guard !wanted.isEmpty else {
            throw UserError(
                .modelMissing, "there are no models in \(store.directory)",
                remedies: [.init("docproc models list", "lists what can be fetched")])
        }
        var records: [JSONValue] = []
        var rows: [[String]] = []
        var bad: [String] = []
        for name in wanted {
            let total = stored.first { $0.name == name }?.byteCount
            context.narrator.begin(
                Progress(stage: "verify", done: 0, total: total, unit: "bytes", rateUnit: "B/s", inBytes: true))
            let found = try store.verify(name) { done in
                try Task.checkCancellation()
                context.narrator.update { $0.done = done }
            }
            context.narrator.end()
            let word = found.matches.map { $0 ? "ok" : "differs" } ?? "unknown"
            if found.matches == false { bad.append(found.name) }
            let differing = found.differing.isEmpty ? "" : "  " + found.differing.joined(separator: ", ")
            rows.append([word, found.name, found.actual + differing])
            records.append(
                .fields([
                    "name": .string(found.name), "status": .string(word),
                    "expected": found.expected.map { .string($0) } ?? .null, "sha256": .string(found.actual),
                    "differing": .array(found.differing.map { .string($0) }),
                ]))
        }
        try context.print(
            .fields(["schema": "docproc.models_verify/1", "models": .array(records)]), text: Format.table(rows))
        if let first = bad.first {
            throw EndWith(
                status: .model,
                note: ErrorReport.text(
                    UserError(
                        .modelHash,
                        "\(Format.plural(bad.count, "model")) differ from the published hash: \(bad.joined(separator: ", "))",
                        remedies: [
                            .init("docproc models rm \(first)", "remove it"),
                            .init("docproc models pull \(first)", "and fetch it anew"),
                        ]), style: context.narrator.style))
        }
    }
}

/// `models import`: takes a file that is here already.
struct ModelsImport: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take a GGUF file into the model folder.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @Option(name: .long, help: ArgumentHelp("Name in the model folder.", valueName: "name"))
    var name: String?
    @Flag(name: .long, help: "Copy the file instead of linking to it.")
    var copy = false
    @Argument(help: ArgumentHelp("A GGUF file.", valueName: "file"))
    var file: String

    var settingFlags: [any SettingFlags] { [progress] }

    func run(in context: CommandContext) async throws {
        let store = ModelStore(directory: context.places.models)
        context.narrator.begin(
            Progress(stage: "import", done: 0, total: nil, unit: "bytes", rateUnit: "B/s", inBytes: true))
        let stored = try store.importModel(from: file, name: name, method: copy ? .copy : .link) { done in
            try Task.checkCancellation()
            context.narrator.update { $0.done = done }
        }
        context.narrator.end()
        try context.print(
            .fields([
                "schema": "docproc.import/1", "name": .string(stored.name), "path": .string(stored.path),
                "bytes": .int(stored.byteCount),
            ]), text: "\(stored.name)  \(stored.path)\n")
    }
}

/// `models rm`: deletes a stored model.
struct ModelsRemove: DocprocCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Delete a stored model.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var confirming: ConfirmOptions
    @Argument(help: ArgumentHelp("A stored model.", valueName: "name"))
    var name: String

    var settingFlags: [any SettingFlags] { [confirming] }

    func run(in context: CommandContext) async throws {
        let store = ModelStore(directory: context.places.models)
        if !confirming.yes, context.mayAsk, !context.confirm("Delete \(name) from \(store.directory)?") {
            throw EndWith(status: .success, note: "nothing was deleted")
        }
        try store.remove(name)
        try context.print(
            .fields(["schema": "docproc.remove/1", "name": .string(name)]), text: "removed \(name)\n")
    }
}
