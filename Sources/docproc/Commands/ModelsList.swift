import ArgumentParser
import Runs
import Store
import Weights

/// `models list`: what is here, and what can be fetched.
struct ModelsList: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List models on this machine and those that can be fetched.")

    @OptionGroup var global: GlobalOptions

    func run(in context: CommandContext) async throws {
        let store = ModelStore(directory: context.places.models)
        let stored = store.list()
        let missing = ModelCatalog.entries.filter { entry in !stored.contains { $0.catalogEntry == entry } }
        var rows = stored.map { model in
            [model.name, Format.bytes(model.byteCount), model.licence ?? "–", "here: \(model.path)"]
        }
        rows += missing.map { entry in
            [entry.fullName, Format.bytes(entry.byteCount), entry.licence.name, "docproc models pull \(entry.name)"]
        }
        try context.print(
            .fields([
                "schema": "docproc.models/1", "dir": .string(store.directory),
                "stored": .array(
                    stored.map {
                        .fields([
                            "name": .string($0.name), "path": .string($0.path), "bytes": .int($0.byteCount),
                            "license": $0.licence.map { .string($0) } ?? .null,
                        ])
                    }),
                "available": .array(
                    missing.map {
                        .fields([
                            "name": .string($0.fullName), "bytes": .int($0.byteCount), "sha256": .string($0.sha256),
                            "license": .string($0.licence.name),
                        ])
                    }),
            ]), text: Format.table(rows, rightAligned: [1]))
    }
}
