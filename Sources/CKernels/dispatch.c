// Which tables this processor can run.

#include "internal.h"

size_t ck_tables(const ck_table *out[8]) {
    size_t count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        out[count++] = &ck_avx2;
    }
#endif
    out[count++] = &ck_portable;
    return count;
}

void ck_dequantize_row(const ck_table *t, uint32_t type, const void *row, size_t n, float *out) {
    t->dequantize[type](row, n, out);
}
