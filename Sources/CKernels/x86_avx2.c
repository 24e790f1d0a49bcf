// AVX2: loops over single rows, and the tables of AVX2 and of AVX-VNNI.

#if defined(__x86_64__)
#include "x86_avx512.h"

// Runs `body` for 8 elements at a time; the last ones through a mask. `load(p)` and `store(p, v)` know which.
#define ROWS_OF_8(n, body)                                                     \
    {                                                                          \
        size_t i = 0;                                                          \
        __m256i mask = _mm256_set1_epi32(-1);                                  \
        for (; i + 8 <= (n); i += 8) body;                                     \
        if (i < (n)) {                                                         \
            mask = lanes_below((n) - i);                                       \
            body;                                                              \
        }                                                                      \
    }
#define LOAD(p) _mm256_maskload_ps((p) + i, mask)
#define STORE(p, v) _mm256_maskstore_ps((p) + i, mask, v)

AVX2 static void rms_norm(const float *x, const float *weight, size_t n, float eps, float *y) {
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t j = 0;
    for (; j + 32 <= n; j += 32)
        for (size_t h = 0; h < 4; h++) {
            __m256 v = _mm256_loadu_ps(x + j + 8 * h);
            sums[h] = _mm256_fmadd_ps(v, v, sums[h]);
        }
    for (; j < n; j += 8) {
        __m256 v = _mm256_maskload_ps(x + j, lanes_below(n - j < 8 ? n - j : 8));
        sums[0] = _mm256_fmadd_ps(v, v, sums[0]);
    }
    float squares = sum_of(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
    __m256 factor = _mm256_set1_ps(1 / sqrtf(squares / (float)n + eps));
    if (weight) ROWS_OF_8(n, STORE(y, _mm256_mul_ps(_mm256_mul_ps(LOAD(x), factor), LOAD(weight))))
    else ROWS_OF_8(n, STORE(y, _mm256_mul_ps(LOAD(x), factor)))
}

AVX2 static void add(const float *x, size_t n, float *y) { ROWS_OF_8(n, STORE(y, _mm256_add_ps(LOAD(y), LOAD(x)))) }

AVX2 static void scale(float *x, size_t n, float factor) {
    __m256 f = _mm256_set1_ps(factor);
    ROWS_OF_8(n, STORE(x, _mm256_mul_ps(LOAD(x), f)))
}

AVX2 static void softcap(float *x, size_t n, float cap) {
    const __m256 one = _mm256_set1_ps(1), two = _mm256_set1_ps(2), c = _mm256_set1_ps(cap);
    ROWS_OF_8(n, {
        __m256 e = exp8(_mm256_div_ps(_mm256_mul_ps(two, LOAD(x)), c));
        STORE(x, _mm256_mul_ps(c, _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(one, e)))));
    })
}

AVX2 static void silu_gate(const float *gate, const float *up, size_t n, float *y) {
    const __m256 one = _mm256_set1_ps(1), sign = _mm256_set1_ps(-0.0f);
    ROWS_OF_8(n, {
        __m256 x = LOAD(gate);
        __m256 e = exp8(_mm256_xor_ps(x, sign));
        STORE(y, _mm256_mul_ps(_mm256_div_ps(x, _mm256_add_ps(one, e)), LOAD(up)));
    })
}

AVX2 static void gelu_gate(const float *gate, const float *up, size_t n, float *y) {
    const __m256 one = _mm256_set1_ps(1), linear = _mm256_set1_ps(CK_GELU_LINEAR), cubic = _mm256_set1_ps(CK_GELU_CUBIC);
    ROWS_OF_8(n, {
        __m256 x = LOAD(gate);
        __m256 e = exp8(_mm256_mul_ps(x, _mm256_fmadd_ps(_mm256_mul_ps(cubic, x), x, linear)));
        STORE(y, _mm256_mul_ps(_mm256_div_ps(x, _mm256_add_ps(one, e)), LOAD(up)));
    })
}

