// A context of any length with facts hidden in it, and questions about them. All of it follows from a few numbers.

import Glibc

/// What the constructed recall model is asked.
package struct RecallCorpus: Sendable, Equatable {
    /// What lies around the facts.
    enum Filler: Sendable, Equatable {
        /// Ordinary tokens from the first on, which no fact has.
        case mixed(first: Int32)
        /// One token, whose keys score 0 with every question.
        case single(Int32)
    }

    package let shape: RecallShape
    package let seed: UInt64
    /// Tokens of the context; up to seven less than asked for, so that a question lies within one chunk.
    package let count: Int
    package let questions: [RecallQuestion]
    let filler: Filler
    let patches: [RecallPatch]

    /// Hides facts.
    ///
    /// - Parameters:
    ///   - tokens: of the context, at least `leastTokens`.
    ///   - depths: how many single facts, from near the beginning to near the end.
    package init(_ shape: RecallShape, tokens: Int, depths: Int, seed: UInt64) {
        precondition(tokens >= Self.leastTokens(shape, depths: depths), "there is room for all facts")
        var hiding = RecallHiding(shape, count: Self.usable(tokens, chunk: shape.chunk), seed: seed)
        hiding.hideCut()
        hiding.hideFacts(depths)
        hiding.hideDecoys()
        hiding.hideThreeOfFour()
        hiding.leaveOut()
        self.init(shape, hiding, filler: .mixed(first: hiding.firstFiller), seed: seed)
    }

    /// Hides single facts in so many copies of one token that they are found only if queries grow with the position, as
    /// the model's configuration says. The model must have `criticalNatsPerBit`.
    package init(critical shape: RecallShape, tokens: Int, depths: Int, seed: UInt64) {
        precondition(tokens >= Self.leastTokens(shape, depths: depths), "there is room for all facts")
        var hiding = RecallHiding(shape, count: Self.usable(tokens, chunk: shape.chunk), seed: seed)
        // With another tag than token 0, so that what both add to a blur is not one tag.
        let filler = hiding.firstFiller + 1
        hiding.keepApart(from: filler)
        hiding.hideFacts(depths, values: 1)
        self.init(shape, hiding, filler: .single(filler), seed: seed)
    }

    private init(_ shape: RecallShape, _ hiding: RecallHiding, filler: Filler, seed: UInt64) {
        self.shape = shape
        self.seed = seed
        self.filler = filler
        count = hiding.count
        questions = hiding.questions
        patches = hiding.patches
    }

    /// The least length in which so many facts find a place.
    package static func leastTokens(_ shape: RecallShape, depths: Int) -> Int {
        max(2 * shape.chunk, 64 * (depths + 16))
    }

    /// A question, its answer included, must not lie across a chunk's edge.
    private static func usable(_ tokens: Int, chunk: Int) -> Int {
        let rest = tokens % chunk
        return rest > chunk - RecallHiding.factTokens ? tokens - (rest - (chunk - RecallHiding.factTokens)) : tokens
    }

    /// The sharpness with which facts among so many copies of one token are found just because queries grow with the
    /// position, and not without: a match scores as much as the logarithm of the count, times or divided by the square
    /// root of the growth.
    package var criticalNatsPerBit: Double {
        let growth = 1 + 0.1 * log(1 + Double((count + 1) / 8192))
        let bits = TokenCodes.bits + shape.knownBits(layer: 1) + TokenCodes.wordBits
        return log(Double(count)) / Double(bits) / growth.squareRoot()
    }

    /// The context: token 0, then facts among filler. `[count]`
    package func context() -> [Int32] {
        var tokens: [Int32]
        switch filler {
        case .mixed(let first):
            let modulus = UInt64(shape.vocabulary - Int(first))
            tokens = (0..<count).map { first + Int32(Mixing.mix(seed << 32 &+ UInt64($0)) % modulus) }
        case .single(let token): tokens = Array(repeating: token, count: count)
        }
        tokens[0] = 0
        for patch in patches {
            tokens.replaceSubrange(patch.position..<patch.position + patch.tokens.count, with: patch.tokens)
        }
        return tokens
    }
}

/// Tokens that stand in the context in place of filler.
struct RecallPatch: Sendable, Equatable {
    var position: Int
    var tokens: [Int32]
}

/// SplitMix64 without a state: a number that looks random for every number.
enum Mixing {
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
