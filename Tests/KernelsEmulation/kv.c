// Keys and values as integers: the same codes and the same floats as the portable level, bit for bit.

#include "checks.h"

enum { MOST = 512, STRIDE = 64 };

static void check_codes(const ck_table *t, size_t n, int kind) {
    random_source r = {n + (size_t)kind};
    float *x = floats(&r, n), *y = memory(n * 4);
    for (size_t i = 0; i < n; i++) {
        if (kind == 1) x[i] = x[i] < 0 ? -2 : 2;
        if (kind == 2) x[i] *= 1e30f;
        if (kind == 3) x[i] *= 1e-30f;
        if (kind == 4) x[i] = 0;
        if (kind == 5 && i % 5 == 0) x[i] = NAN;
        if (kind == 6 && i == n / 2) x[i] = 70;
    }
    memcpy(y, x, n * 4);
    const size_t block = n & (~n + 1);
    if (kind != 5) {
        t->hadamard(x, n, block);
        ck_portable.hadamard(y, n, block);
        expect(same_bits(x, y, n), t, "hadamard of %zu, kind %d", n, kind);
    }
    uint8_t a[MOST], b[MOST];
    uint16_t scales[2] = {t->encode_q8(x, n, (int8_t *)a), ck_portable.encode_q8(y, n, (int8_t *)b)};
    expect(scales[0] == scales[1] && memcmp(a, b, n) == 0, t, "q8 of %zu, kind %d", n, kind);
    scales[0] = t->encode_q4(x, n, a);
    scales[1] = ck_portable.encode_q4(y, n, b);
    expect(scales[0] == scales[1] && memcmp(a, b, n / 2) == 0, t, "q4 of %zu, kind %d", n, kind);
}

static void check_floats(const ck_table *t, size_t rows, size_t n) {
    random_source r = {rows * n};
    const size_t count = rows * (n > STRIDE ? n : STRIDE);
    uint8_t *codes = memory(count);
    for (size_t i = 0; i < count; i++) codes[i] = (uint8_t)next(&r);
    float *scales = floats(&r, rows > STRIDE ? rows : STRIDE), *a = memory(count * 4), *b = memory(count * 4);
    const int8_t *bytes = (const int8_t *)codes;
    t->q8_rows(bytes, scales, rows, n, a);
    ck_portable.q8_rows(bytes, scales, rows, n, b);
    expect(same_bits(a, b, count), t, "q8_rows %zu x %zu", rows, n);
    t->q4_rows(codes, scales, rows, n, a);
    ck_portable.q4_rows(codes, scales, rows, n, b);
    expect(same_bits(a, b, count), t, "q4_rows %zu x %zu", rows, n);
    if (n % 8 != 0 || n > STRIDE) return;
    t->q8_columns(bytes, scales, rows, n, STRIDE, a);
    ck_portable.q8_columns(bytes, scales, rows, n, STRIDE, b);
    expect(same_bits(a, b, count), t, "q8_columns %zu x %zu", rows, n);
    t->q4_columns(codes, scales, rows, n, STRIDE, a);
    ck_portable.q4_columns(codes, scales, rows, n, STRIDE, b);
    expect(same_bits(a, b, count), t, "q4_columns %zu x %zu", rows, n);
}

void check_kv(const ck_table *t) {
    const size_t widths[] = {2, 8, 16, 20, 24, 64, 80, 96, 128, 256, 512};
    for (int i = 0; i < 11; i++) {
        for (int kind = 0; kind < 7; kind++) check_codes(t, widths[i], kind);
        check_floats(t, 6, widths[i]);
        check_floats(t, 64, widths[i]);
    }
}
