// AVX2: keys and values as integers. Lengths that don't fill registers take the portable functions.

#if defined(__x86_64__)
#include "x86_avx2.h"

// x + its lanes in another order, the lanes of `negative` subtracted: a butterfly inside a register.
AVX2_INLINE __m256 butterfly(__m256 x, __m256 other, __m256 negative) {
    return _mm256_add_ps(other, _mm256_xor_ps(x, negative));
}

// Distances 1, 2 and 4.
AVX2_INLINE __m256 hadamard8(__m256 x) {
    const __m256 odd = _mm256_setr_ps(0, -0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f);
    const __m256 pairs = _mm256_setr_ps(0, 0, -0.0f, -0.0f, 0, 0, -0.0f, -0.0f);
    const __m256 high = _mm256_setr_ps(0, 0, 0, 0, -0.0f, -0.0f, -0.0f, -0.0f);
    x = butterfly(x, _mm256_permute_ps(x, 0xb1), odd);
    x = butterfly(x, _mm256_permute_ps(x, 0x4e), pairs);
    return butterfly(x, _mm256_permute2f128_ps(x, x, 1), high);
}

// As many stages, from distance `half` on, with 2^stages registers at a time: the memory is walked through once for three
// stages. The first walk begins inside registers, the last one ends with the factor.
AVX2_INLINE void walk(float *x, size_t block, size_t half, const int stages, bool is_first, bool is_last, __m256 factor) {
    const size_t count = (size_t)1 << stages;
    for (size_t i = 0; i < block; i += half * count)
        for (size_t j = i; j < i + half; j += 8) {
            __m256 v[8];
#pragma clang loop unroll(full)
            for (size_t k = 0; k < count; k++) {
                v[k] = _mm256_loadu_ps(x + j + k * half);
                if (is_first) v[k] = hadamard8(v[k]);
            }
#pragma clang loop unroll(full)
            for (size_t distance = 1; distance < count; distance *= 2)
                for (size_t k = 0; k < count; k++) {
                    if (k & distance) continue;
                    const __m256 a = v[k], b = v[k + distance];
                    v[k] = _mm256_add_ps(a, b);
                    v[k + distance] = _mm256_sub_ps(a, b);
                }
#pragma clang loop unroll(full)
            for (size_t k = 0; k < count; k++)
                _mm256_storeu_ps(x + j + k * half, is_last ? _mm256_mul_ps(v[k], factor) : v[k]);
        }
}

AVX2 void ck_avx2_hadamard(float *x, size_t n, size_t block) {
    if (block < 8) {
        ck_hadamard(x, n, block);
        return;
    }
    const __m256 factor = _mm256_set1_ps((float)(1 / sqrt((double)block)));
    for (float *end = x + n / block * block; x < end; x += block) {
        size_t half = 8;
        do {
            const size_t rest = block / half;
            const bool is_first = half == 8, is_last = rest <= 8;
            if (rest >= 8) walk(x, block, half, 3, is_first, is_last, factor);
            else if (rest == 4) walk(x, block, half, 2, is_first, is_last, factor);
            else if (rest == 2) walk(x, block, half, 1, is_first, is_last, factor);
            else walk(x, block, half, 0, is_first, is_last, factor);
            half *= rest >= 8 ? 8 : rest;
        } while (half < block);
    }
}

AVX2_INLINE __m256 magnitudes(const float *x) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_loadu_ps(x));
}

// Of a whole number of registers. As bits: infinity and NaN are largest.
AVX2_INLINE float largest_magnitude(const float *x, size_t n) {
    __m256i top = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8) top = _mm256_max_epu32(top, _mm256_castps_si256(magnitudes(x + i)));
    __m128i half = _mm_max_epu32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
    return ck_bits((uint32_t)_mm_cvtsi128_si32(half));
}

// 32-bit lanes that fit a signed byte to bytes.
AVX2_INLINE void store_bytes(void *p, __m256i lanes) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(words, words));
}

