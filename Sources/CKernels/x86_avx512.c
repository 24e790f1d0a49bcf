// AVX-512: integer products with VNNI and the float product. One register holds 16 rows times 4 columns, and sums of
// products stay in 32 bits, so nothing can overflow. Order of float sums as everywhere.

#if defined(__x86_64__)
#include "x86_avx512.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define AVX512_INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512vnni")))

AVX512_INLINE __m512i dot4(__m512i sums, __m512i weights, __m512i x, const bool is_signed) {
    if (!is_signed) return _mm512_dpbusd_epi32(sums, weights, x);
    // |weight| times the activation with the weight's sign.
    __mmask64 negative = _mm512_movepi8_mask(weights);
    return _mm512_dpbusd_epi32(
        sums, _mm512_abs_epi8(weights), _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x));
}

AVX512_INLINE void product(const ck_tile *t, const int width, const int group, const bool is_signed) {
    const uint8_t *q = t->quants;
    const int8_t *a = t->activations;
    const float *act_scales = t->act_scales;
    __m512 sums[CK_TILE_TOKENS];
    for (int w = 0; w < width; w++) sums[w] = _mm512_loadu_ps(t->sums + w * CK_PANEL_ROWS);
    for (size_t g = 0; g < t->columns / (size_t)group; g++) {
        __m512i dots[CK_TILE_TOKENS];
        for (int w = 0; w < width; w++) dots[w] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
        for (int j = 0; j < group / 4; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width) {
            __m512i weights = _mm512_loadu_si512(q);
#pragma clang loop unroll(full)
            for (int w = 0; w < width; w++)
                dots[w] = dot4(dots[w], weights, _mm512_set1_epi32((int)ck_load32(a + 4 * w)), is_signed);
        }
        __m512 scales = _mm512_loadu_ps(t->scales + g * CK_PANEL_ROWS);
        for (int w = 0; w < width; w++) {
            __m512 scale = _mm512_mul_ps(scales, _mm512_set1_ps(act_scales[w]));
            sums[w] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[w]), scale, sums[w]);
            if (is_signed) continue;
            __m512 minima = _mm512_loadu_ps(t->minima + g * CK_PANEL_ROWS);
            sums[w] = _mm512_fmadd_ps(minima, _mm512_set1_ps(t->act_sums[g * (size_t)width + (size_t)w]), sums[w]);
        }
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
    for (int w = 0; w < width; w++) _mm512_storeu_ps(t->sums + w * CK_PANEL_ROWS, sums[w]);
}

#define WIDTHS(name, group, is_signed)                                                 \
    AVX512 void name##_1(const ck_tile *t) { product(t, 1, group, is_signed); }        \
    AVX512 void name##_2(const ck_tile *t) { product(t, 2, group, is_signed); }        \
    AVX512 void name##_3(const ck_tile *t) { product(t, 3, group, is_signed); }        \
    AVX512 void name##_4(const ck_tile *t) { product(t, 4, group, is_signed); }
WIDTHS(ck_avx512_u32, 32, false)
WIDTHS(ck_avx512_u16, 16, false)
WIDTHS(ck_avx512_s32, 32, true)

// m rows of A times up to 32 columns of B; columns past the end are masked.
typedef struct {
    size_t k, lda, ldb, ldc;
    bool accumulate;
} shape;

AVX512_INLINE void tile(const shape *s, const float *a, const float *b, float *c, const int m, size_t n) {
    const __mmask16 low = (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
    const __mmask16 high = (__mmask16)(n >= 32 ? 0xffff : n <= 16 ? 0 : (1u << (n - 16)) - 1);
    __m512 sums[8][2];
    for (int i = 0; i < m; i++) {
        sums[i][0] = s->accumulate ? _mm512_maskz_loadu_ps(low, c + (size_t)i * s->ldc) : _mm512_setzero_ps();
        sums[i][1] = s->accumulate ? _mm512_maskz_loadu_ps(high, c + (size_t)i * s->ldc + 16) : _mm512_setzero_ps();
    }
    for (size_t p = 0; p < s->k; p++) {
        __m512 first = _mm512_maskz_loadu_ps(low, b + p * s->ldb);
        __m512 second = _mm512_maskz_loadu_ps(high, b + p * s->ldb + 16);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            __m512 x = _mm512_set1_ps(a[(size_t)i * s->lda + p]);
            sums[i][0] = _mm512_fmadd_ps(x, first, sums[i][0]);
            sums[i][1] = _mm512_fmadd_ps(x, second, sums[i][1]);
        }
    }
    for (int i = 0; i < m; i++) {
        _mm512_mask_storeu_ps(c + (size_t)i * s->ldc, low, sums[i][0]);
        _mm512_mask_storeu_ps(c + (size_t)i * s->ldc + 16, high, sums[i][1]);
    }
}

AVX512 void ck_avx512_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                           float *c, size_t ldc, bool accumulate) {
    const shape s = {k, lda, ldb, ldc, accumulate};
    for (size_t j = 0; j < n; j += 32) {
        size_t i = 0;
        for (; i + 8 <= m; i += 8) tile(&s, a + i * lda, b + j, c + i * ldc + j, 8, n - j);
        for (; i + 3 <= m; i += 3) tile(&s, a + i * lda, b + j, c + i * ldc + j, 3, n - j);
        for (; i < m; i++) tile(&s, a + i * lda, b + j, c + i * ldc + j, 1, n - j);
    }
}

#endif
