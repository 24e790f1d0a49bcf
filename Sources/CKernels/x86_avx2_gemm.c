// AVX2: float matrix product and the two other loops of attention.
//
// The tile of the product is 6 rows of A times 2 registers of B: 12 accumulators, 2 registers of B, 1 broadcast. Few
// rows take 4 registers of B instead, to have enough independent chains.

#if defined(__x86_64__)
#include "x86_avx2.h"

typedef struct {
    size_t k, lda, ldb, ldc;
    bool accumulate;
} shape;

AVX2_INLINE void tile(const shape *s, const float *a, const float *b, float *c, const int m, const int n) {
    __m256 sums[6][4];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            sums[i][j] = s->accumulate ? _mm256_loadu_ps(c + (size_t)i * s->ldc + 8 * j) : _mm256_setzero_ps();
    for (size_t p = 0; p < s->k; p++) {
        __m256 row[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++) row[j] = _mm256_loadu_ps(b + p * s->ldb + 8 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            __m256 x = _mm256_broadcast_ss(a + (size_t)i * s->lda + p);
            for (int j = 0; j < n; j++) sums[i][j] = _mm256_fmadd_ps(x, row[j], sums[i][j]);
        }
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) _mm256_storeu_ps(c + (size_t)i * s->ldc + 8 * j, sums[i][j]);
}

// Fewer than 8 columns.
AVX2_INLINE void narrow(const shape *s, const float *a, const float *b, float *c, const int m, size_t n) {
    __m256i mask = lanes_below(n);
    __m256 sums[6];
    for (int i = 0; i < m; i++)
        sums[i] = s->accumulate ? _mm256_maskload_ps(c + (size_t)i * s->ldc, mask) : _mm256_setzero_ps();
    for (size_t p = 0; p < s->k; p++) {
        __m256 row = _mm256_maskload_ps(b + p * s->ldb, mask);
        for (int i = 0; i < m; i++)
            sums[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(a + (size_t)i * s->lda + p), row, sums[i]);
    }
    for (int i = 0; i < m; i++) _mm256_maskstore_ps(c + (size_t)i * s->ldc, mask, sums[i]);
}

// m rows, all columns from j on.
AVX2_INLINE void stripe(const shape *s, const float *a, const float *b, float *c, const int m, size_t n) {
    size_t j = 0;
    if (m <= 2)
        for (; j + 32 <= n; j += 32) tile(s, a, b + j, c + j, m, 4);
    for (; j + 16 <= n; j += 16) tile(s, a, b + j, c + j, m, 2);
    if (j + 8 <= n) {
        tile(s, a, b + j, c + j, m, 1);
        j += 8;
    }
    if (j < n) narrow(s, a, b + j, c + j, m, n - j);
}

AVX2 static void rows6(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, 6, n); }
AVX2 static void rows5(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, 5, n); }
AVX2 static void rows4(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, 4, n); }
AVX2 static void rows3(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, 3, n); }
AVX2 static void rows2(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, 2, n); }
AVX2 static void rows1(const shape *s, const float *a, const float *b, float *c, size_t n) { stripe(s, a, b, c, 1, n); }

AVX2 void ck_avx2_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                       size_t ldc, bool accumulate) {
    static void (*const rows[7])(const shape *, const float *, const float *, float *, size_t) = {
        NULL, rows1, rows2, rows3, rows4, rows5, rows6};
    const shape s = {k, lda, ldb, ldc, accumulate};
    for (size_t i = 0; i < m; i += 6) rows[m - i < 6 ? m - i : 6](&s, a + i * lda, b, c + i * ldc, n);
}

AVX2 void ck_avx2_transpose_keys(const float *keys, size_t n, size_t width, float *out, size_t stride) {
    for (size_t i = 0; i < n; i += 8) {
        size_t d = 0;
        for (; d + 8 <= width; d += 8) {
            __m256 r[8];
            for (size_t j = 0; j < 8; j++) r[j] = _mm256_loadu_ps(keys + (i + j) * width + d);
            transpose8(r);
            for (size_t j = 0; j < 8; j++) _mm256_storeu_ps(out + (d + j) * stride + i, r[j]);
        }
        for (; d < width; d++)
            for (size_t j = i; j < i + 8; j++) out[d * stride + j] = keys[j * width + d];
    }
}

AVX2 void ck_avx2_softmax_step(float *scores, size_t rows, size_t n, float *maxima, float *sums, float *out,
                               size_t width) {
    for (size_t r = 0; r < rows; r++, scores += n, out += width) {
        __m256 top = _mm256_set1_ps(-INFINITY);
        for (size_t i = 0; i < n; i += 8) top = _mm256_max_ps(top, _mm256_loadu_ps(scores + i));
        float largest = largest_of(top);
        if (!(largest > -INFINITY)) {
            memset(scores, 0, n * sizeof *scores);
            continue;
        }
        if (largest > maxima[r]) {
            // exp8 gives 0 for minus infinity, the maximum of a row that has seen nothing yet.
            float factor = _mm256_cvtss_f32(exp8(_mm256_set1_ps(maxima[r] - largest)));
            maxima[r] = largest;
            sums[r] *= factor;
            ck_avx2.scale(out, width, factor);
        }
        __m256 shift = _mm256_set1_ps(maxima[r]), sum = _mm256_setzero_ps();
        for (size_t i = 0; i < n; i += 8) {
            __m256 p = exp8(_mm256_sub_ps(_mm256_loadu_ps(scores + i), shift));
            _mm256_storeu_ps(scores + i, p);
            sum = _mm256_add_ps(sum, p);
        }
        sums[r] += sum_of(sum);
    }
}

#endif
