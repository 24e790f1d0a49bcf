// NEON: loops over single rows, and the tables of the two levels.

#if defined(__aarch64__)
#include "arm_neon.h"

// Runs `body` for 4 elements at a time; `left` says how many of the last ones there are.
#define ROWS_OF_4(n, body)                             \
    {                                                  \
        size_t i = 0;                                  \
        for (; i + 4 <= (n); i += 4) {                 \
            const size_t left = 4;                     \
            body;                                      \
        }                                              \
        if (i < (n)) {                                 \
            const size_t left = (n) - i;               \
            body;                                      \
        }                                              \
    }
#define LOAD(p) load_first((p) + i, left)
#define STORE(p, v) store_first((p) + i, v, left)

NEON_INLINE float32x4_t load_first(const float *p, size_t n) {
    if (n == 4) return vld1q_f32(p);
    float v[4] = {0, 0, 0, 0};
    memcpy(v, p, n * sizeof *v);
    return vld1q_f32(v);
}

NEON_INLINE void store_first(float *p, float32x4_t x, size_t n) {
    if (n == 4) {
        vst1q_f32(p, x);
        return;
    }
    float v[4];
    vst1q_f32(v, x);
    memcpy(p, v, n * sizeof *v);
}

// Zero from lane n on.
NEON_INLINE float32x4_t keep_first(float32x4_t x, size_t n) {
    if (n == 4) return x;
    const uint32_t lanes[4] = {0, 1, 2, 3};
    const uint32x4_t mask = vcltq_u32(vld1q_u32(lanes), vdupq_n_u32((uint32_t)n));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), mask));
}

// See vmath.h. NaN stays NaN.
NEON_INLINE float32x4_t exp4(float32x4_t x) {
    const uint32x4_t tiny = vcltq_f32(x, vdupq_n_f32(CK_EXP_MIN));
    x = vminq_f32(vdupq_n_f32(CK_EXP_MAX), vmaxq_f32(vdupq_n_f32(CK_EXP_MIN), x));
    const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, CK_LOG2E));
    float32x4_t r = vfmsq_n_f32(x, n, CK_LN2_HIGH);
    r = vfmsq_n_f32(r, n, CK_LN2_LOW);
    float32x4_t p = vfmaq_f32(vdupq_n_f32(CK_EXP_6), vdupq_n_f32(CK_EXP_7), r);
    p = vfmaq_f32(vdupq_n_f32(CK_EXP_5), p, r);
    p = vfmaq_f32(vdupq_n_f32(CK_EXP_4), p, r);
    p = vfmaq_f32(vdupq_n_f32(CK_EXP_3), p, r);
    p = vfmaq_f32(vdupq_n_f32(0.5f), p, r);
    p = vfmaq_f32(vdupq_n_f32(1), p, r);
    p = vfmaq_f32(vdupq_n_f32(1), p, r);
    const int32x4_t power = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
    p = vmulq_f32(p, vreinterpretq_f32_s32(power));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(p), tiny));
}

static void rms_norm(const float *x, const float *weight, size_t n, float eps, float *y) {
    float32x4_t sums[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    size_t j = 0;
    for (; j + 16 <= n; j += 16)
        for (size_t h = 0; h < 4; h++) {
            const float32x4_t v = vld1q_f32(x + j + 4 * h);
            sums[h] = vfmaq_f32(sums[h], v, v);
        }
    for (; j < n; j += 4) {
        const float32x4_t v = load_first(x + j, n - j < 4 ? n - j : 4);
        sums[0] = vfmaq_f32(sums[0], v, v);
    }
    const float squares = vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
    const float factor = 1 / sqrtf(squares / (float)n + eps);
    if (weight) ROWS_OF_4(n, STORE(y, vmulq_f32(vmulq_n_f32(LOAD(x), factor), LOAD(weight))))
    else ROWS_OF_4(n, STORE(y, vmulq_n_f32(LOAD(x), factor)))
}

static void add(const float *x, size_t n, float *y) { ROWS_OF_4(n, STORE(y, vaddq_f32(LOAD(y), LOAD(x)))) }

static void scale(float *x, size_t n, float factor) { ROWS_OF_4(n, STORE(x, vmulq_n_f32(LOAD(x), factor))) }

static void softcap(float *x, size_t n, float cap) {
    const float32x4_t one = vdupq_n_f32(1), two = vdupq_n_f32(2), c = vdupq_n_f32(cap);
    ROWS_OF_4(n, {
        const float32x4_t e = exp4(vdivq_f32(vmulq_f32(two, LOAD(x)), c));
        STORE(x, vmulq_f32(c, vsubq_f32(one, vdivq_f32(two, vaddq_f32(one, e)))));
    })
}

static void silu_gate(const float *gate, const float *up, size_t n, float *y) {
    const float32x4_t one = vdupq_n_f32(1);
    ROWS_OF_4(n, {
        const float32x4_t x = LOAD(gate);
        STORE(y, vmulq_f32(vdivq_f32(x, vaddq_f32(one, exp4(vnegq_f32(x)))), LOAD(up)));
    })
}

static void gelu_gate(const float *gate, const float *up, size_t n, float *y) {
    const float32x4_t one = vdupq_n_f32(1), linear = vdupq_n_f32(CK_GELU_LINEAR);
    ROWS_OF_4(n, {
        const float32x4_t x = LOAD(gate);
        const float32x4_t e = exp4(vmulq_f32(x, vfmaq_f32(linear, vmulq_n_f32(x, CK_GELU_CUBIC), x)));
        STORE(y, vmulq_f32(vdivq_f32(x, vaddq_f32(one, e)), LOAD(up)));
    })
}

static void rope_halves(float *x, float *y, size_t n, const float *cosines, const float *sines) {
    ROWS_OF_4(n, {
        const float32x4_t a = LOAD(x);
        const float32x4_t b = LOAD(y);
        const float32x4_t c = LOAD(cosines);
        const float32x4_t s = LOAD(sines);
        STORE(x, vfmsq_f32(vmulq_f32(a, c), b, s));
        STORE(y, vfmaq_f32(vmulq_f32(b, c), a, s));
    })
}

static void rope_pairs(float *x, size_t n, const float *cosines, const float *sines) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4x2_t v = vld2q_f32(x + 2 * i);
        const float32x4_t c = vld1q_f32(cosines + i), s = vld1q_f32(sines + i);
        float32x4x2_t turned;
        turned.val[0] = vfmsq_f32(vmulq_f32(v.val[0], c), v.val[1], s);
        turned.val[1] = vfmaq_f32(vmulq_f32(v.val[1], c), v.val[0], s);
        vst2q_f32(x + 2 * i, turned);
    }
    if (i < n) ck_portable.rope_pairs(x + 2 * i, n - i, cosines + i, sines + i);
}

