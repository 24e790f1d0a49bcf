// Attention over a paged cache, as two matrix products per tile with an online softmax between them (FlashAttention).
//
// A tile is one page of keys and values of one KV head, converted to floats once and used by all query heads that
// share it (GQA) and all queries of the piece. No mask is stored: a query's view is two integers, its first and its
// last position.
//
// Positions are divided into spans of CK_SPAN, counted from position 0. Each span has a softmax of its own and the
// results are merged in order of spans. Where a piece of work begins or ends therefore never shows in the bits: many
// queries at once (prefill), one query with its spans spread over threads (decode), and pages that come in blocks
// because memory holds only some of them, give the same.

#include "attention_work.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

size_t ck_lower_bound(size_t position, size_t window, size_t chunk) {
    if (window > 0) return position + 1 > window ? position + 1 - window : 0;
    if (chunk > 0) return position / chunk * chunk;
    return 0;
}

static size_t line(size_t floats) { return (floats + 15) & ~(size_t)15; }

size_t ck_partial_floats(const ck_attention *a, size_t queries) {
    size_t rows = ck_rows_of(a, queries);
    return 2 * line(rows) + line(rows * a->head_dim);
}

static size_t rebuilt_floats(const ck_attention *a) {
    return a->rebuilt.weights ? line(REBUILT_ROWS * a->head_dim + 2 * a->rebuilt.pairs) : 0;
}

size_t ck_attention_scratch(const ck_attention *a, size_t queries) {
    size_t rows = ck_rows_of(a, queries), tile = a->page_tokens * a->head_dim;
    size_t floats = line(rows * a->head_dim) + line(rows * a->page_tokens) + 2 * line(tile) + rebuilt_floats(a);
    return (floats + ck_partial_floats(a, queries) + 16) * sizeof(float);
}

static float *take(float **free, size_t floats) {
    float *start = *free;
    *free += line(floats);
    return start;
}

