package import KVCache
import Synchronization

/// Where the keys and values of a sequence are.
package struct KeyValueCounts: Sendable, Equatable {
    /// Tokens that layers which see everything have in memory, and those that they have on disk only.
    package var resident, paged: Int
    /// Memory of keys and values, those of other layers included.
    package var residentBytes: Int
    /// Bytes of those that are on disk only.
    package var pagedBytes: Int
    /// Reads of those on disk since the engine was opened.
    package var reads: KVReadCounts

    package init(resident: Int, paged: Int, residentBytes: Int, pagedBytes: Int, reads: KVReadCounts) {
        self.resident = resident
        self.paged = paged
        self.residentBytes = residentBytes
        self.pagedBytes = pagedBytes
        self.reads = reads
    }

    /// Of nothing.
    package static let none = KeyValueCounts(
        resident: 0, paged: 0, residentBytes: 0, pagedBytes: 0, reads: KVReadCounts())
}

/// The counts after the last step, for those who look on while the engine computes.
final class KeyValueGauge: Sendable {
    private let counts = Mutex(KeyValueCounts.none)

    var latest: KeyValueCounts { counts.withLock { $0 } }

    func set(_ new: KeyValueCounts) { counts.withLock { $0 = new } }
}

extension KVReadCounts {
    /// What came since an earlier moment.
    package func since(_ earlier: KVReadCounts) -> KVReadCounts {
        var counts = self
        counts.bytes -= earlier.bytes
        counts.blocks -= earlier.blocks
        counts.ready -= earlier.ready
        counts.waitSeconds -= earlier.waitSeconds
        return counts
    }

    /// Of the blocks, those that were there when attention asked; nil where it asked for none.
    package var readyShare: Double? { blocks > 0 ? Double(ready) / Double(blocks) : nil }
}
