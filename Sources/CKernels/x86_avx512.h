// Shared by the files of the AVX-512 levels: "avx512" (F, BW, DQ, VL), "avx512vnni" and "avx512bf16", each of which has
// all that comes before it. Where 512 bits gain nothing they take functions from AVX2. "avxvnni" is AVX2 with the
// 256-bit form of the same dot product.

#ifndef CK_X86_AVX512_H
#define CK_X86_AVX512_H

#include "x86_avx2.h"

#define AVX512_FEATURES "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl"
#define AVX512 __attribute__((target(AVX512_FEATURES)))
#define AVX512_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES)))

// Lanes below n of 16; all of them from 16 on.
AVX512_INLINE __mmask16 first_lanes(size_t n) { return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1); }

// x86_avx512_product.c and x86_vnni_product.c
CK_AVX2_WIDTHS(ck_avx512_u4)
CK_AVX2_WIDTHS(ck_avx512_u5)
CK_AVX2_WIDTHS(ck_avx512_u6)
CK_AVX2_WIDTHS(ck_avx512_s8)
CK_AVX2_WIDTHS(ck_avx512vnni_u32)
CK_AVX2_WIDTHS(ck_avx512vnni_u16)
CK_AVX2_WIDTHS(ck_avx512vnni_s32)
CK_AVX2_WIDTHS(ck_avxvnni_u32)
CK_AVX2_WIDTHS(ck_avxvnni_u16)
CK_AVX2_WIDTHS(ck_avxvnni_s32)

// x86_avx512vnni_dots.c and x86_avxvnni_dots.c
#define CK_VNNI_DECLARE_DOTS(id, name)                                           \
    void ck_avx512vnni_dots_##name(const ck_rows *rows, const ck_dots *dots);    \
    void ck_avxvnni_dots_##name(const ck_rows *rows, const ck_dots *dots);
CK_AVX2_UNPACKED(CK_VNNI_DECLARE_DOTS)

// x86_avx512_gemm.c
void ck_avx512_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                    size_t ldc, bool accumulate);

// x86_avx512_bf16.c
void ck_avx512_rounded_bf16(const ck_rows *rows, size_t count, const float *x, size_t x_stride, size_t tokens,
                            float *sums);

#endif
