// Matrix products: 16 weight rows at a time are unpacked into private scratch that fits the first-level cache and used
// for all tokens before the next ones are touched. Weights are read once, straight from the mapped file.
//
// Scratch of a float product, in this order: sums [tokens][16], weights by row, weights by panel.

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

// One or two tokens, 8 rows at a time, nothing unpacked to memory. Returns how many rows are done; fewer than 8 may be
// left.
static size_t multiply_few(const ck_table *t, const ck_product *p, const ck_activations *x, size_t first, size_t count) {
    size_t row_bytes = p->columns / ck_block_elements(p->type) * ck_block_bytes(p->type), done = 0;
    for (; done + 8 <= count; done += 8) {
        size_t row = first + done;
        const uint8_t *start = (const uint8_t *)p->weights + row * row_bytes;
        float sums[8 * CK_DOT_TOKENS];
        ck_rows rows = {start, row_bytes, p->columns, start + 8 * row_bytes};
        ck_dots dots = {
            .tokens = x->tokens, .activations = x->quants, .act_scales = x->scales,
            .act_sums = ck_class(p->type) == CK_U6 ? x->sums16 : x->sums32, .sums = sums,
        };
        t->dots[p->type](&rows, &dots);
        write_out(p, sums, 8, x->tokens, row, 8);
    }
    return done;
}

bool ck_has_dots(const ck_table *t, uint32_t type) { return ck_class(type) == CK_PLAIN || t->dots[type] != NULL; }

size_t ck_product_scratch(size_t tokens) {
    return tokens * ROWS * sizeof(float) + 2 * ROWS * CK_BLOCK_COLUMNS + 4 * ROWS * GROUPS * sizeof(float) + 512;
}

typedef struct {
    float *sums;                           // [tokens][16]
    uint8_t *row_quants, *quants;          // by row and by panel
    float *row_scales, *scales;
    float *row_minima, *minima;
} workspace;

static workspace arrange(size_t tokens, void *scratch) {
    uint8_t *free = scratch;
    workspace w;
    w.sums = take(&free, tokens * ROWS * sizeof(float));
    w.row_quants = take(&free, ROWS * CK_BLOCK_COLUMNS);
    w.quants = take(&free, ROWS * CK_BLOCK_COLUMNS);
    w.row_scales = take(&free, ROWS * GROUPS * sizeof(float));
    w.scales = take(&free, ROWS * GROUPS * sizeof(float));
    w.row_minima = take(&free, ROWS * GROUPS * sizeof(float));
    w.minima = take(&free, ROWS * GROUPS * sizeof(float));
    return w;
}

// Columns k ..< k + length of 16 rows or fewer as a panel.
static void fill_panel(const ck_table *t, const ck_product *p, size_t row, size_t rows, size_t k, size_t length,
                       const workspace *w) {
    size_t elements = ck_block_elements(p->type), bytes = ck_block_bytes(p->type);
    size_t row_bytes = p->columns / elements * bytes, offset = k / elements * bytes, part = length / elements * bytes;
    const uint8_t *start = (const uint8_t *)p->weights + row * row_bytes;
    if (t->panel[p->type] != NULL && rows == ROWS) {
        // Fetches the next 16 rows in order of addresses, as far as these here are done.
        const uint8_t *ahead = start + ROWS * (row_bytes + offset);
        for (size_t h = 0; h < 2; h++) {
            ck_rows half = {start + 8 * h * row_bytes + offset, row_bytes, length, ahead + 8 * h * part};
            ck_half_panel out = {w->quants + 32 * h, w->scales + 8 * h, w->minima + 8 * h};
            t->panel[p->type](&half, &out);
        }
        return;
    }
    for (size_t r = 0; r < ROWS; r++) {
        // Rows past the end repeat the last one; their sums are never written out.
        const uint8_t *block = start + smaller(r, rows - 1) * row_bytes + offset;
        t->unpack[p->type](block, length, w->row_quants + r * length, w->row_scales + r * GROUPS,
                           w->row_minima + r * GROUPS);
    }
    size_t groups = length / (ck_class(p->type) == CK_U6 ? 16 : 32);
    t->interleave(w->row_quants, length, w->quants);
    t->transpose(w->row_scales, GROUPS, groups, w->scales);
    if (ck_class(p->type) != CK_S8) t->transpose(w->row_minima, GROUPS, groups, w->minima);
}

