// Walks over the blocks of 8 rows, for AVX2 and the levels that only have another dot product. A walk either multiplies by
// one or two tokens (decode), where memory is the limit and a block is unpacked in registers, used and forgotten; or it
// writes the quants, scales and minima of half a panel. The order of float sums is that of the panel kernels, so the bits
// are the same.
//
// Before this file is included: WALK and WALK_INLINE (attributes of functions), and
//     __m256i dot(const __m256i q[8], const int8_t *a, const int from, const int to, const int run)
// the products with the activations of columns 4 * from ..< 4 * to as 32-bit sums. `run` of them fit in 16 bits; for 0
// the quants are signed.

#ifndef CK_X86_WALKS_H
#define CK_X86_WALKS_H

#include "x86_avx2_columns.h"

// What a walk is for: products, or a panel if there are no tokens.
typedef struct {
    const ck_rows *rows;
    const ck_dots *dots;
    __m256 *sums;  // [tokens]
    ck_half_panel panel;
} walk;

WALK_INLINE void store_quants(const walk *w, size_t g, const __m256i q[8]) {
    for (size_t j = 0; j < 8; j++)
        _mm256_store_si256((__m256i *)(w->panel.quants + (8 * g + j) * 4 * CK_PANEL_ROWS), q[j]);
}

WALK_INLINE void store_scale(const walk *w, size_t group, __m256 scale, __m256 minimum, const bool with_minimum) {
    _mm256_store_ps(w->panel.scales + group * CK_PANEL_ROWS, scale);
    if (with_minimum) _mm256_store_ps(w->panel.minima + group * CK_PANEL_ROWS, minimum);
}

// 32 columns with one scale and minimum.
WALK_INLINE void use_group(const walk *w, const size_t tokens, size_t g, const __m256i q[8], const int run,
                           __m256 scale, __m256 minimum) {
    if (tokens == 0) {
        store_quants(w, g, q);
        store_scale(w, g, scale, minimum, run != 0);
        return;
    }
    const size_t columns = w->rows->columns;
    const int8_t *a = w->dots->activations + 32 * g;
    const float *act_scale = w->dots->act_scales + g, *act_sum = w->dots->act_sums + g;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < tokens; i++) {
        __m256 dots = _mm256_cvtepi32_ps(dot(q, a, 0, 8, run));
        __m256 sum = _mm256_fmadd_ps(dots, _mm256_mul_ps(scale, _mm256_broadcast_ss(act_scale)), w->sums[i]);
        if (run != 0) sum = _mm256_fmadd_ps(minimum, _mm256_broadcast_ss(act_sum), sum);
        w->sums[i] = sum;
        a += columns;
        act_scale += columns / 32;
        act_sum += columns / 32;
    }
}

// Two halves of 16 columns with scales of their own and quants 0...63, which stand for 32 less.
WALK_INLINE void use_halves(const walk *w, const size_t tokens, size_t g, const __m256i q[8], const __m256 scale[2]) {
    __m256 minimum[2];
    for (int h = 0; h < 2; h++) minimum[h] = _mm256_mul_ps(_mm256_set1_ps(-32), scale[h]);
    if (tokens == 0) {
        store_quants(w, g, q);
        for (size_t h = 0; h < 2; h++) store_scale(w, 2 * g + h, scale[h], minimum[h], true);
        return;
    }
    const size_t columns = w->rows->columns;
    const int8_t *a = w->dots->activations + 32 * g;
    const float *act_scale = w->dots->act_scales + g, *act_sum = w->dots->act_sums + 2 * g;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < tokens; i++) {
        __m256 sum = w->sums[i];
        for (int h = 0; h < 2; h++) {
            __m256 dots = _mm256_cvtepi32_ps(dot(q, a, 4 * h, 4 * h + 4, 2));
            sum = _mm256_fmadd_ps(dots, _mm256_mul_ps(scale[h], _mm256_broadcast_ss(act_scale)), sum);
            sum = _mm256_fmadd_ps(minimum[h], _mm256_broadcast_ss(act_sum + h), sum);
        }
        w->sums[i] = sum;
        a += columns;
        act_scale += columns / 32;
        act_sum += columns / 16;
    }
}

