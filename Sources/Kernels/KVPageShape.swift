// The form of cached keys and values: how numbers are kept, and how many bytes a page takes. Everything that asks for
// bytes of the cache asks here.

import CKernels

/// How cached keys and values are stored.
package enum KVType: String, Sendable, Hashable, CaseIterable {
    case f16
    case f32
    /// Integers of a byte, with one scale per token and head, of rotated heads.
    case q8
    /// The same, and values in sixteen levels. Keys, and values from which keys are rebuilt, don't bear so few: what
    /// biases of some models add to keys is far larger than what tells them apart.
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
    package var keyBytes: Int {
        guard hasKeys else { return 0 }
        var shape = keyKernels
        return unsafe ck_kv_plane_bytes(&shape)
    }

    /// Bytes of the values; a multiple of 64.
    package var valueBytes: Int {
        var shape = valueKernels
        return unsafe ck_kv_plane_bytes(&shape)
    }

    /// How keys are kept.
    package var keyType: KVType { type == .q4 ? .q8 : type }

    /// How values are kept.
    package var valueType: KVType { type == .q4 && !hasKeys ? .q8 : type }

    /// Bytes of a page; a multiple of 64.
    package var bytes: Int { keyBytes + valueBytes }

    /// Zeroes the places of a page from `place` on.
    package func clear(_ page: UnsafeMutableRawPointer, from place: Int) {
        guard place < pageTokens else { return }
        var (keys, values) = (keyKernels, valueKernels)
        if hasKeys { unsafe ck_kv_clear_keys(&keys, page, place) }
        unsafe ck_kv_clear_values(&values, page + keyBytes, place)
    }

    var keyKernels: ck_kv_shape { kernels(keyType) }
    var valueKernels: ck_kv_shape { kernels(valueType) }

    private func kernels(_ type: KVType) -> ck_kv_shape {
        ck_kv_shape(type: type.code, kv_heads: kvHeads, head_dim: headDim, page_tokens: pageTokens)
    }
}