void ck_product_rows(const ck_table *t, const ck_product *p, const ck_activations *x, size_t first, size_t count,
                     void *scratch) {
    bool single = x->tile_tokens == 1 || x->tokens == 1;  // tiles of one token are rows
    if (single && x->tokens <= CK_DOT_TOKENS && t->dots[p->type] != NULL) {
        size_t done = multiply_few(t, p, x, first, count);
        first += done;
        count -= done;
    }
    const workspace w = arrange(x->tokens, scratch);
    int class = ck_class(p->type);
    size_t group = class == CK_U6 ? 16 : 32, columns = p->columns;
    const float *act_sums = class == CK_U6 ? x->sums16 : x->sums32;
    // With few tokens short stretches of columns, so that fetching the next rows overlaps with computing.
    const size_t step = x->tokens <= 16 ? 256 : CK_BLOCK_COLUMNS;
    for (size_t row = first; row < first + count; row += ROWS) {
        size_t rows = smaller(first + count - row, ROWS);
        memset(w.sums, 0, x->tokens * ROWS * sizeof(float));
        for (size_t k = 0; k < columns; k += step) {
            size_t length = smaller(columns - k, step);
            fill_panel(t, p, row, rows, k, length, &w);
            for (size_t token = 0; token < x->tokens; token += x->tile_tokens) {
                size_t width = smaller(x->tokens - token, x->tile_tokens);
                ck_tile tile = {
                    .quants = w.quants, .scales = w.scales, .minima = w.minima,
                    .activations = x->quants + token * columns + k * width,
                    .act_scales = x->scales + token * (columns / 32) + k / 32 * width,
                    .act_sums = act_sums + token * (columns / group) + k / group * width,
                    .sums = w.sums + token * ROWS, .columns = length,
                };
                t->product[class][width - 1](&tile);
            }
        }
        write_out(p, w.sums, ROWS, x->tokens, row, rows);
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
        if (p->rounded && t->rounded_dots[p->type] != NULL) {
            const uint8_t *start = (const uint8_t *)p->weights + row * columns * bytes;
            const ck_rows source = {start, columns * bytes, columns, start};
            t->rounded_dots[p->type](&source, rows, x, columns, tokens, sums);
            write_out(p, sums, ROWS, tokens, row, rows);
            continue;
        }
        // Twice as many tokens as fit in registers still take less than the way over a panel.
        if (rows == ROWS && tokens <= 2 * CK_FLOAT_DOT_TOKENS && t->float_dots[p->type] != NULL) {
            const uint8_t *start = (const uint8_t *)p->weights + row * columns * bytes;  // blocks of one element
            const ck_rows source = {start, columns * bytes, columns, start + ROWS * columns * bytes};
            for (size_t i = 0; i < tokens; i += CK_FLOAT_DOT_TOKENS)
                t->float_dots[p->type](&source, x + i * columns, columns, smaller(tokens - i, CK_FLOAT_DOT_TOKENS),
                                       sums + i * ROWS);
            write_out(p, sums, ROWS, tokens, row, rows);
            continue;
        }
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

void ck_product_piece(const void *context, size_t piece, size_t thread) {
    const ck_product_job *job = context;
    // The last task that begins at or before the piece.
    size_t low = 0, high = job->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (job->tasks[middle].first_piece <= piece) low = middle;
        else high = middle;
    }
    const ck_product_task *task = &job->tasks[low];
    const ck_product *p = &task->product;
    size_t first = (piece - task->first_piece) * task->piece_rows, count = smaller(task->piece_rows, p->rows - first);
    if (task->quantized) ck_product_rows(job->table, p, &task->input, first, count, job->scratch[thread]);
    else ck_product_rows_float(job->table, p, task->x, task->input.tokens, first, count, job->scratch[thread]);
}
