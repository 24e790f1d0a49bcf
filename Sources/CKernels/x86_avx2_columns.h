// AVX2: 8 rows of blocks turned into columns. A register holds 4 columns of 8 rows, 4 bytes for each row, so that the
// products of a row stay in its lane and nothing is added across lanes. Formats: scalar_blocks.c.

#ifndef CK_X86_AVX2_COLUMNS_H
#define CK_X86_AVX2_COLUMNS_H

#include "x86_avx2_blocks.h"

// 8 rows of blocks, `stride` bytes apart.
typedef struct {
    const uint8_t *first;
    size_t stride;
} block_rows;

// Rows r and r + 4. Inserting a lane keeps a shuffle unit busy for two cycles; loading it twice and choosing doesn't.
// In assembly, as clang makes one of the other.
AVX2_INLINE __m256i two_rows(block_rows b, size_t offset, const size_t r) {
    const uint8_t *p = b.first + offset + r * b.stride;
    __m256i low = _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
    __m256i high;
    __asm__("vbroadcasti128 %1, %0" : "=x"(high) : "m"(*(const __m128i_u *)(p + 4 * b.stride)));
    __asm__("vpblendd $0xf0, %1, %0, %0" : "+x"(low) : "x"(high));
    return low;
}

// 16 bytes of each row: the first `count` of their four columns of 4 bytes.
AVX2_INLINE void columns_of_16(block_rows b, size_t offset, const int count, __m256i out[4]) {
    __m256i r[4];
    for (size_t i = 0; i < 4; i++) r[i] = two_rows(b, offset, i);
    __m256i low[2] = {_mm256_unpacklo_epi32(r[0], r[1]), _mm256_unpacklo_epi32(r[2], r[3])};
    out[0] = _mm256_unpacklo_epi64(low[0], low[1]);
    if (count > 1) out[1] = _mm256_unpackhi_epi64(low[0], low[1]);
    if (count == 2) return;
    __m256i high[2] = {_mm256_unpackhi_epi32(r[0], r[1]), _mm256_unpackhi_epi32(r[2], r[3])};
    if (count > 2) out[2] = _mm256_unpacklo_epi64(high[0], high[1]);
    if (count > 3) out[3] = _mm256_unpackhi_epi64(high[0], high[1]);
}

AVX2_INLINE void columns_of_32(block_rows b, size_t offset, __m256i out[8]) {
    columns_of_16(b, offset, 4, out);
    columns_of_16(b, offset + 16, 4, out + 4);
}

AVX2_INLINE __m256i high_nibbles(__m256i v) { return low_nibbles(_mm256_srli_epi16(v, 4)); }

// 16 bytes of nibbles, low ones first.
AVX2_INLINE void nibble_columns(block_rows b, size_t offset, __m256i q[8]) {
    __m256i bytes[4];
    columns_of_16(b, offset, 4, bytes);
    for (int j = 0; j < 4; j++) {
        q[j] = low_nibbles(bytes[j]);
        q[j + 4] = high_nibbles(bytes[j]);
    }
}

// Adds bit i of the 32 of each row to quant i, as its bit 4.
AVX2_INLINE void add_fifth_bits(__m256i bits, __m256i q[8]) {
    const __m256i sixteen = _mm256_set1_epi8(16);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        // Byte j of a row, four times.
        const __m256i spread = _mm256_add_epi8(_mm256_set1_epi8((char)j), _mm256_setr_epi32(
            0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c));
        __m256i bytes = _mm256_shuffle_epi8(bits, spread);
        for (int h = 0; h < 2; h++) {
            const __m256i bit = _mm256_set1_epi32(h == 0 ? 0x08040201 : (int)0x80402010);
            __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
            q[2 * j + h] = _mm256_or_si256(q[2 * j + h], _mm256_and_si256(set, sixteen));
        }
    }
}

// The lower halves of the lanes as floats.
AVX2_INLINE __m256 lower_halves(__m256i v) {
    v = _mm256_and_si256(v, _mm256_set1_epi32(0xffff));
    return _mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

AVX2_INLINE __m256 upper_halves(__m256i v) { return lower_halves(_mm256_srli_epi32(v, 16)); }

// Byte k of each lane as float.
AVX2_INLINE __m256 byte_as_float(__m256i v, const int k) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 8 * k), _mm256_set1_epi32(255)));
}

AVX2_INLINE __m256 signed_byte_as_float(__m256i v, const int k) {
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(v, 24 - 8 * k), 24));
}

// d and -dmin of a block of Q4_K or Q5_K, and its 6-bit scales and minima: those of sub-block k in byte k % 4 of
// register k / 4 (ck_scale_min for 8 rows at once).
typedef struct {
    __m256 d, minus_dmin;
    __m256i scales[2], minima[2];
} k_header;

AVX2_INLINE k_header read_k_header(block_rows b) {
    const __m256i six = _mm256_set1_epi8(63), four = _mm256_set1_epi8(15), top = _mm256_set1_epi8(48);
    __m256i v[4];
    columns_of_16(b, 0, 4, v);
    k_header h;
    h.d = lower_halves(v[0]);
    h.minus_dmin = _mm256_xor_ps(upper_halves(v[0]), _mm256_set1_ps(-0.0f));
    h.scales[0] = _mm256_and_si256(v[1], six);
    h.minima[0] = _mm256_and_si256(v[2], six);
    h.scales[1] = _mm256_or_si256(_mm256_and_si256(v[3], four), _mm256_and_si256(_mm256_srli_epi16(v[1], 2), top));
    h.minima[1] = _mm256_or_si256(
        _mm256_and_si256(_mm256_srli_epi16(v[3], 4), four), _mm256_and_si256(_mm256_srli_epi16(v[2], 2), top));
    return h;
}

#endif
