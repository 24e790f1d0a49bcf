package import Inference
package import KVCache

/// What was measured where the walk stopped.
package struct KVStop: Sendable, Equatable {
    /// Tokens of the text before it.
    package var position: Int
    /// Tokens computed since the stop before, and how long that took, what was stored included.
    package var readTokens: Int
    package var readSeconds: Double
    /// Tokens written here, one by one.
    package var writtenTokens: Int
    package var writeSeconds: Double
    /// Where keys and values are afterwards.
    package var counts: KeyValueCounts
    /// What was read from disk meanwhile.
    package var prefillReads, decodeReads: KVReadCounts

    /// Tokens per second.
    package var prefillRate: Double? { readTokens > 0 && readSeconds > 0 ? Double(readTokens) / readSeconds : nil }
    package var decodeRate: Double? {
        writtenTokens > 0 && writeSeconds > 0 ? Double(writtenTokens) / writeSeconds : nil
    }
    /// Of everything that this stop took, the share that attention waited for the disk.
    package var waitShare: Double {
        let seconds = readSeconds + writeSeconds
        return seconds > 0 ? (prefillReads.waitSeconds + decodeReads.waitSeconds) / seconds : 0
    }
}

/// The whole text asked for again.
package struct KVReuse: Sendable, Equatable {
    package var tokens: Int
    /// Of them, those that were stored.
    package var cached: Int
    /// Until the first token could be written.
    package var seconds: Double

    package var hitRate: Double { tokens > 0 ? Double(cached) / Double(tokens) : 0 }
}

/// A walk.
package struct KVReport: Sendable, Equatable {
    package var stops: [KVStop]
    /// Nil without a store.
    package var reuse: KVReuse?
    package var peakMemory: Int?
    /// Processes that wanted to run in the minute before.
    package var loadBefore: Double?

    /// Seconds of reading the text once.
    package var readSeconds: Double { stops.reduce(0) { $0 + $1.readSeconds } }

    /// Whether other programs were at work before it began.
    package var isDisturbed: Bool { (loadBefore ?? 0) > 0.5 }
}
