// What a query sees, and where attention finds it. Which pages exist and which are given back is KVCache's business.

import CKernels

/// Which earlier positions a layer's queries see. Causality comes on top: nobody sees later positions.
package enum AttentionKind: Sendable, Hashable {
    /// All of them.
    case full
    /// The last `window`, the query's own position included.
    case sliding(window: Int)
    /// Those of the same aligned chunk.
    case chunked(size: Int)

    /// The first position that the query at `position` sees.
    package func lowerBound(_ position: Int) -> Int {
        let (window, chunk) = bounds
        return ck_lower_bound(position, window, chunk)
    }

    /// Whether it sees a window that moves with the position.
    package var isSliding: Bool {
        if case .sliding = self { true } else { false }
    }

    /// Window and chunk, 0 where there is none.
    var bounds: (window: Int, chunk: Int) {
        switch self {
        case .full: (0, 0)
        case .sliding(let window): (window, 0)
        case .chunked(let size): (0, size)
        }
    }
}

/// One page of the cache, in memory that somebody else owns: the planes of a `KVPageShape`.
@safe
package struct KVPageView {
    package var keys: UnsafeMutableRawPointer
    package var values: UnsafeMutableRawPointer

    /// Both aligned to 64 bytes, or at least for the numbers they hold.
    package init(keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer) {
        unsafe self.keys = unsafe keys
        unsafe self.values = unsafe values
    }
}

/// The pages of one sequence in one layer.
@safe
package struct KVPages {
    /// Page i holds positions `i * pageTokens ..< (i + 1) * pageTokens`; nil where dropped or not yet there.
    package var pages: [KVPageView?]
    /// Positions per page: divides 512, multiple of 8.
    package var pageTokens: Int
    package var kvHeads: Int
    package var headDim: Int
    package var type: KVType

    /// Describes pages; nothing is copied.
    package init(pages: [KVPageView?], pageTokens: Int, kvHeads: Int, headDim: Int, type: KVType) {
        self.pages = pages
        self.pageTokens = pageTokens
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.type = type
    }

    /// The form of each page.
    package var shape: KVPageShape {
        KVPageShape(type: type, kvHeads: kvHeads, headDim: headDim, pageTokens: pageTokens)
    }
}

/// Queries of consecutive positions and the cache that they attend to. Keys and values of the queries' own positions
/// are already in the pages.
@safe
package struct AttentionRequest {
    /// `[tokens, heads, headDim]`
    package var queries: UnsafePointer<Float>
    package var tokens: Int
    /// Query heads, a multiple of the KV heads: head h reads KV head `h / (heads / kvHeads)`.
    package var heads: Int
    /// Multiplies the scores, usually 1 / sqrt(headDim).
    package var scale: Float
    package var kind: AttentionKind
    /// The position of query 0.
    package var firstPosition: Int
    package var cache: KVPages

    /// Collects the parts.
    package init(
        queries: UnsafePointer<Float>, tokens: Int, heads: Int, scale: Float, kind: AttentionKind, firstPosition: Int,
        cache: KVPages
    ) {
        precondition(heads > 0 && heads % cache.kvHeads == 0, "query heads are a multiple of the KV heads")
        unsafe self.queries = unsafe queries
        self.tokens = tokens
        self.heads = heads
        self.scale = scale
        self.kind = kind
        self.firstPosition = firstPosition
        self.cache = cache
    }
}
