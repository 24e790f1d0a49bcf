// AVX2: 32 quants of a block in one register, and the scales of a block. Formats: scalar_blocks.c.

#ifndef CK_X86_AVX2_BLOCKS_H
#define CK_X86_AVX2_BLOCKS_H

#include "x86_avx2.h"

AVX2_INLINE float half(const uint8_t *p) { return _cvtsh_ss(ck_load16(p)); }

AVX2_INLINE __m256i load_bytes(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }

AVX2_INLINE __m256i low_nibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }

// 16 bytes to 32 nibbles, low ones first.
AVX2_INLINE __m256i nibbles(const uint8_t *qs) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)qs);
    return low_nibbles(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes));
}

// Bit i of 32 to 16 in byte i.
AVX2_INLINE __m256i fifth_bits(const uint8_t *bits) {
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_shuffle_epi8(_mm256_set1_epi32((int)ck_load32(bits)), spread);
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit), _mm256_set1_epi8(16));
}

AVX2_INLINE __m256i quants_q4_0(const uint8_t *b) { return nibbles(b + 2); }
AVX2_INLINE __m256i quants_q4_1(const uint8_t *b) { return nibbles(b + 4); }
AVX2_INLINE __m256i quants_q5_0(const uint8_t *b) { return _mm256_or_si256(nibbles(b + 6), fifth_bits(b + 2)); }
AVX2_INLINE __m256i quants_q5_1(const uint8_t *b) { return _mm256_or_si256(nibbles(b + 8), fifth_bits(b + 4)); }
AVX2_INLINE __m256i quants_q8_0(const uint8_t *b) { return load_bytes(b + 2); }

// Sub-block k of 8.
AVX2_INLINE __m256i quants_q4_k(const uint8_t *b, const int k) {
    __m256i bytes = load_bytes(b + 16 + 32 * (k / 2));
    return low_nibbles(k % 2 == 0 ? bytes : _mm256_srli_epi16(bytes, 4));
}

AVX2_INLINE __m256i quants_q5_k(const uint8_t *b, const int k) {
    __m256i bytes = load_bytes(b + 48 + 32 * (k / 2)), high = load_bytes(b + 16);
    // Bit k of each byte goes to bit 4; what comes over from the neighbouring byte is masked out.
    __m256i moved = k < 4 ? _mm256_slli_epi16(high, 4 - k) : _mm256_srli_epi16(high, k - 4);
    __m256i low = low_nibbles(k % 2 == 0 ? bytes : _mm256_srli_epi16(bytes, 4));
    return _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi8(16)));
}

AVX2_INLINE __m256i quants_q6_k(const uint8_t *b, const int k) {
    const int half = k / 4, group = k % 4;
    __m256i bytes = load_bytes(b + 64 * half + 32 * (group % 2)), high = load_bytes(b + 128 + 32 * half);
    __m256i moved = group == 0   ? _mm256_slli_epi16(high, 4)
                    : group == 1 ? _mm256_slli_epi16(high, 2)
                    : group == 2 ? high
                                 : _mm256_srli_epi16(high, 2);
    __m256i low = low_nibbles(group < 2 ? bytes : _mm256_srli_epi16(bytes, 4));
    return _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi8(48)));
}

// The 6-bit scales of the 8 sub-blocks of Q4_K and Q5_K, then their minima (ck_scale_min, all at once).
AVX2_INLINE __m128i scale_bytes(const uint8_t *b) {
    const __m128i own = _mm_setr_epi8(4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11);
    const __m128i shared = _mm_setr_epi8(-1, -1, -1, -1, 12, 13, 14, 15, -1, -1, -1, -1, 12, 13, 14, 15);
    __m128i v = _mm_loadu_si128((const __m128i *)b);
    __m128i a = _mm_shuffle_epi8(v, own), c = _mm_shuffle_epi8(v, shared);
    __m128i low = _mm_and_si128(a, _mm_setr_epi32(0x3f3f3f3f, 0, 0x3f3f3f3f, 0));
    __m128i top = _mm_and_si128(_mm_srli_epi16(a, 2), _mm_setr_epi32(0, 0x30303030, 0, 0x30303030));
    c = _mm_and_si128(_mm_blend_epi16(c, _mm_srli_epi16(c, 4), 0xf0), _mm_set1_epi8(15));
    return _mm_or_si128(_mm_or_si128(low, top), c);
}

// d and dmin times scales and minima.
AVX2_INLINE void group_scales(const uint8_t *b, __m256 *scales, __m256 *minima) {
    __m128i bytes = scale_bytes(b);
    __m256 scale = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    __m256 min = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
    *scales = _mm256_mul_ps(_mm256_set1_ps(half(b)), scale);
    *minima = _mm256_mul_ps(_mm256_set1_ps(-half(b + 2)), min);
}

// The scales of groups 0...7 and 8...15.
AVX2_INLINE void scales_q6_k(const uint8_t *b, __m256 *first, __m256 *second) {
    __m256 d = _mm256_set1_ps(half(b + 208));
    __m128i bytes = _mm_loadu_si128((const __m128i *)(b + 192));
    *first = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
    *second = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))));
}

#endif
