import Runs

/// Events of `--jsonl`; silent without it.
struct EventSink: Sendable {
    let run: String
    private let output: ResultOutput?
    private let stop: StopControl?

    /// - Parameters:
    ///   - output: nil when events were not asked for.
    ///   - stop: told when the reader has gone.
    init(run: String, output: ResultOutput?, stop: StopControl? = nil) {
        self.run = run
        self.output = output
        self.stop = stop
    }

    /// Whether anybody listens.
    var isOn: Bool { output != nil }

    /// Writes one event as a line. A reader that has gone stops the command.
    func send(_ kind: Event.Kind, _ fields: @autoclosure () -> JSONValue) {
        guard let output else { return }
        do { try output.line(Event(kind, run: run, fields: fields()).line) } catch { stop?.stop(.outputClosed) }
    }

    /// As `send`, for records whose loss must stop the command.
    func require(_ kind: Event.Kind, _ fields: @autoclosure () throws -> JSONValue) throws {
        guard let output else { return }
        try output.line(Event(kind, run: run, fields: try fields()).line)
    }
}
