/// Follows one output through a grammar and tells which tokens may come next.
///
/// Single tokens are tried one by one. All tokens of a state are found by one walk through the vocabulary and kept;
/// loops in the grammar come back to the same state, so that a long output costs a few walks.
final class GrammarMatcher {
    /// The most ids kept in lists of states: 16 MiB.
    private static let maximumListed = 4 << 20

    private var automaton: GrammarAutomaton
    private let trie: TokenTrie
    private let stopTokens: Set<Int32>
    /// A token beside the grammar that may come next.
    var mark: Int32?
    private var state: GrammarAutomaton.State = 0
    private var lists: [GrammarAutomaton.State: [Int32]] = [:]
    private var listed = 0

    /// - Parameter stopTokens: allowed wherever the output may end.
    init(_ grammar: Grammar, trie: TokenTrie, stopTokens: Set<Int32>) throws(EngineError) {
        automaton = try GrammarAutomaton(grammar)
        self.trie = trie
        self.stopTokens = stopTokens
    }

    /// Begins a new output.
    func restart() {
        state = 0
        mark = nil
    }

    /// Whether the output may end here.
    var isComplete: Bool { automaton.isAccepting(state) }

    /// Whether the output must end here.
    var isExhausted: Bool { isComplete && (!automaton.leadsOn(state) || textTokens().isEmpty) }

    /// The tokens that may come next, at least one.
    func allowed() throws(EngineError) -> [Int32] {
        let tokens = textTokens()
        if automaton.isOverfull { throw .grammar("Its automaton outgrows its memory.") }
        guard isComplete || !tokens.isEmpty || mark != nil else {
            throw .grammar("No token of the model continues it.")
        }
        return tokens + (isComplete ? stopTokens.sorted() : []) + (mark.map { [$0] } ?? [])
    }

    /// Whether a token may come next.
    func permits(_ token: Int32) -> Bool {
        if token == mark { return true }
        if stopTokens.contains(token) { return isComplete }
        return after(token, from: state) != nil
    }

    /// Takes a token that is permitted and ends nothing.
    func accept(_ token: Int32) {
        guard let next = after(token, from: state) else {
            preconditionFailure("a token outside of the grammar was accepted")
        }
        state = next
    }

    /// How many of these tokens may come next, one after the other, without a stop token.
    func permitted(_ tokens: some Sequence<Int32>) -> Int {
        var (count, reached) = (0, state)
        for token in tokens {
            guard !stopTokens.contains(token), let next = after(token, from: reached) else { break }
            reached = next
            count += 1
        }
        return count
    }

    /// The bytes that must come next, at most `limit`.
    func forcedBytes(limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var reached = state
        while bytes.count < limit, let byte = automaton.forcedByte(reached) {
            bytes.append(byte)
            reached = automaton.step(reached, byte)
        }
        return bytes
    }

    private func after(_ token: Int32, from state: GrammarAutomaton.State) -> GrammarAutomaton.State? {
        let bytes = trie.bytes(of: token)
        guard !bytes.isEmpty else { return nil }
        var reached = state
        for byte in bytes {
            reached = automaton.step(reached, byte)
            if reached == GrammarAutomaton.dead { return nil }
        }
        return reached
    }

    private func textTokens() -> [Int32] {
        if let known = lists[state] { return known }
        let found = trie.allowed(from: state, in: &automaton)
        if listed + found.count > Self.maximumListed {
            lists.removeAll()
            listed = 0
        }
        lists[state] = found
        listed += found.count
        return found
    }
}
