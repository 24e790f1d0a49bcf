// AVX2: products for a single token (decode), straight from the blocks of 8 rows. Memory is the limit here, so nothing
// is unpacked to scratch; the order of float sums is that of the panel kernels, so the bits are the same.

#if defined(__x86_64__)
#include "x86_avx2.h"
#include "x86_avx2_blocks.h"

// From 8 registers, one per row, whose lower and upper 4 lanes belong to columns 0...15 and 16...31 of the row:
// sums by row over the lower and the upper lanes.
AVX2_INLINE void sums_by_row(const __m256i d[8], __m256i *lower, __m256i *upper) {
    __m256i first = _mm256_hadd_epi32(_mm256_hadd_epi32(d[0], d[1]), _mm256_hadd_epi32(d[2], d[3]));
    __m256i second = _mm256_hadd_epi32(_mm256_hadd_epi32(d[4], d[5]), _mm256_hadd_epi32(d[6], d[7]));
    *lower = _mm256_permute2x128_si256(first, second, 0x20);
    *upper = _mm256_permute2x128_si256(first, second, 0x31);
}

AVX2_INLINE __m256 scaled(__m256i dots, __m256 scale, float act_scale, __m256 sum) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_mul_ps(scale, _mm256_set1_ps(act_scale)), sum);
}

AVX2_INLINE __m256i unsigned_dot(__m256i quants, __m256i x) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(quants, x), _mm256_set1_epi16(1));
}

AVX2_INLINE __m256i signed_dot(__m256i quants, __m256i x) {
    return unsigned_dot(_mm256_abs_epi8(quants), _mm256_sign_epi8(x, quants));
}

// The rows of the next call follow in memory; ask for them while these are worked on.
AVX2_INLINE void fetch_ahead(const ck_dots *t, int row, size_t offset, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) _mm_prefetch((const char *)t->rows[row] + offset + i + t->ahead, _MM_HINT_T0);
}

// The halves at `offset` of 8 blocks.
AVX2_INLINE __m256 halves(const uint8_t *const b[8], size_t offset) {
    __m128i v = _mm_setzero_si128();
    v = _mm_insert_epi16(v, ck_load16(b[0] + offset), 0);
    v = _mm_insert_epi16(v, ck_load16(b[1] + offset), 1);
    v = _mm_insert_epi16(v, ck_load16(b[2] + offset), 2);
    v = _mm_insert_epi16(v, ck_load16(b[3] + offset), 3);
    v = _mm_insert_epi16(v, ck_load16(b[4] + offset), 4);
    v = _mm_insert_epi16(v, ck_load16(b[5] + offset), 5);
    v = _mm_insert_epi16(v, ck_load16(b[6] + offset), 6);
    v = _mm_insert_epi16(v, ck_load16(b[7] + offset), 7);
    return _mm256_cvtph_ps(v);
}

// Blocks of 32. `minimum` is an expression of the blocks b and the scale.
#define DOTS_32(name, bytes, dot, quants, with_minimum, minimum)                                                 \
    AVX2 void ck_avx2_dots_##name(const ck_dots *t) {                                                            \
        __m256 sum = _mm256_setzero_ps();                                                                        \
        const uint8_t *b[8];                                                                                     \
        for (int r = 0; r < 8; r++) b[r] = t->rows[r];                                                           \
        for (size_t g = 0; g < t->columns / 32; g++) {                                                           \
            __m256i x = _mm256_loadu_si256((const __m256i *)(t->activations + 32 * g)), d[8], lower, upper;      \
            _Pragma("clang loop unroll(full)") for (int r = 0; r < 8; r++) d[r] = dot(quants(b[r]), x);          \
            if (g % 2 == 0) for (int r = 0; r < 8; r++) fetch_ahead(t, r, g * (bytes), 1);                       \
            sums_by_row(d, &lower, &upper);                                                                      \
            __m256 scale = halves(b, 0);                                                                         \
            sum = scaled(_mm256_add_epi32(lower, upper), scale, t->act_scales[g], sum);                          \
            if (with_minimum) sum = _mm256_fmadd_ps(minimum, _mm256_set1_ps(t->act_sums[g]), sum);               \
            for (int r = 0; r < 8; r++) b[r] += (bytes);                                                         \
        }                                                                                                        \
        _mm256_storeu_ps(t->sums, sum);                                                                          \
    }

