// What a speed benchmark found, as values: samples, medians, ratios.

/// One thing that is measured.
package enum SpeedCase: Sendable, Hashable {
    /// Reading so many tokens into an empty cache.
    case prefill(Int)
    /// Writing so many tokens, one by one.
    case decode(Int)

    /// `prefill 512`.
    package var label: String {
        switch self {
        case .prefill(let tokens): "prefill \(tokens)"
        case .decode(let tokens): "decode \(tokens)"
        }
    }

    /// Tokens that a run computes.
    package var tokens: Int {
        switch self {
        case .prefill(let tokens), .decode(let tokens): tokens
        }
    }
}

/// The samples of one case, in tokens per second.
package struct SpeedRow: Sendable, Equatable {
    package var kind: SpeedCase
    /// Our runs in order.
    package var ours: [Double]
    /// The peer's runs in order; each followed one of ours.
    package var peer: [Double]

    /// How far samples of one side lie apart, as a share of their median; the worse of the two sides.
    package var spread: Double {
        [ours, peer].map { samples in
            guard let least = samples.min(), let most = samples.max(), let median = Median.of(samples), median > 0
            else { return 0 }
            return (most - least) / median
        }.max() ?? 0
    }

    /// Ours divided by the peer's, medians of both.
    package var ratio: Double? {
        guard let ours = Median.of(ours), let peer = Median.of(peer), peer > 0 else { return nil }
        return ours / peer
    }
}

/// All that was measured on one model.
package struct SpeedReport: Sendable, Equatable {
    package var threads: Int
    package var kernels: String
    package var rows: [SpeedRow]
    /// Most resident bytes of this process.
    package var peakMemory: Int?
    /// Most resident bytes of a run of the peer.
    package var peerPeakMemory: Int?
    /// What the peer says of itself.
    package var peerVersion: String?
    /// Processes that wanted to run in the minute before the first run.
    package var loadBefore: Double?

    /// Whether other programs were at work: then neither side had the processor to itself, and programs whose threads
    /// wait for each other lose far more than those whose threads do not. Ratios say nothing then.
    package var isDisturbed: Bool { (loadBefore ?? 0) > 0.5 || rows.contains { $0.spread > 0.2 } }
}

/// The middle of some samples.
package enum Median {
    /// The middle sample, or the mean of the two in the middle.
    package static func of(_ samples: [Double]) -> Double? {
        guard !samples.isEmpty else { return nil }
        let sorted = samples.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
