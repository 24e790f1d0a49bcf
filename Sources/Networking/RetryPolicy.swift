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
}
