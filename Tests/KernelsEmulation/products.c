// Whole matrix products of every weight type: all numbers of tokens that take a path of their own, rows that fill no
// panel, and the same bits however many tokens go together.

#include <stdlib.h>

#include "checks.h"

enum { ROWS = 37, TOKENS = 64 };

// Quantized inputs; floats; floats that may be rounded to the precision of the weights.
typedef enum { INTEGERS, FLOATS, ROUNDED } kind;
static const char *const names[] = {"integers", "floats", "rounded floats"};

// As Compute.groupedMatmul does it: rows first ..< first + count for the tokens from `token` on.
static void multiply(const ck_table *t, uint32_t type, size_t columns, kind k, const uint8_t *weights, const float *x,
                     size_t tokens, size_t first, size_t count, float *y) {
    random_source r = {77};
    static float *bias;
    if (bias == NULL) bias = floats(&r, ROWS);
    ck_product p = {.type = type, .weights = weights, .rows = ROWS, .columns = columns, .bias = bias, .y = y,
                    .y_stride = ROWS, .rounded = k == ROUNDED};
    size_t bytes = ck_product_scratch(tokens), other = ck_product_float_scratch(tokens);
    void *scratch = malloc(bytes > other ? bytes : other);
    if (k != INTEGERS) {
        ck_product_rows_float(t, &p, x, tokens, first, count, scratch);
        free(scratch);
        return;
    }
    ck_activations a = {.tokens = tokens, .columns = columns, .tile_tokens = CK_TILE_TOKENS};
    if (tokens <= CK_DOT_TOKENS && ck_has_dots(t, type)) a.tile_tokens = 1;
    a.quants = malloc(tokens * columns);
    a.scales = malloc(tokens * columns / 32 * sizeof(float));
    a.sums32 = malloc(tokens * columns / 32 * sizeof(float));
    a.sums16 = malloc(tokens * columns / 16 * sizeof(float));
    void *quantizing = malloc(ck_quantize_scratch(columns));
    for (size_t tile = 0; tile * a.tile_tokens < tokens; tile++) ck_quantize_tile(t, x, &a, tile, quantizing);
    ck_product_rows(t, &p, &a, first, count, scratch);
    free(a.quants);
    free(a.scales);
    free(a.sums32);
    free(a.sums16);
    free(quantizing);
    free(scratch);
}

// Each input is off by at most 2^-9 of itself, and each sum by some roundings.
static void check_rounding(const ck_table *t, uint32_t type, size_t columns, const uint8_t *weights, const float *x,
                           const float *y) {
    float *row = memory(columns * sizeof(float));
    random_source r = {77};
    const float *bias = floats(&r, ROWS);
    bool good = true;
    for (size_t i = 0; i < ROWS; i++) {
        ck_dequantize_row(&ck_portable, type, weights + i * columns * ck_block_bytes(type), columns, row);
        for (size_t token = 0; token < TOKENS; token++) {
            double exact = (double)bias[i], size = fabs(exact);
            for (size_t k = 0; k < columns; k++) {
                exact += (double)row[k] * (double)x[token * columns + k];
                size += fabs((double)row[k] * (double)x[token * columns + k]);
            }
            good &= fabs((double)y[token * ROWS + i] - exact) <= size * (0x1p-9 + (double)columns * 0x1p-24);
        }
    }
    expect(good, t, "rounded floats of type %u", type);
}

static void check_type(const ck_table *t, uint32_t type, size_t columns, kind k) {
    random_source r = {31 + type};
    uint8_t *weights = random_weights(&r, type, ROWS, columns);
    float *x = floats(&r, TOKENS * columns), *all = memory(TOKENS * ROWS * 4), *some = memory(TOKENS * ROWS * 4);
    float *expected = memory(TOKENS * ROWS * 4);
    multiply(&ck_portable, type, columns, k, weights, x, TOKENS, 0, ROWS, expected);
    multiply(t, type, columns, k, weights, x, TOKENS, 0, ROWS, all);
    if (k != ROUNDED || t->rounded_dots[type] == NULL)
        expect(same_bits(all, expected, TOKENS * ROWS), t, "%s of type %u: not those of the portable level", names[k],
               type);
    else
        check_rounding(t, type, columns, weights, x, all);
    for (size_t tokens = 1; tokens <= 9; tokens++) {
        multiply(t, type, columns, k, weights, x + 3 * columns, tokens, 0, ROWS, some);
        expect(same_bits(some, all + 3 * ROWS, tokens * ROWS), t, "%s of type %u, %zu tokens", names[k], type, tokens);
    }
    // Rows past a panel: 1...15 of them behind one or none.
    for (size_t count = 1; count <= ROWS - 5; count += count < 18 ? 1 : 3)
        for (size_t tokens = 1; tokens <= 6; tokens += tokens == 2 ? 3 : tokens) {
            for (size_t i = 0; i < TOKENS * ROWS; i++) some[i] = -7;
            multiply(t, type, columns, k, weights, x, tokens, 5, count, some);
            bool same = true;
            for (size_t i = 0; i < tokens * ROWS; i++) {
                bool inside = i % ROWS >= 5 && i % ROWS < 5 + count;
                same &= inside ? same_bits(&some[i], &all[i], 1) : some[i] == -7;
            }
            expect(same, t, "%s of type %u, %zu tokens, %zu rows", names[k], type, tokens, count);
        }
}

void check_products(const ck_table *t) {
    for (int i = 0; i < WEIGHT_TYPES; i++) {
        if (ck_class(weight_types[i]) == CK_PLAIN) {
            check_type(t, weight_types[i], 2052, FLOATS);
            check_type(t, weight_types[i], 2052, ROUNDED);
            check_type(t, weight_types[i], 37, ROUNDED);
            continue;
        }
        check_type(t, weight_types[i], 1280, INTEGERS);
        check_type(t, weight_types[i], 1280, FLOATS);
    }
}
