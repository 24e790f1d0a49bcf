// AVX-512 VNNI: products of few tokens straight from blocks; see x86_walks.h.

#if defined(__x86_64__)
#include "x86_avx512.h"

#define WALK __attribute__((target(AVX512_FEATURES ",avx512vnni")))
#define WALK_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES ",avx512vnni")))

// See x86_walks.h. Nothing can overflow in 32 bits.
WALK_INLINE __m256i dot(const __m256i q[8], const int8_t *a, const int from, const int to, const int run) {
    __m256i sum = _mm256_setzero_si256();
#pragma clang loop unroll(full)
    for (int j = from; j < to; j++) {
        const __m256i x = _mm256_set1_epi32((int)ck_load32(a + 4 * j));
        if (run == 0) sum = _mm256_dpbusd_epi32(sum, _mm256_abs_epi8(q[j]), _mm256_sign_epi8(x, q[j]));
        else sum = _mm256_dpbusd_epi32(sum, q[j], x);
    }
    return sum;
}

#include "x86_walks.h"

#define DOTS(id, name) WALK_DOTS(ck_avx512vnni_dots_##name, name)
CK_AVX2_UNPACKED(DOTS)

#endif
