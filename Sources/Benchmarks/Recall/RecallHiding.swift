// Chooses the tokens of facts and their places.

/// Facts under construction. Their tokens have words that filler never has, and no three tokens in a row that a question
/// or its answer could take for others.
struct RecallHiding {
    static let keyTokens = 3
    static let valueTokens = 4
    static let factTokens = keyTokens + valueTokens

    let count: Int
    /// The first token of filler; facts have the tokens below, but for those that share a word with token 0.
    let firstFiller: Int32
    private(set) var patches: [RecallPatch] = []
    private(set) var questions: [RecallQuestion] = []

    private let shape: RecallShape
    private let codes: TokenCodes
    private var random: UInt64
    /// What a query takes from three tokens in a row.
    private struct Window: Hashable {
        var word: Int
        var second: Int
        var third: Int32
    }
    private var windows: Set<Window> = []
    private var allowed: [Int32]

    init(_ shape: RecallShape, count: Int, seed: UInt64) {
        self.shape = shape
        self.count = count
        codes = TokenCodes(experts: shape.experts)
        // A quarter of the words.
        firstFiller = Int32(shape.vocabulary / codes.tokensPerWord / 4 * codes.tokensPerWord)
        allowed = Array(Int32(codes.tokensPerWord)..<firstFiller)
        random = Mixing.mix(~seed)
    }

    /// Leaves out tokens that are anything but at right angles to one, and those with the tag of token 0.
    mutating func keepApart(from token: Int32) {
        let tags = [0, Int(token) % codes.tokensPerWord]
        allowed.removeAll {
            codes.wordOverlap($0, token) != 0 || tags.contains(Int($0) % codes.tokensPerWord)
        }
    }

    // MARK: - Kinds

    /// Keys that an edge cuts, at edges of their own, as far as there are so many.
    mutating func hideCut() {
        let edges = (count - Self.factTokens) / shape.chunk
        let cuts = min(edges, Self.keyTokens)
        for after in 1...cuts {
            let edge = (1 + (after - 1) * (edges - 1) / max(cuts - 1, 1)) * shape.chunk
            // Behind an edge the heads bring a blur of the tokens there, which must not be taken for what they replace.
            var fact: [Int32]
            repeat { fact = draw(Self.factTokens) } while blurIsSimilar(fact)
            patches.append(RecallPatch(position: edge - after, tokens: fact))
            ask(.cut(after: after), at: edge - after, fact.prefix(Self.keyTokens), [0])
        }
    }

    mutating func hideFacts(_ depths: Int, values: Int = valueTokens) {
        for index in 0..<depths {
            let depth = 0.001 + 0.989 * Double(index) / Double(max(depths - 1, 1))
            let fact = draw(Self.keyTokens + values)
            let place = hide(fact, depth: depth)
            ask(.fact, at: place, fact.prefix(Self.keyTokens), fact.suffix(values))
        }
    }

    /// One key among five that differ in one token; two of these only in the expert.
    mutating func hideDecoys() {
        let fact = draw(Self.factTokens)
        let place = hide(fact, depth: 0.55)
        var changes: [(place: Int, token: Int32)] = Array(pick(Self.keyTokens, besides: fact).enumerated())
            .map { ($0.offset, $0.element) }
        // Tokens further back are known by their words alone.
        let tagged = shape.knownBits(layer: 1) == TokenCodes.bits ? [1, 2] : [2]
        changes += tagged.map { ($0, otherTag(of: fact[$0])) }
        for (index, change) in changes.enumerated() {
            var decoy: [Int32]
            repeat {
                decoy = fact.prefix(Self.keyTokens) + pick(Self.valueTokens, besides: fact)
                decoy[change.place] = change.token
            } while !take(decoy)
            hide(decoy, depth: 0.15 + 0.16 * Double(index))
        }
        ask(.decoys, at: place, fact.prefix(Self.keyTokens), fact.suffix(Self.valueTokens))
    }

