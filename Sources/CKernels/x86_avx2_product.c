// AVX2: integer products of quantized weights and activations.
//
// One register holds 8 rows times 4 columns of weights. maddubs multiplies them by 4 activations of one token
// (broadcast) and adds pairs in 16 bits. As many of those are added in 16 bits as cannot overflow: with quants up to
// 15, 15 * 127 * 2 * 8 = 30,480 leaves room for 8, with 31 for 4, with 63 for 2. Then they are widened, converted and
// scaled. 2 registers of rows times 4 tokens make 8 accumulators, 2 weights, 1 broadcast and 1 product in registers;
// the float sums live in the first-level cache.

#if defined(__x86_64__)
#include "x86_avx2.h"

// Left alone, clang sums token by token and spills the weights.
#define KEEP_ORDER(v) __asm__ volatile("" : "+x"(v))

AVX2_INLINE __m256i activation(const int8_t *a) { return _mm256_set1_epi32((int)ck_load32(a)); }

// What one group adds to the float sums: sum += float(dot) * (scale * act_scale) + minimum * act_sum. The sums are
// read from and written to memory one by one, so that the dots leave their registers early.
AVX2_INLINE void add_group(float *sums, __m256i dots[][2], const float *scales, const float *minima,
                           const float *act_scales, const float *act_sums, const int width,
                           const bool with_minima) {
    __m256 scale[2], minimum[2];
    for (int h = 0; h < 2; h++) {
        scale[h] = _mm256_loadu_ps(scales + 8 * h);
        if (with_minima) minimum[h] = _mm256_loadu_ps(minima + 8 * h);
    }
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
        __m256 act_scale = _mm256_broadcast_ss(act_scales + w);
        __m256 act_sum = with_minima ? _mm256_broadcast_ss(act_sums + w) : _mm256_setzero_ps();
#pragma clang loop unroll(full)
        for (int h = 0; h < 2; h++) {
            float *place = sums + w * CK_PANEL_ROWS + 8 * h;
            __m256 sum = _mm256_loadu_ps(place);
            sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[w][h]), _mm256_mul_ps(scale[h], act_scale), sum);
            if (with_minima) sum = _mm256_fmadd_ps(minimum[h], act_sum, sum);
            _mm256_storeu_ps(place, sum);
        }
    }
}

// `group` columns share a scale; `run` steps of 4 columns fit in 16 bits.
AVX2_INLINE void product_unsigned(const ck_tile *t, const int width, const int group, const int run) {
    const float *minima = t->minima, *act_sums = t->act_sums;
    const uint8_t *q = t->quants;
    const int8_t *a = t->activations;
    const float *scales = t->scales, *act_scales = t->act_scales;
    const __m256i ones = _mm256_set1_epi16(1);
    float *sums = t->sums;
    for (size_t g = 0; g < t->columns / (size_t)group; g++) {
        __m256i dots[4][2];
#pragma clang loop unroll(full)
        for (int r = 0; r < group / 4 / run; r++) {
            __m256i part[4][2];
#pragma clang loop unroll(full)
            for (int j = 0; j < run; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width) {
                __m256i low = _mm256_loadu_si256((const __m256i *)q), high = _mm256_loadu_si256((const __m256i *)(q + 32));
#pragma clang loop unroll(full)
                for (int w = 0; w < width; w++) {
                    __m256i x = activation(a + 4 * w);
                    __m256i l = _mm256_maddubs_epi16(low, x), h = _mm256_maddubs_epi16(high, x);
                    part[w][0] = j == 0 ? l : _mm256_add_epi16(part[w][0], l);
                    part[w][1] = j == 0 ? h : _mm256_add_epi16(part[w][1], h);
                    KEEP_ORDER(part[w][0]);
                    KEEP_ORDER(part[w][1]);
                }
            }
#pragma clang loop unroll(full)
            for (int w = 0; w < width; w++)
                for (int h = 0; h < 2; h++) {
                    __m256i wide = _mm256_madd_epi16(part[w][h], ones);
                    dots[w][h] = r == 0 ? wide : _mm256_add_epi32(dots[w][h], wide);
                }
        }
        add_group(sums, dots, scales, minima, act_scales, act_sums, width, true);
        scales += CK_PANEL_ROWS;
        minima += CK_PANEL_ROWS;
        act_sums += width;
        if (group == 32 || g % 2 == 1) act_scales += width;
    }
}

