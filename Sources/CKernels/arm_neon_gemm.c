// NEON: float matrix product and the turning of keys. The tile of the product is up to 6 rows of A times 4 registers of
// B: 24 accumulators, 4 registers of B, 1 element of A.

#if defined(__aarch64__)
#include "arm_neon.h"

enum { ROWS = 6 };

typedef struct {
    size_t k, lda, ldb, ldc;
    bool accumulate;
} shape;

NEON_INLINE void tile(const shape *s, const float *a, const float *b, float *c, const size_t m, const size_t registers) {
    float32x4_t sums[ROWS][4];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < registers; j++)
            sums[i][j] = s->accumulate ? vld1q_f32(c + i * s->ldc + 4 * j) : vdupq_n_f32(0);
    for (size_t p = 0; p < s->k; p++) {
        float32x4_t row[4];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < registers; j++) row[j] = vld1q_f32(b + p * s->ldb + 4 * j);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < registers; j++) sums[i][j] = vfmaq_n_f32(sums[i][j], row[j], a[i * s->lda + p]);
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < registers; j++) vst1q_f32(c + i * s->ldc + 4 * j, sums[i][j]);
}

// m rows, all columns.
NEON_INLINE void stripe(const shape *s, const float *a, const float *b, float *c, const size_t m, size_t n) {
    size_t j = 0;
    for (; j + 16 <= n; j += 16) tile(s, a, b + j, c + j, m, 4);
    for (; j + 4 <= n; j += 4) tile(s, a, b + j, c + j, m, 1);
    for (; j < n; j++)
        for (size_t i = 0; i < m; i++) {
            float sum = s->accumulate ? c[i * s->ldc + j] : 0;
            for (size_t p = 0; p < s->k; p++) sum = fmaf(a[i * s->lda + p], b[p * s->ldb + j], sum);
            c[i * s->ldc + j] = sum;
        }
}

#define STRIPE(m) \
    static void rows##m(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, m, n); }
STRIPE(1) STRIPE(2) STRIPE(3) STRIPE(4) STRIPE(5) STRIPE(6)

void ck_neon_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc, bool accumulate) {
    static void (*const rows[ROWS + 1])(const shape *, const float *, const float *, float *, size_t) = {
        NULL, rows1, rows2, rows3, rows4, rows5, rows6};
    const shape s = {k, lda, ldb, ldc, accumulate};
    for (size_t i = 0; i < m; i += ROWS) rows[m - i < ROWS ? m - i : ROWS](&s, a + i * lda, b, c + i * ldc, n);
}

void ck_neon_transpose_keys(const float *keys, size_t n, size_t width, float *out, size_t stride) {
    for (size_t i = 0; i < n; i += 4) {
        size_t d = 0;
        for (; d + 4 <= width; d += 4) {
            float32x4_t r[4];
            for (size_t j = 0; j < 4; j++) r[j] = vld1q_f32(keys + (i + j) * width + d);
            transpose4(r);
            for (size_t j = 0; j < 4; j++) vst1q_f32(out + (d + j) * stride + i, r[j]);
        }
        for (; d < width; d++)
            for (size_t j = i; j < i + 4; j++) out[d * stride + j] = keys[j * width + d];
    }
}

#endif
