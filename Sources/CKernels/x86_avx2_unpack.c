// AVX2: quants of the common block types to one byte each, and half-width floats to floats.

#if defined(__x86_64__)
#include "x86_avx2.h"
#include "x86_avx2_blocks.h"

AVX2_INLINE void store(uint8_t *q, __m256i v) { _mm256_storeu_si256((__m256i *)q, v); }

// Blocks of 32. `minimum` is an expression of the block b and its scale d.
#define UNPACK_32(name, bytes, with_minimum, minimum)                                                        \
    AVX2 void ck_avx2_unpack_##name(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {   \
        const uint8_t *b = row;                                                                              \
        for (size_t g = 0; g < n / 32; g++, b += (bytes)) {                                                  \
            store(q + 32 * g, quants_##name(b));                                                             \
            float d = half(b);                                                                               \
            scales[g] = d;                                                                                   \
            if (with_minimum) minima[g] = minimum;                                                           \
        }                                                                                                    \
    }

UNPACK_32(q4_0, 18, true, -8 * d)
UNPACK_32(q4_1, 20, true, half(b + 2))
UNPACK_32(q5_0, 22, true, -16 * d)
UNPACK_32(q5_1, 24, true, half(b + 2))
UNPACK_32(q8_0, 34, false, d)

#define UNPACK_256(name, bytes)                                                                              \
    AVX2 void ck_avx2_unpack_##name(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {   \
        const uint8_t *b = row;                                                                              \
        for (size_t i = 0; i < n / 256; i++, b += (bytes)) {                                                 \
            _Pragma("clang loop unroll(full)") for (int k = 0; k < 8; k++)                                   \
                store(q + 256 * i + 32 * k, quants_##name(b, k));                                            \
            __m256 scale, minimum;                                                                           \
            group_scales(b, &scale, &minimum);                                                               \
            _mm256_storeu_ps(scales + 8 * i, scale);                                                         \
            _mm256_storeu_ps(minima + 8 * i, minimum);                                                       \
        }                                                                                                    \
    }

UNPACK_256(q4_k, 144)
UNPACK_256(q5_k, 176)

AVX2 void ck_avx2_unpack_q6_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    const uint8_t *b = row;
    for (size_t i = 0; i < n / 256; i++, b += 210) {
#pragma clang loop unroll(full)
        for (int k = 0; k < 8; k++) store(q + 256 * i + 32 * k, quants_q6_k(b, k));
        __m256 scale[2];
        scales_q6_k(b, &scale[0], &scale[1]);
        for (size_t h = 0; h < 2; h++) {
            _mm256_storeu_ps(scales + 16 * i + 8 * h, scale[h]);
            _mm256_storeu_ps(minima + 16 * i + 8 * h, _mm256_mul_ps(_mm256_set1_ps(-32), scale[h]));
        }
    }
}

AVX2 void ck_avx2_floats_f16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(h + i))));
    for (; i < n; i++) out[i] = _cvtsh_ss(ck_load16(h + i));
}

AVX2 void ck_avx2_floats_bf16(const void *row, size_t n, float *out) {
    const uint16_t *h = row;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(h + i)));
        _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
    }
    for (; i < n; i++) out[i] = ck_bits((uint32_t)ck_load16(h + i) << 16);
}

#endif
