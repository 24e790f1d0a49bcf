import ArgumentParser
import Diagnostics
import Pipeline
import Runs
import SystemPackage

/// `validate`: checks a pipeline file without running it.
struct ValidateCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a pipeline file without running it.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var parameters: PipelineParameters
    @Argument(help: ArgumentHelp("A pipeline file.", valueName: "file"))
    var file: String

    func run(in context: CommandContext) async throws {
        let definition = try PipelineFile.read(file, parameters: parameters, context: context, strict: false)
        let questions = definition.steps.reduce(0) { count, step in
            if case .ask(let ask) = step.work { count + ask.questions.count } else { count }
        }
        try context.print(
            .fields([
                "schema": "docproc.validation/1", "valid": true, "name": .string(definition.name),
                "steps": .int(definition.steps.count), "questions": .int(questions), "mistakes": [],
            ]),
            text: "\(file): ok, \(Format.plural(definition.steps.count, "step"))"
                + (questions > 0 ? ", \(Format.plural(questions, "question"))" : "") + "\n")
    }
}

/// Values for the parameters of a pipeline.
struct PipelineParameters: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("A value for ${params.KEY}; may be repeated.", valueName: "key=value"))
    var param: [String] = []

    /// By name.
    ///
    /// - Throws: `DP-CLI-01` for one without an equals sign.
    func values() throws(UserError) -> [String: String] {
        var values: [String: String] = [:]
        for text in param {
            guard let equals = text.firstIndex(of: "=") else {
                throw UserError(.badFlag, "--param takes KEY=VALUE, not \"\(text)\"")
            }
            values[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return values
    }
}

/// Reads pipeline files.
enum PipelineFile {
    /// - Throws: `Complaints` with everything that is wrong with it.
    static func read(
        _ path: String, parameters: PipelineParameters, context: CommandContext, strict: Bool
    ) throws -> PipelineDefinition {
        let text: String
        do {
            text = String(decoding: try SmallFile.bytes(FilePath(path)), as: UTF8.self)
        } catch {
            throw UserError(
                FileFacts.exists(path) ? .inputUnreadable : .inputMissing,
                "the pipeline file could not be read: \(error)",
                places: [.init("file", path)], remedies: [.init("docproc init", "writes a commented starter file")])
        }
        let parsed = PipelineDefinition.parse(
            text, path: path,
            inputs: PipelineInputs(environment: context.environment, params: try parameters.values(), strict: strict))
        guard let definition = parsed.definition, parsed.complaints.isEmpty else {
            throw Complaints(list: parsed.complaints)
        }
        return definition
    }
}