DOTS_32(q4_0, 18, unsigned_dot, quants_q4_0, true, _mm256_mul_ps(_mm256_set1_ps(-8), scale))
DOTS_32(q4_1, 20, unsigned_dot, quants_q4_1, true, halves(b, 2))
DOTS_32(q5_0, 22, unsigned_dot, quants_q5_0, true, _mm256_mul_ps(_mm256_set1_ps(-16), scale))
DOTS_32(q5_1, 24, unsigned_dot, quants_q5_1, true, halves(b, 2))
DOTS_32(q8_0, 34, signed_dot, quants_q8_0, false, scale)

// Blocks of 256 with 8 scales and minima each.
#define DOTS_256(name, bytes, quants)                                                                            \
    AVX2 void ck_avx2_dots_##name(const ck_dots *t) {                                                            \
        __m256 sum = _mm256_setzero_ps();                                                                        \
        for (size_t i = 0; i < t->columns / 256; i++) {                                                          \
            __m256 scales[8], minima[8];                                                                         \
            for (int r = 0; r < 8; r++) {                                                                        \
                group_scales(t->rows[r] + i * (bytes), &scales[r], &minima[r]);                                  \
                fetch_ahead(t, r, i * (bytes), bytes);                                                           \
            }                                                                                                    \
            transpose8(scales);                                                                                  \
            transpose8(minima);                                                                                  \
            _Pragma("clang loop unroll(full)") for (int k = 0; k < 8; k++) {                                     \
                size_t g = 8 * i + (size_t)k;                                                                    \
                __m256i x = _mm256_loadu_si256((const __m256i *)(t->activations + 32 * g)), d[8], lower, upper;  \
                _Pragma("clang loop unroll(full)") for (int r = 0; r < 8; r++)                                   \
                    d[r] = unsigned_dot(quants(t->rows[r] + i * (bytes), k), x);                                 \
                sums_by_row(d, &lower, &upper);                                                                  \
                sum = scaled(_mm256_add_epi32(lower, upper), scales[k], t->act_scales[g], sum);                  \
                sum = _mm256_fmadd_ps(minima[k], _mm256_set1_ps(t->act_sums[g]), sum);                           \
            }                                                                                                    \
        }                                                                                                        \
        _mm256_storeu_ps(t->sums, sum);                                                                          \
    }

DOTS_256(q4_k, 144, quants_q4_k)
DOTS_256(q5_k, 176, quants_q5_k)

AVX2 void ck_avx2_dots_q6_k(const ck_dots *t) {
    const __m256 offset = _mm256_set1_ps(-32);
    __m256 sum = _mm256_setzero_ps();
    for (size_t i = 0; i < t->columns / 256; i++) {
        __m256 scales[2][8];
        for (int r = 0; r < 8; r++) {
            scales_q6_k(t->rows[r] + i * 210, &scales[0][r], &scales[1][r]);
            fetch_ahead(t, r, i * 210, 210);
        }
        transpose8(scales[0]);
        transpose8(scales[1]);
#pragma clang loop unroll(full)
        for (int k = 0; k < 8; k++) {
            size_t g = 8 * i + (size_t)k;
            __m256i x = _mm256_loadu_si256((const __m256i *)(t->activations + 32 * g)), d[8], dots[2];
#pragma clang loop unroll(full)
            for (int r = 0; r < 8; r++) d[r] = unsigned_dot(quants_q6_k(t->rows[r] + i * 210, k), x);
            sums_by_row(d, &dots[0], &dots[1]);
            for (int h = 0; h < 2; h++) {
                __m256 scale = scales[k / 4][2 * (k % 4) + h];
                sum = scaled(dots[h], scale, t->act_scales[g], sum);
                sum = _mm256_fmadd_ps(_mm256_mul_ps(offset, scale), _mm256_set1_ps(t->act_sums[2 * g + (size_t)h]), sum);
            }
        }
    }
    _mm256_storeu_ps(t->sums, sum);
}

#endif
