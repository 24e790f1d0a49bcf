// Stands in for the compiler's header when AVX-512 code is compiled for a processor without it: SIMDe makes each
// intrinsic from plain C, and functions are compiled for AVX2 whatever level they name.

#ifndef KERNELS_EMULATION_IMMINTRIN_H
#define KERNELS_EMULATION_IMMINTRIN_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#define target(features) target("avx2,fma,f16c")

#endif
