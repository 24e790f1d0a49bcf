// Which tables this processor can run.

#include "internal.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

size_t ck_tables(const ck_table *out[8]) {
    size_t count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
            out[count++] = &ck_avx512;
        out[count++] = &ck_avx2;
    }
#elif defined(__APPLE__)
    out[count++] = &ck_neon;
#elif defined(__aarch64__) && defined(__linux__)
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) out[count++] = &ck_neon;
#endif
    out[count++] = &ck_portable;
    return count;
}

void ck_dequantize_row(const ck_table *t, uint32_t type, const void *row, size_t n, float *out) {
    t->dequantize[type](row, n, out);
}