AVX2 static void rope_halves(float *x, float *y, size_t n, const float *cosines, const float *sines) {
    ROWS_OF_8(n, {
        __m256 a = LOAD(x);
        __m256 b = LOAD(y);
        __m256 c = LOAD(cosines);
        __m256 s = LOAD(sines);
        STORE(x, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
        STORE(y, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
    })
}

AVX2 void ck_avx2_rope_pairs(float *x, size_t n, const float *cosines, const float *sines) {
    const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256 v = _mm256_loadu_ps(x + 2 * i);
        __m256 c = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(cosines + i)), twice);
        __m256 s = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(sines + i)), twice);
        __m256 swapped = _mm256_permute_ps(v, 0xb1);
        _mm256_storeu_ps(x + 2 * i, _mm256_fmaddsub_ps(v, c, _mm256_mul_ps(swapped, s)));
    }
    if (i < n) ck_portable.rope_pairs(x + 2 * i, n - i, cosines + i, sines + i);
}

AVX2 static void to_f16(const float *x, size_t n, uint16_t *y) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < n; i++) y[i] = _cvtss_sh(x[i], _MM_FROUND_TO_NEAREST_INT);
}

AVX2 static float maximum(const float *x, size_t n) {
    __m256 top = _mm256_set1_ps(-INFINITY);
    size_t i = 0;
    // Operands in this order: a NaN in x leaves the maximum as it is.
    for (; i + 8 <= n; i += 8) top = _mm256_max_ps(_mm256_loadu_ps(x + i), top);
    float largest = largest_of(top);
    for (; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

AVX2 static float exp_shift(float *x, size_t n, float shift) {
    const __m256 s = _mm256_set1_ps(shift);
    __m256 sum = _mm256_setzero_ps();
    ROWS_OF_8(n, {
        __m256 p = _mm256_and_ps(exp8(_mm256_sub_ps(LOAD(x), s)), _mm256_castsi256_ps(mask));
        STORE(x, p);
        sum = _mm256_add_ps(sum, p);
    })
    return sum_of(sum);
}

#define UNPACK(id, name) [CK_##id] = ck_avx2_unpack_##name,
#define DOTS(id, name) [CK_##id] = ck_avx2_dots_##name,
#define DOTS_VNNI(id, name) [CK_##id] = ck_avxvnni_dots_##name,
#define PANEL(id, name) [CK_##id] = ck_avx2_panel_##name,
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides"
// What AVX2 and AVX-VNNI share.
#define COMMON \
    .dequantize = {CK_SCALAR_DEQUANTIZE [CK_F16] = ck_avx2_floats_f16, [CK_BF16] = ck_avx2_floats_bf16}, \
    .unpack = {CK_SCALAR_UNPACK CK_AVX2_UNPACKED(UNPACK)}, \
    .interleave = ck_avx2_interleave, \
    .transpose = ck_avx2_transpose, \
    .quantize = ck_avx2_quantize, \
    .panel = {CK_AVX2_UNPACKED(PANEL)}, \
    .float_dots = {CK_PLAIN_TYPES(DOTS)}, \
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
    .softmax_step = ck_avx2_softmax_step, \
    .transpose_keys = ck_avx2_transpose_keys, \
    CK_AVX2_KV \
    .gemm = ck_avx2_gemm,

const ck_table ck_avx2 = {
    COMMON
    .name = "avx2",
    .dots = {CK_AVX2_UNPACKED(DOTS)},
    .product = {{ck_avx2_u4_1, ck_avx2_u4_2, ck_avx2_u4_3, ck_avx2_u4_4},
                {ck_avx2_u5_1, ck_avx2_u5_2, ck_avx2_u5_3, ck_avx2_u5_4},
                {ck_avx2_u6_1, ck_avx2_u6_2, ck_avx2_u6_3, ck_avx2_u6_4},
                {ck_avx2_s8_1, ck_avx2_s8_2, ck_avx2_s8_3, ck_avx2_s8_4}},
};

const ck_table ck_avxvnni = {
    COMMON
    .name = "avxvnni",
    .dots = {CK_AVX2_UNPACKED(DOTS_VNNI)},
    .product = {{ck_avxvnni_u32_1, ck_avxvnni_u32_2, ck_avxvnni_u32_3, ck_avxvnni_u32_4},
                {ck_avxvnni_u32_1, ck_avxvnni_u32_2, ck_avxvnni_u32_3, ck_avxvnni_u32_4},
                {ck_avxvnni_u16_1, ck_avxvnni_u16_2, ck_avxvnni_u16_3, ck_avxvnni_u16_4},
                {ck_avxvnni_s32_1, ck_avxvnni_s32_2, ck_avxvnni_s32_3, ck_avxvnni_s32_4}},
};
#pragma clang diagnostic pop
#endif
