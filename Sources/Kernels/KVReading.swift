// How much of the keys and values on disk is read for a generated token. Prompts always read everything, so nothing that
// is stored or shared depends on it, and so does what memory holds.

/// Exact, or how much may be left out.
package enum KVReading: Sendable, Hashable {
    case exact
    /// Keys of all pages, and pages whose part of the attention is needed to leave out no more than this share of it,
    /// in any head. The share is known, not estimated.
    case lazyValues(Double)
    /// Coarse keys of all pages, and pages until it is proved that the others have no more than this share.
    case certified(Double)
    /// Coarse keys of all pages, and so many pages of each layer: those that seem to get the most attention.
    case budget(pages: Int)

    /// `exact`, `lazy-v:0.01`, `certified:0.05`, `budget:64`.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let share = parts.count == 2 ? Double(parts[1]).flatMap { $0 > 0 && $0 < 1 ? $0 : nil } : nil
        switch (parts.first, share, parts.count) {
        case ("exact", _, 1): self = .exact
        case ("lazy-v", let share?, _): self = .lazyValues(share)
        case ("certified", let share?, _): self = .certified(share)
        case ("budget", _, 2):
            guard let pages = Int(parts[1]), pages > 0 else { return nil }
            self = .budget(pages: pages)
        default: return nil
        }
    }

    /// As `init` takes it.
    package var text: String {
        switch self {
        case .exact: "exact"
        case .lazyValues(let share): "lazy-v:\(share)"
        case .certified(let share): "certified:\(share)"
        case .budget(let pages): "budget:\(pages)"
        }
    }

    /// Whether it looks at coarse keys.
    package var usesCoarseKeys: Bool {
        switch self {
        case .exact, .lazyValues: false
        case .certified, .budget: true
        }
    }

    /// The most that may be left out; nil where nothing is said about that.
    package var bound: Double? {
        switch self {
        case .exact: 0
        case .lazyValues(let share), .certified(let share): share
        case .budget: nil
        }
    }
}

/// What reading for generated tokens came to.
package struct KVSelectionCounts: Sendable, Equatable, Codable {
    /// Pages on disk, once for each layer and each time that they could have been read, and those that were.
    package var pages = 0
    package var read = 0
    /// The largest share of a head's attention that pages which were not read can have had, in any layer at any token:
    /// known or proved, but an estimate for `budget`. Outputs of the head differ by no more than twice this times the
    /// largest value.
    package var skipped = 0.0

    package init() {}

    package mutating func add(_ other: Self) {
        pages += other.pages
        read += other.read
        skipped = max(skipped, other.skipped)
    }
}

/// Pages on disk of which attention may leave some out.
package protocol KVSparsePages: AnyObject {
    var reading: KVReading { get }

    /// Makes sure that all pages have coarse keys. `make` gets pages, with their keys or what keys are rebuilt from,
    /// and memory for as many coarse ones of `pageBytes` each.
    ///
    /// - Returns: false where there is no room for them.
    func makeCoarseKeys(layer: Int, pageBytes: Int, _ make: (KVPageRun, UnsafeMutableRawPointer) -> Void) -> Bool

    /// Calls `body` with runs of pages that follow each other from the first to the last: with their keys, or with
    /// coarse keys in the place of these. Values are there only where keys are rebuilt from them.
    func forEachKeys(layer: Int, coarse: Bool, _ body: (KVPageRun) -> Void)

    /// Calls `body` with runs that hold these pages, ascending, and no others.
    func forEachRun(layer: Int, pages: [Int], _ body: (KVPageRun) -> Void)

    /// Takes note of what was chosen.
    func note(_ counts: KVSelectionCounts)
}
