// What the files of CKernels share: tables, the small conversions every level needs, and the drivers' constants.

#ifndef CK_INTERNAL_H
#define CK_INTERNAL_H

#pragma STDC FP_CONTRACT OFF  // the bits of scales must not depend on the compiler

#include <math.h>
#include <string.h>

#include "include/ck_kernels.h"

extern const ck_table ck_portable;
#if defined(__x86_64__)
extern const ck_table ck_avx2, ck_avxvnni, ck_avx512, ck_avx512vnni, ck_avx512bf16;
#endif
#if defined(__aarch64__)
extern const ck_table ck_neon, ck_neondot;
#endif

// Scalar row functions (scalar_blocks.c), and the entries they make in a table. A level lists them first and then
// overrides those it does better.
#define CK_QUANTIZED_TYPES(apply) \
    apply(Q4_0, q4_0) apply(Q4_1, q4_1) apply(Q5_0, q5_0) apply(Q5_1, q5_1) apply(Q8_0, q8_0) \
    apply(Q2_K, q2_k) apply(Q3_K, q3_k) apply(Q4_K, q4_k) apply(Q5_K, q5_k) apply(Q6_K, q6_k) \
    apply(IQ4_NL, iq4_nl) apply(IQ4_XS, iq4_xs) apply(MXFP4, mxfp4)
#define CK_PLAIN_TYPES(apply) apply(F32, f32) apply(F16, f16) apply(BF16, bf16)
#define CK_DECLARE_FLOATS(id, name) void ck_floats_##name(const void *row, size_t n, float *out);
#define CK_DECLARE_UNPACK(id, name) \
    void ck_unpack_##name(const void *row, size_t n, uint8_t *q, float *scales, float *minima);
CK_PLAIN_TYPES(CK_DECLARE_FLOATS)
CK_QUANTIZED_TYPES(CK_DECLARE_FLOATS)
CK_QUANTIZED_TYPES(CK_DECLARE_UNPACK)
#define CK_FLOATS_ENTRY(id, name) [CK_##id] = ck_floats_##name,
#define CK_UNPACK_ENTRY(id, name) [CK_##id] = ck_unpack_##name,
#define CK_SCALAR_DEQUANTIZE CK_PLAIN_TYPES(CK_FLOATS_ENTRY) CK_QUANTIZED_TYPES(CK_FLOATS_ENTRY)
#define CK_SCALAR_UNPACK CK_QUANTIZED_TYPES(CK_UNPACK_ENTRY)

static inline float ck_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t ck_float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint16_t ck_load16(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t ck_load32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

// IEEE half to float, exact; quiets nothing.
static inline float ck_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff;
    if (exponent == 31) return ck_bits(sign | 0x7f800000 | mantissa << 13);
    if (exponent != 0) return ck_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float subnormal = (float)mantissa * 0x1p-24f;
    return ck_bits(sign | ck_float_bits(subnormal));
}

// Float to IEEE half: rounds to nearest even; too large becomes infinity; NaN stays NaN.
static inline uint16_t ck_to_half(float value) {
    uint32_t bits = ck_float_bits(value), sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000)  // subnormal half: adding 0.5 moves the rounding to the right place
        return (uint16_t)(sign | (ck_float_bits(ck_bits(bits) + 0.5f) - 0x3f000000));
    return (uint16_t)(sign | (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13);
}

// 2^(e - 128): the scale of MXFP4, half of the usual E8M0 because its quants are doubled. Subnormal for e < 2.
static inline float ck_e8m0_half(uint8_t e) {
    return ck_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

// The 6-bit scale and minimum of sub-block k in the 12 bytes of Q4_K and Q5_K.
static inline void ck_scale_min(const uint8_t *s, int k, uint8_t *scale, uint8_t *min) {
    if (k < 4) {
        *scale = s[k] & 63;
        *min = s[k + 4] & 63;
    } else {
        *scale = (uint8_t)((s[k + 4] & 15) | (s[k - 4] >> 6) << 4);
        *min = (uint8_t)(s[k + 4] >> 4 | (s[k] >> 6) << 4);
    }
}

// The 6-bit scale of group b of Q3_K, -32...31.
static inline int ck_q3_scale(const uint8_t *s, int b) {
    int low = b < 8 ? s[b] & 15 : s[b - 8] >> 4;
    int high = s[8 + b % 4] >> 2 * (b / 4) & 3;
    return (low | high << 4) - 32;
}

// The 6-bit scale of sub-block k of IQ4_XS, -32...31.
static inline int ck_iq4_scale(const uint8_t *block, int k) {
    int low = block[4 + k / 2] >> 4 * (k % 2) & 15;
    int high = ck_load16(block + 2) >> 2 * k & 3;
    return (low | high << 4) - 32;
}

// Portable functions on integers of keys and values (kv_codec.c), as entries of a table.
void ck_hadamard(float *x, size_t n, size_t block);
uint16_t ck_encode_q8(const float *x, size_t n, int8_t *codes);
uint16_t ck_encode_q4(const float *x, size_t n, uint8_t *codes);
void ck_q8_rows(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out);
void ck_q4_rows(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out);
void ck_q8_columns(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
void ck_q4_columns(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
#define CK_SCALAR_KV \
    .hadamard = ck_hadamard, .encode_q8 = ck_encode_q8, .encode_q4 = ck_encode_q4, .q8_rows = ck_q8_rows, \
    .q4_rows = ck_q4_rows, .q8_columns = ck_q8_columns, .q4_columns = ck_q4_columns,

// The numbers that codes of q4 stand for, in units of the scale, and the borders between those that are not negative.
extern const int8_t ck_kv_levels[16];
enum { CK_KV_MAGNITUDES = 8, CK_KV_TRIES = 8 };
extern const float ck_kv_borders[CK_KV_MAGNITUDES - 1];
// What is tried as the inverse scale of q4, from the sum of squares and the largest magnitude of a row.
void ck_kv_tries(float squares, float largest, size_t n, float inverses[CK_KV_TRIES]);

extern const int8_t ck_nl4[16];
extern const int8_t ck_fp4[16];

#endif
