// NEON: integer products of quantized weights and activations, and what prepares them. One register holds 4 rows times
// 4 columns. Unsigned quants are at most 63, so all classes are signed bytes here.

#if defined(__aarch64__)
#include "arm_neon.h"

#define DOT __attribute__((target("dotprod")))
#define DOT_INLINE static inline __attribute__((always_inline, target("dotprod")))

// What one group adds to the float sums of a token: sum += float(dot) * (scale * act_scale) + minimum * act_sum.
NEON_INLINE void add_group(const ck_tile *t, size_t g, size_t w, size_t width, float act_scale,
                           const int32x4_t dots[4], const bool minima) {
    for (size_t h = 0; h < 4; h++) {
        float *place = t->sums + w * CK_PANEL_ROWS + 4 * h;
        const size_t row = g * CK_PANEL_ROWS + 4 * h;
        float32x4_t scale = vmulq_n_f32(vld1q_f32(t->scales + row), act_scale);
        float32x4_t sum = vfmaq_f32(vld1q_f32(place), vcvtq_f32_s32(dots[h]), scale);
        if (minima) sum = vfmaq_n_f32(sum, vld1q_f32(t->minima + row), t->act_sums[g * width + w]);
        vst1q_f32(place, sum);
    }
}

// 4 columns of activations of up to 4 tokens.
NEON_INLINE int8x16_t load_activations(const int8_t *a, const size_t width) {
    int8_t x[16] = {0};
    memcpy(x, a, 4 * width);
    return vld1q_s8(x);
}