    mutating func hideThreeOfFour() {
        let fact = draw(Self.keyTokens + 2)
        let (key, value, rival) = (fact.prefix(Self.keyTokens), fact[Self.keyTokens], fact[Self.keyTokens + 1])
        for (depth, value) in zip([0.2, 0.4, 0.6, 0.9], [value, value, rival, value]) {
            hide(key + [value], depth: depth)
        }
        questions.append(RecallQuestion(.threeOfFour, key: Array(key), expected: [value], rival: rival))
    }

    mutating func leaveOut() {
        questions.append(RecallQuestion(.absent, key: draw(Self.keyTokens), expected: [0]))
    }

    private mutating func ask(
        _ kind: RecallQuestion.Kind, at place: Int, _ key: ArraySlice<Int32>, _ expected: ArraySlice<Int32>
    ) {
        questions.append(
            RecallQuestion(kind, depth: Double(place) / Double(count), key: Array(key), expected: Array(expected)))
    }

    // MARK: - Tokens

    private mutating func next(below limit: Int) -> Int {
        random = Mixing.mix(random)
        return Int(random % UInt64(limit))
    }

    /// Tokens that no question has yet, in this order.
    private mutating func draw(_ count: Int) -> [Int32] {
        while true {
            let tokens = pick(count)
            if take(tokens) { return tokens }
        }
    }

    /// Tokens with words that differ, from those of some others too.
    private mutating func pick(_ count: Int, besides others: [Int32] = []) -> [Int32] {
        var words = Set(others.map { codes.word(of: $0) })
        var tokens: [Int32] = []
        while tokens.count < count {
            let token = allowed[next(below: allowed.count)]
            if words.insert(codes.word(of: token)).inserted { tokens.append(token) }
        }
        return tokens
    }

    /// Remembers all three tokens in a row; false if some were there before.
    private mutating func take(_ tokens: [Int32]) -> Bool {
        let new = tokens.indices.dropFirst(2).map { index in
            let second = tokens[index - 1]
            return Window(
                word: codes.word(of: tokens[index - 2]),
                second: shape.knownBits(layer: 1) == TokenCodes.bits ? Int(second) : codes.word(of: second),
                third: tokens[index])
        }
        guard windows.isDisjoint(with: new), Set(new).count == new.count else { return false }
        windows.formUnion(new)
        return true
    }

    private mutating func otherTag(of token: Int32) -> Int32 {
        let first = token - token % Int32(codes.tokensPerWord)
        while true {
            let other = first + Int32(next(below: codes.tokensPerWord))
            if other != token { return other }
        }
    }

    /// Whether the majority of the bits of three tokens behind the first agrees with it more than other words do.
    private func blurIsSimilar(_ fact: [Int32]) -> Bool {
        let words = fact.prefix(4).map { codes.word($0) }
        let overlap = words[0].indices.reduce(Float(0)) { sum, bit in
            let majority: Float = words[1][bit] + words[2][bit] + words[3][bit] > 0 ? 1 : -1
            return sum + words[0][bit] * majority
        }
        return overlap > 8
    }

    // MARK: - Places

    /// Puts tokens near a depth, within one chunk and apart from all others.
    @discardableResult
    private mutating func hide(_ tokens: [Int32], depth: Double) -> Int {
        let wanted = max(1, Int(depth * Double(count)))
        for candidate in [wanted..<count, 1..<wanted].joined() where isFree(candidate, tokens.count) {
            patches.append(RecallPatch(position: candidate, tokens: tokens))
            return candidate
        }
        preconditionFailure("there is room for all facts")
    }

    private func isFree(_ position: Int, _ length: Int) -> Bool {
        let end = position + length
        return end <= count && position / shape.chunk == (end - 1) / shape.chunk
            && patches.allSatisfy { end < $0.position || $0.position + $0.tokens.count < position }
    }
}
