// The form of cached keys and values: how numbers are kept, and how many bytes a page takes. Everything that asks for
// bytes of the cache asks here.

import CKernels

/// How cached keys and values are stored.
package enum KVType: String, Sendable, Hashable, CaseIterable {
    case f16
    case f32
    /// Integers of a byte, with one scale per token and head, of rotated heads.
    case q8
    /// The same with sixteen levels.
    case q4

    /// What kernels and files call it.
    package var code: Int32 {
        switch self {
        case .f32: Int32(CK_KV_F32)
        case .f16: Int32(CK_KV_F16)
        case .q8: Int32(CK_KV_Q8)
        case .q4: Int32(CK_KV_Q4)
        }
    }
}

/// What a page of one layer looks like: a plane of keys, `[kvHeads][headDim][pageTokens]`, and behind it one of values,
/// `[kvHeads][pageTokens][headDim]`, each with its scales. Where keys can be rebuilt from values, there are only these.
package struct KVPageShape: Sendable, Hashable {
    package var type: KVType
    package var kvHeads: Int
    /// Even for `q4`.
    package var headDim: Int
    /// Positions per page: divides 512, multiple of 8.
    package var pageTokens: Int
    /// Whether there are keys.
    package var hasKeys: Bool

    /// Collects the parts.
    package init(type: KVType, kvHeads: Int, headDim: Int, pageTokens: Int, hasKeys: Bool = true) {
        precondition(pageTokens > 0 && pageTokens % 8 == 0 && CK_SPAN % pageTokens == 0, "page size")
        precondition(kvHeads > 0 && headDim > 0 && (type != .q4 || headDim % 2 == 0), "head shape")
        self.type = type
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.pageTokens = pageTokens
        self.hasKeys = hasKeys
    }

    /// Bytes of the keys of a page, where the values begin; a multiple of 64.
    package var keyBytes: Int { hasKeys ? valueBytes : 0 }

    /// Bytes of the values; a multiple of 64.
    package var valueBytes: Int {
        var shape = kernels
        return unsafe ck_kv_plane_bytes(&shape)
    }

    /// Bytes of a page; a multiple of 64.
    package var bytes: Int { keyBytes + valueBytes }

    /// Zeroes the places of a page from `place` on.
    package func clear(_ page: UnsafeMutableRawPointer, from place: Int) {
        guard place < pageTokens else { return }
        var shape = kernels
        unsafe ck_kv_clear(&shape, hasKeys ? page : nil, page + keyBytes, place)
    }

    var kernels: ck_kv_shape {
        ck_kv_shape(type: type.code, kv_heads: kvHeads, head_dim: headDim, page_tokens: pageTokens)
    }
}
