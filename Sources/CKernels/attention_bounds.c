// How much attention a page can get, without reading all of it: from its keys, or from coarse copies of them.
//
// A coarse key is the key less the mean of its page, rotated, in sixteen levels. With the length of what rounding left
// off, r, a score is known to lie within |q| r of the coarse one (Cauchy-Schwarz); the mean is added exactly.
//
// Coarse keys of a page, for each KV head: codes [head_dim / 2][page_tokens], two numbers a byte as q4 has them; scales,
// halves [page_tokens]; r [page_tokens]; mean, rotated, [head_dim]; each from a multiple of 64 bytes on.

#include "attention_work.h"

typedef struct {
    uint8_t *codes;
    uint16_t *scales;
    float *errors, *mean;
} coarse;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t coarse_head_bytes(size_t head_dim, size_t tokens) {
    return aligned(head_dim / 2 * tokens) + aligned(2 * tokens) + aligned(4 * tokens) + aligned(4 * head_dim);
}

size_t ck_coarse_bytes(const ck_attention *a) {
    return a->kv_heads * coarse_head_bytes(a->head_dim, a->page_tokens);
}

static coarse coarse_of(const ck_attention *a, const void *page, size_t kv_head) {
    uint8_t *start = (uint8_t *)page + kv_head * coarse_head_bytes(a->head_dim, a->page_tokens);
    coarse c = {.codes = start};
    start += aligned(a->head_dim / 2 * a->page_tokens);
    c.scales = (uint16_t *)start;
    start += aligned(2 * a->page_tokens);
    c.errors = (float *)start;
    start += aligned(4 * a->page_tokens);
    c.mean = (float *)start;
    return c;
}

// Lengths are rounded; so much more than they are.
static const float above = 1 + 1e-4f;

static const float *decode(const ck_table *t, const ck_attention *a, const coarse *c, float *room) {
    float scales[CK_SPAN];
    t->dequantize[CK_F16](c->scales, a->page_tokens, scales);
    t->q4_columns(c->codes, scales, a->head_dim, a->page_tokens, a->page_tokens, room);
    return room;
}

size_t ck_coarse_scratch(const ck_attention *a) {
    const size_t tile = a->page_tokens * a->head_dim;
    return ck_attention_scratch(a, 1) + 2 * aligned(tile * sizeof(float)) + aligned(a->head_dim);
}

void ck_coarse_make(const ck_table *t, const ck_attention *a, size_t kv_head, size_t page, void *out, void *scratch) {
    const size_t width = a->head_dim, tokens = a->page_tokens, tile = aligned(tokens * width * sizeof(float));
    uint8_t *free = (uint8_t *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
    float *rows = (float *)free, *decoded = (float *)(free + tile);
    uint8_t *codes = free + 2 * tile;
    ck_attention_work w = ck_arrange(a, 1, free + 2 * tile + aligned(width));
    const float *columns = ck_page_keys(t, a, kv_head, page, &w);
    coarse c = coarse_of(a, out, kv_head);
    for (size_t d = 0; d < width; d++) {
        double sum = 0;
        for (size_t i = 0; i < tokens; i++) sum += columns[d * tokens + i];
        c.mean[d] = (float)(sum / (double)tokens);
        for (size_t i = 0; i < tokens; i++) rows[i * width + d] = columns[d * tokens + i] - c.mean[d];
    }
    // Keys that are kept as integers are rotated already.
    if (a->rebuilt.weights || (a->kv_type != CK_KV_Q8 && a->kv_type != CK_KV_Q4)) {
        ck_kv_rotate(t, CK_KV_Q4, rows, tokens, width);
        ck_kv_rotate(t, CK_KV_Q4, c.mean, 1, width);
    }
    for (size_t i = 0; i < tokens; i++) {
        c.scales[i] = t->encode_q4(rows + i * width, width, codes);
        for (size_t d = 0; d < width / 2; d++) c.codes[d * tokens + i] = codes[d];
    }
    decode(t, a, &c, decoded);
    for (size_t i = 0; i < tokens; i++) {
        double squares = 0, length = 0;
        for (size_t d = 0; d < width; d++) {
            const double number = rows[i * width + d], left = number - decoded[d * tokens + i];
            squares += left * left;
            length += (number + c.mean[d]) * (number + c.mean[d]);
        }
        // Scores are sums of so many terms, each rounded, here and in attention.
        const double rounding = (double)width * 0x1p-23 * sqrt(length);
        c.errors[i] = (float)(sqrt(squares) + rounding) * above;
    }
}

static float dot(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * y[i];
    return (float)sum;
}

// log(sum(exp(x))); overwrites x.
static float log_sum(const ck_table *t, float *x, size_t n) {
    const float most = t->maximum(x, n);
    if (!(most > -INFINITY)) return most;
    return most + logf(t->exp_shift(x, n, most));
}

void ck_attention_bounds(const ck_table *t, const ck_attention *a, bool is_coarse, float slack, size_t kv_head,
                         size_t first, size_t end, float *low, float *high, void *scratch) {
    const size_t tokens = a->page_tokens, width = a->head_dim, places = a->tokens * a->heads;
    ck_attention_work w = ck_arrange(a, a->tokens, scratch);
    ck_attention turned = *a;
    if (is_coarse) {
        turned.kv_type = CK_KV_Q4;
        turned.rebuilt.weights = NULL;
    }
    ck_gather_queries(t, &turned, kv_head, 0, a->tokens, w.queries);
    for (size_t page = first; page < end; page++, low += places, high += places) {
        coarse c = {0};
        const float *keys;
        if (is_coarse) {
            c = coarse_of(a, a->keys[page - a->first_page], kv_head);
            keys = decode(t, a, &c, w.keys);
        } else {
            keys = ck_page_keys(t, a, kv_head, page, &w);
        }
        t->gemm(w.rows, tokens, width, w.queries, width, keys, tokens, w.scores, tokens, false);
        for (size_t r = 0; r < w.rows; r++) {
            const float *query = w.queries + r * width;
            float *scores = w.scores + r * tokens, others[CK_SPAN];
            const size_t place = ck_place_of(a, kv_head, 0, r);
            if (!is_coarse) {
                low[place] = high[place] = log_sum(t, scores, tokens);
                continue;
            }
            const float mean = dot(query, c.mean, width);
            const float length = sqrtf(dot(query, query, width)) * above * slack;
            for (size_t i = 0; i < tokens; i++) {
                const float error = length * c.errors[i];
                others[i] = scores[i] + mean - error;
                scores[i] += mean + error;
            }
            low[place] = log_sum(t, others, tokens);
            high[place] = log_sum(t, scores, tokens);
        }
    }
}
