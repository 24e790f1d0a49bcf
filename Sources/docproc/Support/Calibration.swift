import Hashing
import Inference
import Models
import Runs
import Store
import Weights

/// How fast a model was on this machine the last time: what the time in plans comes from.
struct Calibration: Sendable, Equatable {
    /// Prompt tokens per second.
    var reading: Double
    /// Written tokens per second.
    var writing: Double

    /// Times of a plan differ this much from what happens.
    static let uncertainty = 0.3
    /// Fewer tokens say more about starting up than about speed.
    private static let leastTokens = 256

    /// The last measurement, nil before there is one.
    static func read(_ store: CorpusStore, session: ModelSession) -> Calibration? {
        guard let stored = try? store.result(key(session)), let record = try? JSONValue(parsing: stored.record),
            let reading = record["reading"]?.number, let writing = record["writing"]?.number, reading > 0, writing > 0
        else { return nil }
        return Calibration(reading: reading, writing: writing)
    }

    /// Keeps a measurement that is long enough to mean something.
    static func keep(
        read: (tokens: Int, seconds: Double), written: (tokens: Int, seconds: Double), in store: CorpusStore,
        session: ModelSession
    ) {
        guard read.tokens >= leastTokens, read.seconds > 0, written.tokens > 0, written.seconds > 0 else { return }
        let record: JSONValue = .fields([
            "reading": .double(Double(read.tokens) / read.seconds),
            "writing": .double(Double(written.tokens) / written.seconds),
        ])
        try? store.saveResult(key: key(session), kind: "calibration", record: record.line, documents: [])
    }

    /// Seconds for a number of tokens.
    func seconds(input: Int, output: Int) -> Double {
        Double(input) / reading + Double(output) / writing
    }

    private static func key(_ session: ModelSession) -> String {
        let text = [
            "calibration", session.files.path, session.numerics, "\(session.options.threads)", Machine.processor ?? "",
            "\(session.engine.memory.streamedBytes)",
        ].joined(separator: "\u{0}")
        return ContentHash(of: text).hex
    }
}
