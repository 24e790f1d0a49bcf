/// How often something is tried and how long the pauses are. The pause itself is handed in, so tests need no clock.
package struct RetryPolicy: Sendable {
    /// Tries without any progress before giving up.
    package var attempts: Int
    /// Seconds before the second try; each further pause is twice as long.
    package var firstPause: Double
    /// The longest pause.
    package var longestPause: Double
    /// Waits; throws when the task is cancelled.
    package var sleep: @Sendable (Double) async throws -> Void

    /// The longest pause that a server may ask for; beyond it, waiting is the user's decision.
    package static let longestAskedPause: Double = 120

    /// Six tries within about half a minute of pauses.
    package init(
        attempts: Int = 6, firstPause: Double = 1, longestPause: Double = 30,
        sleep: @escaping @Sendable (Double) async throws -> Void = { try await Task.sleep(for: .seconds($0)) }
    ) {
        self.attempts = attempts
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.sleep = sleep
    }

    /// The pause after a number of failures in a row, from 1.
    package func pause(after failures: Int) -> Double {
        var pause = firstPause
        for _ in 1..<max(1, failures) where pause < longestPause { pause *= 2 }
        return min(pause, longestPause)
    }

    /// Waits after a failure, as long as the server asked for if it did; throws the failure when it was the last one.
    ///
    /// - Parameter failures: failures in a row so far, this one included.
    package func wait(after failure: HTTPFailure, failures: Int) async throws {
        guard failure.isTransient, failures < attempts else { throw failure }
        var pause = pause(after: failures)
        if case .status(_, let asked?) = failure {
            guard asked <= Self.longestAskedPause else { throw failure }
            pause = max(pause, asked)
        }
        try await sleep(pause)
    }

    /// Does something until it works or trying again makes no sense.
    package func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch let failure as HTTPFailure {
                failures += 1
                try await wait(after: failure, failures: failures)
            }
        }
    }
}
