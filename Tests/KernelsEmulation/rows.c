// Functions of single rows: norms, gates, exponentials, rotations, conversions.

#include "checks.h"

static const size_t lengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257};
enum { LENGTHS = sizeof lengths / sizeof *lengths, MOST = 257 };

static void check_exponentials(const ck_table *t) {
    enum { COUNT = 20004 };
    static float x[COUNT], y[COUNT];
    for (int i = 0; i < 20000; i++) x[i] = (float)i * -0.0043f;
    const float extremes[4] = {-INFINITY, -88, -103, -1e30f};
    memcpy(x + 20000, extremes, sizeof extremes);
    memcpy(y, x, sizeof x);
    double sum = (double)t->exp_shift(y, COUNT, 0), exact_sum = 0;
    bool accurate = true;
    for (int i = 0; i < COUNT; i++) {
        double exact = x[i] < -87 ? 0 : exp((double)x[i]);
        accurate = accurate && fabs((double)y[i] - exact) <= 4e-7 * exact;
        exact_sum += (double)y[i];
    }
    expect(accurate, t, "exp_shift");
    expect(fabs(sum - exact_sum) <= 1e-5 * exact_sum, t, "sum of exp_shift");
    for (int k = 0; k < LENGTHS; k++) {
        float some[MOST + 1];
        memcpy(some, x, sizeof some);
        t->exp_shift(some, lengths[k], 0);
        expect(same_bits(some, y, lengths[k]), t, "exp_shift of %zu", lengths[k]);
        expect(some[lengths[k]] == x[lengths[k]], t, "exp_shift of %zu: past the end", lengths[k]);
    }
}