static void to_f16(const float *x, size_t n, uint16_t *y) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1_u16(y + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
    if (i < n) ck_portable.to_f16(x + i, n - i, y + i);
}

static void floats_f16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(out + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h + i))));
    for (; i < n; i++) out[i] = ck_half(ck_load16(h + i));
}

static float maximum(const float *x, size_t n) {
    float32x4_t top = vdupq_n_f32(-INFINITY);
    size_t i = 0;
    // Comparing keeps what it has when it meets NaN, whatever kind of NaN that is.
    for (; i + 4 <= n; i += 4) {
        const float32x4_t v = vld1q_f32(x + i);
        top = vbslq_f32(vcgtq_f32(v, top), v, top);
    }
    float largest = vmaxvq_f32(top);
    for (; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

static float exp_shift(float *x, size_t n, float shift) {
    float32x4_t sum = vdupq_n_f32(0);
    ROWS_OF_4(n, {
        const float32x4_t p = keep_first(exp4(vsubq_f32(LOAD(x), vdupq_n_f32(shift))), left);
        STORE(x, p);
        sum = vaddq_f32(sum, p);
    })
    return vaddvq_f32(sum);
}

static void softmax_step(float *scores, size_t rows, size_t n, float *maxima, float *sums, float *out, size_t width) {
    for (size_t r = 0; r < rows; r++, scores += n, out += width) {
        const float largest = maximum(scores, n);
        if (!(largest > -INFINITY)) {
            memset(scores, 0, n * sizeof *scores);
            continue;
        }
        if (largest > maxima[r]) {
            // exp4 gives 0 for minus infinity, the maximum of a row that has seen nothing yet.
            const float factor = vgetq_lane_f32(exp4(vdupq_n_f32(maxima[r] - largest)), 0);
            maxima[r] = largest;
            sums[r] *= factor;
            scale(out, width, factor);
        }
        sums[r] += exp_shift(scores, n, maxima[r]);
    }
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides"
#define PRODUCTS(name) {name##_1, name##_2, name##_3, name##_4}
#define COMMON \
    .dequantize = {CK_SCALAR_DEQUANTIZE [CK_F16] = floats_f16}, \
    .unpack = {CK_SCALAR_UNPACK}, \
    .interleave = ck_neon_interleave, \
    .transpose = ck_neon_transpose, \
    .quantize = ck_neon_quantize, \
    .gemm = ck_neon_gemm, \
    .rms_norm = rms_norm, \
    .add = add, \
    .scale = scale, \
    .softcap = softcap, \
    .silu_gate = silu_gate, \
    .gelu_gate = gelu_gate, \
    .rope_halves = rope_halves, \
    .rope_pairs = rope_pairs, \
    .to_f16 = to_f16, \
    .maximum = maximum, \
    .exp_shift = exp_shift, \
    .softmax_step = softmax_step, \
    .transpose_keys = ck_neon_transpose_keys, \
    CK_SCALAR_KV CK_NEON_KV

const ck_table ck_neon = {
    COMMON
    .name = "neon",
    .product = {PRODUCTS(ck_neon_u4), PRODUCTS(ck_neon_u5), PRODUCTS(ck_neon_u6), PRODUCTS(ck_neon_s8)},
};

const ck_table ck_neondot = {
    COMMON
    .name = "neondot",
    .product = {PRODUCTS(ck_neondot_u32), PRODUCTS(ck_neondot_u32), PRODUCTS(ck_neondot_u16),
                PRODUCTS(ck_neondot_s32)},
};
#pragma clang diagnostic pop
#endif