AVX2 uint16_t ck_avx2_encode_q8(const float *x, size_t n, int8_t *codes) {
    if (n % 8 != 0) return ck_encode_q8(x, n, codes);
    const uint16_t scale = ck_to_half(largest_magnitude(x, n) / 127);
    const bool is_usable = (scale & 0x7c00) != 0x7c00 && scale != 0;
    if (!is_usable) {
        memset(codes, 0, n);
        return scale;
    }
    const __m256 inverse = _mm256_set1_ps(1 / ck_half(scale)), most = _mm256_set1_ps(127), least = _mm256_set1_ps(-127);
    for (size_t i = 0; i < n; i += 8) {
        const __m256 code = _mm256_mul_ps(_mm256_loadu_ps(x + i), inverse);
        store_bytes(codes + i, _mm256_cvtps_epi32(_mm256_max_ps(_mm256_min_ps(code, most), least)));
    }
    return scale;
}

// What lies above each border, added up from the lowest level: `start` and a step for each border.
AVX2_INLINE __m256 levels_of(__m256 value, const float start, const float steps[CK_KV_MAGNITUDES - 1]) {
    __m256 level = _mm256_set1_ps(start);
#pragma clang loop unroll(full)
    for (int b = 0; b < CK_KV_MAGNITUDES - 1; b++) {
        const __m256 above = _mm256_cmp_ps(value, _mm256_set1_ps(ck_kv_borders[b]), _CMP_GT_OQ);
        level = _mm256_add_ps(level, _mm256_and_ps(above, _mm256_set1_ps(steps[b])));
    }
    return level;
}

// The best scale for the levels that an inverse scale gives; what it explains of the squares.
AVX2_INLINE float try_inverse(const float *x, size_t n, float inverse, float *scale) {
    float steps[CK_KV_MAGNITUDES - 1];
    for (int b = 0; b < CK_KV_MAGNITUDES - 1; b++) steps[b] = (float)(ck_kv_levels[b + 1] - ck_kv_levels[b]);
    const __m256 factor = _mm256_set1_ps(inverse);
    __m256 dots = _mm256_setzero_ps(), norms = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += 8) {
        const __m256 magnitude = magnitudes(x + i);
        const __m256 level = levels_of(_mm256_mul_ps(magnitude, factor), ck_kv_levels[0], steps);
        dots = _mm256_add_ps(dots, _mm256_mul_ps(magnitude, level));
        norms = _mm256_add_ps(norms, _mm256_mul_ps(level, level));
    }
    const float dot = sum_of(dots), norm = sum_of(norms);
    *scale = dot / norm;
    return dot * (dot / norm);
}

AVX2 uint16_t ck_avx2_encode_q4(const float *x, size_t n, uint8_t *codes) {
    if (n % 16 != 0) return ck_encode_q4(x, n, codes);
    const float largest = largest_magnitude(x, n);
    memset(codes, 0, n / 2);
    if (!(largest < INFINITY)) return 0x7e00;
    __m256 squares = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += 8) {
        const __m256 v = _mm256_loadu_ps(x + i);
        squares = _mm256_add_ps(squares, _mm256_mul_ps(v, v));
    }
    float total = sum_of(squares), inverses[CK_KV_TRIES], best = -1, scale = largest / 127;
    if (total > 0x1p-100f && total < 0x1p100f) {
        ck_kv_tries(total, largest, n, inverses);
        for (size_t k = 0; k < CK_KV_TRIES; k++) {
            float tried, explained = try_inverse(x, n, inverses[k], &tried);
            if (explained > best) {
                best = explained;
                scale = tried;
            }
        }
    }
    const uint16_t rounded = ck_to_half(scale);
    if (rounded == 0 || (rounded & 0x7c00) == 0x7c00) return rounded;
    static const float ones[CK_KV_MAGNITUDES - 1] = {1, 1, 1, 1, 1, 1, 1};
    const __m256 inverse = _mm256_set1_ps(1 / ck_half(rounded)), zero = _mm256_setzero_ps();
    for (size_t i = 0; i < n / 2; i += 8) {
        __m256i code[2];
        for (size_t h = 0; h < 2; h++) {
            const float *part = x + i + h * (n / 2);
            const __m256 magnitude = levels_of(_mm256_mul_ps(magnitudes(part), inverse), 0, ones);
            const __m256 negative = _mm256_cmp_ps(_mm256_loadu_ps(part), zero, _CMP_LT_OQ);
            code[h] = _mm256_or_si256(_mm256_cvtps_epi32(magnitude),
                                      _mm256_and_si256(_mm256_castps_si256(negative), _mm256_set1_epi32(8)));
        }
        // Sign extended, a byte packs as it is.
        const __m256i both = _mm256_or_si256(code[0], _mm256_slli_epi32(code[1], 4));
        store_bytes(codes + i, _mm256_srai_epi32(_mm256_slli_epi32(both, 24), 24));
    }
    return rounded;
}

