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
    /// The same as the values where keys are rebuilt from them.
    package var keys: UnsafeMutableRawPointer
    package var values: UnsafeMutableRawPointer

    /// Both aligned to 64 bytes, or at least for the numbers they hold.
    package init(keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer) {
        unsafe self.keys = unsafe keys
        unsafe self.values = unsafe values
    }
}

/// Pages of one layer with consecutive ordinals, in memory that somebody else owns. Page i holds the positions
/// `i * pageTokens ..< (i + 1) * pageTokens`.
@safe
package struct KVPageRun {
    /// Ordinal of the first page.
    package private(set) var first = 0
    /// Of the pages from `first` on; nil where nothing is held.
    private(set) var keys: [UnsafeRawPointer?] = unsafe []
    private(set) var values: [UnsafeRawPointer?] = unsafe []

    /// A run that begins with page `first` and holds nothing yet.
    package init(first: Int = 0) { self.first = first }

    /// The ordinal after the last page.
    package var end: Int { unsafe first + keys.count }

    /// A page by its ordinal.
    package subscript(ordinal: Int) -> KVPageView? {
        get {
            guard ordinal >= first, ordinal < end, let keys = unsafe keys[ordinal - first],
                let values = unsafe values[ordinal - first]
            else { return nil }
            return unsafe KVPageView(
                keys: UnsafeMutableRawPointer(mutating: keys), values: UnsafeMutableRawPointer(mutating: values))
        }
        set {
            precondition(ordinal >= first && ordinal < end, "a page of the run")
            unsafe keys[ordinal - first] = newValue.map { unsafe UnsafeRawPointer($0.keys) }
            unsafe values[ordinal - first] = newValue.map { unsafe UnsafeRawPointer($0.values) }
        }
    }

    /// Adds the page with the ordinal `end`.
    package mutating func append(_ page: KVPageView?) {
        unsafe keys.append(page.map { unsafe UnsafeRawPointer($0.keys) })
        unsafe values.append(page.map { unsafe UnsafeRawPointer($0.values) })
    }

    /// Takes out pages from the front.
    package mutating func removeFirst(_ count: Int) {
        unsafe keys.removeFirst(count)
        unsafe values.removeFirst(count)
        first += count
    }

    /// Takes out the last page.
    package mutating func removeLast() {
        unsafe keys.removeLast()
        unsafe values.removeLast()
    }
}

/// Pages that memory has no room for: attention gets them in blocks, one after the other.
package protocol KVPageStream: AnyObject {
    /// Positions `0 ..< end` come from here; a multiple of 512.
    var end: Int { get }

    /// Calls `body` with runs of pages that follow each other from position 0 to `end`, each a multiple of 512
    /// positions long. The memory is valid during the call.
    func forEachRun(layer: Int, _ body: (KVPageRun) -> Void)

    /// Where not everything has to be read.
    var sparse: (any KVSparsePages)? { get }
}

/// The pages of one sequence in one layer.
@safe
package struct KVPages {
    /// Those in memory.
    package var run: KVPageRun
    /// Those before them, where not all are in memory; `layer` is its name for the layer.
    package var paged: (stream: any KVPageStream, layer: Int)?
    /// Where several sequences go on from one: its pages, of which those before position `end`, a multiple of 512, are
    /// read once for all of them. Only for layers that see everything.
    package var shared: (run: KVPageRun, end: Int)?
    /// Positions per page: divides 512, multiple of 8.
    package var pageTokens: Int
    package var kvHeads: Int
    package var headDim: Int
    package var type: KVType
    /// Whether keys are kept; otherwise attention rebuilds them from values.
    package var hasKeys: Bool

    /// Describes pages; nothing is copied.
    package init(
        run: KVPageRun, pageTokens: Int, kvHeads: Int, headDim: Int, type: KVType, hasKeys: Bool = true
    ) {
        self.run = run
        self.pageTokens = pageTokens
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.type = type
        self.hasKeys = hasKeys
    }

    /// The form of each page.
    package var shape: KVPageShape {
        KVPageShape(type: type, kvHeads: kvHeads, headDim: headDim, pageTokens: pageTokens, hasKeys: hasKeys)
    }
}

/// How keys come from values where only these are kept: times the weights of the keys' norm, then turned to their
/// positions.
@safe
package struct KeyRebuilding {
    /// `[headDim]`
    let weights: UnsafePointer<Float>
    let rotary: RotaryTable

    /// - Precondition: pairs are half a head apart, angles are exact and have no period.
    package init(weights: UnsafePointer<Float>, rotary: RotaryTable) {
        precondition(rotary.parameters.style == .halfSplit, "pairs that are half a head apart")
        unsafe self.weights = unsafe weights
        self.rotary = rotary
    }

    /// For positions before `end`.
    func kernels(before end: Int) -> ck_rebuilt_keys {
        let (bases, steps) = unsafe rotary.blocks(before: end)
        return unsafe ck_rebuilt_keys(
            weights: weights, pairs: rotary.pairs, distance: rotary.parameters.dimensions / 2, bases: bases,
            steps: steps)
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
    /// Where the cache has no keys.
    package var rebuilding: KeyRebuilding?

    /// Collects the parts.
    package init(
        queries: UnsafePointer<Float>, tokens: Int, heads: Int, scale: Float, kind: AttentionKind, firstPosition: Int,
        cache: KVPages, rebuilding: KeyRebuilding? = nil
    ) {
        precondition(cache.hasKeys == (rebuilding == nil), "keys, or what they are rebuilt from")
        precondition(heads > 0 && heads % cache.kvHeads == 0, "query heads are a multiple of the KV heads")
        unsafe self.queries = unsafe queries
        self.tokens = tokens
        self.heads = heads
        self.scale = scale
        self.kind = kind
        self.firstPosition = firstPosition
        self.cache = cache
        self.rebuilding = rebuilding
    }
}