DOT_INLINE void product_dot(const ck_tile *t, const size_t width, const size_t group, const bool minima) {
    const int8_t *q = (const int8_t *)t->quants, *a = t->activations;
    const float *act_scales = t->act_scales;
    for (size_t g = 0; g < t->columns / group; g++) {
        int32x4_t dots[CK_TILE_TOKENS][4];
        for (size_t w = 0; w < width; w++)
            for (size_t h = 0; h < 4; h++) dots[w][h] = vdupq_n_s32(0);
        for (size_t j = 0; j < group / 4; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width) {
            const int8x16_t x = load_activations(a, width);
#pragma clang loop unroll(full)
            for (size_t h = 0; h < 4; h++) {
                const int8x16_t weights = vld1q_s8(q + 16 * h);
                dots[0][h] = vdotq_laneq_s32(dots[0][h], weights, x, 0);
                if (width > 1) dots[1][h] = vdotq_laneq_s32(dots[1][h], weights, x, 1);
                if (width > 2) dots[2][h] = vdotq_laneq_s32(dots[2][h], weights, x, 2);
                if (width > 3) dots[3][h] = vdotq_laneq_s32(dots[3][h], weights, x, 3);
            }
        }
        for (size_t w = 0; w < width; w++) add_group(t, g, w, width, act_scales[w], dots[w], minima);
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
}

// Without dot products: products of bytes in 16 bits, as many of them added there as cannot overflow (`run` steps of 4
// columns: 127 times 8 * 31, 4 * 63 or 2 * 128 stays below 32768), then added in pairs to 32 bits. One token at a time, as
// each takes 16 registers.
NEON_INLINE void product_pairs(const ck_tile *t, const size_t width, const size_t group, const size_t run,
                               const bool minima) {
    const int8_t *q = (const int8_t *)t->quants, *a = t->activations;
    const float *act_scales = t->act_scales;
    for (size_t g = 0; g < t->columns / group; g++) {
        for (size_t w = 0; w < width; w++) {
            int32x4_t dots[4], wide[4][2];
            for (size_t h = 0; h < 4; h++) wide[h][0] = wide[h][1] = vdupq_n_s32(0);
            for (size_t j = 0; j < group / 4; j += run) {
                int16x8_t part[4][2];
#pragma clang loop unroll(full)
                for (size_t s = 0; s < run; s++) {
                    const int8x8_t x = vreinterpret_s8_u32(vdup_n_u32(ck_load32(a + 4 * ((j + s) * width + w))));
                    for (size_t h = 0; h < 4; h++) {
                        const int8x16_t weights = vld1q_s8(q + (j + s) * 4 * CK_PANEL_ROWS + 16 * h);
                        const int8x8_t low = vget_low_s8(weights), high = vget_high_s8(weights);
                        part[h][0] = s == 0 ? vmull_s8(low, x) : vmlal_s8(part[h][0], low, x);
                        part[h][1] = s == 0 ? vmull_s8(high, x) : vmlal_s8(part[h][1], high, x);
                    }
                }
                for (size_t h = 0; h < 4; h++)
                    for (size_t i = 0; i < 2; i++) wide[h][i] = vpadalq_s16(wide[h][i], part[h][i]);
            }
            for (size_t h = 0; h < 4; h++) dots[h] = vpaddq_s32(wide[h][0], wide[h][1]);
            add_group(t, g, w, width, act_scales[w], dots, minima);
        }
        q += group * CK_PANEL_ROWS;
        a += group * width;
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
}

#define PAIRS(name, group, run, minima)                                                     \
    void name##_1(const ck_tile *t) { product_pairs(t, 1, group, run, minima); }            \
    void name##_2(const ck_tile *t) { product_pairs(t, 2, group, run, minima); }            \
    void name##_3(const ck_tile *t) { product_pairs(t, 3, group, run, minima); }            \
    void name##_4(const ck_tile *t) { product_pairs(t, 4, group, run, minima); }
PAIRS(ck_neon_u4, 32, 8, true)
PAIRS(ck_neon_u5, 32, 8, true)
PAIRS(ck_neon_u6, 16, 4, true)
PAIRS(ck_neon_s8, 32, 2, false)

#define DOTS(name, group, minima)                                                           \
    DOT void name##_1(const ck_tile *t) { product_dot(t, 1, group, minima); }               \
    DOT void name##_2(const ck_tile *t) { product_dot(t, 2, group, minima); }               \
    DOT void name##_3(const ck_tile *t) { product_dot(t, 3, group, minima); }               \
    DOT void name##_4(const ck_tile *t) { product_dot(t, 4, group, minima); }
DOTS(ck_neondot_u32, 32, true)
DOTS(ck_neondot_u16, 16, true)
DOTS(ck_neondot_s32, 32, false)

void ck_neon_quantize(const float *x, size_t n, int8_t *quants, float *scales, float *sums32, float *sums16) {
    for (size_t g = 0; g < n / 32; g++, x += 32, quants += 32) {
        float32x4_t v[8], top = vdupq_n_f32(0);
        for (size_t i = 0; i < 8; i++) {
            v[i] = vld1q_f32(x + 4 * i);
            top = vmaxnmq_f32(top, vabsq_f32(v[i]));
        }
        const float largest = vmaxnmvq_f32(top);
        const float scale = largest / 127, inverse = largest > 0x1p-120f ? 127 / largest : 0;
        int sums[2];
        for (size_t h = 0; h < 2; h++) {
            int32x4_t q[4];
            for (size_t i = 0; i < 4; i++) q[i] = vcvtnq_s32_f32(vmulq_n_f32(v[4 * h + i], inverse));
            sums[h] = vaddvq_s32(vaddq_s32(vaddq_s32(q[0], q[1]), vaddq_s32(q[2], q[3])));
            const int16x8_t low = vcombine_s16(vqmovn_s32(q[0]), vqmovn_s32(q[1]));
            const int16x8_t high = vcombine_s16(vqmovn_s32(q[2]), vqmovn_s32(q[3]));
            vst1q_s8(quants + 16 * h, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
        }
        scales[g] = scale;
        sums16[2 * g] = scale * (float)sums[0];
        sums16[2 * g + 1] = scale * (float)sums[1];
        sums32[g] = scale * (float)(sums[0] + sums[1]);
    }
}

// 4 bytes of a row move together, so they may as well be floats.
void ck_neon_interleave(const uint8_t *rows, size_t n, uint8_t *panel) {
    for (size_t k = 0; k < n; k += 16)
        for (size_t h = 0; h < CK_PANEL_ROWS; h += 4) {
            float32x4_t r[4];
            for (size_t i = 0; i < 4; i++) r[i] = vreinterpretq_f32_u8(vld1q_u8(rows + (h + i) * n + k));
            transpose4(r);
            for (size_t i = 0; i < 4; i++)
                vst1q_u8(panel + (k / 4 + i) * 4 * CK_PANEL_ROWS + 4 * h, vreinterpretq_u8_f32(r[i]));
        }
}

void ck_neon_transpose(const float *rows, size_t stride, size_t n, float *out) {
    for (size_t k = 0; k < n; k += 4)
        for (size_t h = 0; h < CK_PANEL_ROWS; h += 4) {
            float32x4_t r[4];
            for (size_t i = 0; i < 4; i++) r[i] = vld1q_f32(rows + (h + i) * stride + k);
            transpose4(r);
            for (size_t i = 0; i < 4; i++) vst1q_f32(out + (k + i) * CK_PANEL_ROWS + h, r[i]);
        }
}

#endif
