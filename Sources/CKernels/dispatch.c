// Which tables this processor can run.

#include "internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__x86_64__)
typedef struct {
    uint32_t a, b, c, d;
} registers;

// Zeros where the processor knows no such leaf.
static registers cpuid(uint32_t leaf, uint32_t part) {
    registers r = {0, 0, 0, 0};
    (void)__get_cpuid_count(leaf, part, &r.a, &r.b, &r.c, &r.d);
    return r;
}

// Which registers the system saves when it switches threads: bits 1 and 2 for 128 and 256 bits, 5 to 7 for those that
// AVX-512 adds.
static uint64_t saved_registers(void) {
    if (!(cpuid(1, 0).c >> 27 & 1)) return 0;
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static size_t x86_tables(const ck_table **out) {
    const registers base = cpuid(1, 0), more = cpuid(7, 0), latest = cpuid(7, 1);
    const uint64_t saved = saved_registers();
    size_t count = 0;
    const bool avx2 = (saved & 0x6) == 0x6 && base.c >> 12 & 1 && base.c >> 29 & 1 && more.b >> 5 & 1;  // FMA, F16C
    if (!avx2) return 0;
    // F, DQ, BW, VL.
    if ((saved & 0xe6) == 0xe6 && more.b >> 16 & 1 && more.b >> 17 & 1 && more.b >> 30 & 1 && more.b >> 31 & 1) {
        const bool vnni = more.c >> 11 & 1;
        if (vnni && latest.a >> 5 & 1) out[count++] = &ck_avx512bf16;
        if (vnni) out[count++] = &ck_avx512vnni;
        out[count++] = &ck_avx512;
    }
    if (latest.a >> 4 & 1) out[count++] = &ck_avxvnni;
    out[count++] = &ck_avx2;
    return count;
}
#endif

#if defined(__aarch64__)
static bool has_dot_products(void) {
#if defined(__linux__)
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#elif defined(__APPLE__)
    int present = 0;
    size_t size = sizeof present;
    return sysctlbyname("hw.optional.arm.FEAT_DotProd", &present, &size, NULL, 0) == 0 && present != 0;
#else
    return false;
#endif
}
#endif

size_t ck_tables(const ck_table *out[8]) {
    size_t count = 0;
#if defined(__x86_64__)
    count = x86_tables(out);
#elif defined(__aarch64__)
    if (has_dot_products()) out[count++] = &ck_neondot;
    out[count++] = &ck_neon;
#endif
    out[count++] = &ck_portable;
    return count;
}

void ck_dequantize_row(const ck_table *t, uint32_t type, const void *row, size_t n, float *out) {
    t->dequantize[type](row, n, out);
}
