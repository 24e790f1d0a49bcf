// AVX-512 BF16: products of BF16 weights with inputs rounded to BF16 (Numerics.fast). vdpbf16ps multiplies 16 pairs and
// adds them to 16 floats; subnormal numbers count as 0.
//
// A register holds 32 columns of one row, as they lie in memory; each pair of row and token has a register of sums, added
// up at the end. So the bits of an output depend neither on the other rows nor on the other tokens.

#if defined(__x86_64__)
#include "x86_avx512.h"

#define BF16 __attribute__((target(AVX512_FEATURES ",avx512bf16")))
#define BF16_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES ",avx512bf16")))

enum {
    TOKENS = 4,     // together
    ROWS = 4,       // together: 16 registers of sums
    COLUMNS = 2048  // rounded at a time: 16 KiB
};

// Sums of 4 rows and `tokens` tokens over columns that are a multiple of 32 but for the last part of a row. The sums of
// 16 lanes each are kept in memory between parts.
BF16_INLINE void multiply(const uint8_t *const rows[ROWS], const uint16_t *x, const size_t tokens, size_t columns,
                          __m512 *lanes, const bool begin) {
    __m512 sums[TOKENS][ROWS];
    for (size_t i = 0; i < tokens; i++)
        for (size_t r = 0; r < ROWS; r++) sums[i][r] = begin ? _mm512_setzero_ps() : lanes[i * CK_PANEL_ROWS + r];
    for (size_t k = 0; k < columns; k += 32) {
        const __mmask32 mask = columns - k >= 32 ? 0xffffffff : (1u << (columns - k)) - 1;
        __m512bh weights[ROWS];
        for (size_t r = 0; r < ROWS; r++) weights[r] = (__m512bh)_mm512_maskz_loadu_epi16(mask, rows[r] + 2 * k);
        for (size_t i = 0; i < tokens; i++) {
            const __m512bh part = (__m512bh)_mm512_loadu_si512(x + i * COLUMNS + k);
            for (size_t r = 0; r < ROWS; r++) sums[i][r] = _mm512_dpbf16_ps(sums[i][r], weights[r], part);
        }
    }
    for (size_t i = 0; i < tokens; i++)
        for (size_t r = 0; r < ROWS; r++) lanes[i * CK_PANEL_ROWS + r] = sums[i][r];
}

// Zeros past the end of x, up to a multiple of 32.
BF16_INLINE void round_inputs(const float *x, size_t n, uint16_t *out) {
    for (size_t k = 0; k < n; k += 32) {
        const __m512 low = _mm512_maskz_loadu_ps(first_lanes(n - k), x + k);
        const __m512 high = _mm512_maskz_loadu_ps(n - k > 16 ? first_lanes(n - k - 16) : 0, x + k + 16);
        _mm512_storeu_si512(out + k, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

// 16 rows, up to 4 tokens. Rows past `count` repeat the last one.
BF16_INLINE void products(const ck_rows *rows, size_t count, const float *x, size_t x_stride, const size_t tokens,
                          float *sums) {
    uint16_t rounded[TOKENS * COLUMNS];
    __m512 lanes[TOKENS * CK_PANEL_ROWS];
    size_t k = 0;
    do {
        const size_t length = rows->columns - k < COLUMNS ? rows->columns - k : COLUMNS;
        for (size_t i = 0; i < tokens; i++) round_inputs(x + i * x_stride + k, length, rounded + i * COLUMNS);
        for (size_t r = 0; r < CK_PANEL_ROWS; r += ROWS) {
            const uint8_t *starts[ROWS];
            for (size_t j = 0; j < ROWS; j++)
                starts[j] = rows->first + (r + j < count ? r + j : count - 1) * rows->row_bytes + 2 * k;
            multiply(starts, rounded, tokens, length, lanes + r, k == 0);
        }
        k += length;
    } while (k < rows->columns);
    for (size_t i = 0; i < tokens * CK_PANEL_ROWS; i++) sums[i] = _mm512_reduce_add_ps(lanes[i]);
}

BF16 void ck_avx512_rounded_bf16(const ck_rows *rows, size_t count, const float *x, size_t x_stride, size_t tokens,
                                 float *sums) {
    for (; tokens >= 4; tokens -= 4, x += 4 * x_stride, sums += 4 * CK_PANEL_ROWS)
        products(rows, count, x, x_stride, 4, sums);
    switch (tokens) {
        case 1: products(rows, count, x, x_stride, 1, sums); break;
        case 2: products(rows, count, x, x_stride, 2, sums); break;
        case 3: products(rows, count, x, x_stride, 3, sums); break;
        default: break;
    }
}

#endif
