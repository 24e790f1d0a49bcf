// The vectors are the compiler's own: one definition becomes SSE2, AVX2 or NEON code.

#include "ct_text_scan.h"

typedef uint8_t bytes64 __attribute__((ext_vector_type(64)));
typedef _Bool bits64 __attribute__((ext_vector_type(64)));

#define INLINE static inline __attribute__((always_inline))

#define BITS(condition)                                               \
    ({                                                                \
        bits64 bits_ = __builtin_convertvector((condition), bits64);  \
        uint64_t word_;                                               \
        __builtin_memcpy(&word_, &bits_, sizeof word_);               \
        word_;                                                        \
    })

INLINE void classify(const uint8_t *text, ct_masks *masks) {
    bytes64 bytes;
    __builtin_memcpy(&bytes, text, sizeof bytes);
    uint64_t letters = BITS((bytes64)((bytes | 0x20) - 'a') < 26);
    uint64_t upper = BITS((bytes64)(bytes - 'A') < 26);
    uint64_t newline = BITS(bytes == '\n') | BITS(bytes == '\r');
    masks->lower = letters & ~upper;
    masks->upper = upper;
    masks->digit = BITS((bytes64)(bytes - '0') < 10);
    masks->space = BITS(bytes == ' ');
    masks->newline = newline;
    masks->blank = BITS((bytes64)(bytes - '\t') < 5) & ~newline;
    masks->apostrophe = BITS(bytes == '\'');
    masks->slash = BITS(bytes == '/');
    masks->high = BITS(bytes > 0x7F);
}

void ct_classify_portable(const uint8_t *text, ct_masks *masks) { classify(text, masks); }

#ifdef __x86_64__
#include <cpuid.h>

__attribute__((target("avx2"))) static void classify_avx2(const uint8_t *text, ct_masks *masks) {
    classify(text, masks);
}

static int has_avx2;

// Before main: the processor knows AVX2, and the system saves its registers when it switches threads.
__attribute__((constructor)) static void detect(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return;
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    has_avx2 = b >> 5 & 1;
}

void ct_classify(const uint8_t *text, ct_masks *masks) {
    if (has_avx2) {
        classify_avx2(text, masks);
    } else {
        classify(text, masks);
    }
}
#else
void ct_classify(const uint8_t *text, ct_masks *masks) { classify(text, masks); }
#endif