ck_attention_work ck_arrange(const ck_attention *a, size_t queries, void *scratch) {
    float *free = (float *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
    ck_attention_work w = {.rows = ck_rows_of(a, queries)};
    w.queries = take(&free, w.rows * a->head_dim);
    w.scores = take(&free, w.rows * a->page_tokens);
    w.keys = take(&free, a->page_tokens * a->head_dim);
    w.values = take(&free, a->page_tokens * a->head_dim);
    w.rebuilt = take(&free, rebuilt_floats(a));
    w.partial = take(&free, ck_partial_floats(a, queries));
    return w;
}

static float *sums_of(float *partial, size_t rows) { return partial + line(rows); }
static float *outputs_of(float *partial, size_t rows) { return partial + 2 * line(rows); }

static void reset(const ck_attention *a, size_t rows, float *partial) {
    for (size_t r = 0; r < rows; r++) partial[r] = -INFINITY;
    memset(sums_of(partial, rows), 0, rows * sizeof(float));
    memset(outputs_of(partial, rows), 0, rows * a->head_dim * sizeof(float));
}

void ck_gather_queries(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, float *out) {
    size_t group = a->heads / a->kv_heads, count = group * a->head_dim;
    for (size_t q = q0; q < q1; q++, out += count) {
        memcpy(out, a->queries + (q * a->heads + kv_head * group) * a->head_dim, count * sizeof(float));
        t->scale(out, count, a->scale);
        // Rebuilt keys are not rotated.
        if (!a->rebuilt.weights) ck_kv_rotate(t, a->kv_type, out, group, a->head_dim);
    }
}

// Hides from each row what its query doesn't see of the `n` positions from `start` on.
static void mask(const ck_attention *a, size_t q0, size_t q1, size_t start, size_t n, float *scores) {
    size_t group = a->heads / a->kv_heads, stride = a->page_tokens;
    for (size_t q = q0; q < q1; q++) {
        size_t position = a->first_position + q;
        size_t from = ck_lower_bound(position, a->window, a->chunk), to = position + 1;
        size_t low = from > start ? smaller(from - start, n) : 0, high = to > start ? smaller(to - start, n) : 0;
        if (low == 0 && high == n && n == stride) {
            scores += group * stride;
            continue;
        }
        for (size_t g = 0; g < group; g++, scores += stride) {
            for (size_t i = 0; i < smaller(low, high); i++) scores[i] = -INFINITY;
            for (size_t i = high; i < stride; i++) scores[i] = -INFINITY;
        }
    }
}

// Keys of the `n` positions from `start` on from their values, which may be rotated, as columns.
static const float *rebuild(const ck_table *t, const ck_attention *a, const float *values, size_t start, size_t n,
                            const ck_attention_work *w) {
    const ck_rebuilt_keys *r = &a->rebuilt;
    const size_t width = a->head_dim;
    float *cosines = w->rebuilt + REBUILT_ROWS * width, *sines = cosines + r->pairs;
    for (size_t i = 0; i < n; i += REBUILT_ROWS) {
        for (size_t j = i; j < smaller(i + REBUILT_ROWS, n); j++) {
            float *key = w->rebuilt + (j - i) * width;
            memcpy(key, values + j * width, width * sizeof(float));
            ck_kv_rotate(t, a->kv_type, key, 1, width);
            for (size_t d = 0; d < width; d++) key[d] *= r->weights[d];
            const size_t position = start + j, size = 2 * r->pairs;
            ck_rotary_angles(r->bases + position / CK_ANGLE_BLOCK * size, r->steps + position % CK_ANGLE_BLOCK * size,
                             r->pairs, cosines, sines);
            t->rope_halves(key, key + r->distance, r->pairs, cosines, sines);
        }
        t->transpose_keys(w->rebuilt, REBUILT_ROWS, width, w->keys + i, a->page_tokens);
    }
    return w->keys;
}

// Keys of the first `n` positions of a page whose values are `values`.
static const float *keys_of(const ck_table *t, const ck_attention *a, size_t kv_head, size_t page, size_t n,
                            const float *values, const ck_attention_work *w) {
    const ck_kv_shape shape = {a->kv_type, a->kv_heads, a->head_dim, a->page_tokens};
    if (a->rebuilt.weights) return rebuild(t, a, values, page * a->page_tokens, n, w);
    return ck_kv_keys(t, &shape, a->keys[page - a->first_page], kv_head, n, w->keys);
}

const float *ck_page_keys(const ck_table *t, const ck_attention *a, size_t kv_head, size_t page,
                          const ck_attention_work *w) {
    const ck_kv_shape shape = {a->kv_type, a->kv_heads, a->head_dim, a->page_tokens};
    const size_t n = a->page_tokens;
    const float *values = NULL;
    if (a->rebuilt.weights) values = ck_kv_values(t, &shape, a->values[page - a->first_page], kv_head, n, w->values);
    return keys_of(t, a, kv_head, page, n, values, w);
}

// The keys and values of one page against all rows.
static void tile(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, size_t page,
                 size_t n, const ck_attention_work *w, float *partial) {
    size_t width = a->head_dim, stride = a->page_tokens, index = page - a->first_page;
    const ck_kv_shape shape = {a->kv_type, a->kv_heads, width, stride};
    const float *values = ck_kv_values(t, &shape, a->values[index], kv_head, n, w->values);
    const float *keys = keys_of(t, a, kv_head, page, n, values, w);
    // Positions from n on hold nothing yet: they are not read, and their scores are masked.
    t->gemm(w->rows, n, width, w->queries, width, keys, stride, w->scores, stride, false);
    mask(a, q0, q1, page * stride, n, w->scores);
    t->softmax_step(w->scores, w->rows, stride, partial, sums_of(partial, w->rows), outputs_of(partial, w->rows), width);
    t->gemm(w->rows, width, n, w->scores, stride, values, width, outputs_of(partial, w->rows), width, true);
}

// All that the queries see of one span. False when that is nothing.
static bool run_span(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, size_t span,
                     const ck_attention_work *w, float *partial) {
    size_t first = larger(ck_lower_bound(a->first_position + q0, a->window, a->chunk), a->begin);
    size_t end = smaller(a->first_position + q1, a->end);
    size_t start = larger(span * CK_SPAN, first / a->page_tokens * a->page_tokens);
    bool any = false;
    for (; start < smaller((span + 1) * CK_SPAN, end); start += a->page_tokens) {
        size_t page = start / a->page_tokens;
        if (a->keys[page - a->first_page] == NULL) continue;
        if (!any) reset(a, w->rows, partial);
        any = true;
        tile(t, a, kv_head, q0, q1, page, smaller(end - start, a->page_tokens), w, partial);
    }
    return any;
}

// The place of a row in [tokens][heads].
size_t ck_place_of(const ck_attention *a, size_t kv_head, size_t q0, size_t row) {
    size_t group = a->heads / a->kv_heads;
    return (q0 + row / group) * a->heads + kv_head * group + row % group;
}

// What the queries have seen before the first block: nothing.
static void begin(const ck_attention *a, size_t kv_head, size_t q0, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        size_t place = ck_place_of(a, kv_head, q0, r);
        a->running[2 * place] = -INFINITY;
        a->running[2 * place + 1] = 0;
        memset(a->out + place * a->head_dim, 0, a->head_dim * sizeof(float));
    }
}

