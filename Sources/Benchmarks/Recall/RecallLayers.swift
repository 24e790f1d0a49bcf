// The matrices of the layers. Three layers with chunks fetch what stands 3, 2 and 1 tokens before each token and make it
// sharp; the first one with experts has them write the tags. The layer above compares: its key is the three tokens
// before a token, its query a token and the two before it, its value the token itself.

/// Builds matrices. All outputs are exact multiples of `RecallStream.unit` times what the places hold.
struct RecallLayers {
    /// The head of the global layer scores so many nats for a bit that agrees.
    static let natsPerBit = 1.5
    /// The score of the right token where heads are not normalized; where they are, the root of their size.
    private static let offsetStrength = 40.0
    /// Keys of the global layer per unit.
    private static let keySize = 256.0
    /// Of the score of a whole match, the first token gets so many bits less: what scores less than it is not found.
    private static let missingBits = 8
    /// Size of the argument of an exponential function that makes it 0 or 1.
    private static let saturated = 1024.0

    let shape: RecallShape
    let codes: TokenCodes
    private let offsets: OffsetAttention
    private let natsPerBit: Double

    init(_ shape: RecallShape, natsPerBit: Double = natsPerBit) {
        self.shape = shape
        self.natsPerBit = natsPerBit
        codes = TokenCodes(experts: shape.experts)
        offsets = OffsetAttention(
            chunk: shape.chunk, largestOffset: RecallShape.localLayers, strength: Self.offsetStrength(shape))
    }

    private static func offsetStrength(_ shape: RecallShape) -> Double {
        shape.normalizesHeads ? Double(RecallShape.headSize).squareRoot() : offsetStrength
    }

    private var unit: Double { RecallStream.unit }
    private var queryWidth: Int { shape.queryHeads * RecallShape.headSize }
    private var keyWidth: Int { shape.keyValueHeads * RecallShape.headSize }

    /// First row of a head.
    private func head(_ index: Int) -> Int { index * RecallShape.headSize }

    private func matrix(rows: Int) -> RecallMatrix { RecallMatrix(rows: rows, columns: RecallStream.width) }

    // MARK: - Vocabulary

    /// `[vocabulary, width]`
    func embedding() -> RecallMatrix {
        var matrix = matrix(rows: shape.vocabulary)
        for row in 0..<shape.vocabulary {
            let token = Int32(row)
            matrix[row, RecallStream.constant] = Double(RecallStream.constantSize)
            if token == 0 { matrix[row, RecallStream.start] = 1 }
            for (bit, place) in RecallStream.route.enumerated() {
                matrix[row, place] = codes.expert(of: token) >> bit & 1 == 1 ? 1 : -1
            }
            for (place, bit) in zip(RecallStream.word, codes.word(token)) { matrix[row, place] = Double(bit) }
        }
        return matrix
    }

    /// Logit of a token: bits that agree with the found one, less those that don't. `[vocabulary, width]`
    func head() -> RecallMatrix {
        var matrix = matrix(rows: shape.vocabulary)
        for row in 0..<shape.vocabulary {
            for (place, bit) in zip(RecallStream.found, codes.code(Int32(row))) {
                matrix.read(place, into: row, times: Double(bit) / unit)
            }
        }
        return matrix
    }

    // MARK: - Attention

    /// `[query heads * size, width]`
    func query(layer: Int) -> RecallMatrix {
        var matrix = matrix(rows: queryWidth)
        for index in 0..<shape.queryHeads {
            if layer < RecallShape.localLayers {
                let turned = offsets.query(offset: RecallShape.localLayers - layer)
                for (row, value) in turned.enumerated() {
                    matrix.read(RecallStream.constant, into: head(index) + row, times: value * offsetSize)
                }
            } else {
                for (row, place) in (queryPlaces + [RecallStream.constant]).enumerated() {
                    matrix.read(place, into: head(index) + row, times: querySize)
                }
            }
        }
        return matrix
    }

    /// `[key heads * size, width]`
    func key(layer: Int) -> RecallMatrix {
        var matrix = matrix(rows: keyWidth)
        for index in 0..<shape.keyValueHeads {
            if layer < RecallShape.localLayers {
                for (row, value) in offsets.key.enumerated() {
                    matrix.read(RecallStream.constant, into: head(index) + row, times: value * offsetSize)
                }
            } else {
                for (row, place) in keyPlaces.enumerated() {
                    matrix.read(place, into: head(index) + row, times: Self.keySize)
                }
                let bar = Double(keyPlaces.count - Self.missingBits)
                matrix.read(RecallStream.start, into: head(index) + keyPlaces.count, times: Self.keySize * bar)
            }
        }
        return matrix
    }

    /// `[key heads * size, width]`
    func value(layer: Int) -> RecallMatrix {
        var matrix = matrix(rows: keyWidth)
        for index in 0..<shape.keyValueHeads {
            for (row, place) in RecallStream.code.prefix(bits(layer: layer)).enumerated() {
                matrix.read(place, into: head(index) + row)
            }
        }
        return matrix
    }

