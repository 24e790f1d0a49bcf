/// Follows one output through a grammar and tells which tokens may come next.
///
/// The tokens of a state are found by one walk through the vocabulary and kept; loops in the grammar come back to the
/// same state, so a long output costs a few walks.
final class GrammarMatcher {
    private var automaton: GrammarAutomaton
    private let trie: TokenTrie
    private let stopTokens: [Int32]
    private var state: GrammarAutomaton.State = 0
    private var cache: [GrammarAutomaton.State: [Int32]] = [:]

    /// - Parameter stopTokens: allowed wherever the output may end.
    init(_ grammar: Grammar, trie: TokenTrie, stopTokens: Set<Int32>) throws(EngineError) {
        automaton = try GrammarAutomaton(grammar)
        self.trie = trie
        self.stopTokens = stopTokens.sorted()
    }

    /// Begins a new output.
    func restart() { state = 0 }

    /// Whether the output may end here.
    var isComplete: Bool { automaton.isAccepting(state) }

    /// Whether the output must end here.
    var isExhausted: Bool { isComplete && textTokens().isEmpty }

    /// The tokens that may come next.
    func allowed() throws(EngineError) -> [Int32] {
        let tokens = textTokens()
        guard isComplete || !tokens.isEmpty else { throw .grammar("No token of the model continues it.") }
        return isComplete ? tokens + stopTokens : tokens
    }

    /// Takes the bytes of a token that was allowed.
    func accept(_ bytes: [UInt8]) {
        for byte in bytes {
            state = automaton.step(state, byte)
            precondition(state != GrammarAutomaton.dead, "a token outside of the grammar was accepted")
        }
    }

    private func textTokens() -> [Int32] {
        if let known = cache[state] { return known }
        let found = trie.allowed(from: state, in: &automaton)
        cache[state] = found
        return found
    }
}
