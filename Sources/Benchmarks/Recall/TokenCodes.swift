// Every token has a code of +1 and -1: a word of a code whose words lie far apart, and a tag among the tokens that share
// the word. Tags are written by the experts, so that a token sent to the wrong expert is another token.

/// The codes of a vocabulary.
package struct TokenCodes: Sendable {
    static let wordBits = 24
    static let tagBits = 16
    static let bits = wordBits + tagBits

    /// Tokens that share a word; they differ in their tags.
    package let tokensPerWord: Int
    private let experts: Int

    init(experts: Int) {
        self.experts = experts
        tokensPerWord = min(experts, Self.tagBits)
    }

    /// The expert that a token goes to.
    func expert(of token: Int32) -> Int { Int(token) % experts }

    /// Which word: tokens follow each other in groups that share one.
    package func word(of token: Int32) -> Int { Int(token) / tokensPerWord }

    /// The tag that an expert writes.
    static func tag(expert: Int) -> [Float] {
        (0..<tagBits).map { (expert % tagBits & $0).nonzeroBitCount.isMultiple(of: 2) ? 1 : -1 }
    }

    /// `[wordBits]`
    func word(_ token: Int32) -> [Float] { GolayCode.word(word(of: token)) }

    /// Word and tag, `[bits]`. Of two different tokens at most 32 bits are equal.
    package func code(_ token: Int32) -> [Float] { word(token) + Self.tag(expert: expert(of: token)) }

    /// How many bits of two tokens are equal, less those that are not.
    package func overlap(_ a: Int32, _ b: Int32) -> Int {
        Int(zip(code(a), code(b)).reduce(0) { $0 + $1.0 * $1.1 })
    }

    /// The same for their words alone.
    func wordOverlap(_ a: Int32, _ b: Int32) -> Int {
        Int(zip(word(a), word(b)).reduce(0) { $0 + $1.0 * $1.1 })
    }
}

/// The extended Golay code: 4096 words of 24 bits, of which two differ in at least 8.
enum GolayCode {
    static let words = 1 << 12

    /// The word of a number as +1 and -1. Two different words agree in at most 8 more bits than they differ.
    static func word(_ number: Int) -> [Float] {
        precondition((0..<words).contains(number), "there are \(words) words")
        // The cyclic code: the number times x^11, and what is left of it after division by the generator.
        let generator = 0b1100_0111_0101
        var rest = number << 11
        for bit in stride(from: 22, through: 11, by: -1) where rest >> bit & 1 == 1 { rest ^= generator << (bit - 11) }
        let cyclic = number << 11 | rest
        let word = cyclic << 1 | cyclic.nonzeroBitCount & 1
        return (0..<24).map { word >> $0 & 1 == 1 ? 1 : -1 }
    }
}
