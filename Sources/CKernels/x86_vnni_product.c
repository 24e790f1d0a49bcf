// VNNI: integer products with vpdpbusd, which multiplies unsigned by signed bytes and adds four of them in 32 bits, so
// nothing can overflow. AVX-512 holds 16 rows times 4 columns in a register, AVX-VNNI (256 bits) 8 rows.

#if defined(__x86_64__)
#include "x86_avx512.h"

#define VNNI512 __attribute__((target(AVX512_FEATURES ",avx512vnni")))
#define VNNI512_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES ",avx512vnni")))
#define VNNI256 __attribute__((target("avx2,fma,f16c,avxvnni")))
#define VNNI256_INLINE static inline __attribute__((always_inline, target("avx2,fma,f16c,avxvnni")))

// Signed quants: 128 is added to them to make them unsigned, so the sums begin at -128 times the sum of each token's
// activations. All four tokens at once: [8 columns / 4][4 tokens][4] bytes.
VNNI512_INLINE void begin_signed(const int8_t *a, __m512i dots[CK_TILE_TOKENS]) {
    const __m512i offset = _mm512_set1_epi8((char)0x80);
    __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), offset, _mm512_loadu_si512(a));
    sum = _mm512_dpbusd_epi32(sum, offset, _mm512_loadu_si512(a + 64));
    sum = _mm512_add_epi32(sum, _mm512_shuffle_i32x4(sum, sum, 0x4e));
    sum = _mm512_add_epi32(sum, _mm512_shuffle_i32x4(sum, sum, 0xb1));
    sum = _mm512_sub_epi32(_mm512_setzero_si512(), sum);
    dots[0] = _mm512_shuffle_epi32(sum, 0x00);
    dots[1] = _mm512_shuffle_epi32(sum, 0x55);
    dots[2] = _mm512_shuffle_epi32(sum, 0xaa);
    dots[3] = _mm512_shuffle_epi32(sum, 0xff);
}

VNNI512_INLINE void product512(const ck_tile *t, const int width, const int group, const bool is_signed) {
    const uint8_t *q = t->quants;
    const int8_t *a = t->activations;
    const float *act_scales = t->act_scales;
    __m512 sums[CK_TILE_TOKENS];
    for (int w = 0; w < width; w++) sums[w] = _mm512_loadu_ps(t->sums + w * CK_PANEL_ROWS);
    for (size_t g = 0; g < t->columns / (size_t)group; g++) {
        __m512i dots[CK_TILE_TOKENS];
        const bool all = is_signed && width == CK_TILE_TOKENS;
        if (all) begin_signed(a, dots);
        else
            for (int w = 0; w < width; w++) dots[w] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
        for (int j = 0; j < group / 4; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width) {
            __m512i weights = _mm512_loadu_si512(q);
            const __mmask64 negative = _mm512_movepi8_mask(weights);
            if (all) weights = _mm512_xor_si512(weights, _mm512_set1_epi8((char)0x80));
            else if (is_signed) weights = _mm512_abs_epi8(weights);
#pragma clang loop unroll(full)
            for (int w = 0; w < width; w++) {
                __m512i x = _mm512_set1_epi32((int)ck_load32(a + 4 * w));
                // Few tokens: |quant| times the activation with the quant's sign.
                if (is_signed && !all) x = _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x);
                dots[w] = _mm512_dpbusd_epi32(dots[w], weights, x);
            }
        }
        const __m512 scales = _mm512_loadu_ps(t->scales + g * CK_PANEL_ROWS);
#pragma clang loop unroll(full)
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

VNNI256_INLINE void product256(const ck_tile *t, const int width, const int group, const bool is_signed) {
    const uint8_t *q = t->quants;
    const int8_t *a = t->activations;
    const float *act_scales = t->act_scales;
    for (size_t g = 0; g < t->columns / (size_t)group; g++) {
        __m256i dots[CK_TILE_TOKENS][2];
        for (int w = 0; w < width; w++) dots[w][0] = dots[w][1] = _mm256_setzero_si256();
#pragma clang loop unroll(full)
        for (int j = 0; j < group / 4; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width)
#pragma clang loop unroll(full)
            for (int h = 0; h < 2; h++) {
                const __m256i weights = _mm256_loadu_si256((const __m256i *)(q + 32 * h));
                const __m256i size = is_signed ? _mm256_abs_epi8(weights) : weights;
#pragma clang loop unroll(full)
                for (int w = 0; w < width; w++) {
                    __m256i x = _mm256_set1_epi32((int)ck_load32(a + 4 * w));
                    if (is_signed) x = _mm256_sign_epi8(x, weights);
                    dots[w][h] = _mm256_dpbusd_avx_epi32(dots[w][h], size, x);
                    // Left alone, clang sums token by token and spills the weights.
                    __asm__ volatile("" : "+x"(dots[w][h]));
                }
            }
#pragma clang loop unroll(full)
        for (int w = 0; w < width; w++)
            for (int h = 0; h < 2; h++) {
                float *place = t->sums + w * CK_PANEL_ROWS + 8 * h;
                __m256 scale = _mm256_loadu_ps(t->scales + g * CK_PANEL_ROWS + 8 * h);
                scale = _mm256_mul_ps(scale, _mm256_broadcast_ss(act_scales + w));
                __m256 sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[w][h]), scale, _mm256_loadu_ps(place));
                if (!is_signed) {
                    __m256 minimum = _mm256_loadu_ps(t->minima + g * CK_PANEL_ROWS + 8 * h);
                    const float *act_sum = t->act_sums + g * (size_t)width + w;
                    sum = _mm256_fmadd_ps(minimum, _mm256_broadcast_ss(act_sum), sum);
                }
                _mm256_storeu_ps(place, sum);
            }
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
}

#define WIDTHS(level, name, product, group, is_signed)                                  \
    level void name##_1(const ck_tile *t) { product(t, 1, group, is_signed); }          \
    level void name##_2(const ck_tile *t) { product(t, 2, group, is_signed); }          \
    level void name##_3(const ck_tile *t) { product(t, 3, group, is_signed); }          \
    level void name##_4(const ck_tile *t) { product(t, 4, group, is_signed); }
WIDTHS(VNNI512, ck_avx512vnni_u32, product512, 32, false)
WIDTHS(VNNI512, ck_avx512vnni_u16, product512, 16, false)
WIDTHS(VNNI512, ck_avx512vnni_s32, product512, 32, true)
WIDTHS(VNNI256, ck_avxvnni_u32, product256, 32, false)
WIDTHS(VNNI256, ck_avxvnni_u16, product256, 16, false)
WIDTHS(VNNI256, ck_avxvnni_s32, product256, 32, true)

#endif
