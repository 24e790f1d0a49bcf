// Attention against the textbook formula in double precision, and the same bits for one piece, several pieces and
// spans merged later.

#include <stdlib.h>

#include "checks.h"

enum { PAGE = 64, PAGES = 16 };

typedef struct {
    ck_attention a;
    double *keys, *values;  // [position][kv_head][head_dim], as the cache has them
    const void *key_pages[PAGES], *value_pages[PAGES];
} sequence;

// What a plane holds of some places, rotated back.
static void read(const ck_kv_shape *shape, bool are_keys, const void *plane, size_t places, double *out) {
    const size_t width = shape->head_dim;
    float *room = memory(shape->page_tokens * width * 4), row[512];
    for (size_t h = 0; h < shape->kv_heads; h++) {
        const float *found = are_keys ? ck_kv_keys(&ck_portable, shape, plane, h, places, room)
                                      : ck_kv_values(&ck_portable, shape, plane, h, places, room);
        for (size_t i = 0; i < places; i++) {
            for (size_t d = 0; d < width; d++) row[d] = are_keys ? found[d * shape->page_tokens + i] : found[i * width + d];
            ck_kv_rotate(&ck_portable, shape->type, row, 1, width);
            for (size_t d = 0; d < width; d++) out[(i * shape->kv_heads + h) * width + d] = (double)row[d];
        }
    }
}

static sequence *make(const ck_table *t, size_t heads, size_t kv_heads, size_t head_dim, size_t length, int type) {
    random_source r = {head_dim + length};
    sequence *s = memory(sizeof *s);
    const ck_kv_shape shape = {type, kv_heads, head_dim, PAGE};
    size_t row = kv_heads * head_dim, count = length * row;
    float *queries = floats(&r, length * heads * head_dim);
    for (size_t i = 0; i < length * heads * head_dim; i++) queries[i] *= 3;
    float *keys = floats(&r, count), *values = floats(&r, count);
    s->keys = memory(count * sizeof(double));
    s->values = memory(count * sizeof(double));
    void *scratch = memory(ck_kv_store_scratch(&shape));
    for (size_t first = 0; first < length; first += PAGE) {
        const size_t places = length - first < PAGE ? length - first : PAGE, bytes = ck_kv_plane_bytes(&shape);
        // Whatever was there before must not matter: NaN everywhere.
        void *key_plane = memset(memory(bytes), 0xff, bytes), *value_plane = memset(memory(bytes), 0xff, bytes);
        // In pieces, as prompts are cut.
        for (size_t i = 0; i < places; i += 13) {
            const size_t some = places - i < 13 ? places - i : 13;
            ck_kv_store_keys(t, &shape, keys + (first + i) * row, some, i, key_plane, scratch);
            ck_kv_store_values(t, &shape, values + (first + i) * row, some, i, value_plane, scratch);
        }
        read(&shape, true, key_plane, places, s->keys + first * row);
        read(&shape, false, value_plane, places, s->values + first * row);
        s->key_pages[first / PAGE] = key_plane;
        s->value_pages[first / PAGE] = value_plane;
    }
    double error = 0;
    for (size_t i = 0; i < count; i++) error = fmax(error, fabs(s->keys[i] - (double)keys[i]));
    const double allowed[4] = {0, 0x1p-11, 0.03, 0.5};
    expect(error <= allowed[type], t, "stored keys, width %zu, type %d: off by %g", head_dim, type, error);
    s->a = (ck_attention){.queries = queries, .tokens = length, .heads = heads, .kv_heads = kv_heads,
                          .head_dim = head_dim, .scale = 0.2f, .keys = s->key_pages, .values = s->value_pages,
                          .page_tokens = PAGE, .key_type = type, .value_type = type};
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
                         s->keys[(k * a->kv_heads + kv_head) * width + d];
        scores[k] *= 0.2;
        top = fmax(top, scores[k]);
    }
    for (size_t d = 0; d < width; d++) out[d] = 0;
    for (size_t k = first; k <= position; k++) {
        double weight = exp(scores[k] - top);
        sum += weight;
        for (size_t d = 0; d < width; d++)
            out[d] += weight * s->values[(k * a->kv_heads + kv_head) * width + d];
    }
    for (size_t d = 0; d < width; d++) out[d] /= sum;
}

