// Matrix products: 16 weight rows at a time are unpacked into private scratch that fits the first-level cache and used
// for all tokens before the next ones are touched. Weights are read once, straight from the mapped file.
//
// Scratch of a quantized product, in this order: sums [tokens][16], quants by row and by panel, scales and minima by
// row and by panel. Of a float product: sums, weights by row, weights by panel.

#include "internal.h"

enum {
    GROUPS = CK_BLOCK_COLUMNS / 16,  // of the smallest group size
    ROWS = CK_PANEL_ROWS,
    FLOAT_COLUMNS = 256,             // columns converted at a time: 16 rows of floats are 16 KiB
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t ck_quantize_scratch(size_t columns) {
    return CK_TILE_TOKENS * (columns + 3 * columns / 32 * sizeof(float) + columns / 16 * sizeof(float)) + 256;
}

// Rounds up to a cache line.
static void *take(uint8_t **scratch, size_t bytes) {
    uintptr_t start = ((uintptr_t)*scratch + 63) & ~(uintptr_t)63;
    *scratch = (uint8_t *)(start + bytes);
    return (void *)start;
}

void ck_quantize_tile(const ck_table *t, const float *x, const ck_activations *out, size_t tile, void *scratch) {
    size_t first = tile * out->tile_tokens, width = smaller(out->tokens - first, out->tile_tokens);
    size_t columns = out->columns, groups = columns / 32;
    uint8_t *free = scratch;
    int8_t *quants = take(&free, columns);
    float *scales = take(&free, groups * sizeof(float));
    float *sums32 = take(&free, groups * sizeof(float));
    float *sums16 = take(&free, 2 * groups * sizeof(float));
    uint32_t *out_quants = (uint32_t *)(out->quants + first * columns);
    float *out_scales = out->scales + first * groups, *out_sums32 = out->sums32 + first * groups;
    float *out_sums16 = out->sums16 + first * 2 * groups;
    for (size_t w = 0; w < width; w++) {
        t->quantize(x + (first + w) * columns, columns, quants, scales, sums32, sums16);
        for (size_t k = 0; k < columns / 4; k++) memcpy(&out_quants[k * width + w], quants + 4 * k, 4);
        for (size_t g = 0; g < groups; g++) {
            out_scales[g * width + w] = scales[g];
            out_sums32[g * width + w] = sums32[g];
        }
        for (size_t g = 0; g < 2 * groups; g++) out_sums16[g * width + w] = sums16[g];
    }
}

// Adds the bias and writes the sums [tokens][stride] of some rows to where they belong.
static void write_out(const ck_product *p, const float *sums, size_t stride, size_t tokens, size_t row, size_t rows) {
    for (size_t i = 0; i < tokens; i++) {
        float *y = p->y + i * p->y_stride + row;
        if (p->bias == NULL) memcpy(y, sums + i * stride, rows * sizeof(float));
        else
            for (size_t r = 0; r < rows; r++) y[r] = sums[i * stride + r] + p->bias[row + r];
    }
}

// Few tokens, 8 rows at a time, nothing unpacked to memory. Returns how many rows are done; fewer than 8 may be left.
static size_t multiply_few(const ck_table *t, const ck_product *p, const ck_activations *x, size_t first, size_t count) {
    size_t row_bytes = p->columns / ck_block_elements(p->type) * ck_block_bytes(p->type), done = 0;
    for (; done + 8 <= count; done += 8) {
        size_t row = first + done;
        float sums[8 * CK_FEW_TOKENS];
        ck_dots dots = {
            .rows = (const uint8_t *)p->weights + row * row_bytes, .row_bytes = row_bytes, .columns = p->columns,
            .tokens = x->tokens, .activations = x->quants, .act_scales = x->scales,
            .act_sums = ck_class(p->type) == CK_U6 ? x->sums16 : x->sums32, .sums = sums,
        };
        t->dots[p->type](&dots);
        write_out(p, sums, 8, x->tokens, row, 8);
    }
    return done;
}

bool ck_has_dots(const ck_table *t, uint32_t type) { return ck_class(type) == CK_PLAIN || t->dots[type] != NULL; }

size_t ck_product_scratch(size_t tokens) {
    return tokens * ROWS * sizeof(float) + 2 * ROWS * CK_BLOCK_COLUMNS + 4 * ROWS * GROUPS * sizeof(float) + 512;
}

void ck_product_rows(const ck_table *t, const ck_product *p, const ck_activations *x, size_t first, size_t count,
                     void *scratch) {
    bool single = x->tile_tokens == 1 || x->tokens == 1;  // tiles of one token are rows
    if (single && x->tokens <= CK_FEW_TOKENS && t->dots[p->type] != NULL) {
        size_t done = multiply_few(t, p, x, first, count);
        first += done;
        count -= done;
    }
    uint8_t *free = scratch;
    float *sums = take(&free, x->tokens * ROWS * sizeof(float));
    uint8_t *quants = take(&free, ROWS * CK_BLOCK_COLUMNS), *panel = take(&free, ROWS * CK_BLOCK_COLUMNS);
    float *row_scales = take(&free, ROWS * GROUPS * sizeof(float)), *scales = take(&free, ROWS * GROUPS * sizeof(float));
    float *row_minima = take(&free, ROWS * GROUPS * sizeof(float)), *minima = take(&free, ROWS * GROUPS * sizeof(float));
    int class = ck_class(p->type);
    size_t group = class == CK_U6 ? 16 : 32, columns = p->columns;
    size_t elements = ck_block_elements(p->type), bytes = ck_block_bytes(p->type);
    const float *act_sums = class == CK_U6 ? x->sums16 : x->sums32;

    for (size_t row = first; row < first + count; row += ROWS) {
        size_t rows = smaller(first + count - row, ROWS);
        memset(sums, 0, x->tokens * ROWS * sizeof(float));
        for (size_t k = 0; k < columns; k += CK_BLOCK_COLUMNS) {
            size_t length = smaller(columns - k, CK_BLOCK_COLUMNS), groups = length / group;
            for (size_t r = 0; r < ROWS; r++) {
                // Rows past the end repeat the last one; their sums are never written out.
                size_t source = row + smaller(r, rows - 1);
                const uint8_t *block = (const uint8_t *)p->weights + (source * columns + k) / elements * bytes;
                t->unpack[p->type](block, length, quants + r * length, row_scales + r * GROUPS, row_minima + r * GROUPS);
            }
            t->interleave(quants, length, panel);
            t->transpose(row_scales, GROUPS, groups, scales);
            if (class != CK_S8) t->transpose(row_minima, GROUPS, groups, minima);
            for (size_t token = 0; token < x->tokens; token += x->tile_tokens) {
                size_t width = smaller(x->tokens - token, x->tile_tokens);
                ck_tile tile = {
                    .quants = panel, .scales = scales, .minima = minima,
                    .activations = x->quants + token * columns + k * width,
                    .act_scales = x->scales + token * (columns / 32) + k / 32 * width,
                    .act_sums = act_sums + token * (columns / group) + k / group * width,
                    .sums = sums + token * ROWS, .columns = length,
                };
                t->product[class][width - 1](&tile);
            }
        }
        write_out(p, sums, ROWS, x->tokens, row, rows);
    }
}

size_t ck_product_float_scratch(size_t tokens) {
    return tokens * ROWS * sizeof(float) + 2 * ROWS * FLOAT_COLUMNS * sizeof(float) + 256;
}

void ck_product_rows_float(const ck_table *t, const ck_product *p, const float *x, size_t tokens, size_t first,
                           size_t count, void *scratch) {
    uint8_t *free = scratch;
    float *sums = take(&free, tokens * ROWS * sizeof(float));
    float *weights = take(&free, ROWS * FLOAT_COLUMNS * sizeof(float));
    float *panel = take(&free, ROWS * FLOAT_COLUMNS * sizeof(float));
    size_t columns = p->columns, elements = ck_block_elements(p->type), bytes = ck_block_bytes(p->type);
    for (size_t row = first; row < first + count; row += ROWS) {
        size_t rows = smaller(first + count - row, ROWS);
        for (size_t k = 0; k < columns; k += FLOAT_COLUMNS) {
            size_t length = smaller(columns - k, FLOAT_COLUMNS);
            for (size_t r = 0; r < ROWS; r++) {
                size_t source = row + smaller(r, rows - 1);
                const uint8_t *block = (const uint8_t *)p->weights + (source * columns + k) / elements * bytes;
                t->dequantize[p->type](block, length, weights + r * FLOAT_COLUMNS);
            }
            t->transpose(weights, FLOAT_COLUMNS, length, panel);
            t->gemm(tokens, ROWS, length, x + k, columns, panel, ROWS, sums, ROWS, k > 0);
        }
        if (columns == 0) memset(sums, 0, tokens * ROWS * sizeof(float));
        write_out(p, sums, ROWS, tokens, row, rows);
    }
}
