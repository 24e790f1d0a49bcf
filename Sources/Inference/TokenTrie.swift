// The vocabulary as a tree of bytes, laid out so that one walk in memory order visits it.
//
// Built once per model when the first grammar arrives. Only tokens that stand for text are in it: a grammar can never
// produce a control token.

import Tokenization

/// All tokens by their bytes. Nodes stand in depth-first order; a whole subtree is skipped by one jump.
struct TokenTrie: Sendable {
    struct Node {
        var byte: UInt8
        /// Bytes from the root to this node, at least 1.
        var depth: UInt16
        /// The first node after this one's subtree.
        var end: Int32
        /// The tokens that end here: `tokens[firstToken..<next node's firstToken]`.
        var firstToken: Int32
    }

    private(set) var nodes: [Node] = []
    private(set) var tokens: [Int32] = []
    private(set) var maximumDepth = 0
    /// Bytes of all tokens by id; token `id` has `text[starts[id]..<starts[id + 1]]`.
    private var text: [UInt8] = []
    private var starts: [Int32] = [0]

    init(vocabulary: [(id: Int32, bytes: [UInt8])]) {
        for (id, bytes) in vocabulary.sorted(by: { $0.id < $1.id }) {
            while starts.count <= id { starts.append(Int32(text.count)) }
            text += bytes
            starts.append(Int32(text.count))
        }
        let sorted = vocabulary.filter { !$0.bytes.isEmpty && $0.bytes.count <= Int(UInt16.max) }
            .sorted { $0.bytes == $1.bytes ? $0.id < $1.id : $0.bytes.lexicographicallyPrecedes($1.bytes) }
        var path: [Int] = []
        var previous: [UInt8] = []
        for (id, bytes) in sorted {
            var common = 0
            while common < min(previous.count, bytes.count), previous[common] == bytes[common] { common += 1 }
            while path.count > common { nodes[path.removeLast()].end = Int32(nodes.count) }
            for depth in common..<bytes.count {
                path.append(nodes.count)
                nodes.append(
                    Node(byte: bytes[depth], depth: UInt16(depth + 1), end: 0, firstToken: Int32(tokens.count)))
            }
            tokens.append(id)
            previous = bytes
            maximumDepth = max(maximumDepth, bytes.count)
        }
        while let open = path.popLast() { nodes[open].end = Int32(nodes.count) }
        // Closes the last node's list of tokens.
        nodes.append(Node(byte: 0, depth: 0, end: Int32(nodes.count + 1), firstToken: Int32(tokens.count)))
    }

    /// The tokens of a tokenizer that stand for text.
    init(_ tokenizer: Tokenizer) {
        var vocabulary: [(id: Int32, bytes: [UInt8])] = []
        vocabulary.reserveCapacity(tokenizer.vocabularySize)
        for id in 0..<Int32(tokenizer.vocabularySize) where !tokenizer.isControl(id) {
            vocabulary.append((id, tokenizer.bytes(of: id)))
        }
        self.init(vocabulary: vocabulary)
    }

    /// What a token stands for; empty for one that stands for no text.
    func bytes(of id: Int32) -> ArraySlice<UInt8> {
        guard id >= 0, Int(id) + 1 < starts.count else { return [] }
        return text[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])]
    }

    /// The tokens whose bytes lead from `state` to a state of the automaton that is not dead, ascending.
    func allowed(from state: GrammarAutomaton.State, in automaton: inout GrammarAutomaton) -> [Int32] {
        var allowed: [Int32] = []
        // states[d] is where the first d bytes of the current path lead.
        var states = [GrammarAutomaton.State](repeating: GrammarAutomaton.dead, count: maximumDepth + 1)
        states[0] = state
        var node = 0
        while node < nodes.count - 1 {
            let entry = nodes[node]
            let next = automaton.step(states[Int(entry.depth) - 1], entry.byte)
            if next == GrammarAutomaton.dead {
                node = Int(entry.end)
            } else {
                states[Int(entry.depth)] = next
                let last = Int(nodes[node + 1].firstToken)
                if Int(entry.firstToken) < last { allowed.append(contentsOf: tokens[Int(entry.firstToken)..<last]) }
                node += 1
            }
        }
        allowed.sort()
        return allowed
    }
}
