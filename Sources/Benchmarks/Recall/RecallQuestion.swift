/// Something to be recalled from a context, and what is right.
package struct RecallQuestion: Sendable, Equatable {
    /// What the question tries.
    package enum Kind: Sendable, Equatable {
        /// A key at one place, with values behind it.
        case fact
        /// A key that a chunk's edge cuts after so many tokens: the layers with chunks never see it whole.
        case cut(after: Int)
        /// A key beside others that differ in one token, or only in the expert of one.
        case decoys
        /// A key that is nowhere.
        case absent
        /// A key at four places, at three of them with one value: the model's attention is shared out in fourths.
        case threeOfFour

        /// As records name it.
        package var name: String {
            switch self {
            case .fact: "fact"
            case .cut(let tokens): "cut_after_\(tokens)"
            case .decoys: "decoys"
            case .absent: "absent"
            case .threeOfFour: "three_of_four"
            }
        }
    }

    package var kind: Kind
    /// Where the key stands, as a share of the context; nil where there is no one place.
    package var depth: Double?
    /// The three tokens that the prompt ends with.
    package var key: [Int32]
    /// What greedy decoding must say; as many tokens as are asked for.
    package var expected: [Int32]
    /// The value of the fourth place.
    package var rival: Int32?

    init(_ kind: Kind, depth: Double? = nil, key: [Int32], expected: [Int32], rival: Int32? = nil) {
        self.kind = kind
        self.depth = depth
        self.key = key
        self.expected = expected
        self.rival = rival
    }
}
