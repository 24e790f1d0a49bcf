// The constructed recall model: a small Llama 4 whose weights are written down instead of trained. It continues a text
// that holds `A B C V1 V2 …` and ends with `A B C` by `V1 V2 …`, and says token 0 where the context holds no such key.
// So the right answer of any question is known at any length, and lost pages, wrong masks or wrong experts show.
//
// How it works, from below: token codes (TokenCodes), the places of the residual stream (RecallStream), heads that
// fetch the token so many places back (OffsetAttention), the matrices of the layers (RecallLayers), the file
// (RecallModel). What is asked of it: RecallCorpus.

/// Sizes of the model. Raw values are what users type.
package enum RecallPreset: String, Sendable, CaseIterable {
    case tiny, lite, scoutlike, maverick

    /// The sizes.
    package var shape: RecallShape {
        switch self {
        case .tiny: .tiny
        case .lite: .lite
        case .scoutlike: .scoutlike
        case .maverick: .maverick
        }
    }
}

/// What differs between the presets.
package struct RecallShape: Sendable, Equatable {
    package var queryHeads: Int
    package var keyValueHeads: Int
    package var experts: Int
    /// Every so many layers, one has experts.
    package var expertInterval: Int
    /// Tokens of an aligned chunk; layers with positions see no further.
    package var chunk: Int
    /// Whether layers with positions normalize queries and keys.
    package var normalizesHeads: Bool
    package var vocabulary: Int

    package static let tiny = RecallShape(
        queryHeads: 2, keyValueHeads: 1, experts: 4, expertInterval: 1, chunk: 256, normalizesHeads: true,
        vocabulary: 1024)
    package static let lite = RecallShape(
        queryHeads: 2, keyValueHeads: 1, experts: 16, expertInterval: 1, chunk: 1024, normalizesHeads: true,
        vocabulary: 4096)
    package static let scoutlike = RecallShape(
        queryHeads: 10, keyValueHeads: 2, experts: 16, expertInterval: 1, chunk: 8192, normalizesHeads: true,
        vocabulary: 8192)
    package static let maverick = RecallShape(
        queryHeads: 10, keyValueHeads: 2, experts: 128, expertInterval: 2, chunk: 8192, normalizesHeads: false,
        vocabulary: 8192)

    /// Layers with chunks and positions; the one above them sees everything.
    static let localLayers = 3
    static let layers = localLayers + 1
    static let headSize = 128
    /// Hidden elements of every feed-forward block.
    static let feedForward = 128
    static let rotaryBase = 500_000.0

    func hasExperts(layer: Int) -> Bool { (layer + 1) % expertInterval == 0 }

    /// The layer whose experts write the tags; above it tokens are known whole.
    var tagLayer: Int { expertInterval - 1 }

    /// Bits of the code that layer's heads can fetch.
    func knownBits(layer: Int) -> Int { layer > tagLayer ? TokenCodes.bits : TokenCodes.wordBits }
}
