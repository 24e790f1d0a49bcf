// Makes tokens that were there already less likely. Counts as it goes: a token costs the same whatever came before.

/// Penalties on the logits of one output.
struct RepetitionPenalties {
    private let options: SamplingOptions
    /// The tokens looked at, the oldest first, from `first` on.
    private var window: [Entry] = []
    private var first = 0
    private var counts: [Int32: Count] = [:]

    private struct Entry {
        var id: Int32
        var isOutput: Bool
    }

    private struct Count {
        var all = 0
        var output = 0
    }

    init(_ options: SamplingOptions, prompt: [Int32]) {
        self.options = options
        // Only the repetition penalty looks at the prompt.
        guard options.repetitionPenalty != 1 else { return }
        for id in prompt.suffix(options.penaltyWindow ?? prompt.count) { add(Entry(id: id, isOutput: false)) }
    }

    private var areActive: Bool {
        options.repetitionPenalty != 1 || options.frequencyPenalty != 0 || options.presencePenalty != 0
    }

    /// A token of the output.
    mutating func append(_ id: Int32) {
        if areActive { add(Entry(id: id, isOutput: true)) }
    }

    /// Changes the logits; returns the ids and what stood there before.
    func apply(to logits: inout [Float]) -> [(id: Int32, logit: Float)] {
        counts.compactMap { id, count in
            guard logits.indices.contains(Int(id)) else { return nil }
            let old = logits[Int(id)]
            var new = old
            if options.repetitionPenalty != 1 {
                new = new > 0 ? new / options.repetitionPenalty : new * options.repetitionPenalty
            }
            new -= Float(count.output) * options.frequencyPenalty
            if count.output > 0 { new -= options.presencePenalty }
            logits[Int(id)] = new
            return (id, old)
        }
    }

    private mutating func add(_ entry: Entry) {
        counts[entry.id, default: Count()].all += 1
        if entry.isOutput { counts[entry.id]?.output += 1 }
        guard let limit = options.penaltyWindow else { return }
        window.append(entry)
        guard window.count - first > limit else { return }
        let oldest = window[first]
        first += 1
        if first > limit {
            window.removeFirst(first)
            first = 0
        }
        counts[oldest.id]?.all -= 1
        if oldest.isOutput { counts[oldest.id]?.output -= 1 }
        if counts[oldest.id]?.all == 0 { counts[oldest.id] = nil }
    }
}
