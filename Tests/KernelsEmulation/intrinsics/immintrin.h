// Stands in for the compiler's header on processors without AVX-512 or AVX-VNNI: what the kernels use of these, in plain
// C after the definitions in Intel's manual, lane by lane. Functions are compiled for AVX2 whatever level they name.
// Checks what kernels compute, not what a compiler makes of them.

#ifndef KERNELS_EMULATION_IMMINTRIN_H
#define KERNELS_EMULATION_IMMINTRIN_H

#include_next <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define target(features) target("avx2,fma,f16c")
#define EMULATE static inline __attribute__((always_inline, target("avx2,fma,f16c")))
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wmacro-redefined"

// One view of 64 bytes, and of 32.
typedef union {
    __m512 f;
    __m512i i;
    __m256i halves[2];
    __m256 float_halves[2];
    float f32[16];
    int32_t s32[16];
    uint32_t u32[16];
    uint16_t u16[32];
    int16_t s16[32];
    int8_t s8[64];
    uint8_t u8[64];
} any512;

#define LANES(n) for (int k = 0; k < (n); k++)
#define BIT(mask) ((mask) >> k & 1)
#define EACH(type, name, parameters, count, lane)                             \
    EMULATE type emu_##name parameters {                                      \
        any512 r;                                                             \
        LANES(count) lane;                                                    \
        return RESULT_##type;                                                 \
    }
#define RESULT___m512 r.f
#define RESULT___m512i r.i
#define FLOATS(name, expression) \
    EACH(__m512, name, (__m512 va, __m512 vb), 16, { any512 a = {va}; any512 b = {vb}; r.f32[k] = expression; })
#define FUSED(name, expression)                                                                       \
    EACH(__m512, name, (__m512 va, __m512 vb, __m512 vc), 16,                                         \
         { any512 a = {va}; any512 b = {vb}; any512 c = {vc}; r.f32[k] = expression; })
#define INTEGERS(name, count, place, expression)                                                      \
    EACH(__m512i, name, (__m512i va, __m512i vb), count,                                              \
         { any512 a = {.i = va}; any512 b = {.i = vb}; r.place[k] = expression; })

FLOATS(add_ps, a.f32[k] + b.f32[k])
FLOATS(sub_ps, a.f32[k] - b.f32[k])
FLOATS(mul_ps, a.f32[k] * b.f32[k])
FLOATS(div_ps, a.f32[k] / b.f32[k])
// The second operand if either is NaN.
FLOATS(max_ps, a.f32[k] > b.f32[k] ? a.f32[k] : b.f32[k])
FLOATS(min_ps, a.f32[k] < b.f32[k] ? a.f32[k] : b.f32[k])
FUSED(fmadd_ps, __builtin_fmaf(a.f32[k], b.f32[k], c.f32[k]))
FUSED(fmsub_ps, __builtin_fmaf(a.f32[k], b.f32[k], -c.f32[k]))
FUSED(fnmadd_ps, __builtin_fmaf(-a.f32[k], b.f32[k], c.f32[k]))
INTEGERS(add_epi16, 32, u16, (uint16_t)(a.u16[k] + b.u16[k]))
INTEGERS(add_epi32, 16, u32, a.u32[k] + b.u32[k])
INTEGERS(sub_epi32, 16, u32, a.u32[k] - b.u32[k])
INTEGERS(xor_si512, 16, u32, a.u32[k] ^ b.u32[k])
INTEGERS(madd_epi16, 16, s32, a.s16[2 * k] * b.s16[2 * k] + a.s16[2 * k + 1] * b.s16[2 * k + 1])

EMULATE int16_t emu_saturate(int v) { return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v); }
INTEGERS(maddubs_epi16, 32, s16, emu_saturate(a.u8[2 * k] * b.s8[2 * k] + a.u8[2 * k + 1] * b.s8[2 * k + 1]))