AVX2_INLINE __m256 floats_of(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); }

AVX2_INLINE __m128i eight(const void *p) { return _mm_loadl_epi64((const __m128i *)p); }

// Levels of the lower and of the upper codes of 8 bytes.
AVX2_INLINE void levels_of_codes(const uint8_t *codes, __m256 out[2]) {
    const __m128i levels = _mm_loadu_si128((const __m128i *)ck_kv_levels), mask = _mm_set1_epi8(15);
    const __m128i bytes = eight(codes);
    out[0] = floats_of(_mm_shuffle_epi8(levels, _mm_and_si128(bytes, mask)));
    out[1] = floats_of(_mm_shuffle_epi8(levels, _mm_and_si128(_mm_srli_epi16(bytes, 4), mask)));
}

AVX2 void ck_avx2_q8_rows(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out) {
    if (n % 8 != 0) {
        ck_q8_rows(codes, scales, rows, n, out);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        const __m256 scale = _mm256_set1_ps(scales[r]);
        for (size_t i = 0; i < n; i += 8, codes += 8, out += 8)
            _mm256_storeu_ps(out, _mm256_mul_ps(floats_of(eight(codes)), scale));
    }
}

AVX2 void ck_avx2_q4_rows(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out) {
    const size_t half = n / 2;
    if (half % 8 != 0) {
        ck_q4_rows(codes, scales, rows, n, out);
        return;
    }
    for (size_t r = 0; r < rows; r++, out += n) {
        const __m256 scale = _mm256_set1_ps(scales[r]);
        for (size_t i = 0; i < half; i += 8, codes += 8) {
            __m256 v[2];
            levels_of_codes(codes, v);
            _mm256_storeu_ps(out + i, _mm256_mul_ps(v[0], scale));
            _mm256_storeu_ps(out + half + i, _mm256_mul_ps(v[1], scale));
        }
    }
}

AVX2 void ck_avx2_q8_columns(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride,
                             float *out) {
    for (size_t r = 0; r < rows; r++, codes += stride, out += stride)
        for (size_t i = 0; i < n; i += 8)
            _mm256_storeu_ps(out + i, _mm256_mul_ps(floats_of(eight(codes + i)), _mm256_loadu_ps(scales + i)));
}

AVX2 void ck_avx2_q4_columns(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride,
                             float *out) {
    float *upper = out + rows / 2 * stride;
    for (size_t r = 0; r < rows / 2; r++, codes += stride, out += stride, upper += stride)
        for (size_t i = 0; i < n; i += 8) {
            const __m256 scale = _mm256_loadu_ps(scales + i);
            __m256 v[2];
            levels_of_codes(codes + i, v);
            _mm256_storeu_ps(out + i, _mm256_mul_ps(v[0], scale));
            _mm256_storeu_ps(upper + i, _mm256_mul_ps(v[1], scale));
        }
}

#endif
