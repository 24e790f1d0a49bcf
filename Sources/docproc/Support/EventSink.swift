import Runs

/// Events of `--jsonl`; silent without it.
struct EventSink: Sendable {
    let run: String
    private let output: ResultOutput?

    /// - Parameter output: nil when events were not asked for.
    init(run: String, output: ResultOutput?) {
        self.run = run
        self.output = output
    }

    /// Whether anybody listens.
    var isOn: Bool { output != nil }

    /// Writes one event as a line. A reader that has gone ends the command at its next write of a result.
    func send(_ kind: Event.Kind, _ fields: @autoclosure () -> JSONValue) {
        guard let output else { return }
        try? output.line(Event(kind, run: run, fields: fields()).line)
    }

    /// As `send`, for records whose loss must stop the command.
    func require(_ kind: Event.Kind, _ fields: @autoclosure () throws -> JSONValue) throws {
        guard let output else { return }
        try output.line(Event(kind, run: run, fields: try fields()).line)
    }
}
