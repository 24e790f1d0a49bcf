// AVX2: products of few tokens straight from blocks, and panels from blocks; see x86_walks.h.

#if defined(__x86_64__)
#include "x86_avx2.h"

#define WALK AVX2
#define WALK_INLINE AVX2_INLINE

AVX2_INLINE __m256i activation(const int8_t *a) { return _mm256_set1_epi32((int)ck_load32(a)); }

AVX2_INLINE __m256i add_pairs(__m256i v) { return _mm256_madd_epi16(v, _mm256_set1_epi16(1)); }

// See x86_walks.h.
AVX2_INLINE __m256i dot(const __m256i q[8], const int8_t *a, const int from, const int to, const int run) {
    __m256i sum = _mm256_setzero_si256(), part = sum;
#pragma clang loop unroll(full)
    for (int j = from; j < to; j++) {
        __m256i x = activation(a + 4 * j);
        if (run == 0) {
            __m256i product = add_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8(q[j]), _mm256_sign_epi8(x, q[j])));
            sum = j == from ? product : _mm256_add_epi32(sum, product);
        } else {
            __m256i product = _mm256_maddubs_epi16(q[j], x);
            part = (j - from) % run == 0 ? product : _mm256_add_epi16(part, product);
            if ((j - from) % run != run - 1) continue;
            sum = j - from < run ? add_pairs(part) : _mm256_add_epi32(sum, add_pairs(part));
        }
    }
    return sum;
}

#include "x86_walks.h"

#define DOTS(id, name) WALK_DOTS(ck_avx2_dots_##name, name)
#define PANEL(id, name) WALK_PANEL(ck_avx2_panel_##name, name)
CK_AVX2_UNPACKED(DOTS)
CK_AVX2_UNPACKED(PANEL)

#endif
