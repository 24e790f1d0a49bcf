// AVX2: products for a single token (decode), straight from the blocks of 8 rows. Memory is the limit here, so nothing
// is unpacked to scratch; the order of float sums is that of the panel kernels, so the bits are the same.

#if defined(__x86_64__)
#include "x86_avx2.h"
#include "x86_avx2_blocks.h"

// From 8 registers of 32-bit sums, one per row, whose lower and upper lanes belong to columns 0...15 and 16...31 of
// the row: sums by row over the lower and the upper lanes.
AVX2_INLINE void sums_by_row(const __m256i d[8], __m256i *lower, __m256i *upper) {
    __m256i first = _mm256_hadd_epi32(_mm256_hadd_epi32(d[0], d[1]), _mm256_hadd_epi32(d[2], d[3]));
    __m256i second = _mm256_hadd_epi32(_mm256_hadd_epi32(d[4], d[5]), _mm256_hadd_epi32(d[6], d[7]));
    *lower = _mm256_permute2x128_si256(first, second, 0x20);
    *upper = _mm256_permute2x128_si256(first, second, 0x31);
}

AVX2_INLINE __m256i add_pairs(__m256i v) { return _mm256_madd_epi16(v, _mm256_set1_epi16(1)); }

// The same over all lanes, from products of quants up to 31: sums of 8 of them still fit in 16 bits (31,496), so a
// pack and a multiplication by one replace the slower horizontal additions.
AVX2_INLINE __m256i small_sums_by_row(const __m256i d[8]) {
    __m256i fours[2];
    for (int h = 0; h < 2; h++) {
        const __m256i *p = d + 4 * h;
        __m256i first = add_pairs(_mm256_packs_epi32(add_pairs(p[0]), add_pairs(p[1])));
        __m256i second = add_pairs(_mm256_packs_epi32(add_pairs(p[2]), add_pairs(p[3])));
        fours[h] = add_pairs(_mm256_packs_epi32(first, second));
    }
    __m256i lower = _mm256_permute2x128_si256(fours[0], fours[1], 0x20);
    return _mm256_add_epi32(lower, _mm256_permute2x128_si256(fours[0], fours[1], 0x31));
}

AVX2_INLINE __m256 scaled(__m256i dots, __m256 scale, float act_scale, __m256 sum) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_mul_ps(scale, _mm256_set1_ps(act_scale)), sum);
}

AVX2_INLINE __m256i unsigned_product(__m256i quants, __m256i x) { return _mm256_maddubs_epi16(quants, x); }

AVX2_INLINE __m256i signed_product(__m256i quants, __m256i x) {
    return add_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8(quants), _mm256_sign_epi8(x, quants)));
}

AVX2_INLINE __m256i large_sums_by_row(const __m256i d[8]) {
    __m256i lower, upper;
    sums_by_row(d, &lower, &upper);
    return _mm256_add_epi32(lower, upper);
}

// While a part of these 8 rows is worked on, fetches as much of the 8 rows that follow them, in order of addresses:
// the rows are read in 8 streams, too short for the processor to see that they make one.
AVX2_INLINE void fetch_next(const ck_dots *t, size_t part, size_t bytes) {
    const uint8_t *p = t->rows + 8 * t->row_bytes + part * 8 * bytes;
    for (size_t i = 0; i < 8 * bytes; i += 64) _mm_prefetch((const char *)p + i, _MM_HINT_T1);
}

AVX2_INLINE const uint8_t *row_at(const uint8_t *b, size_t stride, const int r) { return b + (size_t)r * stride; }

// The halves at the start of 8 blocks, `stride` apart.
AVX2_INLINE __m256 halves(const uint8_t *b, size_t stride) {
    __m128i v = _mm_cvtsi32_si128(ck_load16(b));
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 1)), 1);
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 2)), 2);
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 3)), 3);
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 4)), 4);
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 5)), 5);
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 6)), 6);
    v = _mm_insert_epi16(v, ck_load16(row_at(b, stride, 7)), 7);
    return _mm256_cvtph_ps(v);
}

