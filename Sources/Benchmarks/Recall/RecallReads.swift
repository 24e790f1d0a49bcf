package import KVCache

/// What the questions read of the keys and values that are on disk, beside what the disk alone can do.
package struct RecallReads: Sendable, Equatable {
    package var counts: KVReadCounts
    /// Bytes that came from the device, not from the system's file cache; nil where the system does not say.
    package var deviceBytes: Int?
    /// Of all questions together.
    package var seconds: Double
    /// The same blocks of the same files, with nothing in the file cache and nothing else to do; nil where that failed.
    package var disk: KVDiskProbe?

    /// More is not read for it: some seconds of a fast disk.
    static let mostProbed = 8 << 30
    /// Who waits longer is bound by reading.
    private static let computeBound = 0.1

    /// Of the questions' time, the share that attention waited.
    package var waitShare: Double { seconds > 0 ? counts.waitSeconds / seconds : 0 }

    /// Bytes per second, computing included.
    package var rate: Double { seconds > 0 ? Double(counts.bytes) / seconds : 0 }

    /// Whether computing, not reading, sets the pace.
    package var isComputeBound: Bool { waitShare < Self.computeBound }

    /// The rate as a share of the disk's.
    package var shareOfDisk: Double? { disk.flatMap { $0.bytesPerSecond > 0 ? rate / $0.bytesPerSecond : nil } }
}
