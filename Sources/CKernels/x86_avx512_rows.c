// AVX-512: loops over single rows, and the tables of the levels above AVX2.

#if defined(__x86_64__)
#include "x86_avx512.h"

// Runs `body` for 16 elements at a time; LOAD and STORE leave out what lies past the end.
#define ROWS_OF_16(n, body)                                  \
    for (size_t i = 0; i < (n); i += 16) {                   \
        const __mmask16 mask = first_lanes((n) - i);         \
        body;                                                \
    }
#define LOAD(p) _mm512_maskz_loadu_ps(mask, (p) + i)
#define STORE(p, v) _mm512_mask_storeu_ps((p) + i, mask, v)

// See vmath.h; as exp8 of x86_avx2.h. NaN stays NaN.
AVX512_INLINE __m512 exp16(__m512 x) {
    const __m512 lowest = _mm512_set1_ps(CK_EXP_MIN);
    const __mmask16 tiny = _mm512_cmp_ps_mask(x, lowest, _CMP_LT_OQ);
    // Operands in this order: a NaN in x is returned by both.
    x = _mm512_min_ps(_mm512_set1_ps(CK_EXP_MAX), _mm512_max_ps(lowest, x));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(CK_LOG2E)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(CK_LN2_HIGH), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(CK_LN2_LOW), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(CK_EXP_7), r, _mm512_set1_ps(CK_EXP_6));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(CK_EXP_5));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(CK_EXP_4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(CK_EXP_3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
    __m512i power = _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23);
    p = _mm512_mul_ps(p, _mm512_castsi512_ps(power));
    return _mm512_mask_mov_ps(p, tiny, _mm512_setzero_ps());
}

AVX512_INLINE __m512 negated(__m512 x) { return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f)); }

AVX512 static void rms_norm(const float *x, const float *weight, size_t n, float eps, float *y) {
    __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    size_t j = 0;
    for (; j + 64 <= n; j += 64)
        for (size_t h = 0; h < 4; h++) {
            __m512 v = _mm512_loadu_ps(x + j + 16 * h);
            sums[h] = _mm512_fmadd_ps(v, v, sums[h]);
        }
    for (; j < n; j += 16) {
        __m512 v = _mm512_maskz_loadu_ps(first_lanes(n - j), x + j);
        sums[0] = _mm512_fmadd_ps(v, v, sums[0]);
    }
    __m512 all = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
    __m512 factor = _mm512_set1_ps(1 / sqrtf(_mm512_reduce_add_ps(all) / (float)n + eps));
    if (weight) ROWS_OF_16(n, STORE(y, _mm512_mul_ps(_mm512_mul_ps(LOAD(x), factor), LOAD(weight))))
    else ROWS_OF_16(n, STORE(y, _mm512_mul_ps(LOAD(x), factor)))
}

AVX512 static void add(const float *x, size_t n, float *y) { ROWS_OF_16(n, STORE(y, _mm512_add_ps(LOAD(y), LOAD(x)))) }

AVX512 static void scale(float *x, size_t n, float factor) {
    const __m512 f = _mm512_set1_ps(factor);
    ROWS_OF_16(n, STORE(x, _mm512_mul_ps(LOAD(x), f)))
}

AVX512 static void softcap(float *x, size_t n, float cap) {
    const __m512 one = _mm512_set1_ps(1), two = _mm512_set1_ps(2), c = _mm512_set1_ps(cap);
    ROWS_OF_16(n, {
        __m512 e = exp16(_mm512_div_ps(_mm512_mul_ps(two, LOAD(x)), c));
        STORE(x, _mm512_mul_ps(c, _mm512_sub_ps(one, _mm512_div_ps(two, _mm512_add_ps(one, e)))));
    })
}

AVX512 static void silu_gate(const float *gate, const float *up, size_t n, float *y) {
    const __m512 one = _mm512_set1_ps(1);
    ROWS_OF_16(n, {
        const __m512 x = LOAD(gate);
        STORE(y, _mm512_mul_ps(_mm512_div_ps(x, _mm512_add_ps(one, exp16(negated(x)))), LOAD(up)));
    })
}

AVX512 static void gelu_gate(const float *gate, const float *up, size_t n, float *y) {
    const __m512 one = _mm512_set1_ps(1), linear = _mm512_set1_ps(CK_GELU_LINEAR), cubic = _mm512_set1_ps(CK_GELU_CUBIC);
    ROWS_OF_16(n, {
        const __m512 x = LOAD(gate);
        __m512 e = exp16(_mm512_mul_ps(x, _mm512_fmadd_ps(_mm512_mul_ps(cubic, x), x, linear)));
        STORE(y, _mm512_mul_ps(_mm512_div_ps(x, _mm512_add_ps(one, e)), LOAD(up)));
    })
}

