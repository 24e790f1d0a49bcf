// AVX-512: float matrix product. The tile is up to 12 rows of A times 2 registers of B: 24 accumulators, 2 registers of
// B; the elements of A are broadcast by the multiplying instruction itself. Few rows take 4 registers of B instead, to
// have enough independent chains.

#if defined(__x86_64__)
#include "x86_avx512.h"

enum { ROWS = 12 };

typedef struct {
    size_t k, lda, ldb, ldc;
    bool accumulate;
} shape;

// `registers` of B, the last of them through a mask.
AVX512_INLINE void tile(const shape *s, const float *a, const float *b, float *c, const int m, const int registers,
                        const __mmask16 last) {
    __m512 sums[ROWS][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < registers; j++) {
            const __mmask16 mask = j == registers - 1 ? last : 0xffff;
            sums[i][j] = s->accumulate ? _mm512_maskz_loadu_ps(mask, c + (size_t)i * s->ldc + 16 * j)
                                       : _mm512_setzero_ps();
        }
    for (size_t p = 0; p < s->k; p++) {
        __m512 row[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < registers; j++)
            row[j] = _mm512_maskz_loadu_ps(j == registers - 1 ? last : 0xffff, b + p * s->ldb + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            const __m512 x = _mm512_set1_ps(a[(size_t)i * s->lda + p]);
            for (int j = 0; j < registers; j++) sums[i][j] = _mm512_fmadd_ps(x, row[j], sums[i][j]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < registers; j++)
            _mm512_mask_storeu_ps(c + (size_t)i * s->ldc + 16 * j, j == registers - 1 ? last : 0xffff, sums[i][j]);
}

// m rows, all columns.
AVX512_INLINE void stripe(const shape *s, const float *a, const float *b, float *c, const int m, size_t n) {
    size_t j = 0;
    if (m <= 2)
        for (; j + 64 <= n; j += 64) tile(s, a, b + j, c + j, m, 4, 0xffff);
    for (; j + 16 < n; j += 32) tile(s, a, b + j, c + j, m, 2, first_lanes(n - j - 16));
    if (j < n) tile(s, a, b + j, c + j, m, 1, first_lanes(n - j));
}

#define STRIPE(m) \
    AVX512 static void rows##m(const shape *s, const float *a, const float *b, float *c, size_t n) { \
        stripe(s, a, b, c, m, n); \
    }
STRIPE(1) STRIPE(2) STRIPE(3) STRIPE(4) STRIPE(5) STRIPE(6)
STRIPE(7) STRIPE(8) STRIPE(9) STRIPE(10) STRIPE(11) STRIPE(12)

AVX512 void ck_avx512_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                           float *c, size_t ldc, bool accumulate) {
    static void (*const rows[ROWS + 1])(const shape *, const float *, const float *, float *, size_t) = {
        NULL, rows1, rows2, rows3, rows4, rows5, rows6, rows7, rows8, rows9, rows10, rows11, rows12};
    const shape s = {k, lda, ldb, ldc, accumulate};
    for (size_t i = 0; i < m; i += ROWS) rows[m - i < ROWS ? m - i : ROWS](&s, a + i * lda, b, c + i * ldc, n);
}

#endif
