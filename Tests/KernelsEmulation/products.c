// Whole matrix products of every weight type: all numbers of tokens that take a path of their own, rows that fill no
// panel, and the same bits however many tokens go together.

#include <stdlib.h>

#include "checks.h"

enum { COLUMNS = 1280, ROWS = 37, TOKENS = 64 };

// As Compute.groupedMatmul does it: rows first ..< first + count for the tokens from `token` on.
static void multiply(const ck_table *t, uint32_t type, bool quantized, const uint8_t *weights, const float *x,
                     size_t tokens, size_t first, size_t count, float *y) {
    random_source r = {77};
    static float *bias;
    if (bias == NULL) bias = floats(&r, ROWS);
    ck_product p = {.type = type, .weights = weights, .rows = ROWS, .columns = COLUMNS, .bias = bias, .y = y,
                    .y_stride = ROWS};
    size_t bytes = ck_product_scratch(tokens), other = ck_product_float_scratch(tokens);
    void *scratch = malloc(bytes > other ? bytes : other);
    if (!quantized) {
        ck_product_rows_float(t, &p, x, tokens, first, count, scratch);
        free(scratch);
        return;
    }
    ck_activations a = {.tokens = tokens, .columns = COLUMNS, .tile_tokens = CK_TILE_TOKENS};
    if (tokens <= CK_DOT_TOKENS && ck_has_dots(t, type)) a.tile_tokens = 1;
    a.quants = malloc(tokens * COLUMNS);
    a.scales = malloc(tokens * COLUMNS / 32 * sizeof(float));
    a.sums32 = malloc(tokens * COLUMNS / 32 * sizeof(float));
    a.sums16 = malloc(tokens * COLUMNS / 16 * sizeof(float));
    void *quantizing = malloc(ck_quantize_scratch(COLUMNS));
    for (size_t tile = 0; tile * a.tile_tokens < tokens; tile++) ck_quantize_tile(t, x, &a, tile, quantizing);
    ck_product_rows(t, &p, &a, first, count, scratch);
    free(a.quants);
    free(a.scales);
    free(a.sums32);
    free(a.sums16);
    free(quantizing);
    free(scratch);
}

static void check_type(const ck_table *t, uint32_t type, bool quantized) {
    random_source r = {31 + type};
    uint8_t *weights = random_weights(&r, type, ROWS, COLUMNS);
    float *x = floats(&r, TOKENS * COLUMNS), *all = memory(TOKENS * ROWS * 4), *some = memory(TOKENS * ROWS * 4);
    float *expected = memory(TOKENS * ROWS * 4);
    multiply(&ck_portable, type, quantized, weights, x, TOKENS, 0, ROWS, expected);
    multiply(t, type, quantized, weights, x, TOKENS, 0, ROWS, all);
    const char *kind = quantized ? "integers" : "floats";
    expect(same_bits(all, expected, TOKENS * ROWS), t, "%s of type %u: not those of the portable level", kind, type);
    for (size_t tokens = 1; tokens <= 9; tokens++) {
        multiply(t, type, quantized, weights, x + 3 * COLUMNS, tokens, 0, ROWS, some);
        expect(same_bits(some, all + 3 * ROWS, tokens * ROWS), t, "%s of type %u, %zu tokens", kind, type, tokens);
    }
    // Rows past a panel: 1...15 of them behind one or none.
    for (size_t count = 1; count <= ROWS - 5; count += count < 18 ? 1 : 3)
        for (size_t tokens = 1; tokens <= 6; tokens += tokens == 2 ? 3 : tokens) {
            for (size_t i = 0; i < TOKENS * ROWS; i++) some[i] = -7;
            multiply(t, type, quantized, weights, x, tokens, 5, count, some);
            bool same = true;
            for (size_t i = 0; i < tokens * ROWS; i++) {
                bool inside = i % ROWS >= 5 && i % ROWS < 5 + count;
                same &= inside ? same_bits(&some[i], &all[i], 1) : some[i] == -7;
            }
            expect(same, t, "%s of type %u, %zu tokens, %zu rows", kind, type, tokens, count);
        }
}

void check_products(const ck_table *t) {
    for (int i = 0; i < WEIGHT_TYPES; i++) {
        if (ck_class(weight_types[i]) != CK_PLAIN) check_type(t, weight_types[i], true);
        check_type(t, weight_types[i], false);
    }
}