// While `bytes` of each of 8 rows are worked on, fetches as much from what follows, in order of addresses: the rows are
// read in 8 streams, too short for the processor to see that they make one. A few lines at a time, as the loads of the
// rows at work need the buffers that outstanding fetches hold.
WALK_INLINE void fetch(const uint8_t *ahead, const size_t bytes) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 8 * bytes; i += 64) _mm_prefetch((const char *)ahead + i, _MM_HINT_T0);
}

// Blocks of 32 of `bytes`. `read` sets q, scale and minimum from the blocks b.
#define DOTS_32(name, bytes, run, read)                                                      \
    WALK_INLINE void walk_##name(const walk *w, const size_t tokens) {                       \
        block_rows b = {w->rows->first, w->rows->row_bytes};                                        \
        const uint8_t *ahead = w->rows->ahead;                                       \
        for (size_t g = 0; g < w->rows->columns / 32; g++, b.first += (bytes)) {                \
            __m256i q[8], header[4];                                                         \
            __m256 scale, minimum;                                                           \
            read;                                                                            \
            fetch(ahead, bytes);                                                             \
            ahead += 8 * (bytes);                                                            \
            use_group(w, tokens, g, q, run, scale, minimum);                                 \
        }                                                                                    \
    }

WALK_INLINE __m256 times(float factor, __m256 v) { return _mm256_mul_ps(_mm256_set1_ps(factor), v); }

DOTS_32(q4_0, 18, 8, {
    columns_of_16(b, 0, 1, header);
    scale = lower_halves(header[0]);
    minimum = times(-8, scale);
    nibble_columns(b, 2, q);
})
DOTS_32(q4_1, 20, 8, {
    columns_of_16(b, 0, 1, header);
    scale = lower_halves(header[0]);
    minimum = upper_halves(header[0]);
    nibble_columns(b, 4, q);
})
DOTS_32(q5_0, 22, 4, {
    columns_of_16(b, 0, 2, header);
    scale = lower_halves(header[0]);
    minimum = times(-16, scale);
    nibble_columns(b, 6, q);
    add_fifth_bits(_mm256_or_si256(_mm256_srli_epi32(header[0], 16), _mm256_slli_epi32(header[1], 16)), q);
})
DOTS_32(q5_1, 24, 4, {
    columns_of_16(b, 0, 2, header);
    scale = lower_halves(header[0]);
    minimum = upper_halves(header[0]);
    nibble_columns(b, 8, q);
    add_fifth_bits(header[1], q);
})
DOTS_32(q8_0, 34, 0, {
    columns_of_16(b, 0, 1, header);
    scale = minimum = lower_halves(header[0]);
    columns_of_32(b, 2, q);
})

// Blocks of 256 with 8 scales and minima each. `add_high` adds the fifth bits of sub-block k.
#define DOTS_K(name, bytes, quants, run, read_high, add_high)                                                   \
    WALK_INLINE void walk_##name(const walk *w, const size_t tokens) {                                          \
        block_rows b = {w->rows->first, w->rows->row_bytes};                                                           \
        const uint8_t *ahead = w->rows->ahead;                                                          \
        for (size_t i = 0; i < w->rows->columns / 256; i++, b.first += (bytes)) {                                  \
            k_header header = read_k_header(b);                                                                 \
            read_high;                                                                                          \
            __m256i raw[8], q[8];                                                                               \
            _Pragma("clang loop unroll(full)") for (int k = 0; k < 8; k++) {                                    \
                if (k % 2 == 0) columns_of_32(b, (quants) + 16 * (size_t)k, raw);                               \
                for (int j = 0; j < 8; j++) {                                                                   \
                    q[j] = k % 2 == 0 ? low_nibbles(raw[j]) : high_nibbles(raw[j]);                             \
                    add_high;                                                                                   \
                }                                                                                               \
                fetch(ahead, (bytes) / 8);                                                                      \
                ahead += (bytes);                                                                               \
                __m256 scale = _mm256_mul_ps(header.d, byte_as_float(header.scales[k / 4], k % 4));             \
                __m256 minimum = _mm256_mul_ps(header.minus_dmin, byte_as_float(header.minima[k / 4], k % 4));  \
                use_group(w, tokens, 8 * i + (size_t)k, q, run, scale, minimum);                                \
            }                                                                                                   \
        }                                                                                                       \
    }