EMULATE int32_t emu_four(const uint8_t *a, const int8_t *b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
}
EMULATE __m512i emu_dpbusd_epi32(__m512i sums, __m512i a, __m512i b) {
    any512 r = {.i = sums}, x = {.i = a}, y = {.i = b};
    LANES(16) r.s32[k] += emu_four(x.u8 + 4 * k, y.s8 + 4 * k);
    return r.i;
}
EMULATE __m256i emu_dpbusd_256(__m256i sums, __m256i a, __m256i b) {
    any512 r = {.halves = {sums}}, x = {.halves = {a}}, y = {.halves = {b}};
    LANES(8) r.s32[k] += emu_four(x.u8 + 4 * k, y.s8 + 4 * k);
    return r.halves[0];
}

EACH(__m512i, abs_epi8, (__m512i va), 64, { any512 a = {.i = va}; r.u8[k] = (uint8_t)(a.s8[k] < 0 ? -a.s8[k] : a.s8[k]); })
EACH(__m512i, slli_epi32, (__m512i va, int by), 16, { any512 a = {.i = va}; r.u32[k] = a.u32[k] << by; })
EACH(__m512i, shuffle_epi32, (__m512i va, int order), 16,
     { any512 a = {.i = va}; r.u32[k] = a.u32[k / 4 * 4 + (order >> 2 * (k % 4) & 3)]; })
EMULATE __m512i emu_shuffle_i32x4(__m512i va, __m512i vb, int order) {
    any512 r, a = {.i = va}, b = {.i = vb};
    LANES(16) r.u32[k] = (k < 8 ? a : b).u32[4 * (order >> 2 * (k / 4) & 3) + k % 4];
    return r.i;
}
EMULATE __m512i emu_mask_sub_epi8(__m512i from, uint64_t mask, __m512i va, __m512i vb) {
    any512 r = {.i = from}, a = {.i = va}, b = {.i = vb};
    LANES(64) r.u8[k] = BIT(mask) ? (uint8_t)(a.u8[k] - b.u8[k]) : r.u8[k];
    return r.i;
}
EMULATE uint64_t emu_movepi8_mask(__m512i va) {
    any512 a = {.i = va};
    uint64_t mask = 0;
    LANES(64) mask |= (uint64_t)(a.s8[k] < 0) << k;
    return mask;
}

EACH(__m512, set1_ps, (float x), 16, r.f32[k] = x)
EACH(__m512i, set1_epi32, (int x), 16, r.s32[k] = x)
EACH(__m512i, set1_epi16, (short x), 32, r.s16[k] = x)
EACH(__m512i, set1_epi8, (char x), 64, r.s8[k] = (int8_t)x)
EACH(__m512, xor_ps, (__m512 va, __m512 vb), 16, { any512 a = {va}; any512 b = {vb}; r.u32[k] = a.u32[k] ^ b.u32[k]; })
EACH(__m512, cvtepi32_ps, (__m512i va), 16, { any512 a = {.i = va}; r.f32[k] = (float)a.s32[k]; })
EACH(__m512i, cvtps_epi32, (__m512 va), 16, { any512 a = {va}; r.s32[k] = (int32_t)rintf(a.f32[k]); })
EACH(__m512, round_even, (__m512 va), 16, { any512 a = {va}; r.f32[k] = rintf(a.f32[k]); })
EMULATE __m512 emu_cvtph_ps(__m256i h) {
    any512 r;
    r.float_halves[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(h));
    r.float_halves[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(h, 1));
    return r.f;
}
EMULATE __m256i emu_to_halves(__m512 v) {
    any512 a = {v};
    return _mm256_set_m128i(_mm256_cvtps_ph(a.float_halves[1], 0), _mm256_cvtps_ph(a.float_halves[0], 0));
}
EMULATE __m512i emu_cvtepu16_epi32(__m256i h) {
    any512 r, a = {.halves = {h}};
    LANES(16) r.u32[k] = a.u16[k];
    return r.i;
}

