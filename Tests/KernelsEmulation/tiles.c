// Functions of tiles: unpacking, layouts, integer and float products, keys.

#include "checks.h"

// All extremes at once: the largest quants of the class against activations of +-127, where 16-bit sums that are one
// step too long would overflow.
static void check_tile(const ck_table *t, int class, size_t columns, size_t width, bool extreme) {
    random_source r = {(uint64_t)class + 11};
    const int lows[4] = {0, 0, 0, -128}, highs[4] = {15, 31, 63, 127};
    size_t group = class == CK_U6 ? 16 : 32, groups = columns / group;
    uint8_t *quants = memory(columns * 16);
    int8_t *activations = memory(columns * width);
    for (size_t i = 0; i < columns * 16; i++) {
        int range = highs[class] - lows[class] + 1;
        int random = lows[class] + (int)(next(&r) % (uint64_t)range);
        quants[i] = (uint8_t)(extreme ? (next(&r) & 1 ? lows[class] : highs[class]) : random);
    }
    uint64_t signs = extreme ? next(&r) : 0;
    for (size_t i = 0; i < columns * width; i++)
        activations[i] = (int8_t)(extreme ? (signs >> i / 4 % 16 & 1 ? 127 : -127) : (int)(next(&r) % 255) - 127);
    float *scales = floats(&r, groups * 16), *minima = floats(&r, groups * 16);
    float *act_scales = floats(&r, columns / 32 * width), *act_sums = floats(&r, groups * width);
    float *start = floats(&r, 16 * width), *other = memory(16 * width * sizeof(float));
    memcpy(other, start, 16 * width * sizeof(float));
    ck_tile tile = {quants, scales, minima, activations, act_scales, act_sums, start, columns};
    t->product[class][width - 1](&tile);
    tile.sums = other;
    ck_portable.product[class][width - 1](&tile);
    expect(same_bits(start, other, 16 * width), t, "product of class %d, %zu columns, width %zu%s", class, columns,
           width, extreme ? ", extremes" : "");
}

static void check_unpacking(const ck_table *t, uint32_t type) {
    enum { N = 768 };
    random_source r = {5};
    uint8_t *weights = random_weights(&r, type, 1, N);
    float a[N], b[N];
    ck_dequantize_row(t, type, weights, N, a);
    ck_dequantize_row(&ck_portable, type, weights, N, b);
    expect(same_bits(a, b, N), t, "dequantize type %u", type);
    if (ck_class(type) == CK_PLAIN) return;
    uint8_t q[2][N] = {{0}};
    float scales[2][N / 16] = {{0}}, minima[2][N / 16] = {{0}};
    t->unpack[type](weights, N, q[0], scales[0], minima[0]);
    ck_portable.unpack[type](weights, N, q[1], scales[1], minima[1]);
    expect(memcmp(q[0], q[1], N) == 0 && same_bits(scales[0], scales[1], N / 16) &&
               same_bits(minima[0], minima[1], N / 16), t, "unpack type %u", type);
}

static void check_layouts(const ck_table *t) {
    random_source r = {1};
    const size_t widths[] = {32, 64, 224};
    for (int i = 0; i < 3; i++) {
        size_t n = widths[i];
        uint8_t *rows = memory(16 * n), *a = memory(16 * n), *b = memory(16 * n);
        for (size_t k = 0; k < 16 * n; k++) rows[k] = (uint8_t)next(&r);
        t->interleave(rows, n, a);
        ck_portable.interleave(rows, n, b);
        expect(memcmp(a, b, 16 * n) == 0, t, "interleave %zu", n);
    }
    const size_t counts[] = {1, 7, 8, 18, 64};
    for (int i = 0; i < 5; i++) {
        float *rows = floats(&r, 16 * 72), *a = memory(16 * 72 * 4), *b = memory(16 * 72 * 4);
        t->transpose(rows, 72, counts[i], a);
        ck_portable.transpose(rows, 72, counts[i], b);
        expect(same_bits(a, b, 16 * counts[i]), t, "transpose %zu", counts[i]);
    }
}

static void check_float_product(const ck_table *t, size_t m, size_t n, size_t k, bool accumulate) {
    random_source r = {m + n + k};
    float *a = floats(&r, m * k), *b = floats(&r, k * n), *c = floats(&r, m * n + 1);
    float *expected = memory((m * n + 1) * sizeof(float));
    memcpy(expected, c, (m * n + 1) * sizeof(float));
    t->gemm(m, n, k, a, k, b, n, c, n, accumulate);
    ck_portable.gemm(m, n, k, a, k, b, n, expected, n, accumulate);
    expect(same_bits(c, expected, m * n + 1), t, "gemm %zu x %zu x %zu", m, n, k);
}

static void check_keys(const ck_table *t, size_t n, size_t width) {
    random_source r = {4};
    size_t rows = (n + 7) / 8 * 8;
    float *keys = floats(&r, rows * width), *a = memory(64 * width * 4), *b = memory(64 * width * 4);
    t->transpose_keys(keys, n, width, a, 64);
    ck_portable.transpose_keys(keys, n, width, b, 64);
    bool same = true;
    for (size_t d = 0; d < width; d++) same &= same_bits(a + 64 * d, b + 64 * d, n);
    expect(same, t, "transpose_keys %zu x %zu", n, width);
}

void check_tiles(const ck_table *t) {
    const size_t columns[] = {32, 64, 96, 1024};
    for (int class = 0; class < CK_CLASS_COUNT; class++)
        for (int i = 0; i < 4; i++)
            for (size_t width = 1; width <= CK_TILE_TOKENS; width++) {
                check_tile(t, class, columns[i], width, false);
                check_tile(t, class, columns[i], width, true);
            }
    for (int i = 0; i < WEIGHT_TYPES; i++) check_unpacking(t, weight_types[i]);
    check_layouts(t);
    const size_t shapes[][3] = {{1, 1, 1},  {2, 16, 5}, {6, 64, 64}, {7, 23, 33}, {13, 40, 8}, {1, 70, 3},
                                {5, 9, 0},  {4, 16, 7}, {3, 48, 9},  {12, 33, 5}, {9, 64, 2},  {17, 31, 4},
                                {8, 32, 6}, {1, 512, 1}, {2, 128, 3}, {10, 8, 4},  {11, 4, 4}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_float_product(t, shapes[i][0], shapes[i][1], shapes[i][2], false);
        check_float_product(t, shapes[i][0], shapes[i][1], shapes[i][2], true);
    }
    const size_t keys[][2] = {{64, 64}, {13, 40}, {8, 20}, {1, 128}, {64, 512}, {33, 24}};
    for (int i = 0; i < 6; i++) check_keys(t, keys[i][0], keys[i][1]);
}
