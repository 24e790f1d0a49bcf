// What the processor can do at most: loops of nothing but the instructions that the kernels spend their time in. Enough
// independent chains to fill the units; barriers keep the compiler from leaving any out.

#include "internal.h"

enum { CHAINS = 12 };

#define PEAK(name, attributes, type, start, keep, step, lanes)                     \
    attributes static double name(size_t rounds) {                                 \
        type sums[CHAINS];                                                         \
        for (int i = 0; i < CHAINS; i++) sums[i] = start;                          \
        for (size_t r = 0; r < rounds; r++) {                                      \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) {  \
                sums[i] = step;                                                    \
                __asm__ volatile("" : keep(sums[i]));                              \
            }                                                                      \
        }                                                                          \
        return (double)rounds * CHAINS * (lanes);                                  \
    }

#if defined(__x86_64__)
#include <immintrin.h>
#define LEVEL(features) __attribute__((target(features)))
PEAK(fma_256, LEVEL("avx2,fma"), __m256, _mm256_set1_ps(0.5f), "+x",
     _mm256_fmadd_ps(sums[i], _mm256_set1_ps(0.5f), _mm256_set1_ps(0.25f)), 8)
PEAK(maddubs_256, LEVEL("avx2,fma"), __m256i, _mm256_set1_epi8(1), "+x",
     _mm256_maddubs_epi16(sums[i], _mm256_set1_epi8(1)), 32)
PEAK(dpbusd_256, LEVEL("avx2,avxvnni"), __m256i, _mm256_setzero_si256(), "+x",
     _mm256_dpbusd_avx_epi32(sums[i], _mm256_set1_epi8(1), _mm256_set1_epi8(1)), 32)
PEAK(maddubs_512, LEVEL("avx512bw"), __m512i, _mm512_set1_epi8(1), "+v",
     _mm512_maddubs_epi16(sums[i], _mm512_set1_epi8(1)), 64)
PEAK(fma_512, LEVEL("avx512f"), __m512, _mm512_set1_ps(0.5f), "+v",
     _mm512_fmadd_ps(sums[i], _mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f)), 16)
PEAK(dpbusd_512, LEVEL("avx512f,avx512vnni"), __m512i, _mm512_setzero_si512(), "+v",
     _mm512_dpbusd_epi32(sums[i], _mm512_set1_epi8(1), _mm512_set1_epi8(1)), 64)
PEAK(dpbf16_512, LEVEL("avx512f,avx512bf16"), __m512, _mm512_setzero_ps(), "+v",
     _mm512_dpbf16_ps(sums[i], (__m512bh)_mm512_setzero_si512(), (__m512bh)_mm512_setzero_si512()), 32)
#endif
#if defined(__aarch64__)
#include <arm_neon.h>
PEAK(fmla_128, , float32x4_t, vdupq_n_f32(0.5f), "+w", vfmaq_f32(vdupq_n_f32(0.25f), sums[i], vdupq_n_f32(0.5f)), 4)
PEAK(smlal_128, , int16x8_t, vdupq_n_s16(0), "+w", vmlal_s8(sums[i], vdup_n_s8(1), vdup_n_s8(1)), 8)
PEAK(sdot_128, __attribute__((target("dotprod"))), int32x4_t, vdupq_n_s32(0), "+w",
     vdotq_s32(sums[i], vdupq_n_s8(1), vdupq_n_s8(1)), 16)
#endif
ck_peaks ck_machine_peaks(const ck_table *t) {
#if defined(__x86_64__)
    if (t == &ck_avx2) return (ck_peaks){{"vfmadd (256 bits)", fma_256}, {"vpmaddubsw (256 bits)", maddubs_256}, {0}};
    if (t == &ck_avxvnni) return (ck_peaks){{"vfmadd (256 bits)", fma_256}, {"vpdpbusd (256 bits)", dpbusd_256}, {0}};
    ck_peaks wide = {{"vfmadd (512 bits)", fma_512}, {"vpmaddubsw (512 bits)", maddubs_512}, {0}};
    if (t == &ck_avx512) return wide;
    wide.int8 = (ck_peak){"vpdpbusd (512 bits)", dpbusd_512};
    if (t == &ck_avx512vnni) return wide;
    wide.bf16 = (ck_peak){"vdpbf16ps (512 bits)", dpbf16_512};
    if (t == &ck_avx512bf16) return wide;
#endif
#if defined(__aarch64__)
    if (t == &ck_neon) return (ck_peaks){{"fmla (128 bits)", fmla_128}, {"smlal (128 bits)", smlal_128}, {0}};
    if (t == &ck_neondot) return (ck_peaks){{"fmla (128 bits)", fmla_128}, {"sdot (128 bits)", sdot_128}, {0}};
#endif
    (void)t;
    return (ck_peaks){{0}, {0}, {0}};  // the portable level has no instructions of its own
}

uint64_t ck_read_memory(const void *bytes, size_t count) {
    const uint64_t *words = bytes;
    uint64_t all = 0;
    for (size_t i = 0; i < count / 8; i++) all ^= words[i];
    return all;
}