EMULATE __m512 emu_loadu_ps(const void *p) { any512 r; memcpy(&r, p, 64); return r.f; }
EMULATE __m512i emu_loadu_si512(const void *p) { any512 r; memcpy(&r, p, 64); return r.i; }
EMULATE void emu_storeu_ps(void *p, __m512 v) { memcpy(p, &v, 64); }
EMULATE void emu_storeu_si512(void *p, __m512i v) { memcpy(p, &v, 64); }
EMULATE __m512 emu_maskz_loadu_ps(unsigned mask, const float *p) {
    any512 r;
    LANES(16) r.f32[k] = BIT(mask) ? p[k] : 0;
    return r.f;
}
EMULATE void emu_mask_storeu_ps(float *p, unsigned mask, __m512 v) {
    any512 a = {v};
    LANES(16) if (BIT(mask)) p[k] = a.f32[k];
}
EMULATE __m512i emu_maskz_loadu_epi16(uint32_t mask, const void *p) {
    any512 r;
    LANES(32) {
        r.u16[k] = 0;
        if (BIT(mask)) memcpy(&r.u16[k], (const uint8_t *)p + 2 * k, 2);
    }
    return r.i;
}
EMULATE __m256i emu_maskz_loadu_epi16_256(unsigned mask, const void *p) {
    any512 r = {.i = emu_maskz_loadu_epi16(mask & 0xffff, p)};
    return r.halves[0];
}
EMULATE void emu_mask_storeu_epi16_256(uint16_t *p, unsigned mask, __m256i v) {
    any512 a = {.halves = {v}};
    LANES(16) if (BIT(mask)) p[k] = a.u16[k];
}
EMULATE unsigned emu_less(__m512 va, __m512 vb) {
    any512 a = {va}, b = {vb};
    unsigned mask = 0;
    LANES(16) mask |= (unsigned)(a.f32[k] < b.f32[k]) << k;
    return mask;
}
EMULATE __m512 emu_mask_mov_ps(__m512 from, unsigned mask, __m512 v) {
    any512 r = {from}, a = {v};
    LANES(16) r.f32[k] = BIT(mask) ? a.f32[k] : r.f32[k];
    return r.f;
}
EMULATE __m512 emu_zero_ps(void) { return emu_set1_ps(0); }
// In pairs of halves, as the compiler's.
EMULATE float emu_reduce_add_ps(__m512 v) {
    any512 a = {v};
    for (int n = 8; n > 0; n /= 2) LANES(n) a.f32[k] += a.f32[k + n];
    return a.f32[0];
}
EMULATE float emu_reduce_max_ps(__m512 v) {
    any512 a = {v};
    for (int n = 8; n > 0; n /= 2) LANES(n) a.f32[k] = a.f32[k] > a.f32[k + n] ? a.f32[k] : a.f32[k + n];
    return a.f32[0];
}

// BF16: to nearest even, subnormal inputs and results count as 0.
EMULATE float emu_flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }
EMULATE float emu_from_bf16(uint16_t h) {
    any512 a;
    a.u32[0] = (uint32_t)h << 16;
    return emu_flush(a.f32[0]);
}
EMULATE uint16_t emu_to_bf16(float x) {
    any512 a;
    a.f32[0] = emu_flush(x);
    if (x != x) return (uint16_t)(a.u32[0] >> 16 | 0x40);
    return (uint16_t)((a.u32[0] + 0x7fff + (a.u32[0] >> 16 & 1)) >> 16);
}
EMULATE __m512i emu_cvtne2ps(__m512 high, __m512 low) {
    any512 r, a = {low}, b = {high};
    LANES(16) r.u16[k] = emu_to_bf16(a.f32[k]);
    LANES(16) r.u16[16 + k] = emu_to_bf16(b.f32[k]);
    return r.i;
}
EMULATE __m512 emu_dpbf16(__m512 sums, __m512i va, __m512i vb) {
    any512 r = {sums}, a = {.i = va}, b = {.i = vb};
    LANES(16)
        for (int odd = 1; odd >= 0; odd--)
            r.f32[k] = emu_flush(__builtin_fmaf(
                emu_from_bf16(a.u16[2 * k + odd]), emu_from_bf16(b.u16[2 * k + odd]), emu_flush(r.f32[k])));
    return r.f;
}

