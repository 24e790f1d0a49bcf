package struct PipelineInputs: Sendable {
    /// Variables for `${env.X}`.
    package var environment: [String: String]
    /// Values for `${params.X}`, as after `--set params.X=`.
    package var params: [String: String]
    /// Whether missing variables and params are mistakes (`run`) or left open (`validate`).
    package var strict: Bool

    /// Gathers the values.
    package init(environment: [String: String] = [:], params: [String: String] = [:], strict: Bool = false) {
        self.environment = environment
        self.params = params
        self.strict = strict
    }
}

/// What reading a pipeline file gave: a definition, or complaints in the order of the file.
package struct ParsedPipeline: Sendable, Equatable {
    /// The pipeline; nil if there are complaints.
    package var definition: PipelineDefinition?
    /// Every mistake, sorted by line and column.
    package var complaints: [PipelineComplaint]
}
