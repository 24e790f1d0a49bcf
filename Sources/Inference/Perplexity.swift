// How well a model predicts a text, taken as llama.cpp's llama-perplexity takes it, so that figures can be compared:
// windows that don't overlap, each from an empty cache, of which the second half is scored.

import Glibc
package import Tokenization

/// What was found of the tokens scored so far.
package struct Perplexity: Sendable, Equatable {
    /// Tokens that were scored.
    package private(set) var count = 0
    private var sum = 0.0
    private var squares = 0.0

    package init() {}

    /// Adds the natural logarithms of the probabilities that some tokens were given.
    package mutating func add(_ logProbabilities: [Float]) {
        for logProbability in logProbabilities.map(Double.init) {
            sum -= logProbability
            squares += logProbability * logProbability
        }
        count += logProbabilities.count
    }

    /// e to the mean of the negative log-probabilities.
    package var value: Double { exp(mean) }

    /// The standard error of `value`: that of the mean, carried through the exponential.
    package var error: Double {
        guard count > 1 else { return 0 }
        let variance = max(0, squares / Double(count) - mean * mean)
        return value * (variance / Double(count - 1)).squareRoot()
    }

    private var mean: Double { count > 0 ? sum / Double(count) : 0 }
}

/// A text cut into windows.
package struct PerplexityWindows: Sendable {
    /// Tokens of a window, the one at its start that is replaced by BOS among them.
    package let size: Int
    private let tokens: [Int32]
    private let bos: Int32?

    /// Cuts a text. What is left behind the last whole window is not used.
    ///
    /// - Parameters:
    ///   - utf8: read as ordinary text: no control tokens come out of it.
    ///   - size: at least 4.
    package init(_ utf8: [UInt8], tokenizer: Tokenizer, size: Int) {
        precondition(size >= 4, "a window needs tokens to read and tokens to score")
        self.size = size
        bos = tokenizer.addsBOS ? tokenizer.bos : nil
        tokens = (bos.map { [$0] } ?? []) + tokenizer.encode(utf8: utf8)
    }

    package var count: Int { tokens.count / size }

    /// A window's tokens. Where the model wants BOS, it takes the place of the first.
    subscript(index: Int) -> [Int32] {
        var window = Array(tokens[index * size..<(index + 1) * size])
        if let bos { window[0] = bos }
        return window
    }
}

extension Engine {
    /// Scores the first windows of a text. The model sees each token of a window; those behind its middle count.
    ///
    /// - Parameters:
    ///   - limit: at most so many windows.
    ///   - progress: called after each window with what was found so far.
    package func perplexity(
        _ windows: PerplexityWindows, limit: Int = .max,
        progress: (_ found: Perplexity, _ done: Int) throws -> Void = { _, _ in }
    ) async throws -> Perplexity {
        var found = Perplexity()
        for index in 0..<min(limit, windows.count) {
            try Task.checkCancellation()
            let window = windows[index]
            // The token after the middle is the first to be predicted. Logits live one row at a time.
            let read = windows.size / 2 + 1
            await forget()
            let scored = try await score(prompt: Array(window[..<read]), continuations: [Array(window[read...])])
            for continuation in scored { found.add(continuation.tokenLogProbabilities) }
            try progress(found, index + 1)
        }
        return found
    }
}