AVX512 static void rope_halves(float *x, float *y, size_t n, const float *cosines, const float *sines) {
    ROWS_OF_16(n, {
        const __m512 a = LOAD(x);
        const __m512 b = LOAD(y);
        const __m512 c = LOAD(cosines);
        const __m512 s = LOAD(sines);
        STORE(x, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
        STORE(y, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
    })
}

AVX512 static void to_f16(const float *x, size_t n, uint16_t *y) {
    ROWS_OF_16(n, _mm256_mask_storeu_epi16(y + i, mask, _mm512_cvtps_ph(LOAD(x), _MM_FROUND_TO_NEAREST_INT)))
}

AVX512 static float maximum(const float *x, size_t n) {
    __m512 top = _mm512_set1_ps(-INFINITY);
    // Operands in this order: a NaN in x leaves the maximum as it is.
    ROWS_OF_16(n, top = _mm512_mask_max_ps(top, mask, LOAD(x), top))
    return _mm512_reduce_max_ps(top);
}

AVX512 static float exp_shift(float *x, size_t n, float shift) {
    const __m512 s = _mm512_set1_ps(shift);
    __m512 sum = _mm512_setzero_ps();
    ROWS_OF_16(n, {
        const __m512 p = _mm512_maskz_mov_ps(mask, exp16(_mm512_sub_ps(LOAD(x), s)));
        STORE(x, p);
        sum = _mm512_add_ps(sum, p);
    })
    return _mm512_reduce_add_ps(sum);
}

AVX512 static void softmax_step(float *scores, size_t rows, size_t n, float *maxima, float *sums, float *out,
                                size_t width) {
    for (size_t r = 0; r < rows; r++, scores += n, out += width) {
        const float largest = maximum(scores, n);
        if (!(largest > -INFINITY)) {
            memset(scores, 0, n * sizeof *scores);
            continue;
        }
        if (largest > maxima[r]) {
            // exp16 gives 0 for minus infinity, the maximum of a row that has seen nothing yet.
            const float factor = _mm512_cvtss_f32(exp16(_mm512_set1_ps(maxima[r] - largest)));
            maxima[r] = largest;
            sums[r] *= factor;
            scale(out, width, factor);
        }
        sums[r] += exp_shift(scores, n, maxima[r]);
    }
}

AVX512 static void floats_f16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    ROWS_OF_16(n, STORE(out, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, h + i))))
}

AVX512 static void floats_bf16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    ROWS_OF_16(n, {
        const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, h + i));
        STORE(out, _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
    })
}

#define UNPACK(id, name) [CK_##id] = ck_avx2_unpack_##name,
#define DOTS_AVX2(id, name) [CK_##id] = ck_avx2_dots_##name,
#define DOTS_VNNI(id, name) [CK_##id] = ck_avx512vnni_dots_##name,
#define PANEL(id, name) [CK_##id] = ck_avx2_panel_##name,
#define PRODUCTS(name) {name##_1, name##_2, name##_3, name##_4}
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides"
#define COMMON \
    .dequantize = {CK_SCALAR_DEQUANTIZE [CK_F16] = floats_f16, [CK_BF16] = floats_bf16}, \
    .unpack = {CK_SCALAR_UNPACK CK_AVX2_UNPACKED(UNPACK)}, \
    .interleave = ck_avx2_interleave, \
    .transpose = ck_avx2_transpose, \
    .quantize = ck_avx2_quantize, \
    .panel = {CK_AVX2_UNPACKED(PANEL)}, \
    .float_dots = {CK_PLAIN_TYPES(DOTS_AVX2)}, \
    .gemm = ck_avx512_gemm, \
    .rms_norm = rms_norm, \
    .add = add, \
    .scale = scale, \
    .softcap = softcap, \
    .silu_gate = silu_gate, \
    .gelu_gate = gelu_gate, \
    .rope_halves = rope_halves, \
    .rope_pairs = ck_avx2_rope_pairs, \
    .to_f16 = to_f16, \
    .maximum = maximum, \
    .exp_shift = exp_shift, \
    .softmax_step = softmax_step, \
    .transpose_keys = ck_avx2_transpose_keys, \
    CK_AVX2_KV
#define COMMON_VNNI \
    COMMON \
    .dots = {CK_AVX2_UNPACKED(DOTS_VNNI)}, \
    .product = {PRODUCTS(ck_avx512vnni_u32), PRODUCTS(ck_avx512vnni_u32), PRODUCTS(ck_avx512vnni_u16), \
                PRODUCTS(ck_avx512vnni_s32)},

const ck_table ck_avx512 = {
    COMMON
    .name = "avx512",
    .dots = {CK_AVX2_UNPACKED(DOTS_AVX2)},
    .product = {PRODUCTS(ck_avx512_u4), PRODUCTS(ck_avx512_u5), PRODUCTS(ck_avx512_u6), PRODUCTS(ck_avx512_s8)},
};

const ck_table ck_avx512vnni = {COMMON_VNNI .name = "avx512vnni"};

const ck_table ck_avx512bf16 = {
    COMMON_VNNI
    .name = "avx512bf16",
    .rounded_dots = {[CK_BF16] = ck_avx512_rounded_bf16},
};
#pragma clang diagnostic pop
#endif