    /// Every head brings its share of the bits, so that none can be missing. `[width, query heads * size]`
    func output(layer: Int) -> RecallMatrix {
        var matrix = RecallMatrix(rows: RecallStream.width, columns: queryWidth)
        let target = layer < RecallShape.localLayers ? RecallStream.fetched[layer] : RecallStream.found
        for (bit, place) in target.prefix(bits(layer: layer)).enumerated() {
            matrix[place, head(bit % shape.queryHeads) + bit] = 1 / unit
        }
        return matrix
    }

    /// Bits of a token that a layer's heads bring.
    private func bits(layer: Int) -> Int { shape.knownBits(layer: layer) }

    /// Of queries and keys per unit, so that a score is `strength` where heads aren't normalized. Any size would do where
    /// they are.
    private var offsetSize: Double {
        (Self.offsetStrength * Double(RecallShape.headSize).squareRoot()).squareRoot() / unit
    }

    /// So that a bit that agrees adds `natsPerBit` to a score.
    private var querySize: Double {
        natsPerBit * Double(RecallShape.headSize).squareRoot() / (unit * unit * Self.keySize)
    }

    /// The token, the one before, and the word of the one before that, as far as the keys know them.
    private var queryPlaces: [Int] {
        Array(RecallStream.code) + Array(RecallStream.sharp[2].prefix(bits(layer: 1)))
            + Array(RecallStream.sharp[1].prefix(TokenCodes.wordBits))
    }

    /// The three tokens before.
    private var keyPlaces: [Int] {
        Array(RecallStream.sharp[2]) + Array(RecallStream.sharp[1].prefix(bits(layer: 1)))
            + Array(RecallStream.sharp[0])
    }

    // MARK: - Feed-forward

    /// A block that all tokens go through. In the local layers it makes what was fetched sharp, but for token 0:
    /// sharp = clip(16 · fetched, -1, 1) = ramp(16 · fetched + 1) - ramp(16 · fetched - 1) - 1. The ramp is a SiLU of
    /// large arguments.
    func sharpening(layer: Int) -> (gate: RecallMatrix, up: RecallMatrix, down: RecallMatrix) {
        var (gate, up, down) = block()
        guard layer < RecallShape.localLayers else { return (gate, up, down) }
        let bits = bits(layer: layer)
        let (slope, rise, up1) = (4096.0, 256.0, 16.0)
        func open(_ unit: Int, _ constant: Double) {
            gate.read(RecallStream.constant, into: unit, times: constant)
            up.read(RecallStream.constant, into: unit, times: up1)
            up.read(RecallStream.start, into: unit, times: -up1)
        }
        // What a pair of ramps adds up to behind its rise, and what the unit of the constant is.
        let pair = 2 * rise * up1 * unit * unit, one = Self.saturated * up1 * unit * unit
        open(2 * bits, Self.saturated)
        for (bit, (source, target)) in zip(RecallStream.fetched[layer], RecallStream.sharp[layer]).prefix(bits)
            .enumerated()
        {
            open(2 * bit, rise)
            open(2 * bit + 1, -rise)
            gate.read(source, into: 2 * bit, times: slope)
            gate.read(source, into: 2 * bit + 1, times: slope)
            down[target, 2 * bit] = 2 / pair
            down[target, 2 * bit + 1] = -2 / pair
            down[target, 2 * bits] = -1 / one
        }
        return (gate, up, down)
    }

    /// `[experts, width]`: a score for each bit of the number that agrees, so large that its sigmoid is 1.
    func router() -> RecallMatrix {
        var matrix = matrix(rows: shape.experts)
        for expert in 0..<shape.experts {
            for (bit, place) in RecallStream.route.enumerated() {
                matrix.read(place, into: expert, times: expert >> bit & 1 == 1 ? 128 : -128)
            }
        }
        return matrix
    }

    /// The block of one expert: it writes its tag, with all hidden elements, in one layer, and nothing in the others.
    func expert(_ index: Int, layer: Int) -> (gate: RecallMatrix, up: RecallMatrix, down: RecallMatrix) {
        var (gate, up, down) = block()
        guard layer == shape.tagLayer else { return (gate, up, down) }
        let up1 = 16.0
        let one = Self.saturated * up1 * unit * unit
        let tag = TokenCodes.tag(expert: index)
        let copies = Double(RecallShape.feedForward / tag.count)
        for hidden in 0..<RecallShape.feedForward {
            gate.read(RecallStream.constant, into: hidden, times: Self.saturated)
            up.read(RecallStream.constant, into: hidden, times: up1)
            let bit = hidden % tag.count
            down[RecallStream.tag.lowerBound + bit, hidden] = Double(tag[bit]) / (one * copies)
        }
        return (gate, up, down)
    }

    private func block() -> (gate: RecallMatrix, up: RecallMatrix, down: RecallMatrix) {
        (
            matrix(rows: RecallShape.feedForward), matrix(rows: RecallShape.feedForward),
            RecallMatrix(rows: RecallStream.width, columns: RecallShape.feedForward)
        )
    }
}
