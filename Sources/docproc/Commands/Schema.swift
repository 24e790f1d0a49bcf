import ArgumentParser
import Diagnostics
import Pipeline
import Runs

/// `schema`: JSON Schemas of files that users write and records that scripts read.
struct SchemaCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of a file or record.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("pipeline, answer, summary, plan, event, error or config.", valueName: "name"))
    var name = "pipeline"

    func run(in context: CommandContext) async throws {
        guard let schema = name == "pipeline" ? PipelineSchema.json : RecordSchemas.named(name) else {
            throw UserError(
                .badFlag, "there is no schema \"\(name)\"",
                remedies: [.init("docproc schema pipeline")]
                    + RecordSchemas.names.map { .init("docproc schema \($0)") })
        }
        try context.output.line(schema.pretty)
    }
}