// The first two halves of each.
AVX2_INLINE void pairs_of_halves(const uint8_t *b, size_t stride, __m256 *first, __m256 *second) {
    __m128i v[2];
    for (int h = 0; h < 2; h++) {
        v[h] = _mm_cvtsi32_si128((int)ck_load32(row_at(b, stride, 4 * h)));
        v[h] = _mm_insert_epi32(v[h], (int)ck_load32(row_at(b, stride, 4 * h + 1)), 1);
        v[h] = _mm_insert_epi32(v[h], (int)ck_load32(row_at(b, stride, 4 * h + 2)), 2);
        v[h] = _mm_insert_epi32(v[h], (int)ck_load32(row_at(b, stride, 4 * h + 3)), 3);
    }
    const __m128i low = _mm_set1_epi32(0xffff);
    *first = _mm256_cvtph_ps(_mm_packus_epi32(_mm_and_si128(v[0], low), _mm_and_si128(v[1], low)));
    *second = _mm256_cvtph_ps(_mm_packus_epi32(_mm_srli_epi32(v[0], 16), _mm_srli_epi32(v[1], 16)));
}

// Left alone, clang interleaves everything and spills.
#define KEEP_ORDER(v) __asm__ volatile("" : "+x"(v))

// Blocks of 32. `read_scales` sets scale and minimum from the blocks at b.
#define DOTS_32(name, bytes, product, by_row, with_minimum, read_scales)                                         \
    AVX2 void ck_avx2_dots_##name(const ck_dots *t) {                                                            \
        const uint8_t *b = t->rows;                                                                              \
        const size_t stride = t->row_bytes;                                                                      \
        __m256 sum = _mm256_setzero_ps();                                                                        \
        for (size_t g = 0; g < t->columns / 32; g++, b += (bytes)) {                                             \
            __m256i x = load_bytes((const uint8_t *)t->activations + 32 * g), d[8];                              \
            _Pragma("clang loop unroll(full)") for (int r = 0; r < 8; r++) {                                     \
                d[r] = product(quants_##name(row_at(b, stride, r)), x);                                          \
            }                                                                                                    \
            fetch_next(t, g, bytes);                                                                             \
            __m256 scale, minimum;                                                                               \
            read_scales;                                                                                         \
            sum = scaled(by_row(d), scale, t->act_scales[g], sum);                                               \
            if (with_minimum) sum = _mm256_fmadd_ps(minimum, _mm256_set1_ps(t->act_sums[g]), sum);               \
            else (void)minimum;                                                                                  \
        }                                                                                                        \
        _mm256_storeu_ps(t->sums, sum);                                                                          \
    }
#define WITH_OFFSET(n)          \
    scale = halves(b, stride);  \
    minimum = _mm256_mul_ps(_mm256_set1_ps(-(n)), scale)

DOTS_32(q4_0, 18, unsigned_product, small_sums_by_row, true, WITH_OFFSET(8))
DOTS_32(q4_1, 20, unsigned_product, small_sums_by_row, true, pairs_of_halves(b, stride, &scale, &minimum))
DOTS_32(q5_0, 22, unsigned_product, small_sums_by_row, true, WITH_OFFSET(16))
DOTS_32(q5_1, 24, unsigned_product, small_sums_by_row, true, pairs_of_halves(b, stride, &scale, &minimum))
DOTS_32(q8_0, 34, signed_product, large_sums_by_row, false, scale = minimum = halves(b, stride))

// 8 rows of 16 bytes to 16 columns of 8 bytes.
AVX2_INLINE void columns_of_bytes(const __m128i r[8], uint8_t out[16][8]) {
    for (int h = 0; h < 2; h++) {
        __m128i a[4], b[4];
        for (int i = 0; i < 4; i++)
            a[i] = h == 0 ? _mm_unpacklo_epi8(r[2 * i], r[2 * i + 1]) : _mm_unpackhi_epi8(r[2 * i], r[2 * i + 1]);
        for (int i = 0; i < 2; i++) {
            b[i] = _mm_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
            b[i + 2] = _mm_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
        }
        for (int i = 0; i < 2; i++) {
            _mm_storeu_si128((__m128i *)out[8 * h + 4 * i], _mm_unpacklo_epi32(b[2 * i], b[2 * i + 1]));
            _mm_storeu_si128((__m128i *)out[8 * h + 4 * i + 2], _mm_unpackhi_epi32(b[2 * i], b[2 * i + 1]));
        }
    }
}

