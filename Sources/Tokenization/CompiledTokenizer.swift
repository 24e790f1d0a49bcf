// A tokenizer's tables as they are used. They are plain memory, so they can be written to a file and mapped again.

struct CompiledTokenizer {
    /// What a definition says beside its tables.
    struct Settings: Equatable {
        var model: TokenizerDefinition.Model
        var normalizesToNFC: Bool
        var ignoresMerges: Bool
        var addsBOS: Bool
        var bos: Int32?
        var unknown: Int32?
        var stopTokens: Set<Int32>
        var suppressedTokens: Set<Int32>
        var spacePrefix: TokenizerDefinition.SpacePrefix
        var trimming: [Int32: TokenizerDefinition.Trimming]
        /// Bytes of the longest normal entry.
        var longestEntry: Int

        var isByteLevel: Bool { if case .byteLevel = model { true } else { false } }
    }

    let settings: Settings
    let vocabulary: Vocabulary
    /// Of models that merge by rank; empty for `scored`.
    let merges: Table<RankedMerges.Entry>
    /// Of `scored` models.
    let ranks: Table<UInt32>
    /// Of models that merge characters.
    let borders: PairBorders?

    init(
        settings: Settings, vocabulary: Vocabulary, merges: Table<RankedMerges.Entry>, ranks: Table<UInt32>,
        borders: PairBorders?
    ) {
        self.settings = settings
        self.vocabulary = vocabulary
        self.merges = merges
        self.ranks = ranks
        self.borders = borders
    }

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let vocabulary = try Vocabulary(definition)
        for id in definition.stopTokens.union([definition.bos, definition.unknown].compactMap(\.self))
        where !(0..<Int32(definition.tokens.count)).contains(id) {
            throw .inconsistent("the special id \(id) is outside the vocabulary")
        }
        var merges = Table<RankedMerges.Entry>([])
        var ranks = Table<UInt32>([])
        var borders: PairBorders?
        switch definition.model {
        case .byteLevel:
            merges = try RankedMerges(definition.merges, in: .byteAlphabet, index: vocabulary.index).entries
        case .ranked:
            merges = try RankedMerges(definition.merges, in: .escapedSpaces, index: vocabulary.index).entries
        case .scored:
            guard definition.scores.count == definition.tokens.count else {
                throw .inconsistent("\(definition.tokens.count) tokens, but \(definition.scores.count) scores")
            }
            ranks = ScoredPieces(definition.scores, index: vocabulary.index).ranks
        }
        if !definition.isByteLevel {
            // No text is cut inside of a piece that is matched as it stands either.
            borders = PairBorders(vocabulary.decoded) {
                definition.kinds[$0] == .normal || definition.kinds[$0] == .userDefined
            }
        }
        let settings = Settings(
            model: definition.model, normalizesToNFC: definition.normalizesToNFC,
            ignoresMerges: definition.ignoresMerges, addsBOS: definition.addsBOS, bos: definition.bos,
            unknown: definition.unknown, stopTokens: definition.stopTokens,
            suppressedTokens: definition.suppressedTokens, spacePrefix: definition.spacePrefix,
            trimming: definition.trimming, longestEntry: vocabulary.longestEntry)
        self.init(settings: settings, vocabulary: vocabulary, merges: merges, ranks: ranks, borders: borders)
    }

    /// - Parameter window: symbols of a long piece that are merged at a time.
    func encoder(window: Int = PieceMerging.shortPiece) -> any TextEncoder {
        switch settings.model {
        case .byteLevel(let rule):
            EncoderPool(
                ByteLevelModel(
                    preTokenizer: PreTokenizer(rule), rule: RankedMerges(entries: merges), index: vocabulary.index,
                    byteTokens: vocabulary.byteTokens, ignoresMerges: settings.ignoresMerges,
                    longestEntry: settings.longestEntry), window: window)
        case .scored: EncoderPool(characters(ScoredPieces(ranks: ranks, index: vocabulary.index)), window: window)
        case .ranked: EncoderPool(characters(RankedMerges(entries: merges)), window: window)
        }
    }

    private func characters<Rule: MergeRule>(_ rule: Rule) -> CharacterModel<Rule> {
        guard let borders else { preconditionFailure("a model of characters has borders") }
        return CharacterModel(
            rule: rule, index: vocabulary.index, fixedPieces: vocabulary.formatting, byteTokens: vocabulary.byteTokens,
            unknown: settings.unknown ?? -1, borders: borders)
    }
}
