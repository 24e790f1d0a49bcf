// Which layers see what, written once per model. Masks, page counts, what may be dropped and the memory estimate
// all follow from this list; nothing else asks for a layer's number or a model's name.

package import Kernels

/// What one decoder layer attends to and what it stores.
package struct LayerPlan: Sendable, Hashable {
    /// Where a layer's keys and values come from.
    package enum KeyValues: Sendable, Hashable {
        case own
        /// Reads what an earlier layer stored and stores nothing itself.
        case shared(withLayer: Int)
    }

    package var attention: AttentionKind
    /// `nil` where positions are not encoded.
    package var rope: RotaryParameters?
    package var keyValues: KeyValues
    package var heads: HeadShape

    package init(attention: AttentionKind, rope: RotaryParameters?, keyValues: KeyValues = .own, heads: HeadShape) {
        self.attention = attention
        self.rope = rope
        self.keyValues = keyValues
        self.heads = heads
    }
}

/// Heads of one layer; layers of one model may differ.
package struct HeadShape: Sendable, Hashable {
    package var queryHeads: Int
    package var keyValueHeads: Int
    /// Elements of one head.
    package var size: Int
    /// Whether keys are kept beside values; otherwise they are rebuilt from values when they are read.
    package var hasKeys: Bool

    package init(queryHeads: Int, keyValueHeads: Int, size: Int, hasKeys: Bool = true) {
        self.queryHeads = queryHeads
        self.keyValueHeads = keyValueHeads
        self.size = size
        self.hasKeys = hasKeys
    }

    /// The form of pages with keys and values of these heads.
    package func pageShape(_ type: KVType, pageTokens: Int) -> KVPageShape {
        KVPageShape(
            type: type, kvHeads: keyValueHeads, headDim: size, pageTokens: pageTokens, hasKeys: hasKeys)
    }

    /// Elements of all query heads of one token.
    package var queryWidth: Int { queryHeads * size }
    /// Elements of all key heads of one token; the same for values.
    package var keyValueWidth: Int { keyValueHeads * size }
}
