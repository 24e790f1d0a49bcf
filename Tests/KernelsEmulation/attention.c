// Attention against the textbook formula in double precision, and the same bits for one piece, several pieces and
// spans merged later.

#include <stdlib.h>

#include "checks.h"

enum { PAGE = 64, PAGES = 16 };

typedef struct {
    ck_attention a;
    float *keys, *values;  // [position][kv_head][head_dim], as they are in the cache
    const void *key_pages[PAGES], *value_pages[PAGES];
} sequence;

static sequence *make(size_t heads, size_t kv_heads, size_t head_dim, size_t length, bool f16) {
    random_source r = {head_dim + length};
    sequence *s = memory(sizeof *s);
    size_t count = length * kv_heads * head_dim, size = f16 ? 2 : 4;
    float *queries = floats(&r, length * heads * head_dim);
    for (size_t i = 0; i < length * heads * head_dim; i++) queries[i] *= 3;
    s->keys = floats(&r, count);
    s->values = floats(&r, count);
    for (size_t i = 0; i < count; i++) {
        s->keys[i] = ck_half(to_half(s->keys[i]));
        s->values[i] = ck_half(to_half(s->values[i]));
    }
    for (size_t page = 0; page * PAGE < length; page++) {
        uint8_t *pages[2];
        const float *sources[2] = {s->keys, s->values};
        for (int kind = 0; kind < 2; kind++) {
            // Whatever was there before must not matter: NaN everywhere.
            pages[kind] = memset(memory(kv_heads * PAGE * head_dim * size), 0xff, kv_heads * PAGE * head_dim * size);
            for (size_t i = 0; i < PAGE && page * PAGE + i < length; i++)
                for (size_t h = 0; h < kv_heads; h++) {
                    const float *source = sources[kind] + ((page * PAGE + i) * kv_heads + h) * head_dim;
                    uint8_t *target = pages[kind] + (h * PAGE + i) * head_dim * size;
                    if (f16) ck_portable.to_f16(source, head_dim, (uint16_t *)target);
                    else memcpy(target, source, head_dim * 4);
                }
        }
        s->key_pages[page] = pages[0];
        s->value_pages[page] = pages[1];
    }
    s->a = (ck_attention){.queries = queries, .tokens = length, .heads = heads, .kv_heads = kv_heads,
                          .head_dim = head_dim, .scale = 0.2f, .keys = s->key_pages, .values = s->value_pages,
                          .page_tokens = PAGE, .f16 = f16};
    return s;
}

static void formula(const sequence *s, size_t position, size_t head, double *out) {
    const ck_attention *a = &s->a;
    size_t kv_head = head / (a->heads / a->kv_heads), width = a->head_dim;
    size_t first = ck_lower_bound(position, a->window, a->chunk);
    double scores[PAGES * PAGE], top = -INFINITY, sum = 0;
    for (size_t k = first; k <= position; k++) {
        scores[k] = 0;
        for (size_t d = 0; d < width; d++)
            scores[k] += (double)a->queries[(position * a->heads + head) * width + d] *
                         (double)s->keys[(k * a->kv_heads + kv_head) * width + d];
        scores[k] *= 0.2;
        top = fmax(top, scores[k]);
    }
    for (size_t d = 0; d < width; d++) out[d] = 0;
    for (size_t k = first; k <= position; k++) {
        double weight = exp(scores[k] - top);
        sum += weight;
        for (size_t d = 0; d < width; d++)
            out[d] += weight * (double)s->values[(k * a->kv_heads + kv_head) * width + d];
    }
    for (size_t d = 0; d < width; d++) out[d] /= sum;
}

static void check_sequence(const ck_table *t, size_t heads, size_t kv_heads, size_t head_dim, size_t length, bool f16,
                           size_t window, size_t chunk) {
    sequence *s = make(heads, kv_heads, head_dim, length, f16);
    s->a.window = window;
    s->a.chunk = chunk;
    size_t floats_out = length * heads * head_dim, row = heads * head_dim;
    float *all = memory(floats_out * 4), *some = memory(floats_out * 4);
    void *scratch = malloc(ck_attention_scratch(&s->a, length));
    s->a.out = all;
    for (size_t h = 0; h < kv_heads; h++) ck_attention_queries(t, &s->a, h, 0, length, scratch);
    double expected[512];
    const size_t positions[] = {0, 1, 63, 64, 65, 96, 128, 199, 511, 512, length - 1};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        if (positions[i] >= length) continue;
        formula(s, positions[i], heads - 1, expected);
        const float *place = all + positions[i] * row + (heads - 1) * head_dim;
        // Values are at most 1; scores are off by some 1e-6 of their size.
        expect(close_to(place, expected, head_dim, 0, 5e-6), t, "attention, width %zu, %s, position %zu", head_dim,
               f16 ? "f16" : "f32", positions[i]);
    }
    // Pieces of queries.
    s->a.out = some;
    for (size_t q = 0; q < length; q += 7)
        for (size_t h = 0; h < kv_heads; h++)
            ck_attention_queries(t, &s->a, h, q, q + 7 < length ? q + 7 : length, scratch);
    expect(same_bits(some, all, floats_out), t, "attention in pieces, width %zu", head_dim);
    // The last queries as decode does it: spans first, merged later.
    size_t tokens = 3, spans = (length + CK_SPAN - 1) / CK_SPAN;
    ck_attention last = s->a;
    last.tokens = tokens;
    last.first_position = length - tokens;
    last.queries = s->a.queries + (length - tokens) * row;
    size_t first_span = ck_lower_bound(last.first_position, window, chunk) / CK_SPAN;
    size_t partial = ck_partial_floats(&last, tokens);
    float *partials = memory(spans * partial * 4);
    for (size_t h = 0; h < kv_heads; h++) {
        for (size_t span = first_span; span < spans; span++)
            ck_attention_span(t, &last, h, 0, tokens, span, partials + (span - first_span) * partial, scratch);
        ck_attention_merge(t, &last, h, 0, tokens, spans - first_span, partials, scratch);
    }
    expect(same_bits(some, all + (length - tokens) * row, tokens * row), t, "attention by spans, width %zu", head_dim);
    free(scratch);
}

void check_attention(const ck_table *t) {
    const size_t widths[] = {64, 128, 256, 512, 24};
    for (int i = 0; i < 5; i++)
        for (int f16 = 0; f16 < 2; f16++) {
            check_sequence(t, 4, 2, widths[i], 150, f16 == 1, 0, 0);
            check_sequence(t, 3, 1, widths[i], 75, f16 == 1, 40, 0);
        }
    check_sequence(t, 2, 1, 64, 600, true, 0, 0);
    check_sequence(t, 2, 2, 64, 600, true, 0, 96);
    check_sequence(t, 2, 1, 16, 700, true, 100, 0);
}
