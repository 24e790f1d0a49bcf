// Which pages to read, from what each can weigh. Arithmetic on shares of attention alone, without memory or I/O.
//
// For a query head let m(P) be the sum of exp(score) over a page, and Z that over everything it sees. Leaving out pages
// with a share d = sum m(P) / Z of the attention changes the head's output by no more than 2 d max|v|: the output is a
// mean of the values, weighted by attention. From low(P) <= m(P) <= high(P), and from what was read, which is known:
// d <= sum high(unread) / (known + sum low(unread)).

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The choice of pages for all queries and heads of one layer.
struct KVPageSelection {
    /// A round of reading makes the bounds tighter; rounds of fewer pages are not worth one.
    private static let leastRound = 16

    /// Pages times heads of all queries: more would take too much memory to choose from.
    static let most = 1 << 23

    /// Bytes that choosing takes.
    static func bytes(pages: Int, places: Int) -> Int {
        let numbers = pages * places
        return numbers > most ? 0 : numbers * 2 * MemoryLayout<Float>.stride + pages * 4 * MemoryLayout<Int>.stride
    }

    private let reading: KVReading
    /// Heads of all queries.
    private let places: Int
    /// Of log(m(P)): `[pages][places]`.
    private let low, high: [Float]
    private var unread: [Int]
    private var isFinished = false
    /// What unread pages have at most.
    private(set) var skipped = 0.0

    init(_ reading: KVReading, low: [Float], high: [Float], places: Int) {
        precondition(low.count == high.count && low.count % places == 0, "bounds of whole pages")
        self.reading = reading
        self.places = places
        self.low = low
        self.high = high
        unread = Array(0..<low.count / places)
    }

    /// The next pages to read, ascending; none when those that were read are enough.
    ///
    /// - Parameter known: by place, the maximum of the scores so far and the sum of exp(score - maximum).
    mutating func next(known: [(maximum: Float, sum: Float)]) -> [Int] {
        guard !isFinished, !unread.isEmpty else {
            if unread.isEmpty { skipped = 0 }
            return []
        }
        let totals = totals(known)
        let most = unread.map { page in (0..<places).reduce(0) { max($0, share(page, $1, totals)) } }
        // By the largest share that a page can have of any head's attention.
        let order = unread.indices.sorted { most[$0] == most[$1] ? unread[$0] < unread[$1] : most[$0] > most[$1] }
            .map { unread[$0] }
        var taken: Int
        if case .budget(let pages) = reading {
            taken = min(pages, order.count)
            isFinished = true
        } else {
            taken = order.count - longestTail(order, totals, bound: reading.bound ?? 0)
            if reading.usesCoarseKeys, taken > Self.leastRound { taken = (taken + 1) / 2 }
        }
        unread = order[taken...].sorted()
        skipped = (0..<places).reduce(0) { worst, place in
            max(worst, unread.reduce(0) { $0 + share($1, place, totals) })
        }
        return order[..<taken].sorted()
    }

    /// By place: the largest score of all, and what everything has at least, as multiples of its exponential.
    private func totals(_ known: [(maximum: Float, sum: Float)]) -> [(top: Float, sum: Double)] {
        (0..<places).map { place in
            let top = unread.reduce(known[place].maximum) { max($0, high[$1 * places + place]) }
            let sum = Double(known[place].sum) * exp(Double(known[place].maximum - top))
            return (top, unread.reduce(sum) { $0 + exp(Double(low[$1 * places + place] - top)) })
        }
    }

    /// The largest share of a head's attention that a page can have.
    private func share(_ page: Int, _ place: Int, _ totals: [(top: Float, sum: Double)]) -> Double {
        let share = exp(Double(high[page * places + place] - totals[place].top)) / totals[place].sum
        // Numbers that are none say nothing about a page: it is read.
        return share.isNaN ? .infinity : share
    }

    /// How many of the last pages together keep every place within the bound.
    private func longestTail(_ order: [Int], _ totals: [(top: Float, sum: Double)], bound: Double) -> Int {
        var sums = [Double](repeating: 0, count: places)
        for (length, page) in order.reversed().enumerated() {
            for place in 0..<places {
                sums[place] += share(page, place, totals)
                if !(sums[place] <= bound) { return length }
            }
        }
        return order.count
    }
}