DOTS_K(q4_k, 144, 16, 8, , )

// Bit k of each byte goes to bit 4; what comes over from the neighbouring byte is masked out.
WALK_INLINE __m256i with_bit(__m256i q, __m256i high, const int k) {
    __m256i moved = k < 4 ? _mm256_slli_epi16(high, 4 - k) : _mm256_srli_epi16(high, k - 4);
    return _mm256_or_si256(q, _mm256_and_si256(moved, _mm256_set1_epi8(16)));
}

DOTS_K(q5_k, 176, 48, 4, __m256i high[8]; columns_of_32(b, 16, high), q[j] = with_bit(q[j], high[j], k))

WALK_INLINE void walk_q6_k(const walk *w, const size_t tokens) {
    block_rows b = {w->rows->first, w->rows->row_bytes};
    const uint8_t *ahead = w->rows->ahead;
    for (size_t i = 0; i < w->rows->columns / 256; i++, b.first += 210) {
        __m256i header[4], scales[4];
        columns_of_16(b, 192, 4, scales);
        columns_of_16(b, 194, 4, header);  // its last two bytes are d
        const __m256 d = upper_halves(header[3]);
#pragma clang loop unroll(full)
        for (int half = 0; half < 2; half++) {
            __m256i high[8], raw[2][8], q[8];
            columns_of_32(b, 128 + 32 * (size_t)half, high);
            columns_of_32(b, 64 * (size_t)half, raw[0]);
            columns_of_32(b, 64 * (size_t)half + 32, raw[1]);
#pragma clang loop unroll(full)
            for (int group = 0; group < 4; group++) {
                for (int j = 0; j < 8; j++) {
                    __m256i moved = group == 0   ? _mm256_slli_epi16(high[j], 4)
                                    : group == 1 ? _mm256_slli_epi16(high[j], 2)
                                    : group == 2 ? high[j]
                                                 : _mm256_srli_epi16(high[j], 2);
                    __m256i low = group < 2 ? low_nibbles(raw[group % 2][j]) : high_nibbles(raw[group % 2][j]);
                    q[j] = _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi8(48)));
                }
                const int k = 4 * half + group;
                __m256 scale[2];
                for (int h = 0; h < 2; h++)
                    scale[h] = _mm256_mul_ps(d, signed_byte_as_float(scales[k / 2], 2 * (k % 2) + h));
                fetch(ahead, 27);
                ahead += 210;
                use_halves(w, tokens, 8 * i + (size_t)k, q, scale);
            }
        }
    }
}

// The functions of a table that walks make.
#define WALK_DOTS(function, name)                                                                \
    WALK void function(const ck_rows *rows, const ck_dots *dots) {                               \
        __m256 sums[CK_DOT_TOKENS];                                                              \
        for (size_t i = 0; i < CK_DOT_TOKENS; i++) sums[i] = _mm256_setzero_ps();                \
        const walk w = {rows, dots, sums, {NULL, NULL, NULL}};                                   \
        if (dots->tokens == 1) walk_##name(&w, 1);                                               \
        else walk_##name(&w, 2);                                                                 \
        for (size_t i = 0; i < dots->tokens; i++) _mm256_storeu_ps(dots->sums + 8 * i, sums[i]); \
    }
#define WALK_PANEL(function, name)                                                               \
    WALK void function(const ck_rows *rows, const ck_half_panel *panel) {                        \
        const walk w = {rows, NULL, NULL, *panel};                                               \
        walk_##name(&w, 0);                                                                      \
    }

#endif
