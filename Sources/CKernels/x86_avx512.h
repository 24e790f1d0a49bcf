// The functions of the AVX-512 level (with BW, VL and VNNI). What it lacks it takes from AVX2; its table stands beside
// that of AVX2.

#ifndef CK_X86_AVX512_H
#define CK_X86_AVX512_H

#include "x86_avx2.h"

CK_AVX2_WIDTHS(ck_avx512_u32)
CK_AVX2_WIDTHS(ck_avx512_u16)
CK_AVX2_WIDTHS(ck_avx512_s32)
void ck_avx512_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                    size_t ldc, bool accumulate);

#endif
