// AVX2: products of plain weights (F32, F16, BF16) for few tokens, straight from 16 rows. As in the product of panels
// every output is one chain of fused multiply-adds in order of columns, so the bits are the same.

#if defined(__x86_64__)
#include "x86_avx2.h"

AVX2_INLINE __m256 load_f32(const uint8_t *p) { return _mm256_loadu_ps((const float *)p); }

AVX2_INLINE __m256 load_f16(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }

AVX2_INLINE __m256 load_bf16(const uint8_t *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

AVX2_INLINE float one_f32(const uint8_t *p) { return ck_bits(ck_load32(p)); }
AVX2_INLINE float one_f16(const uint8_t *p) { return _cvtsh_ss(ck_load16(p)); }
AVX2_INLINE float one_bf16(const uint8_t *p) { return ck_bits((uint32_t)ck_load16(p) << 16); }

// 8 columns of 8 rows at a time: the rows are turned into columns in registers. Two groups of rows make two chains per
// token, and fetches what follows in order of addresses, as the walks over blocks do.
#define DOTS(name, bytes)                                                                                   \
    AVX2_INLINE void dots_##name(const ck_rows *rows, const float *x, size_t x_stride, const size_t tokens, \
                                 float *out) {                                                              \
        __m256 sums[CK_FLOAT_DOT_TOKENS][2];                                                                \
        for (size_t i = 0; i < tokens; i++) sums[i][0] = sums[i][1] = _mm256_setzero_ps();                  \
        const uint8_t *p = rows->first, *ahead = rows->ahead;                                               \
        size_t k = 0;                                                                                       \
        for (; k + 8 <= rows->columns; k += 8, p += 8 * (bytes), ahead += 8 * 16 * (bytes)) {               \
            for (size_t h = 0; h < 2; h++) {                                                                \
                __m256 r[8];                                                                                \
                for (size_t j = 0; j < 8; j++) r[j] = load_##name(p + (8 * h + j) * rows->row_bytes);       \
                transpose8(r);                                                                              \
                for (size_t i = 0; i < tokens; i++)                                                         \
                    for (size_t j = 0; j < 8; j++)                                                          \
                        sums[i][h] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + i * x_stride + k + j), r[j],   \
                                                     sums[i][h]);                                           \
            }                                                                                               \
            for (size_t i = 0; i < 8 * 16 * (bytes); i += 64) _mm_prefetch((const char *)ahead + i, _MM_HINT_T0); \
        }                                                                                                   \
        for (; k < rows->columns; k++, p += (bytes))                                                        \
            for (size_t h = 0; h < 2; h++) {                                                                \
                float column[8];                                                                            \
                for (size_t j = 0; j < 8; j++) column[j] = one_##name(p + (8 * h + j) * rows->row_bytes);   \
                for (size_t i = 0; i < tokens; i++)                                                         \
                    sums[i][h] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + i * x_stride + k),                 \
                                                 _mm256_loadu_ps(column), sums[i][h]);                      \
            }                                                                                               \
        for (size_t i = 0; i < tokens; i++)                                                                 \
            for (size_t h = 0; h < 2; h++) _mm256_storeu_ps(out + 16 * i + 8 * h, sums[i][h]);              \
    }                                                                                                       \
    AVX2 void ck_avx2_dots_##name(const ck_rows *rows, const float *x, size_t x_stride, size_t tokens,      \
                                  float *out) {                                                             \
        switch (tokens) {                                                                                   \
            case 1: dots_##name(rows, x, x_stride, 1, out); break;                                          \
            case 2: dots_##name(rows, x, x_stride, 2, out); break;                                          \
            case 3: dots_##name(rows, x, x_stride, 3, out); break;                                          \
            default: dots_##name(rows, x, x_stride, 4, out); break;                                         \
        }                                                                                                   \
    }

DOTS(f32, 4)
DOTS(f16, 2)
DOTS(bf16, 2)

#endif
