package import KVCache

/// Where the keys and values of a sequence are.
package struct KeyValueCounts: Sendable, Equatable {
    /// Tokens that layers which see everything have in memory, and those that they have on disk only.
    package var resident, paged: Int
    /// Memory of keys and values, those of other layers included.
    package var residentBytes: Int
    /// Reads of those on disk since the engine was opened.
    package var reads: KVReadCounts
}