static void check_gates(const ck_table *t, size_t n) {
    random_source r = {n};
    float *up = floats(&r, n), *gate = floats(&r, n), silu[MOST + 1], gelu[MOST + 1], capped[MOST + 1];
    const float extremes[4] = {0, 90, -90, -1e20f};
    for (size_t i = 0; i < n; i++) gate[i] *= 12;
    if (n > 8) memcpy(gate, extremes, sizeof extremes);
    memcpy(capped, gate, n * sizeof(float));
    silu[n] = gelu[n] = capped[n] = 5;
    t->silu_gate(gate, up, n, silu);
    t->gelu_gate(gate, up, n, gelu);
    t->softcap(capped, n, 30);
    bool good[3] = {true, true, true};
    for (size_t i = 0; i < n; i++) {
        double g = (double)gate[i], u = (double)up[i], exact_silu = g / (1 + exp(-g)) * u;
        double exact_gelu = 0.5 * g * (1 + tanh(sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) * u;
        good[0] &= fabs((double)silu[i] - exact_silu) <= 1e-6 * fabs(exact_silu) + 1e-18;
        // tanh close to -1 cancels: the error is relative to g, not to the result.
        good[1] &= fabs((double)gelu[i] - exact_gelu) <= 2e-6 * fabs(exact_gelu) + 1e-9 * fmin(fabs(g), 10);
        good[2] &= fabs((double)capped[i] - 30 * tanh(g / 30)) <= 3e-6 * 30;
    }
    expect(good[0], t, "silu_gate of %zu", n);
    expect(good[1], t, "gelu_gate of %zu", n);
    expect(good[2], t, "softcap of %zu", n);
    expect(silu[n] == 5 && gelu[n] == 5 && capped[n] == 5, t, "gates of %zu: past the end", n);
}

static void check_norms(const ck_table *t, size_t n) {
    random_source r = {n + 50};
    float *x = floats(&r, n), *weight = floats(&r, n), y[MOST + 1], bare[MOST + 1], sum[MOST + 1], scaled[MOST + 1];
    memcpy(sum, weight, n * sizeof(float));
    memcpy(scaled, x, n * sizeof(float));
    y[n] = bare[n] = sum[n] = scaled[n] = 5;
    t->rms_norm(x, weight, n, 1e-6f, y);
    t->rms_norm(x, NULL, n, 1e-6f, bare);
    t->add(x, n, sum);
    t->scale(scaled, n, 3);
    double squares = 0, exact[MOST], weighted[MOST];
    for (size_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
    float largest = -INFINITY;
    bool sums = true;
    for (size_t i = 0; i < n; i++) {
        exact[i] = (double)x[i] / sqrt(squares / (double)n + 1e-6);
        weighted[i] = exact[i] * (double)weight[i];
        largest = fmaxf(largest, x[i]);
        sums &= sum[i] == weight[i] + x[i] && scaled[i] == 3 * x[i];
    }
    expect(close_to(bare, exact, n, 1e-6, 0) && close_to(y, weighted, n, 1e-6, 0), t, "rms_norm of %zu", n);
    expect(sums, t, "add and scale of %zu", n);
    expect(t->maximum(x, n) == largest, t, "maximum of %zu", n);
    expect(y[n] == 5 && bare[n] == 5 && sum[n] == 5 && scaled[n] == 5, t, "norms of %zu: past the end", n);
}

static void check_rotations(const ck_table *t, size_t n) {
    random_source r = {n + 90};
    float *x = floats(&r, 2 * n), *angles = floats(&r, n), cosines[64], sines[64], halves[129], pairs[129];
    for (size_t i = 0; i < n; i++) {
        cosines[i] = cosf(angles[i] * 3);
        sines[i] = sinf(angles[i] * 3);
    }
    memcpy(halves, x, 2 * n * sizeof(float));
    memcpy(pairs, x, 2 * n * sizeof(float));
    halves[2 * n] = pairs[2 * n] = 5;
    t->rope_halves(halves, halves + n, n, cosines, sines);
    t->rope_pairs(pairs, n, cosines, sines);
    bool good = halves[2 * n] == 5 && pairs[2 * n] == 5;
    for (size_t i = 0; i < n; i++) {
        float c = cosines[i], s = sines[i];
        good &= fabsf(halves[i] - (x[i] * c - x[i + n] * s)) <= 3e-7f;
        good &= fabsf(halves[i + n] - (x[i + n] * c + x[i] * s)) <= 3e-7f;
        good &= fabsf(pairs[2 * i] - (x[2 * i] * c - x[2 * i + 1] * s)) <= 3e-7f;
        good &= fabsf(pairs[2 * i + 1] - (x[2 * i + 1] * c + x[2 * i] * s)) <= 3e-7f;
    }
    expect(good, t, "rotations of %zu", n);
}

// All 65536 halves to floats; floats to halves with ties, subnormals and what is too large.
static void check_halves(const ck_table *t) {
    enum { ALL = 65536, COUNT = 2212 };
    static uint16_t all[ALL];
    static float a[ALL], b[ALL];
    for (int i = 0; i < ALL; i++) all[i] = (uint16_t)i;
    const uint32_t types[2] = {CK_F16, CK_BF16};
    for (int k = 0; k < 2; k++) {
        t->dequantize[types[k]](all, ALL - 1, a);
        ck_portable.dequantize[types[k]](all, ALL - 1, b);
        bool same = true;
        for (int i = 0; i < ALL - 1; i++) same &= same_bits(&a[i], &b[i], 1) || (a[i] != a[i] && b[i] != b[i]);
        expect(same, t, "halves of type %u", types[k]);
    }
    static float x[COUNT];
    static uint16_t y[COUNT], z[COUNT];
    random_source r = {9};
    const float extremes[12] = {0,        -0.0f,     65504,    65519,    65520,    1e30f,
                                INFINITY, -INFINITY, 0x1p-14f, 0x1p-24f, 0x1p-25f, 0x1.8p-25f};
    memcpy(x, extremes, sizeof extremes);
    for (int i = 12; i < 2012; i++) x[i] = ck_bits((uint32_t)next(&r));
    for (int i = 2012; i < COUNT; i++) x[i] = ck_half((uint16_t)((i - 2012) * 37)) * 1.00048828125f;  // ties
    t->to_f16(x, COUNT, y);
    ck_portable.to_f16(x, COUNT, z);
    bool same = true;
    for (int i = 0; i < COUNT; i++) same &= x[i] != x[i] || y[i] == z[i];
    expect(same, t, "to_f16");
}

// One row of scores that raises the maximum, one that doesn't, one that sees nothing, one that begins.
static void check_softmax(const ck_table *t, size_t n, size_t width) {
    random_source r = {n + width};
    const size_t rows = 4;
    float *scores = floats(&r, rows * n), *out = floats(&r, rows * width);
    float maxima[4] = {-3, 40, -INFINITY, -INFINITY}, sums[4] = {2, 1.5f, 0, 0};
    for (size_t i = 0; i < rows * n; i++) scores[i] = i / n == 2 || i % 7 == 3 ? -INFINITY : scores[i] * 20;
    memset(out + 2 * width, 0, 2 * width * sizeof(float));
    float *scores2 = memory(rows * n * 4), *out2 = memory(rows * width * 4), maxima2[4], sums2[4];
    memcpy(scores2, scores, rows * n * 4);
    memcpy(out2, out, rows * width * 4);
    memcpy(maxima2, maxima, sizeof maxima);
    memcpy(sums2, sums, sizeof sums);
    t->softmax_step(scores, rows, n, maxima, sums, out, width);
    ck_portable.softmax_step(scores2, rows, n, maxima2, sums2, out2, width);
    bool good = same_bits(maxima, maxima2, rows);
    for (size_t i = 0; i < rows * n; i++) good &= fabsf(scores[i] - scores2[i]) <= 8e-7f * scores2[i];
    for (size_t i = 0; i < rows * width; i++) good &= fabsf(out[i] - out2[i]) <= 8e-7f * fabsf(out2[i]);
    for (size_t i = 0; i < rows; i++) good &= fabsf(sums[i] - sums2[i]) <= 3e-6f * sums2[i];
    expect(good, t, "softmax_step of %zu, width %zu", n, width);
}

static void check_quantization(const ck_table *t) {
    enum { N = 32 * 12 };
    random_source r = {3};
    float *x = floats(&r, N);
    for (int i = 0; i < N; i++) x[i] *= 10;
    for (int i = 0; i < 32; i++) {
        x[i] = 0;                             // a block of zeros
        x[32 + i] = 0x1p-149f * (float)i;     // too small for a scale
        x[64 + i] = i == 5 ? 3e38f : 1e30f;
    }
    int8_t q[2][N];
    float scales[2][N / 32], sums32[2][N / 32], sums16[2][N / 16];
    t->quantize(x, N, q[0], scales[0], sums32[0], sums16[0]);
    ck_portable.quantize(x, N, q[1], scales[1], sums32[1], sums16[1]);
    expect(memcmp(q[0], q[1], N) == 0, t, "quants");
    expect(same_bits(scales[0], scales[1], N / 32) && same_bits(sums32[0], sums32[1], N / 32) &&
               same_bits(sums16[0], sums16[1], N / 16), t, "scales and sums of quants");
}

void check_rows(const ck_table *t) {
    check_exponentials(t);
    check_halves(t);
    check_quantization(t);
    for (int i = 0; i < LENGTHS; i++) {
        check_gates(t, lengths[i]);
        check_norms(t, lengths[i]);
    }
    const size_t pairs[] = {1, 3, 4, 8, 13, 16, 17, 32, 37, 64};
    for (int i = 0; i < 10; i++) check_rotations(t, pairs[i]);
    const size_t widths[] = {16, 20, 24, 64, 128, 256, 512};
    for (int i = 0; i < 7; i++) {
        check_softmax(t, 64, widths[i]);
        check_softmax(t, 8, widths[i]);
    }
    const float odd[10] = {1, NAN, 3, 2, -INFINITY, 0, 1, 2, NAN, 1};
    expect(t->maximum(odd, 0) == -INFINITY && t->maximum(odd, 10) == 3, t, "maximum of nothing and with NaN");
}
