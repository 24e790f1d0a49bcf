// NEON with the dot product extension: integer products and the float product. The rest is the portable level's, in
// whose file the table of this level stands.

#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

#define DOT __attribute__((target("dotprod")))
#define DOT_INLINE static inline __attribute__((always_inline, target("dotprod")))

// One register holds 4 rows times 4 columns. Unsigned quants are at most 63, so all classes are signed bytes here.
DOT_INLINE void product(const ck_tile *t, const int width, const int group, const bool minima) {
    const int8_t *q = (const int8_t *)t->quants, *a = t->activations;
    const float *act_scales = t->act_scales;
    for (size_t g = 0; g < t->columns / (size_t)group; g++) {
        int32x4_t dots[CK_TILE_TOKENS][4];
        for (int w = 0; w < width; w++)
            for (int h = 0; h < 4; h++) dots[w][h] = vdupq_n_s32(0);
        for (int j = 0; j < group / 4; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width)
            for (int w = 0; w < width; w++) {
                int8x16_t x = vreinterpretq_s8_u32(vdupq_n_u32(ck_load32(a + 4 * w)));
                for (int h = 0; h < 4; h++) dots[w][h] = vdotq_s32(dots[w][h], vld1q_s8(q + 16 * h), x);
            }
        for (int w = 0; w < width; w++)
            for (int h = 0; h < 4; h++) {
                float *place = t->sums + w * CK_PANEL_ROWS + 4 * h;
                float32x4_t scale = vmulq_n_f32(vld1q_f32(t->scales + g * CK_PANEL_ROWS + 4 * h), act_scales[w]);
                float32x4_t sum = vfmaq_f32(vld1q_f32(place), vcvtq_f32_s32(dots[w][h]), scale);
                if (minima) {
                    float32x4_t minimum = vld1q_f32(t->minima + g * CK_PANEL_ROWS + 4 * h);
                    sum = vfmaq_n_f32(sum, minimum, t->act_sums[g * (size_t)width + (size_t)w]);
                }
                vst1q_f32(place, sum);
            }
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
}

#define WIDTHS(name, group, minima)                                              \
    DOT void name##_1(const ck_tile *t) { product(t, 1, group, minima); }        \
    DOT void name##_2(const ck_tile *t) { product(t, 2, group, minima); }        \
    DOT void name##_3(const ck_tile *t) { product(t, 3, group, minima); }        \
    DOT void name##_4(const ck_tile *t) { product(t, 4, group, minima); }
WIDTHS(ck_neon_u32, 32, true)
WIDTHS(ck_neon_u16, 16, true)
WIDTHS(ck_neon_s32, 32, false)

void ck_neon_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc, bool accumulate) {
    for (size_t i = 0; i < m; i++) {
        size_t j = 0;
        for (; j + 16 <= n; j += 16) {
            float32x4_t sums[4];
            for (int h = 0; h < 4; h++) sums[h] = accumulate ? vld1q_f32(c + i * ldc + j + 4 * h) : vdupq_n_f32(0);
            for (size_t p = 0; p < k; p++)
                for (int h = 0; h < 4; h++)
                    sums[h] = vfmaq_n_f32(sums[h], vld1q_f32(b + p * ldb + j + 4 * h), a[i * lda + p]);
            for (int h = 0; h < 4; h++) vst1q_f32(c + i * ldc + j + 4 * h, sums[h]);
        }
        for (; j < n; j++) {
            float sum = accumulate ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++) sum = fmaf(a[i * lda + p], b[p * ldb + j], sum);
            c[i * ldc + j] = sum;
        }
    }
}

#endif
