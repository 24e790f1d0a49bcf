/// What was found about one grammar: the same for every output that follows it. Belongs to one thread.
///
/// Single tokens are tried one by one. All tokens of a state are found by one walk through the vocabulary and kept;
/// loops in the grammar come back to the same state, so that a long output costs a few walks.
final class GrammarTable {
    /// The most ids kept in lists of states: 16 MiB.
    private static let maximumListed = 4 << 20

    var automaton: GrammarAutomaton
    private let trie: TokenTrie
    private var lists: [GrammarAutomaton.State: [Int32]] = [:]
    private var listed = 0

    init(_ grammar: Grammar, trie: TokenTrie) throws(EngineError) {
        automaton = try GrammarAutomaton(grammar)
        self.trie = trie
    }

    /// The state behind a token of text; nil where it may not come next.
    func after(_ token: Int32, from state: GrammarAutomaton.State) -> GrammarAutomaton.State? {
        let bytes = trie.bytes(of: token)
        guard !bytes.isEmpty else { return nil }
        var reached = state
        for byte in bytes {
            reached = automaton.step(reached, byte)
            if reached == GrammarAutomaton.dead { return nil }
        }
        return reached
    }

    /// The tokens of text that may come next.
    func tokens(from state: GrammarAutomaton.State) -> [Int32] {
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
