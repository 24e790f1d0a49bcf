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
    /// Likely tokens that are tried before a grammar is asked for all that it allows.
    private static let trials = 8

    let options: SamplingOptions
    private var random: SplitMix64
    private var penalties: RepetitionPenalties
    /// Reused between tokens.
    private var candidates: [Candidate] = []

    private struct Candidate {
        var id: Int32
        var weight: Float
    }

    /// - Parameter prompt: what the output follows; the repetition penalty counts it.
    init(_ options: SamplingOptions, prompt: [Int32] = []) {
        self.options = options
        random = SplitMix64(state: options.seed)
        penalties = RepetitionPenalties(options, prompt: prompt)
    }

    /// The token was taken into the output.
    mutating func append(_ token: Int32) {
        penalties.append(token)
    }

    /// The next token. With temperature 0 it is the most likely one of those that the grammar allows.
    ///
    /// - Parameters:
    ///   - logits: one per row of the vocabulary; minus infinity for what must not be drawn. Comes back as it was,
    ///     but for suppressed ids and some that the grammar forbids, which are minus infinity.
    ///   - grammar: `nil` allows everything.
    mutating func next(_ logits: inout [Float], grammar: GrammarMatcher? = nil) throws(EngineError) -> Int32 {
        for id in options.suppressed where logits.indices.contains(Int(id)) { logits[Int(id)] = -.infinity }
        let penalized = penalties.apply(to: &logits)
        defer { for (id, logit) in penalized { logits[Int(id)] = logit } }
        let best = try Self.best(&logits, grammar: grammar)
        guard options.temperature > 0 else { return best }
        collect(logits, best: best, grammar: grammar)
        return draw()
    }

    /// Candidates with their weights relative to the best, the most likely first, cut to the top k.
    private mutating func collect(_ logits: [Float], best: Int32, grammar: GrammarMatcher?) {
        let top = logits[Int(best)]
        let scale = 1 / options.temperature
        candidates.removeAll(keepingCapacity: true)
        for id in logits.indices {
            let exponent = (logits[id] - top) * scale
            guard exponent >= Self.negligible, grammar?.permits(Int32(id)) ?? true else { continue }
            candidates.append(Candidate(id: Int32(id), weight: exponent))
        }
        candidates.sort { $0.weight == $1.weight ? $0.id < $1.id : $0.weight > $1.weight }
        if options.topK > 0, candidates.count > options.topK {
            candidates.removeLast(candidates.count - options.topK)
        }
        for index in candidates.indices { candidates[index].weight = expf(candidates[index].weight) }
    }

    /// One of the candidates that top-p and min-p leave.
    private mutating func draw() -> Int32 {
        var sum = candidates.reduce(0) { $0 + $1.weight }
        var kept = candidates.count
        if options.topP < 1 {
            var mass: Float = 0
            kept = 0
            while kept < candidates.count, kept == 0 || mass < options.topP * sum {
                mass += candidates[kept].weight
                kept += 1
            }
        }
        while kept > 1, candidates[kept - 1].weight < options.minP { kept -= 1 }
        sum = candidates[..<kept].reduce(0) { $0 + $1.weight }
        var left = Float(random.nextUnit()) * sum
        for candidate in candidates[..<(kept - 1)] {
            left -= candidate.weight
            if left < 0 { return candidate.id }
        }
        return candidates[kept - 1].id
    }

    /// The most likely of the tokens that the grammar allows.
    private static func best(_ logits: inout [Float], grammar: GrammarMatcher?) throws(EngineError) -> Int32 {
        for _ in 0..<trials {
            let best = mostLikely(logits)
            guard let grammar else { return best }
            guard logits[Int(best)] > -.infinity else { break }
            if grammar.permits(best) { return best }
            logits[Int(best)] = -.infinity
        }
        guard let grammar else { return 0 }
        let allowed = try grammar.allowed()
        var best = allowed[0]
        for id in allowed {
            let (logit, top) = (logits[Int(id)], logits[Int(best)])
            if logit > top || (logit == top && id < best) { best = id }
        }
        guard logits[Int(best)] > -.infinity else {
            throw .grammar("No token of the model continues it that may be drawn.")
        }
        return best
    }

    private static func mostLikely(_ logits: [Float]) -> Int32 {
        var (best, top) = (0, logits[0])
        for id in logits.indices where logits[id] > top {
            top = logits[id]
            best = id
        }
        return Int32(best)
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