static void check_sequence(const ck_table *t, size_t heads, size_t kv_heads, size_t head_dim, size_t length, int type,
                           size_t window, size_t chunk) {
    sequence *s = make(t, heads, kv_heads, head_dim, length, type);
    s->a.window = window;
    s->a.chunk = chunk;
    size_t floats_out = length * heads * head_dim, row = heads * head_dim;
    float *all = memory(floats_out * 4), *some = memory(floats_out * 4);
    void *scratch = malloc(ck_attention_scratch(&s->a, length));
    s->a.end = length;
    s->a.is_first = s->a.is_last = true;
    s->a.running = memory(length * heads * 2 * 4);
    s->a.out = all;
    for (size_t h = 0; h < kv_heads; h++) ck_attention_queries(t, &s->a, h, 0, length, scratch);
    double expected[512];
    const size_t positions[] = {0, 1, 63, 64, 65, 96, 128, 199, 511, 512, length - 1};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        if (positions[i] >= length) continue;
        formula(s, positions[i], heads - 1, expected);
        const float *place = all + positions[i] * row + (heads - 1) * head_dim;
        // Values are at most 1; scores are off by some 1e-6 of their size.
        expect(close_to(place, expected, head_dim, 0, 5e-6), t, "attention, width %zu, type %d, position %zu", head_dim, type,
               positions[i]);
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
        ck_attention_merge(t, &last, h, 0, tokens, spans - first_span, partials);
    }
    expect(same_bits(some, all + (length - tokens) * row, tokens * row), t, "attention by spans, width %zu", head_dim);
    // Pages that come in two blocks.
    if (window == 0 && chunk == 0 && length > CK_SPAN) {
        for (int block = 0; block < 2; block++) {
            ck_attention part = s->a;
            part.is_first = block == 0;
            part.is_last = block == 1;
            part.begin = block == 0 ? 0 : CK_SPAN;
            part.end = block == 0 ? CK_SPAN : length;
            part.first_page = part.begin / PAGE;
            part.keys += part.first_page;
            part.values += part.first_page;
            for (size_t h = 0; h < kv_heads; h++) ck_attention_queries(t, &part, h, 0, length, scratch);
        }
        expect(same_bits(some, all, floats_out), t, "attention in blocks, width %zu", head_dim);
    }
    free(scratch);
}

