// Pages of keys and values: where their numbers lie, how rows get in, and how attention gets floats out.

#include "internal.h"

enum { BLOCK = 16 };  // rows that are turned to columns together

static bool is_integer(int type) { return type == CK_KV_Q8 || type == CK_KV_Q4; }

// Bytes of one head's row, and of one step of a column; q4 has two numbers in a byte.
static size_t row_bytes(const ck_kv_shape *s) {
    switch (s->type) {
        case CK_KV_F32: return 4 * s->head_dim;
        case CK_KV_F16: return 2 * s->head_dim;
        case CK_KV_Q8: return s->head_dim;
        default: return s->head_dim / 2;
    }
}

static size_t element_bytes(const ck_kv_shape *s) {
    return s->type == CK_KV_F32 ? 4 : s->type == CK_KV_F16 ? 2 : 1;
}

static size_t head_bytes(const ck_kv_shape *s) { return row_bytes(s) * s->page_tokens; }

static uint16_t *scales_of(const ck_kv_shape *s, const void *plane, size_t head) {
    return (uint16_t *)((uint8_t *)plane + s->kv_heads * head_bytes(s)) + head * s->page_tokens;
}

size_t ck_kv_plane_bytes(const ck_kv_shape *s) {
    size_t bytes = s->kv_heads * head_bytes(s);
    if (is_integer(s->type)) bytes += s->kv_heads * s->page_tokens * sizeof(uint16_t);
    return (bytes + 63) / 64 * 64;
}

void ck_kv_rotate(const ck_table *t, int type, float *rows, size_t count, size_t head_dim) {
    if (!is_integer(type)) return;
    const size_t block = head_dim & (~head_dim + 1);  // the largest power of two that divides it
    t->hadamard(rows, count * head_dim, block);
}

size_t ck_kv_store_scratch(const ck_kv_shape *s) { return (BLOCK + 1) * s->head_dim * sizeof(float); }

// One row in the form of the page. `room` is for a rotated copy.
static void encode(const ck_table *t, const ck_kv_shape *s, const float *row, void *out, uint16_t *scale, float *room) {
    if (is_integer(s->type)) {
        memcpy(room, row, s->head_dim * sizeof(float));
        ck_kv_rotate(t, s->type, room, 1, s->head_dim);
    }
    switch (s->type) {
        case CK_KV_F32: memcpy(out, row, s->head_dim * sizeof(float)); break;
        case CK_KV_F16: t->to_f16(row, s->head_dim, out); break;
        case CK_KV_Q8: *scale = t->encode_q8(room, s->head_dim, out); break;
        default: *scale = t->encode_q4(room, s->head_dim, out); break;
    }
}

void ck_kv_store_values(const ck_table *t, const ck_kv_shape *s, const float *rows, size_t tokens, size_t place,
                        void *plane, void *scratch) {
    for (size_t head = 0; head < s->kv_heads; head++) {
        uint8_t *out = (uint8_t *)plane + head * head_bytes(s) + place * row_bytes(s);
        uint16_t *scales = scales_of(s, plane, head) + place;
        for (size_t i = 0; i < tokens; i++)
            encode(t, s, rows + (i * s->kv_heads + head) * s->head_dim, out + i * row_bytes(s), scales + i, scratch);
    }
}

// Rows of `width` elements to columns that are `stride` elements apart.
#define COLUMNS(name, type)                                                                               \
    static void name(const type *rows, size_t count, size_t width, type *out, size_t stride) {            \
        for (size_t d = 0; d < width; d++)                                                                \
            for (size_t i = 0; i < count; i++) out[d * stride + i] = rows[i * width + d];                 \
    }
COLUMNS(columns1, uint8_t)
COLUMNS(columns2, uint16_t)
COLUMNS(columns4, uint32_t)

