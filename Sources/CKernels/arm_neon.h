// Shared by the files of the two NEON levels: "neon", which every 64-bit ARM processor has, and "neondot" with the dot
// product extension.

#ifndef CK_ARM_NEON_H
#define CK_ARM_NEON_H

#include <arm_neon.h>

#include "internal.h"
#include "vmath.h"

#define NEON_INLINE static inline __attribute__((always_inline))

// Rows to columns in place.
NEON_INLINE void transpose4(float32x4_t r[4]) {
    float32x4_t a = vtrn1q_f32(r[0], r[1]), b = vtrn2q_f32(r[0], r[1]);
    float32x4_t c = vtrn1q_f32(r[2], r[3]), d = vtrn2q_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(a), vget_low_f32(c));
    r[1] = vcombine_f32(vget_low_f32(b), vget_low_f32(d));
    r[2] = vcombine_f32(vget_high_f32(a), vget_high_f32(c));
    r[3] = vcombine_f32(vget_high_f32(b), vget_high_f32(d));
}

// arm_neon_product.c
#define CK_NEON_WIDTHS(name) \
    void name##_1(const ck_tile *t); void name##_2(const ck_tile *t); void name##_3(const ck_tile *t); \
    void name##_4(const ck_tile *t);
CK_NEON_WIDTHS(ck_neon_u4)
CK_NEON_WIDTHS(ck_neon_u5)
CK_NEON_WIDTHS(ck_neon_u6)
CK_NEON_WIDTHS(ck_neon_s8)
CK_NEON_WIDTHS(ck_neondot_u32)
CK_NEON_WIDTHS(ck_neondot_u16)
CK_NEON_WIDTHS(ck_neondot_s32)
void ck_neon_quantize(const float *x, size_t n, int8_t *quants, float *scales, float *sums32, float *sums16);
void ck_neon_interleave(const uint8_t *rows, size_t n, uint8_t *panel);
void ck_neon_transpose(const float *rows, size_t stride, size_t n, float *out);

// arm_neon_gemm.c
void ck_neon_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc, bool accumulate);
void ck_neon_transpose_keys(const float *keys, size_t n, size_t width, float *out, size_t stride);

// arm_neon_kv.c
void ck_neon_q8_rows(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out);
void ck_neon_q4_rows(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out);
void ck_neon_q8_columns(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
void ck_neon_q4_columns(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
#define CK_NEON_KV \
    .q8_rows = ck_neon_q8_rows, .q4_rows = ck_neon_q4_rows, .q8_columns = ck_neon_q8_columns, \
    .q4_columns = ck_neon_q4_columns,

#endif