// Keys that are rebuilt from values: the bits of keys that are kept, where values are.
static void check_rebuilding(const ck_table *t, size_t head_dim, size_t pairs, size_t length) {
    random_source r = {head_dim + pairs};
    const size_t heads = 4, kv_heads = 2, row = kv_heads * head_dim, blocks = length / CK_ANGLE_BLOCK + 1;
    const ck_kv_shape shape = {CK_KV_F32, kv_heads, head_dim, PAGE};
    float *values = floats(&r, length * row), *keys = memory(length * row * 4), *weights = floats(&r, head_dim);
    double *bases = memory(blocks * 2 * pairs * 8), *steps = memory(CK_ANGLE_BLOCK * 2 * pairs * 8);
    for (size_t i = 0; i < pairs; i++) {
        const double frequency = pow(1000, -2 * (double)i / (double)head_dim);
        for (size_t b = 0; b < blocks; b++) {
            bases[2 * b * pairs + i] = cos((double)(b * CK_ANGLE_BLOCK) * frequency);
            bases[(2 * b + 1) * pairs + i] = sin((double)(b * CK_ANGLE_BLOCK) * frequency);
        }
        for (size_t b = 0; b < CK_ANGLE_BLOCK; b++) {
            steps[2 * b * pairs + i] = cos((double)b * frequency);
            steps[(2 * b + 1) * pairs + i] = sin((double)b * frequency);
        }
    }
    float *cosines = memory(pairs * 4), *sines = memory(pairs * 4);
    for (size_t p = 0; p < length; p++) {
        ck_rotary_angles(bases + p / CK_ANGLE_BLOCK * 2 * pairs, steps + p % CK_ANGLE_BLOCK * 2 * pairs, pairs, cosines,
                         sines);
        bool close = true;
        for (size_t i = 0; i < pairs; i++) {
            const double angle = (double)p * pow(1000, -2 * (double)i / (double)head_dim);
            close &= fabs((double)cosines[i] - cos(angle)) <= 6e-8 && fabs((double)sines[i] - sin(angle)) <= 6e-8;
        }
        expect(close, t, "angles of position %zu", p);
        for (size_t h = 0; h < kv_heads; h++) {
            float *key = keys + p * row + h * head_dim;
            for (size_t d = 0; d < head_dim; d++) key[d] = values[p * row + h * head_dim + d] * weights[d];
            t->rope_halves(key, key + head_dim / 2, pairs, cosines, sines);
        }
    }
    const void *key_pages[PAGES], *value_pages[PAGES];
    void *scratch = memory(ck_kv_store_scratch(&shape));
    for (size_t first = 0; first < length; first += PAGE) {
        const size_t places = length - first < PAGE ? length - first : PAGE, bytes = ck_kv_plane_bytes(&shape);
        void *key_plane = memory(bytes), *value_plane = memset(memory(bytes), 0xff, bytes);
        ck_kv_store_keys(t, &shape, keys + first * row, places, 0, key_plane, scratch);
        ck_kv_store_values(t, &shape, values + first * row, places, 0, value_plane, scratch);
        key_pages[first / PAGE] = key_plane;
        value_pages[first / PAGE] = value_plane;
    }
    const size_t count = length * heads * head_dim;
    float *kept = memory(count * 4), *rebuilt = memory(count * 4);
    ck_attention a = {.queries = floats(&r, count), .tokens = length, .heads = heads, .kv_heads = kv_heads,
                      .head_dim = head_dim, .scale = 1, .keys = key_pages, .values = value_pages, .page_tokens = PAGE,
                      .key_type = CK_KV_F32, .value_type = CK_KV_F32, .end = length, .is_first = true, .is_last = true,
                      .running = memory(length * heads * 2 * 4), .out = kept};
    for (size_t h = 0; h < kv_heads; h++) ck_attention_queries(t, &a, h, 0, length, memory(ck_attention_scratch(&a, length)));
    a.keys = value_pages;
    a.rebuilt = (ck_rebuilt_keys){.weights = weights, .pairs = pairs, .distance = head_dim / 2, .bases = bases,
                                  .steps = steps};
    a.out = rebuilt;
    for (size_t h = 0; h < kv_heads; h++) ck_attention_queries(t, &a, h, 0, length, memory(ck_attention_scratch(&a, length)));
    expect(same_bits(kept, rebuilt, count), t, "rebuilt keys, width %zu", head_dim);
    // As integers, whose keys are those of rounded values: near the others.
    const ck_kv_shape bytes_shape = {CK_KV_Q8, kv_heads, head_dim, PAGE};
    for (size_t first = 0; first < length; first += PAGE) {
        const size_t places = length - first < PAGE ? length - first : PAGE, bytes = ck_kv_plane_bytes(&bytes_shape);
        void *plane = memset(memory(bytes), 0xff, bytes);
        ck_kv_store_values(t, &bytes_shape, values + first * row, places, 0, plane, memory(ck_kv_store_scratch(&bytes_shape)));
        value_pages[first / PAGE] = plane;
    }
    a.key_type = a.value_type = CK_KV_Q8;
    for (size_t h = 0; h < kv_heads; h++) ck_attention_queries(t, &a, h, 0, length, memory(ck_attention_scratch(&a, length)));
    double error = 0;
    for (size_t i = 0; i < count; i++) error = fmax(error, fabs((double)kept[i] - (double)rebuilt[i]));
    expect(error < 0.1, t, "rebuilt keys of integers, width %zu: off by %g", head_dim, error);
}

void check_attention(const ck_table *t) {
    check_rebuilding(t, 512, 64, 150);
    check_rebuilding(t, 24, 3, 97);
    check_rebuilding(t, 64, 32, 600);
    const size_t widths[] = {64, 128, 256, 512, 24};
    for (int i = 0; i < 5; i++)
        for (int type = CK_KV_F32; type <= CK_KV_Q4; type++) {
            check_sequence(t, 4, 2, widths[i], 150, type, 0, 0);
            check_sequence(t, 3, 1, widths[i], 75, type, 40, 0);
        }
    check_sequence(t, 2, 1, 64, 600, CK_KV_F16, 0, 0);
    check_sequence(t, 2, 2, 64, 600, CK_KV_Q8, 0, 96);
    check_sequence(t, 2, 1, 16, 700, CK_KV_Q4, 100, 0);
}
