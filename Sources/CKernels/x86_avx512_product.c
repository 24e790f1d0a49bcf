// AVX-512 without VNNI: integer products. As those of AVX2 (x86_avx2_product.c), but one register holds all 16 rows
// times 4 columns, and 4 tokens with their 16-bit and 32-bit sums leave registers free.

#if defined(__x86_64__)
#include "x86_avx512.h"

AVX512_INLINE __m512i activation(const int8_t *a) { return _mm512_set1_epi32((int)ck_load32(a)); }

AVX512_INLINE __m512i add_pairs(__m512i v) { return _mm512_madd_epi16(v, _mm512_set1_epi16(1)); }

// `group` columns share a scale; `run` steps of 4 columns fit in 16 bits. For 0 the quants are signed: |quant| times the
// activation with the quant's sign, of which no two fit.
AVX512_INLINE void product(const ck_tile *t, const int width, const int group, const int run) {
    const uint8_t *q = t->quants;
    const int8_t *a = t->activations;
    const float *act_scales = t->act_scales;
    __m512 sums[CK_TILE_TOKENS];
    for (int w = 0; w < width; w++) sums[w] = _mm512_loadu_ps(t->sums + w * CK_PANEL_ROWS);
    for (size_t g = 0; g < t->columns / (size_t)group; g++) {
        __m512i dots[CK_TILE_TOKENS], part[CK_TILE_TOKENS];
        for (int w = 0; w < width; w++) dots[w] = part[w] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
        for (int j = 0; j < group / 4; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width) {
            const __m512i weights = _mm512_loadu_si512(q), size = _mm512_abs_epi8(weights);
            const __mmask64 negative = _mm512_movepi8_mask(weights);
#pragma clang loop unroll(full)
            for (int w = 0; w < width; w++) {
                __m512i x = activation(a + 4 * w);
                if (run == 0) {
                    x = _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x);
                    dots[w] = _mm512_add_epi32(dots[w], add_pairs(_mm512_maddubs_epi16(size, x)));
                    continue;
                }
                __m512i product = _mm512_maddubs_epi16(weights, x);
                part[w] = j % run == 0 ? product : _mm512_add_epi16(part[w], product);
                if (j % run == run - 1) dots[w] = _mm512_add_epi32(dots[w], add_pairs(part[w]));
            }
        }
        const __m512 scales = _mm512_loadu_ps(t->scales + g * CK_PANEL_ROWS);
#pragma clang loop unroll(full)
        for (int w = 0; w < width; w++) {
            __m512 scale = _mm512_mul_ps(scales, _mm512_set1_ps(act_scales[w]));
            sums[w] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[w]), scale, sums[w]);
            if (run == 0) continue;
            __m512 minima = _mm512_loadu_ps(t->minima + g * CK_PANEL_ROWS);
            sums[w] = _mm512_fmadd_ps(minima, _mm512_set1_ps(t->act_sums[g * (size_t)width + (size_t)w]), sums[w]);
        }
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
    for (int w = 0; w < width; w++) _mm512_storeu_ps(t->sums + w * CK_PANEL_ROWS, sums[w]);
}

#define WIDTHS(name, group, run)                                                 \
    AVX512 void name##_1(const ck_tile *t) { product(t, 1, group, run); }        \
    AVX512 void name##_2(const ck_tile *t) { product(t, 2, group, run); }        \
    AVX512 void name##_3(const ck_tile *t) { product(t, 3, group, run); }        \
    AVX512 void name##_4(const ck_tile *t) { product(t, 4, group, run); }
WIDTHS(ck_avx512_u4, 32, 8)
WIDTHS(ck_avx512_u5, 32, 4)
WIDTHS(ck_avx512_u6, 16, 2)
WIDTHS(ck_avx512_s8, 32, 0)

#endif
