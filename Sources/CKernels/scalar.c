// The portable level, which defines what every other level must compute. Short and obvious rather than fast.

#include "internal.h"
#include "vmath.h"

static void interleave(const uint8_t *rows, size_t n, uint8_t *panel) {
    for (size_t k = 0; k < n; k += 4)
        for (size_t r = 0; r < CK_PANEL_ROWS; r++) memcpy(panel + (k / 4 * CK_PANEL_ROWS + r) * 4, rows + r * n + k, 4);
}

static void transpose(const float *rows, size_t stride, size_t n, float *out) {
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < CK_PANEL_ROWS; r++) out[i * CK_PANEL_ROWS + r] = rows[r * stride + i];
}

static void quantize(const float *x, size_t n, int8_t *quants, float *scales, float *sums32, float *sums16) {
    for (size_t g = 0; g < n / 32; g++, x += 32, quants += 32) {
        float largest = 0;
        for (int i = 0; i < 32; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
        float scale = largest / 127, inverse = largest > 0x1p-120f ? 127 / largest : 0;
        int sums[2] = {0, 0};
        for (int i = 0; i < 32; i++) {
            quants[i] = (int8_t)nearbyintf(x[i] * inverse);
            sums[i / 16] += quants[i];
        }
        scales[g] = scale;
        sums16[2 * g] = scale * (float)sums[0];
        sums16[2 * g + 1] = scale * (float)sums[1];
        sums32[g] = scale * (float)(sums[0] + sums[1]);
    }
}

static void product(const ck_tile *t, size_t width, size_t group, bool is_signed) {
    for (size_t g = 0; g < t->columns / group; g++)
        for (size_t w = 0; w < width; w++)
            for (size_t r = 0; r < CK_PANEL_ROWS; r++) {
                int32_t dot = 0;
                for (size_t k = g * group; k < (g + 1) * group; k++) {
                    uint8_t quant = t->quants[(k / 4 * CK_PANEL_ROWS + r) * 4 + k % 4];
                    dot += (is_signed ? (int8_t)quant : quant) * t->activations[(k / 4 * width + w) * 4 + k % 4];
                }
                float *sum = &t->sums[w * CK_PANEL_ROWS + r];
                float scale = t->scales[g * CK_PANEL_ROWS + r] * t->act_scales[g * group / 32 * width + w];
                *sum = fmaf((float)dot, scale, *sum);
                if (!is_signed) *sum = fmaf(t->minima[g * CK_PANEL_ROWS + r], t->act_sums[g * width + w], *sum);
            }
}

#define WIDTHS(name, group, is_signed)                                             \
    static void name##_1(const ck_tile *t) { product(t, 1, group, is_signed); }    \
    static void name##_2(const ck_tile *t) { product(t, 2, group, is_signed); }    \
    static void name##_3(const ck_tile *t) { product(t, 3, group, is_signed); }    \
    static void name##_4(const ck_tile *t) { product(t, 4, group, is_signed); }
WIDTHS(product32, 32, false)
WIDTHS(product16, 16, false)
WIDTHS(product_signed, 32, true)

static void gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                 size_t ldc, bool accumulate) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = accumulate ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++) sum = fmaf(a[i * lda + p], b[p * ldb + j], sum);
            c[i * ldc + j] = sum;
        }
}

static void rms_norm(const float *x, const float *weight, size_t n, float eps, float *y) {
    float squares = 0;
    for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
    float factor = 1 / sqrtf(squares / (float)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = x[i] * factor * (weight ? weight[i] : 1);
}

static void add(const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void scale(float *x, size_t n, float factor) {
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

static float exponential(float x) {
    if (!(x >= CK_EXP_MIN)) return x != x ? x : 0;
    x = x > CK_EXP_MAX ? CK_EXP_MAX : x;
    float n = nearbyintf(x * CK_LOG2E);
    float r = fmaf(-n, CK_LN2_LOW, fmaf(-n, CK_LN2_HIGH, x));
    float p = fmaf(CK_EXP_7, r, CK_EXP_6);
    p = fmaf(p, r, CK_EXP_5);
    p = fmaf(p, r, CK_EXP_4);
    p = fmaf(p, r, CK_EXP_3);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1);
    p = fmaf(p, r, 1);
    return p * ck_bits((uint32_t)((int32_t)n + 127) << 23);
}

static void softcap(float *x, size_t n, float cap) {
    for (size_t i = 0; i < n; i++) x[i] = cap * (1 - 2 / (1 + exponential(2 * x[i] / cap)));
}

static void silu_gate(const float *gate, const float *up, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1 + exponential(-gate[i])) * up[i];
}

static void gelu_gate(const float *gate, const float *up, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) {
        float x = gate[i];
        y[i] = x / (1 + exponential(x * (CK_GELU_LINEAR + CK_GELU_CUBIC * x * x))) * up[i];
    }
}

static void rope_halves(float *x, float *y, size_t n, const float *cosines, const float *sines) {
    for (size_t i = 0; i < n; i++) {
        float a = x[i], b = y[i];
        x[i] = a * cosines[i] - b * sines[i];
        y[i] = b * cosines[i] + a * sines[i];
    }
}

static void rope_pairs(float *x, size_t n, const float *cosines, const float *sines) {
    for (size_t i = 0; i < n; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = b * cosines[i] + a * sines[i];
    }
}

static void to_f16(const float *x, size_t n, uint16_t *y) {
    for (size_t i = 0; i < n; i++) y[i] = ck_to_half(x[i]);
}

static float maximum(const float *x, size_t n) {
    float largest = -INFINITY;
    for (size_t i = 0; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

static float exp_shift(float *x, size_t n, float shift) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = exponential(x[i] - shift);
        sum += x[i];
    }
    return sum;
}

static void softmax_step(float *scores, size_t rows, size_t n, float *maxima, float *sums, float *out, size_t width) {
    for (size_t r = 0; r < rows; r++, scores += n, out += width) {
        float largest = maximum(scores, n);
        if (!(largest > -INFINITY)) {  // nothing visible here
            memset(scores, 0, n * sizeof *scores);
            continue;
        }
        if (largest > maxima[r]) {
            float factor = maxima[r] == -INFINITY ? 0 : exponential(maxima[r] - largest);
            maxima[r] = largest;
            sums[r] *= factor;
            scale(out, width, factor);
        }
        sums[r] += exp_shift(scores, n, maxima[r]);
    }
}

static void transpose_keys(const float *keys, size_t n, size_t width, float *out, size_t stride) {
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < width; d++) out[d * stride + i] = keys[i * width + d];
}

const ck_table ck_portable = {
    .name = "portable",
    .dequantize = {CK_SCALAR_DEQUANTIZE},
    .unpack = {CK_SCALAR_UNPACK},
    .interleave = interleave,
    .transpose = transpose,
    .quantize = quantize,
    .rms_norm = rms_norm,
    .add = add,
    .scale = scale,
    .softcap = softcap,
    .silu_gate = silu_gate,
    .gelu_gate = gelu_gate,
    .rope_halves = rope_halves,
    .rope_pairs = rope_pairs,
    .to_f16 = to_f16,
    .maximum = maximum,
    .exp_shift = exp_shift,
    .softmax_step = softmax_step,
    .transpose_keys = transpose_keys,
    CK_SCALAR_KV
    .product = {{product32_1, product32_2, product32_3, product32_4},
                {product32_1, product32_2, product32_3, product32_4},
                {product16_1, product16_2, product16_3, product16_4},
                {product_signed_1, product_signed_2, product_signed_3, product_signed_4}},
    .gemm = gemm,
};