// Adds a span to what earlier spans gave.
static void merge(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t rows,
                  const float *partial) {
    const float *sums = sums_of((float *)partial, rows), *outputs = outputs_of((float *)partial, rows);
    for (size_t r = 0; r < rows; r++) {
        if (!(partial[r] > -INFINITY)) continue;
        size_t place = ck_place_of(a, kv_head, q0, r);
        float *running = a->running + 2 * place, *row = a->out + place * a->head_dim;
        float maximum = running[0] > partial[r] ? running[0] : partial[r];
        float factors[2] = {running[0], partial[r]};
        t->exp_shift(factors, 2, maximum);
        running[0] = maximum;
        running[1] = running[1] * factors[0] + sums[r] * factors[1];
        t->scale(row, a->head_dim, factors[0]);
        t->gemm(1, a->head_dim, 1, &factors[1], 1, outputs + r * a->head_dim, a->head_dim, row, a->head_dim, true);
    }
}

// Divides by the sums.
static void finish(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        size_t place = ck_place_of(a, kv_head, q0, r);
        float *row = a->out + place * a->head_dim, sum = a->running[2 * place + 1];
        t->scale(row, a->head_dim, sum > 0 ? 1 / sum : 0);
        ck_kv_rotate(t, a->kv_type, row, 1, a->head_dim);
    }
}

void ck_attention_queries(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1,
                          void *scratch) {
    ck_attention_work w = ck_arrange(a, q1 - q0, scratch);
    ck_gather_queries(t, a, kv_head, q0, q1, w.queries);
    if (a->is_first) begin(a, kv_head, q0, w.rows);
    size_t first = larger(ck_lower_bound(a->first_position + q0, a->window, a->chunk), a->begin);
    size_t end = smaller(a->first_position + q1, a->end);
    for (size_t span = first / CK_SPAN; span * CK_SPAN < end; span++)
        if (run_span(t, a, kv_head, q0, q1, span, &w, w.partial)) merge(t, a, kv_head, q0, w.rows, w.partial);
    if (a->is_last) finish(t, a, kv_head, q0, w.rows);
}

void ck_attention_span(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, size_t span,
                       float *partial, void *scratch) {
    ck_attention_work w = ck_arrange(a, q1 - q0, scratch);
    ck_gather_queries(t, a, kv_head, q0, q1, w.queries);
    if (!run_span(t, a, kv_head, q0, q1, span, &w, partial)) reset(a, w.rows, partial);
}

void ck_attention_merge(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, size_t spans,
                        const float *partials) {
    size_t rows = ck_rows_of(a, q1 - q0);
    if (a->is_first) begin(a, kv_head, q0, rows);
    for (size_t span = 0; span < spans; span++)
        merge(t, a, kv_head, q0, rows, partials + span * ck_partial_floats(a, q1 - q0));
    if (a->is_last) finish(t, a, kv_head, q0, rows);
}
