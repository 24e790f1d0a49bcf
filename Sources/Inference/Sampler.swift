// Chooses the next token from logits. Deterministic: the same logits, options and seed give the same token on every
// machine with the same floating-point arithmetic; ties go to the lower id.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Draws tokens for one output.
struct Sampler {
    /// After temperature, tokens less likely than the best by this factor (e^-20) are never drawn; it keeps the list
    /// that must be sorted short.
    private static let negligible: Float = -20

    let options: SamplingOptions
    private var random: SplitMix64
    /// Reused between tokens.
    private var candidates: [Candidate] = []

    private struct Candidate {
        var id: Int32
        var weight: Float
    }

    init(_ options: SamplingOptions) {
        self.options = options
        random = SplitMix64(state: options.seed)
    }

    /// The next token.
    ///
    /// Temperature is applied first, then top-k, min-p and top-p on what is left. With temperature 0 it is the most
    /// likely token whatever the rest says.
    /// - Parameters:
    ///   - logits: one per row of the vocabulary; minus infinity for what must not be drawn.
    ///   - allowed: the only ids that may be drawn, at least one; `nil` for all.
    mutating func next(_ logits: [Float], allowed: [Int32]? = nil) -> Int32 {
        let best = Self.best(logits, allowed: allowed)
        guard options.temperature > 0 else { return best }
        let top = logits[Int(best)]
        let scale = 1 / options.temperature
        let floor = max(Self.negligible, options.minP > 0 ? logf(options.minP) : -Float.infinity)
        candidates.removeAll(keepingCapacity: true)
        func consider(_ id: Int32) {
            let exponent = (logits[Int(id)] - top) * scale
            if exponent >= floor { candidates.append(Candidate(id: id, weight: exponent)) }
        }
        if let allowed {
            for id in allowed { consider(id) }
        } else {
            for id in logits.indices { consider(Int32(id)) }
        }
        candidates.sort { $0.weight == $1.weight ? $0.id < $1.id : $0.weight > $1.weight }
        if options.topK > 0, candidates.count > options.topK {
            candidates.removeLast(candidates.count - options.topK)
        }
        var sum: Float = 0
        for index in candidates.indices {
            candidates[index].weight = expf(candidates[index].weight)
            sum += candidates[index].weight
        }
        var kept = candidates.count
        if options.topP < 1 {
            var mass: Float = 0
            kept = 0
            while kept < candidates.count, kept == 0 || mass < options.topP * sum {
                mass += candidates[kept].weight
                kept += 1
            }
            sum = mass
        }
        var left = Float(random.nextUnit()) * sum
        for index in 0..<kept - 1 {
            left -= candidates[index].weight
            if left < 0 { return candidates[index].id }
        }
        return candidates[kept - 1].id
    }

    private static func best(_ logits: [Float], allowed: [Int32]?) -> Int32 {
        var best: Int32 = allowed?[0] ?? 0
        var top = logits[Int(best)]
        if let allowed {
            for id in allowed where logits[Int(id)] > top {
                top = logits[Int(id)]
                best = id
            }
        } else {
            for id in logits.indices where logits[id] > top {
                top = logits[id]
                best = Int32(id)
            }
        }
        return best
    }
}

/// A generator of our own, so that a seed means the same in every release (Steele, Lea and Flood, 2014).
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to but without 1.
    mutating func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}
