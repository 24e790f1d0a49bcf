// How keys and values are kept as integers: the portable functions, which define what every level must compute.
//
// A row (one head of one token) is rotated by a Walsh-Hadamard transform, which spreads what a few elements have too
// much of over all of them, and then stored with one scale. Scales are halves and codes belong to the rounded scale.
// What becomes of a row depends on the row alone, so the bits of a cache do not depend on how a prompt was cut.
//
// q8: -127...127 times largest / 127.
// q4: sixteen levels for the nearly normal numbers that the transform leaves, with the scale of the least squared
//     error among a few that are tried.

#include "internal.h"

// The best sixteen levels for normally distributed numbers (Max 1960; Lloyd 1982: 0.128, 0.388, 0.657, 0.942, 1.256,
// 1.618, 2.069, 2.733) as bytes. Bit 3 of a code is the sign.
const int8_t ck_kv_levels[16] = {6, 18, 31, 44, 58, 75, 96, 127, -6, -18, -31, -44, -58, -75, -96, -127};
const float ck_kv_borders[CK_KV_MAGNITUDES - 1] = {12, 24.5f, 37.5f, 51, 66.5f, 85.5f, 111.5f};

void ck_hadamard(float *x, size_t n, size_t block) {
    const float factor = (float)(1 / sqrt((double)block));
    for (float *end = x + n / block * block; x < end; x += block) {
        for (size_t half = 1; half < block; half *= 2)
            for (size_t i = 0; i < block; i += 2 * half)
                for (size_t j = i; j < i + half; j++) {
                    float a = x[j], b = x[j + half];
                    x[j] = a + b;
                    x[j + half] = a - b;
                }
        for (size_t i = 0; i < block; i++) x[i] *= factor;
    }
}

// As bits, which order magnitudes as their values do, infinity and NaN last.
static float largest_magnitude(const float *x, size_t n) {
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = ck_float_bits(x[i]) & 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    return ck_bits(largest);
}

static bool is_finite_half(uint16_t scale) { return (scale & 0x7c00) != 0x7c00; }

uint16_t ck_encode_q8(const float *x, size_t n, int8_t *codes) {
    const uint16_t scale = ck_to_half(largest_magnitude(x, n) / 127);
    // Infinity or NaN: the row is read as NaN.
    const float inverse = is_finite_half(scale) && scale != 0 ? 1 / ck_half(scale) : 0;
    if (inverse == 0) {
        memset(codes, 0, n);
        return scale;
    }
    for (size_t i = 0; i < n; i++) {
        float code = x[i] * inverse;
        code = code < 127 ? code : 127;
        code = code > -127 ? code : -127;
        codes[i] = (int8_t)nearbyintf(code);
    }
    return scale;
}

void ck_kv_tries(float squares, float largest, size_t n, float inverses[CK_KV_TRIES]) {
    // In units of the scale that is best for normally distributed numbers: one level is rms / 46.476.
    static const float factors[CK_KV_TRIES - 1] = {0.7f, 0.8f, 0.9f, 1, 1.12f, 1.3f, 1.6f};
    const float unit = 46.476f / sqrtf(squares / (float)n);
    for (size_t i = 0; i < CK_KV_TRIES - 1; i++) inverses[i] = unit / factors[i];
    inverses[CK_KV_TRIES - 1] = 127 / largest;
}

// Eight sums as every level adds them up.
static float sum_of(const float s[8]) {
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static size_t magnitude_code(float x, float inverse) {
    const float value = fabsf(x) * inverse;
    size_t code = 0;
    for (size_t i = 0; i < CK_KV_MAGNITUDES - 1; i++) code += value > ck_kv_borders[i];
    return code;
}

uint16_t ck_encode_q4(const float *x, size_t n, uint8_t *codes) {
    const float largest = largest_magnitude(x, n);
    memset(codes, 0, n / 2);
    if (!(largest < INFINITY)) return 0x7e00;
    float squares[8] = {0};
    for (size_t i = 0; i < n; i++) squares[i % 8] += x[i] * x[i];
    // Rows too small or too large for a scale are zero or read as infinite.
    float total = sum_of(squares), inverses[CK_KV_TRIES], best = -1, scale = largest / 127;
    if (total > 0x1p-100f && total < 0x1p100f) {
        ck_kv_tries(total, largest, n, inverses);
        for (size_t k = 0; k < CK_KV_TRIES; k++) {
            float dots[8] = {0}, norms[8] = {0};
            for (size_t i = 0; i < n; i++) {
                const float level = ck_kv_levels[magnitude_code(x[i], inverses[k])];
                dots[i % 8] += fabsf(x[i]) * level;
                norms[i % 8] += level * level;
            }
            // The best scale for these levels, and how much of the squares it explains.
            const float dot = sum_of(dots), norm = sum_of(norms), explained = dot * (dot / norm);
            if (explained > best) {
                best = explained;
                scale = dot / norm;
            }
        }
    }
    const uint16_t rounded = ck_to_half(scale);
    if (rounded == 0 || !is_finite_half(rounded)) return rounded;
    const float inverse = 1 / ck_half(rounded);
    for (size_t i = 0; i < n; i++) {
        const size_t code = magnitude_code(x[i], inverse) | (size_t)(x[i] < 0) << 3;
        codes[i % (n / 2)] |= (uint8_t)(code << (i < n / 2 ? 0 : 4));
    }
    return rounded;
}

void ck_q8_rows(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) out[r * n + i] = (float)codes[r * n + i] * scales[r];
}

void ck_q4_rows(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out) {
    const size_t half = n / 2;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < half; i++) {
            const uint8_t code = codes[r * half + i];
            out[r * n + i] = (float)ck_kv_levels[code & 15] * scales[r];
            out[r * n + half + i] = (float)ck_kv_levels[code >> 4] * scales[r];
        }
}

void ck_q8_columns(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) out[r * stride + i] = (float)codes[r * stride + i] * scales[i];
}

void ck_q4_columns(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out) {
    const size_t half = rows / 2;
    for (size_t r = 0; r < half; r++)
        for (size_t i = 0; i < n; i++) {
            const uint8_t code = codes[r * stride + i];
            out[r * stride + i] = (float)ck_kv_levels[code & 15] * scales[i];
            out[(half + r) * stride + i] = (float)ck_kv_levels[code >> 4] * scales[i];
        }
}
