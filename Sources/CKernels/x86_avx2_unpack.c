// AVX2: quants of the common block types to one byte each. Formats: scalar_blocks.c.

#if defined(__x86_64__)
#include "x86_avx2.h"

#define BLOCKS(elements, bytes) \
    const uint8_t *b = row;     \
    for (size_t i = 0; i < n; i += (elements), b += (bytes), q += (elements))

AVX2_INLINE float half(const uint8_t *p) { return _cvtsh_ss(ck_load16(p)); }

AVX2_INLINE void store(uint8_t *q, __m256i v) { _mm256_storeu_si256((__m256i *)q, v); }

// 16 bytes to 32 nibbles, low ones first.
AVX2_INLINE __m256i nibbles(const uint8_t *qs) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)qs);
    __m256i both = _mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes);
    return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// Bit i of 32 to 16 in byte i.
AVX2_INLINE __m256i fifth_bits(const uint8_t *bits) {
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_shuffle_epi8(_mm256_set1_epi32((int)ck_load32(bits)), spread);
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit), _mm256_set1_epi8(16));
}

AVX2 void ck_avx2_unpack_q4_0(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    BLOCKS(32, 18) {
        store(q, nibbles(b + 2));
        float d = half(b);
        *scales++ = d;
        *minima++ = -8 * d;
    }
}

AVX2 void ck_avx2_unpack_q4_1(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    BLOCKS(32, 20) {
        store(q, nibbles(b + 4));
        *scales++ = half(b);
        *minima++ = half(b + 2);
    }
}

AVX2 void ck_avx2_unpack_q5_0(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    BLOCKS(32, 22) {
        store(q, _mm256_or_si256(nibbles(b + 6), fifth_bits(b + 2)));
        float d = half(b);
        *scales++ = d;
        *minima++ = -16 * d;
    }
}

AVX2 void ck_avx2_unpack_q5_1(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    BLOCKS(32, 24) {
        store(q, _mm256_or_si256(nibbles(b + 8), fifth_bits(b + 4)));
        *scales++ = half(b);
        *minima++ = half(b + 2);
    }
}

AVX2 void ck_avx2_unpack_q8_0(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    (void)minima;
    BLOCKS(32, 34) {
        store(q, _mm256_loadu_si256((const __m256i *)(b + 2)));
        *scales++ = half(b);
    }
}

// d and dmin times the 6-bit scales and minima of 8 sub-blocks (ck_scale_min, four at a time).
AVX2_INLINE void group_scales(const uint8_t *b, float *scales, float *minima) {
    uint32_t s0 = ck_load32(b + 4), s1 = ck_load32(b + 8), s2 = ck_load32(b + 12);
    uint64_t scale = (s0 & 0x3f3f3f3f) | (uint64_t)((s2 & 0x0f0f0f0f) | (s0 >> 2 & 0x30303030)) << 32;
    uint64_t min = (s1 & 0x3f3f3f3f) | (uint64_t)((s2 >> 4 & 0x0f0f0f0f) | (s1 >> 2 & 0x30303030)) << 32;
    __m256 scale8 = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)scale)));
    __m256 min8 = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)min)));
    _mm256_storeu_ps(scales, _mm256_mul_ps(_mm256_set1_ps(half(b)), scale8));
    _mm256_storeu_ps(minima, _mm256_mul_ps(_mm256_set1_ps(-half(b + 2)), min8));
}

AVX2 void ck_avx2_unpack_q4_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    const __m256i low = _mm256_set1_epi8(15);
    BLOCKS(256, 144) {
        for (int k = 0; k < 4; k++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(b + 16 + 32 * k));
            store(q + 64 * k, _mm256_and_si256(bytes, low));
            store(q + 64 * k + 32, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low));
        }
        group_scales(b, scales, minima);
        scales += 8;
        minima += 8;
    }
}

AVX2 void ck_avx2_unpack_q5_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    const __m256i low = _mm256_set1_epi8(15), sixteen = _mm256_set1_epi8(16);
    BLOCKS(256, 176) {
        __m256i high = _mm256_loadu_si256((const __m256i *)(b + 16));
        for (int k = 0; k < 4; k++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(b + 48 + 32 * k));
            // Bits 2k and 2k + 1 of each byte are the fifth bits of the two sub-blocks; move them to bits 4 and 5.
            __m256i moved = k < 2 ? _mm256_slli_epi16(high, 4 - 2 * k) : _mm256_srli_epi16(high, 2 * k - 4);
            __m256i first = _mm256_and_si256(moved, sixteen);
            __m256i second = _mm256_and_si256(_mm256_srli_epi16(moved, 1), sixteen);
            store(q + 64 * k, _mm256_or_si256(_mm256_and_si256(bytes, low), first));
            store(q + 64 * k + 32, _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(bytes, 4), low), second));
        }
        group_scales(b, scales, minima);
        scales += 8;
        minima += 8;
    }
}

AVX2 void ck_avx2_unpack_q6_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    const __m256i low = _mm256_set1_epi8(15), top = _mm256_set1_epi8(48);
    BLOCKS(256, 210) {
        for (int h = 0; h < 2; h++) {
            __m256i a = _mm256_loadu_si256((const __m256i *)(b + 64 * h));
            __m256i c = _mm256_loadu_si256((const __m256i *)(b + 64 * h + 32));
            __m256i high = _mm256_loadu_si256((const __m256i *)(b + 128 + 32 * h));
            uint8_t *out = q + 128 * h;
            store(out, _mm256_or_si256(_mm256_and_si256(a, low), _mm256_and_si256(_mm256_slli_epi16(high, 4), top)));
            store(out + 32, _mm256_or_si256(_mm256_and_si256(c, low), _mm256_and_si256(_mm256_slli_epi16(high, 2), top)));
            a = _mm256_srli_epi16(a, 4);
            c = _mm256_srli_epi16(c, 4);
            store(out + 64, _mm256_or_si256(_mm256_and_si256(a, low), _mm256_and_si256(high, top)));
            store(out + 96, _mm256_or_si256(_mm256_and_si256(c, low), _mm256_and_si256(_mm256_srli_epi16(high, 2), top)));
        }
        __m256 d = _mm256_set1_ps(half(b + 208));
        for (int h = 0; h < 2; h++) {
            __m128i bytes = _mm_loadl_epi64((const __m128i *)(b + 192 + 8 * h));
            __m256 scale = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
            _mm256_storeu_ps(scales + 8 * h, scale);
            _mm256_storeu_ps(minima + 8 * h, _mm256_mul_ps(_mm256_set1_ps(-32), scale));
        }
        scales += 16;
        minima += 16;
    }
}

AVX2 void ck_avx2_floats_f16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(h + i))));
    for (; i < n; i++) out[i] = _cvtsh_ss(ck_load16(h + i));
}

AVX2 void ck_avx2_floats_bf16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(h + i)));
        _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
    }
    for (; i < n; i++) out[i] = ck_bits((uint32_t)ck_load16(h + i) << 16);
}

#endif
