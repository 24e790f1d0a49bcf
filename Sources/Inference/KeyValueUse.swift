// What a record says about the keys and values that were on disk.

import Kernels

/// How tokens of an answer read them.
package struct KeyValueUse: Sendable, Equatable, Codable {
    /// As `--kv-read` has it.
    package var mode: String
    /// The largest share of any head's attention that may have been left out; nil where the mode promises none.
    package var bound: Double?
    /// The largest that was; an estimate where there is no bound.
    package var skipped: Double
    /// Pages on disk, counted for each layer and token, and those that were read.
    package var pages: Int
    package var pagesRead: Int

    enum CodingKeys: String, CodingKey {
        case mode, bound, skipped, pages
        case pagesRead = "pages_read"
    }

    init(_ reading: KVReading, _ counts: KVSelectionCounts) {
        mode = reading.text
        bound = reading.bound
        skipped = counts.skipped
        pages = counts.pages
        pagesRead = counts.read
    }

    /// Adds another call's, of the same mode.
    package mutating func add(_ other: Self) {
        skipped = max(skipped, other.skipped)
        pages += other.pages
        pagesRead += other.pagesRead
    }
}
