/// The places of the residual stream, and how matrices read them.
///
/// One place holds a constant so large that the norm divides every token by the same number, to about 10⁻⁴. Everything
/// else is +1, -1 or 0, so what a matrix reads is 0 or one size. The weights of the norms differ from place to place and
/// the matrices undo that: without them the model is wrong.
enum RecallStream {
    static let width = 320
    /// The constant; counted as 1.
    static let constant = 0
    /// 1 in token 0.
    static let start = 1
    /// The number of the token's expert, in bits.
    static let route = 2..<10
    /// The token's word, from the embedding.
    static let word = 10..<34
    /// The token's tag, from the expert.
    static let tag = 34..<50
    /// By local layer: what its heads fetched from 3, 2 and 1 tokens back, as a blur.
    static let fetched = [50..<74, 74..<114, 114..<154]
    /// The same, sharp.
    static let sharp = [154..<178, 178..<218, 218..<258]
    /// The token that the global layer found.
    static let found = 258..<298

    /// What the constant is.
    static let constantSize: Float = 1024
    /// What a 1 is after the norm: the constant makes up almost all of the mean square.
    static let unit = Double(width).squareRoot() / Double(constantSize)

    /// Word and tag of the token.
    static var code: Range<Int> { word.lowerBound..<tag.upperBound }

    /// The weights of all norms, `[width]`.
    static let norm: [Float] = (0..<width).map { $0 == constant ? 1 / constantSize : scale($0) }

    private static func scale(_ place: Int) -> Float { [0.5, 1, 2][place % 3] }

    /// The element of a matrix that makes its row grow by `amount` units for a 1 at a place.
    static func reading(_ amount: Double, at place: Int) -> Double {
        place == constant ? amount : amount / Double(scale(place))
    }
}
