import ArgumentParser

/// The command table: the only list of commands. Help and completion are generated from it.
struct Docproc: DocprocCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "docproc",
        abstract: "Answers questions about documents on this machine, with quotations checked in the source.",
        version: "docproc \(version)",
        groupedSubcommands: [
            CommandGroup(name: "Answers", subcommands: [AskCommand.self, SummarizeCommand.self, VerifyCommand.self]),
            CommandGroup(
                name: "Pipelines",
                subcommands: [RunCommand.self, ValidateCommand.self, InitCommand.self, SchemaCommand.self]),
            CommandGroup(
                name: "Documents",
                subcommands: [IngestCommand.self, InspectCommand.self, TokenizeCommand.self, PackCommand.self]),
            CommandGroup(
                name: "Models and machine",
                subcommands: [
                    ModelsCommand.self, BenchCommand.self, DoctorCommand.self, CacheCommand.self, ConfigCommand.self,
                ]),
            CommandGroup(
                name: "Help", subcommands: [ExplainCommand.self, CompletionCommand.self, LicensesCommand.self]),
        ])

    /// The names of all commands.
    static var commandNames: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    }

    @OptionGroup var global: GlobalOptions

    func run(in context: CommandContext) async throws {
        let examples = [
            ("docproc models pull qwen2.5-coder-1.5b-instruct", "fetch a model, once; or hf:OWNER/NAME"),
            ("docproc ask contracts/ \"What notice period applies?\"", "an answer with checked citations"),
            ("docproc ask book.pdf --plan \"Who is Ada?\"", "what it would read, and the memory it takes"),
            ("docproc summarize reports/ -o summaries.jsonl", "one summary per document"),
            ("docproc run checks.docproc.yaml", "questions with expected answers, for CI"),
            ("docproc verify draft.md --corpus contracts/", "look up every quotation of a draft"),
        ]
        let width = examples.map(\.0.count).max() ?? 0
        try context.output.write(
            examples.map { Format.pad($0.0, width) + "   " + $0.1 + "\n" }.joined()
                + "docproc help lists all commands\n")
    }
}
