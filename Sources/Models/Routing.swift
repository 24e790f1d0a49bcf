// Which tokens go to which experts.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The choice of one layer for the rows of one pass.
struct Routing {
    let chosen: Int
    /// `[rows, chosen]`, the best first.
    private(set) var experts: [Int] = []
    /// `[rows, chosen]`: scores first, weights once the family has made them.
    var weights: [Float] = []

    /// Takes the largest scores of each row; of equal ones the expert with the lower number.
    ///
    /// - Parameter scores: `[rows, experts]`
    init(_ scores: UnsafePointer<Float>, rows: Int, _ shape: ExpertShape) {
        chosen = shape.chosen
        experts.reserveCapacity(rows * chosen)
        weights.reserveCapacity(rows * chosen)
        for row in 0..<rows {
            let scores = scores + row * shape.count
            let start = experts.count
            for expert in 0..<shape.count {
                let score = scores[expert]
                let full = experts.count - start == chosen
                if full {
                    guard score > weights[experts.count - 1] else { continue }
                    experts.removeLast()
                    weights.removeLast()
                }
                var place = experts.count
                while place > start, weights[place - 1] < score { place -= 1 }
                experts.insert(expert, at: place)
                weights.insert(score, at: place)
            }
        }
    }

    /// Turns the scores of each row into weights that sum to 1. Over the chosen ones: what a softmax over all experts
    /// gives the others is divided out again.
    mutating func softmax() {
        for start in stride(from: 0, to: weights.count, by: chosen) {
            let best = weights[start]
            var sum: Float = 0
            for choice in start..<start + chosen {
                weights[choice] = expf(weights[choice] - best)
                sum += weights[choice]
            }
            for choice in start..<start + chosen { weights[choice] /= sum }
        }
    }

    /// Rows put in the order of their experts.
    struct Slots {
        /// By slot: its row.
        var rows: [Int]
        /// `[rows, chosen]`: the slot that holds that choice.
        var slotOfChoice: [Int]
        /// Experts that have rows, with their slots.
        var groups: [(expert: Int, slots: Range<Int>)]
    }

    func slots(experts count: Int) -> Slots {
        var starts = Array(repeating: 0, count: count + 1)
        for expert in experts { starts[expert + 1] += 1 }
        for expert in 0..<count { starts[expert + 1] += starts[expert] }
        var next = starts
        var slots = Slots(
            rows: Array(repeating: 0, count: experts.count), slotOfChoice: Array(repeating: 0, count: experts.count),
            groups: [])
        for (choice, expert) in experts.enumerated() {
            slots.rows[next[expert]] = choice / chosen
            slots.slotOfChoice[choice] = next[expert]
            next[expert] += 1
        }
        slots.groups = (0..<count).filter { starts[$0] < starts[$0 + 1] }.map { ($0, starts[$0]..<starts[$0 + 1]) }
        return slots
    }
}