// |weight| times the activation with the weight's sign: 128 * 127 * 2 still fits in 16 bits, a sum of two doesn't.
AVX2_INLINE void product_signed(const ck_tile *t, const int width) {
    const uint8_t *q = t->quants;
    const int8_t *a = t->activations;
    const float *scales = t->scales, *act_scales = t->act_scales;
    const __m256i ones = _mm256_set1_epi16(1);
    float *sums = t->sums;
    for (size_t g = 0; g < t->columns / 32; g++) {
        __m256i dots[4][2];
#pragma clang loop unroll(full)
        for (int j = 0; j < 8; j++, q += 4 * CK_PANEL_ROWS, a += 4 * width)
#pragma clang loop unroll(full)
            for (int h = 0; h < 2; h++) {
                __m256i weights = _mm256_loadu_si256((const __m256i *)(q + 32 * h)), size = _mm256_abs_epi8(weights);
#pragma clang loop unroll(full)
                for (int w = 0; w < width; w++) {
                    __m256i pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(activation(a + 4 * w), weights));
                    __m256i wide = _mm256_madd_epi16(pairs, ones);
                    dots[w][h] = j == 0 ? wide : _mm256_add_epi32(dots[w][h], wide);
                    KEEP_ORDER(dots[w][h]);
                }
            }
        add_group(sums, dots, scales, NULL, act_scales, NULL, width, false);
        scales += CK_PANEL_ROWS;
        act_scales += width;
    }
}

#define UNSIGNED(name, width, group, run) \
    AVX2 void name##_##width(const ck_tile *t) { product_unsigned(t, width, group, run); }
#define SIGNED(name, width) AVX2 void name##_##width(const ck_tile *t) { product_signed(t, width); }
UNSIGNED(ck_avx2_u4, 1, 32, 8)
UNSIGNED(ck_avx2_u4, 2, 32, 8)
UNSIGNED(ck_avx2_u4, 3, 32, 8)
UNSIGNED(ck_avx2_u4, 4, 32, 8)
UNSIGNED(ck_avx2_u5, 1, 32, 4)
UNSIGNED(ck_avx2_u5, 2, 32, 4)
UNSIGNED(ck_avx2_u5, 3, 32, 4)
UNSIGNED(ck_avx2_u5, 4, 32, 4)
UNSIGNED(ck_avx2_u6, 1, 16, 2)
UNSIGNED(ck_avx2_u6, 2, 16, 2)
UNSIGNED(ck_avx2_u6, 3, 16, 2)
UNSIGNED(ck_avx2_u6, 4, 16, 2)
SIGNED(ck_avx2_s8, 1)
SIGNED(ck_avx2_s8, 2)
SIGNED(ck_avx2_s8, 3)
SIGNED(ck_avx2_s8, 4)

AVX2 void ck_avx2_quantize(const float *x, size_t n, int8_t *quants, float *scales, float *sums32, float *sums16) {
    const __m256 no_sign = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t g = 0; g < n / 32; g++, x += 32, quants += 32) {
        __m256 v[4];
        for (int i = 0; i < 4; i++) v[i] = _mm256_loadu_ps(x + 8 * i);
        __m256 sizes = _mm256_max_ps(_mm256_and_ps(v[0], no_sign), _mm256_and_ps(v[1], no_sign));
        sizes = _mm256_max_ps(sizes, _mm256_max_ps(_mm256_and_ps(v[2], no_sign), _mm256_and_ps(v[3], no_sign)));
        float largest = largest_of(sizes);
        float scale = largest / 127, inverse = largest > 0x1p-120f ? 127 / largest : 0;
        __m256i q[4];
        for (int i = 0; i < 4; i++) q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inverse)));
        __m256i first = _mm256_add_epi32(q[0], q[1]), second = _mm256_add_epi32(q[2], q[3]);
        __m256i pairs = _mm256_hadd_epi32(first, second);
        pairs = _mm256_hadd_epi32(pairs, pairs);
        int sum_first = _mm256_extract_epi32(pairs, 0) + _mm256_extract_epi32(pairs, 4);
        int sum_second = _mm256_extract_epi32(pairs, 1) + _mm256_extract_epi32(pairs, 5);
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
        _mm256_storeu_si256((__m256i *)quants, _mm256_permutevar8x32_epi32(bytes, order));
        scales[g] = scale;
        sums16[2 * g] = scale * (float)sum_first;
        sums16[2 * g + 1] = scale * (float)sum_second;
        sums32[g] = scale * (float)(sum_first + sum_second);
    }
}

AVX2 void ck_avx2_interleave(const uint8_t *rows, size_t n, uint8_t *panel) {
    for (size_t k = 0; k < n; k += 32)
        for (size_t h = 0; h < CK_PANEL_ROWS; h += 8) {
            __m256 r[8];
            for (size_t i = 0; i < 8; i++) r[i] = _mm256_loadu_ps((const float *)(rows + (h + i) * n + k));
            transpose8(r);
            for (size_t i = 0; i < 8; i++)
                _mm256_storeu_ps((float *)(panel + (k / 4 + i) * 4 * CK_PANEL_ROWS + 4 * h), r[i]);
        }
}

AVX2 void ck_avx2_transpose(const float *rows, size_t stride, size_t n, float *out) {
    for (size_t k = 0; k < n; k += 8)
        for (size_t h = 0; h < CK_PANEL_ROWS; h += 8) {
            __m256 r[8];
            for (size_t i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(rows + (h + i) * stride + k);
            transpose8(r);
            for (size_t i = 0; i < 8; i++) _mm256_storeu_ps(out + (k + i) * CK_PANEL_ROWS + h, r[i]);
        }
}

#endif
