import ArgumentParser
import Runs

/// `config show`: every setting with its value, and on request where the value came from.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the settings in force.", subcommands: [Show.self],
        defaultSubcommand: Show.self)

    struct Show: DocprocCommand {
        static let configuration = CommandConfiguration(abstract: "Print every setting with its value.")

        @OptionGroup var global: GlobalOptions
        @Flag(name: .long, help: "Print where each value came from.")
        var origin = false

        func run(in context: CommandContext) async throws {
            let entries = SettingKey.all.flatMap { key -> [(name: String, value: SettingValue?, help: String)] in
                guard key.kind == .map else { return [(key.name, context.settings.value(key), key.help)] }
                let below = context.settings.values.filter { $0.key.hasPrefix(key.name + ".") }
                    .sorted { $0.key < $1.key }
                return below.isEmpty
                    ? [(key.name, nil, key.help)] : below.map { ($0.key, Optional($0.value), key.help) }
            }
            let rows = entries.map { entry in
                [entry.name, entry.value?.text ?? "–"]
                    + (origin ? [entry.value?.origin.description ?? "not set"] : [entry.help])
            }
            try context.print(
                .fields([
                    "schema": "docproc.config/1",
                    "settings": .array(
                        entries.map { entry in
                            .fields([
                                "name": .string(entry.name), "value": entry.value.map { .string($0.text) } ?? .null,
                                "layer": entry.value.map { .string($0.origin.layer) } ?? .null,
                                "place": entry.value.map { .string($0.origin.place) } ?? .null,
                            ])
                        }),
                ]), text: Format.table(rows))
        }
    }
}
