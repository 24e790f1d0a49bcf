// From the text of a pipeline file to a definition, or to everything that is wrong with it.
//
// Five passes over one tree: variables, secrets, forms, names, values. The last runs only if the others found nothing.

import Diagnostics
import Runs

/// What a pipeline file may refer to outside itself.
package struct PipelineInputs: Sendable {
    /// Variables for `${env.X}`.
    package var environment: [String: String]
    /// Values for `${params.X}`, as after `--set params.X=`.
    package var params: [String: String]
    /// Whether missing variables and parameters are mistakes (`run`) or leave values open (`validate`).
    package var strict: Bool
    /// Reads a file that the pipeline names, by its resolved path.
    package var read: @Sendable (String) throws -> String

    /// Gathers the values.
    package init(
        environment: [String: String] = [:], params: [String: String] = [:], strict: Bool = false,
        read: @escaping @Sendable (String) throws -> String = { try TextFile.read($0) }
    ) {
        self.environment = environment
        self.params = params
        self.strict = strict
        self.read = read
    }
}

/// What reading a pipeline file gave: a definition, or complaints in the order of the file.
package struct ParsedPipeline: Sendable, Equatable {
    /// The pipeline; nil if there are complaints.
    package var definition: PipelineDefinition?
    /// Every mistake, sorted by file, line and column.
    package var complaints: [PipelineComplaint]
}

extension PipelineDefinition {
    /// Reads a pipeline.
    ///
    /// - Parameters:
    ///   - text: the file's text.
    ///   - path: the file as the user wrote it; other paths in it are relative to its folder.
    ///   - inputs: variables, parameters, other files.
    package static func parse(
        _ text: String, path: String, inputs: PipelineInputs = PipelineInputs()
    ) -> ParsedPipeline {
        var source = SourceText(path: path, text: text)
        var complaints = ComplaintList()
        guard let raw = YAMLReader.read(source, into: &complaints) else {
            return ParsedPipeline(definition: nil, complaints: complaints.sorted(in: source))
        }
        source.hidden = Secrets.find(raw, in: source, &complaints)
        let params = Parameters.resolve(raw, given: inputs.params, strict: inputs.strict, &complaints)
        var substitution = Substitution(
            source: source, environment: inputs.environment, params: params, strict: inputs.strict,
            complaints: complaints)
        let root = substitution.apply(raw)
        var validator = Validator(complaints: substitution.complaints)
        var start = root.mark
        start.length = root.entries.first?.keyMark.length ?? 1
        validator.check(root, PipelineKeys.root, owner: start, key: "the file")
        var references = References(root: root, complaints: validator.complaints)
        references.check()
        var builder = PipelineBuilder(root: root, path: path, inputs: inputs, complaints: references.complaints)
        let definition = builder.build()
        let sorted = builder.complaints.sorted(in: source) + builder.fileComplaints
        return ParsedPipeline(definition: sorted.isEmpty ? definition : nil, complaints: sorted)
    }
}
