// Drafts of what comes next, and how many tokens of them are worth a try. Knows neither models nor grammars.
//
// A draft is only ever a guess that `Session` verifies: nothing here changes an output, only what it costs. The same
// holds for the clock that costs are measured with.

/// Guesses the next tokens of one sequence from what stands in it.
struct Speculator {
    /// A guessed token and how likely it is to be right if all before it are.
    struct Guess: Equatable {
        var token: Int32
        var probability: Float
    }

    /// The longest draft.
    static let maximumDraft = 12

    private var lookup = PromptLookup()
    private var match: PromptLookup.Match?
    private var acceptance = DraftAcceptance()
    /// Of this model on this machine, with about `context` tokens before; stays from one sequence to the next.
    private(set) var costs = BatchCosts()
    private var context = 0

    /// Begins a new output after `tokens`.
    mutating func begin(_ tokens: ArraySlice<Int32>) {
        acceptance = DraftAcceptance()
        lookup.begin(at: tokens.count)
        match = lookup.match(tokens)
        // Attention's share of a batch depends on what it looks back on.
        if 2 * tokens.count > 3 * context || 3 * tokens.count < 2 * context {
            costs = BatchCosts()
            context = tokens.count
        }
    }

    /// The sequence was cut back to `count` tokens.
    mutating func shorten(to count: Int) {
        lookup.shorten(to: count)
    }

    /// The last of `tokens` was just generated.
    mutating func append(_ tokens: ArraySlice<Int32>) {
        guard let token = tokens.last else { return }
        if var match {
            let hit = tokens[match.source] == token
            acceptance.record(length: match.length, hit: hit)
            match.source += 1
            match.length = min(match.length + 1, PromptLookup.longest)
            // A long agreement is followed on; after a short one there may be a better one.
            if hit, match.length >= 4 {
                self.match = match
                return
            }
        }
        match = lookup.match(tokens)
    }

    /// What may come next, at most `limit` tokens.
    func guesses(_ tokens: ArraySlice<Int32>, limit: Int) -> [Guess] {
        match.map { guesses(tokens, from: $0, limit: limit) } ?? []
    }

    /// What may come after `tokens`, the last `guessed` of which are themselves guesses.
    mutating func guesses(_ tokens: ArraySlice<Int32>, guessed: Int, limit: Int) -> [Guess] {
        defer { lookup.shorten(to: tokens.count - guessed) }
        return lookup.match(tokens).map { guesses(tokens, from: $0, limit: limit) } ?? []
    }

    /// The number of guesses that gives the most tokens for the time, 0 where none pays.
    func worthwhile(_ guesses: [Guess]) -> Int {
        var (best, bestRate) = (0, Float(1))
        // One token comes out of every batch, and each draft token if it and all before it are right.
        var (expected, chain) = (Float(1), Float(1))
        for (index, guess) in guesses.enumerated() {
            chain *= guess.probability
            expected += chain
            let rate = expected / costs.relative(index + 2)
            if rate > bestRate { (best, bestRate) = (index + 1, rate) }
        }
        return best
    }

    /// A batch of that many tokens took so long.
    mutating func measured(tokens: Int, seconds: Double) {
        costs.record(tokens: tokens, seconds: seconds)
    }

    private func guesses(_ tokens: ArraySlice<Int32>, from match: PromptLookup.Match, limit: Int) -> [Guess] {
        var found: [Guess] = []
        for offset in 0..<max(limit, 0) {
            let position = match.source + offset
            // Text that repeats itself goes on in the draft.
            let token = position < tokens.count ? tokens[position] : found[position - tokens.count].token
            found.append(Guess(token: token, probability: acceptance.probability(length: match.length + offset)))
        }
        return found
    }
}

/// How often the token behind an agreement of some length came next, in this output.
struct DraftAcceptance {
    /// Agreements of up to 2, 3, 4, 7, 15 and more tokens.
    private static let bounds = [2, 3, 4, 7, 15]
    /// Where an output begins: hits among so many trials. Quoting text makes long agreements reliable.
    private static let prior: [(hits: Float, trials: Float)] = [
        (1.2, 4), (1.8, 4), (2.2, 4), (3, 4), (3.4, 4), (3.7, 4),
    ]
    /// What a trial counts after each later one.
    private static let decay: Float = 0.9

    private var hits = [Float](repeating: 0, count: 6)
    private var trials = [Float](repeating: 0, count: 6)

    func probability(length: Int) -> Float {
        let group = Self.group(length)
        return (Self.prior[group].hits + hits[group]) / (Self.prior[group].trials + trials[group])
    }

    mutating func record(length: Int, hit: Bool) {
        let group = Self.group(length)
        hits[group] = hits[group] * Self.decay + (hit ? 1 : 0)
        trials[group] = trials[group] * Self.decay + 1
    }

    private static func group(_ length: Int) -> Int {
        bounds.firstIndex { length <= $0 } ?? bounds.count
    }
}

/// What batches of several tokens cost, in units of a batch of one.
struct BatchCosts {
    /// Assumed for each further token until it is measured.
    private static let assumed: Float = 0.25
    /// Weight of a new measurement.
    private static let gain = 0.2
    /// How fast an old measurement gives way to what is assumed: one taken at a bad moment must not last.
    private static let drift = 0.02

    /// By number of tokens; 0 where nothing is measured.
    private var seconds = [Double](repeating: 0, count: Speculator.maximumDraft + 2)

    /// At least 1.
    func relative(_ tokens: Int) -> Float {
        guard tokens > 1 else { return 1 }
        if seconds[1] > 0, seconds[tokens] > 0 { return max(1, Float(seconds[tokens] / seconds[1])) }
        return Self.assumption(tokens)
    }

    mutating func record(tokens: Int, seconds new: Double) {
        let known = seconds[tokens]
        seconds[tokens] = known > 0 ? known + Self.gain * (new - known) : new
        for other in 2..<seconds.count where other != tokens && seconds[other] > 0 && seconds[1] > 0 {
            seconds[other] += Self.drift * (seconds[1] * Double(Self.assumption(other)) - seconds[other])
        }
    }

    private static func assumption(_ tokens: Int) -> Float { 1 + assumed * Float(tokens - 1) }
}