// Blocks of 256 with 8 scales and minima each.
#define DOTS_256(name, bytes)                                                                                    \
    AVX2 void ck_avx2_dots_##name(const ck_dots *t) {                                                            \
        const uint8_t *b = t->rows;                                                                              \
        const size_t stride = t->row_bytes;                                                                      \
        const int8_t *a = t->activations;                                                                        \
        const float *act_scales = t->act_scales, *act_sums = t->act_sums;                                        \
        __m256 sum = _mm256_setzero_ps();                                                                        \
        for (size_t i = 0; i < t->columns / 256; i++, b += (bytes), a += 256, act_scales += 8, act_sums += 8) {  \
            __m128i packed[8];                                                                                   \
            uint8_t bytes_of[16][8]; /* scales, then minima */                                                   \
            _Pragma("clang loop unroll(full)") for (int r = 0; r < 8; r++) {                                     \
                packed[r] = scale_bytes(row_at(b, stride, r));                                                   \
            }                                                                                                    \
            fetch_next(t, i, bytes);                                                                             \
            columns_of_bytes(packed, bytes_of);                                                                  \
            __m256 d, dmin;                                                                                      \
            pairs_of_halves(b, stride, &d, &dmin);                                                               \
            dmin = _mm256_xor_ps(dmin, _mm256_set1_ps(-0.0f));                                                   \
            _Pragma("clang loop unroll(full)") for (int k = 0; k < 8; k++) {                                     \
                __m256i x = load_bytes((const uint8_t *)a + 32 * k), dots[8];                                    \
                _Pragma("clang loop unroll(full)") for (int r = 0; r < 8; r++)                                   \
                    dots[r] = unsigned_product(quants_##name(row_at(b, stride, r), k), x);                       \
                __m256 scale = _mm256_mul_ps(d, floats_u8(bytes_of[k]));                                         \
                __m256 minimum = _mm256_mul_ps(dmin, floats_u8(bytes_of[8 + k]));                                \
                sum = scaled(small_sums_by_row(dots), scale, act_scales[k], sum);                                \
                sum = _mm256_fmadd_ps(minimum, _mm256_set1_ps(act_sums[k]), sum);                                \
                KEEP_ORDER(sum);                                                                                 \
            }                                                                                                    \
        }                                                                                                        \
        _mm256_storeu_ps(t->sums, sum);                                                                          \
    }

DOTS_256(q4_k, 144)
DOTS_256(q5_k, 176)

AVX2 void ck_avx2_dots_q6_k(const ck_dots *t) {
    const uint8_t *b = t->rows;
    const size_t stride = t->row_bytes;
    const int8_t *a = t->activations;
    const float *act_scales = t->act_scales, *act_sums = t->act_sums;
    const __m256 offset = _mm256_set1_ps(-32);
    __m256 sum = _mm256_setzero_ps();
    for (size_t i = 0; i < t->columns / 256; i++, b += 210, a += 256, act_scales += 8, act_sums += 16) {
        __m128i packed[8];
        uint8_t bytes_of[16][8];
#pragma clang loop unroll(full)
        for (int r = 0; r < 8; r++) {
            packed[r] = _mm_loadu_si128((const __m128i *)(row_at(b, stride, r) + 192));
        }
        fetch_next(t, i, 210);
        columns_of_bytes(packed, bytes_of);
        __m256 d = halves(b + 208, stride);
#pragma clang loop unroll(full)
        for (int k = 0; k < 8; k++) {
            __m256i x = load_bytes((const uint8_t *)a + 32 * k), dots[8], halves_of[2];
#pragma clang loop unroll(full)
            for (int r = 0; r < 8; r++) dots[r] = add_pairs(unsigned_product(quants_q6_k(row_at(b, stride, r), k), x));
            sums_by_row(dots, &halves_of[0], &halves_of[1]);
            for (int h = 0; h < 2; h++) {
                __m256 scale = _mm256_mul_ps(d, floats_i8(bytes_of[2 * k + h]));
                sum = scaled(halves_of[h], scale, act_scales[k], sum);
                sum = _mm256_fmadd_ps(_mm256_mul_ps(offset, scale), _mm256_set1_ps(act_sums[2 * k + h]), sum);
            }
            KEEP_ORDER(sum);
        }
    }
    _mm256_storeu_ps(t->sums, sum);
}

#endif
