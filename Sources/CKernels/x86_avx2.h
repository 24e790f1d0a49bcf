// Shared by the files of the AVX2 level (with FMA and F16C).

#ifndef CK_X86_AVX2_H
#define CK_X86_AVX2_H

#include <immintrin.h>

#include "internal.h"
#include "vmath.h"

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2,fma,f16c")))

// Lanes below n of 8, n in 0...8.
AVX2_INLINE __m256i lanes_below(size_t n) {
    static const int32_t table[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(table + 8 - n));
}

AVX2_INLINE float sum_of(__m256 v) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

AVX2_INLINE float largest_of(__m256 v) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

// Rows to columns in place.
AVX2_INLINE void transpose8(__m256 r[8]) {
    __m256 a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
        b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
        b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
        b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

// See vmath.h. NaN stays NaN.
AVX2_INLINE __m256 exp8(__m256 x) {
    __m256 tiny = _mm256_cmp_ps(x, _mm256_set1_ps(CK_EXP_MIN), _CMP_LT_OQ);
    // Operands in this order: a NaN in x is returned by both.
    x = _mm256_min_ps(_mm256_set1_ps(CK_EXP_MAX), _mm256_max_ps(_mm256_set1_ps(CK_EXP_MIN), x));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(CK_LOG2E)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(CK_LN2_HIGH), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(CK_LN2_LOW), r);
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(CK_EXP_7), r, _mm256_set1_ps(CK_EXP_6));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(CK_EXP_5));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(CK_EXP_4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(CK_EXP_3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(tiny, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}

// x86_avx2_product.c
void ck_avx2_quantize(const float *x, size_t n, int8_t *quants, float *scales, float *sums32, float *sums16);
void ck_avx2_interleave(const uint8_t *rows, size_t n, uint8_t *panel);
void ck_avx2_transpose(const float *rows, size_t stride, size_t n, float *out);
#define CK_AVX2_WIDTHS(name) \
    void name##_1(const ck_tile *t); void name##_2(const ck_tile *t); void name##_3(const ck_tile *t); \
    void name##_4(const ck_tile *t);
CK_AVX2_WIDTHS(ck_avx2_u4)
CK_AVX2_WIDTHS(ck_avx2_u5)
CK_AVX2_WIDTHS(ck_avx2_u6)
CK_AVX2_WIDTHS(ck_avx2_s8)

// x86_avx2_gemm.c
void ck_avx2_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc, bool accumulate);
void ck_avx2_transpose_keys(const float *keys, size_t n, size_t width, float *out, size_t stride);
void ck_avx2_softmax_step(float *scores, size_t rows, size_t n, float *maxima, float *sums, float *out, size_t width);

// x86_avx2_unpack.c
#define CK_AVX2_UNPACKED(apply) \
    apply(Q4_0, q4_0) apply(Q4_1, q4_1) apply(Q5_0, q5_0) apply(Q5_1, q5_1) apply(Q8_0, q8_0) apply(Q4_K, q4_k) \
    apply(Q5_K, q5_k) apply(Q6_K, q6_k)
#define CK_AVX2_DECLARE(id, name) \
    void ck_avx2_unpack_##name(const void *row, size_t n, uint8_t *q, float *scales, float *minima);
CK_AVX2_UNPACKED(CK_AVX2_DECLARE)
// x86_avx2_dots.c
#define CK_AVX2_DECLARE_DOTS(id, name)                                    \
    void ck_avx2_dots_##name(const ck_rows *rows, const ck_dots *dots);   \
    void ck_avx2_panel_##name(const ck_rows *rows, const ck_half_panel *panel);
CK_AVX2_UNPACKED(CK_AVX2_DECLARE_DOTS)
// x86_avx2_floats.c
#define CK_AVX2_DECLARE_FLOAT_DOTS(id, name) \
    void ck_avx2_dots_##name(const ck_rows *rows, const float *x, size_t x_stride, size_t tokens, float *out);
CK_PLAIN_TYPES(CK_AVX2_DECLARE_FLOAT_DOTS)
// x86_avx2_unpack.c again
void ck_avx2_floats_f16(const void *row, size_t n, float *out);
void ck_avx2_floats_bf16(const void *row, size_t n, float *out);

// x86_avx2_kv.c
void ck_avx2_hadamard(float *x, size_t n, size_t block);
uint16_t ck_avx2_encode_q8(const float *x, size_t n, int8_t *codes);
uint16_t ck_avx2_encode_q4(const float *x, size_t n, uint8_t *codes);
void ck_avx2_q8_rows(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out);
void ck_avx2_q4_rows(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out);
void ck_avx2_q8_columns(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
void ck_avx2_q4_columns(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
#define CK_AVX2_KV \
    .hadamard = ck_avx2_hadamard, .encode_q8 = ck_avx2_encode_q8, .encode_q4 = ck_avx2_encode_q4, \
    .q8_rows = ck_avx2_q8_rows, .q4_rows = ck_avx2_q4_rows, .q8_columns = ck_avx2_q8_columns, \
    .q4_columns = ck_avx2_q4_columns,

// x86_avx2.c; the AVX-512 levels use these too.
extern const ck_table ck_avx2;
void ck_avx2_rope_pairs(float *x, size_t n, const float *cosines, const float *sines);

#endif