#define _mm512_add_ps emu_add_ps
#define _mm512_sub_ps emu_sub_ps
#define _mm512_mul_ps emu_mul_ps
#define _mm512_div_ps emu_div_ps
#define _mm512_max_ps emu_max_ps
#define _mm512_min_ps emu_min_ps
#define _mm512_fmadd_ps emu_fmadd_ps
#define _mm512_fmsub_ps emu_fmsub_ps
#define _mm512_fnmadd_ps emu_fnmadd_ps
#define _mm512_add_epi16 emu_add_epi16
#define _mm512_add_epi32 emu_add_epi32
#define _mm512_sub_epi32 emu_sub_epi32
#define _mm512_xor_si512 emu_xor_si512
#define _mm512_madd_epi16 emu_madd_epi16
#define _mm512_maddubs_epi16 emu_maddubs_epi16
#define _mm512_dpbusd_epi32 emu_dpbusd_epi32
#define _mm256_dpbusd_epi32 emu_dpbusd_256
#define _mm256_dpbusd_avx_epi32 emu_dpbusd_256
#define _mm512_abs_epi8 emu_abs_epi8
#define _mm512_slli_epi32 emu_slli_epi32
#define _mm512_shuffle_epi32 emu_shuffle_epi32
#define _mm512_shuffle_i32x4 emu_shuffle_i32x4
#define _mm512_mask_sub_epi8 emu_mask_sub_epi8
#define _mm512_movepi8_mask emu_movepi8_mask
#define _mm512_set1_ps emu_set1_ps
#define _mm512_set1_epi32 emu_set1_epi32
#define _mm512_set1_epi16 emu_set1_epi16
#define _mm512_set1_epi8 emu_set1_epi8
#define _mm512_setzero_ps emu_zero_ps
#define _mm512_setzero_si512() emu_set1_epi32(0)
#define _mm512_xor_ps emu_xor_ps
#define _mm512_cvtepi32_ps emu_cvtepi32_ps
#define _mm512_cvtps_epi32 emu_cvtps_epi32
#define _mm512_roundscale_ps(v, how) emu_round_even(v)
#define _mm512_cvtph_ps emu_cvtph_ps
#define _mm512_cvtps_ph(v, how) emu_to_halves(v)
#define _mm512_cvtepu16_epi32 emu_cvtepu16_epi32
#define _mm512_castsi512_ps(v) ((__m512)(v))
#define _mm512_cvtss_f32(v) ((v)[0])
#define _mm512_loadu_ps emu_loadu_ps
#define _mm512_loadu_si512 emu_loadu_si512
#define _mm512_storeu_ps emu_storeu_ps
#define _mm512_storeu_si512 emu_storeu_si512
#define _mm512_maskz_loadu_ps emu_maskz_loadu_ps
#define _mm512_mask_storeu_ps emu_mask_storeu_ps
#define _mm512_maskz_loadu_epi16 emu_maskz_loadu_epi16
#define _mm256_maskz_loadu_epi16 emu_maskz_loadu_epi16_256
#define _mm256_mask_storeu_epi16 emu_mask_storeu_epi16_256
#define _mm512_cmp_ps_mask(a, b, how) emu_less(a, b)
#define _mm512_mask_mov_ps emu_mask_mov_ps
#define _mm512_maskz_mov_ps(mask, v) emu_mask_mov_ps(emu_zero_ps(), mask, v)
#define _mm512_mask_max_ps(from, mask, a, b) emu_mask_mov_ps(from, mask, emu_max_ps(a, b))
#define _mm512_reduce_add_ps emu_reduce_add_ps
#define _mm512_reduce_max_ps emu_reduce_max_ps
#define _mm512_cvtne2ps_pbh(high, low) ((__m512bh)emu_cvtne2ps(high, low))
#define _mm512_dpbf16_ps(sums, a, b) emu_dpbf16(sums, (__m512i)(a), (__m512i)(b))

#endif
