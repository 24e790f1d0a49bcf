// Finds the longest of some strings that a text continues with: special tokens and user-defined pieces.

/// A byte trie with children as sibling lists under a table for the first byte.
struct PrefixTrie: Sendable {
    private struct Node {
        var byte: UInt8
        /// -1 where no string ends.
        var id: Int32 = -1
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
    }

    private var roots = [Int32](repeating: -1, count: 256)
    private var nodes: [Node] = []

    var isEmpty: Bool { nodes.isEmpty }

    /// Adds a string; an empty one is ignored, of equal ones the first counts.
    mutating func insert(_ string: some Sequence<UInt8>, id: Int32) {
        var current: Int32 = -1
        for byte in string {
            let known = child(of: current, byte)
            if known >= 0 {
                current = known
                continue
            }
            let new = Int32(nodes.count)
            var node = Node(byte: byte)
            if current < 0 {
                roots[Int(byte)] = new
            } else {
                node.nextSibling = nodes[Int(current)].firstChild
                nodes[Int(current)].firstChild = new
            }
            nodes.append(node)
            current = new
        }
        if current >= 0, nodes[Int(current)].id < 0 { nodes[Int(current)].id = id }
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32 {
        if node < 0 { return roots[Int(byte)] }
        var child = nodes[Int(node)].firstChild
        while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
        return child
    }

    /// The longest string at `offset`, or nil.
    @inline(__always)
    func longest(_ text: TextView, at offset: Int) -> (id: Int32, length: Int)? {
        let root = roots[Int(text[offset])]
        return root < 0 ? nil : longest(text, at: offset, from: root)
    }

    private func longest(
        _ text: TextView, at offset: Int, from root: Int32
    ) -> (id: Int32, length: Int)? {
        var node = root
        var found: (id: Int32, length: Int)?
        var length = 1
        while true {
            if nodes[Int(node)].id >= 0 { found = (nodes[Int(node)].id, length) }
            guard offset + length < text.count else { return found }
            node = child(of: node, text[offset + length])
            guard node >= 0 else { return found }
            length += 1
        }
    }

    func longest(_ text: [UInt8], at offset: Int) -> (id: Int32, length: Int)? {
        text.withTextView { longest($0, at: offset) }
    }
}