void ck_kv_store_keys(const ck_table *t, const ck_kv_shape *s, const float *rows, size_t tokens, size_t place,
                      void *plane, void *scratch) {
    uint8_t *encoded = (uint8_t *)scratch + s->head_dim * sizeof(float);
    const size_t width = row_bytes(s) / element_bytes(s), stride = s->page_tokens;
    for (size_t head = 0; head < s->kv_heads; head++)
        for (size_t first = 0; first < tokens; first += BLOCK) {
            const size_t count = tokens - first < BLOCK ? tokens - first : BLOCK;
            uint16_t *scales = scales_of(s, plane, head) + place + first;
            for (size_t i = 0; i < count; i++)
                encode(t, s, rows + ((first + i) * s->kv_heads + head) * s->head_dim, encoded + i * row_bytes(s),
                       scales + i, scratch);
            uint8_t *out = (uint8_t *)plane + head * head_bytes(s) + (place + first) * element_bytes(s);
            switch (element_bytes(s)) {
                case 4: columns4((const uint32_t *)encoded, count, width, (uint32_t *)out, stride); break;
                case 2: columns2((const uint16_t *)encoded, count, width, (uint16_t *)out, stride); break;
                default: columns1(encoded, count, width, out, stride); break;
            }
        }
}

// Scales are at most those of a span.
static void read_scales(const ck_table *t, const ck_kv_shape *s, const void *plane, size_t head, size_t n,
                        float out[CK_SPAN]) {
    t->dequantize[CK_F16](scales_of(s, plane, head), n, out);
}

const float *ck_kv_keys(const ck_table *t, const ck_kv_shape *s, const void *plane, size_t head, size_t n,
                        float *room) {
    const void *codes = (const uint8_t *)plane + head * head_bytes(s);
    float scales[CK_SPAN];
    n = (n + 7) / 8 * 8;
    switch (s->type) {
        case CK_KV_F32: return codes;
        case CK_KV_F16: t->dequantize[CK_F16](codes, s->head_dim * s->page_tokens, room); break;
        case CK_KV_Q8:
            read_scales(t, s, plane, head, n, scales);
            t->q8_columns(codes, scales, s->head_dim, n, s->page_tokens, room);
            break;
        default:
            read_scales(t, s, plane, head, n, scales);
            t->q4_columns(codes, scales, s->head_dim, n, s->page_tokens, room);
            break;
    }
    return room;
}

const float *ck_kv_values(const ck_table *t, const ck_kv_shape *s, const void *plane, size_t head, size_t n,
                          float *room) {
    const void *codes = (const uint8_t *)plane + head * head_bytes(s);
    float scales[CK_SPAN];
    switch (s->type) {
        case CK_KV_F32: return codes;
        case CK_KV_F16: t->dequantize[CK_F16](codes, n * s->head_dim, room); break;
        case CK_KV_Q8:
            read_scales(t, s, plane, head, n, scales);
            t->q8_rows(codes, scales, n, s->head_dim, room);
            break;
        default:
            read_scales(t, s, plane, head, n, scales);
            t->q4_rows(codes, scales, n, s->head_dim, room);
            break;
    }
    return room;
}

static void clear_scales(const ck_kv_shape *s, void *plane, size_t head, size_t place) {
    if (is_integer(s->type)) memset(scales_of(s, plane, head) + place, 0, (s->page_tokens - place) * sizeof(uint16_t));
}

void ck_kv_clear_keys(const ck_kv_shape *s, void *plane, size_t place) {
    const size_t element = element_bytes(s), width = row_bytes(s) / element, rest = s->page_tokens - place;
    for (size_t head = 0; head < s->kv_heads; head++) {
        uint8_t *columns = (uint8_t *)plane + head * head_bytes(s);
        for (size_t d = 0; d < width; d++) memset(columns + (d * s->page_tokens + place) * element, 0, rest * element);
        clear_scales(s, plane, head, place);
    }
}

void ck_kv_clear_values(const ck_kv_shape *s, void *plane, size_t place) {
    for (size_t head = 0; head < s->kv_heads; head++) {
        uint8_t *rows = (uint8_t *)plane + head * head_bytes(s);
        memset(rows + place * row_bytes(s), 0, (s->page_tokens - place) * row_bytes(s));
        clear_scales(s, plane, head, place);
    }
}
