// What happens in a run, as `docproc.event/1`: one shape for `--jsonl`, `events.jsonl` and server-sent events.

/// One event. `line` gives `{"schema":"docproc.event/1","t":…,"run":…,"type":…, fields…}`.
package struct Event: Sendable, Equatable {
    /// The kinds of event.
    package enum Kind: String, Sendable, CaseIterable {
        case runStart = "run.start"
        case plan
        case docIngested = "doc.ingested"
        case windowStart = "window.start"
        case prefill
        case textDelta = "text.delta"
        case citation, kv
        case docResult = "doc.result"
        case check, warning, error, checkpoint
        case runEnd = "run.end"
    }

    /// Name and major version of the shape.
    package static let schema = "docproc.event/1"

    /// Milliseconds since 1970, UTC.
    package var milliseconds: Int
    /// The run's id.
    package var run: String
    /// What happened.
    package var kind: Kind
    /// Everything else, in printing order.
    package var fields: [JSONValue.Member]

    /// Describes an event.
    package init(
        _ kind: Kind, run: String, at milliseconds: Int = WallClock.milliseconds(), fields: JSONValue = .object([])
    ) {
        self.kind = kind
        self.run = run
        self.milliseconds = milliseconds
        if case .object(let members) = fields { self.fields = members } else { self.fields = [] }
    }

    /// The event as one line of JSON, without a line break.
    package var line: String {
        let head: [JSONValue.Member] = [
            .init("schema", .string(Event.schema)), .init("t", .string(WallClock.timestamp(milliseconds))),
            .init("run", .string(run)), .init("type", .string(kind.rawValue)),
        ]
        return JSONValue.object(head + fields).line
    }
}

extension Event {
    /// Progress of reading a window: tokens done, in all, and taken from the cache.
    package static func prefill(
        run: String, window: Int, done: Int, total: Int, cached: Int, tokensPerSecond: Double
    ) -> Event {
        Event(
            .prefill, run: run,
            fields: .fields([
                "window": .int(window), "done": .int(done), "total": .int(total), "cached": .int(cached),
                "tokens_per_second": .double((tokensPerSecond * 10).rounded() / 10),
            ]))
    }

    /// Text that the model has written.
    package static func textDelta(run: String, text: String) -> Event {
        Event(.textDelta, run: run, fields: .fields(["text": .string(text)]))
    }

    /// Something the user should know that stops nothing.
    package static func warning(run: String, message: String) -> Event {
        Event(.warning, run: run, fields: .fields(["message": .string(message)]))
    }
}
