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

// Table 3-7 of the Unicode standard on 64 bytes at a time: continuations are where the bytes before them ask for some,
// and nowhere else.
INLINE size_t valid(const uint8_t *text, size_t count) {
    size_t offset = 0;
    while (offset + 64 <= count) {
        bytes64 bytes;
        __builtin_memcpy(&bytes, text + offset, sizeof bytes);
        uint64_t high = BITS(bytes > 0x7F);
        if (high == 0) {
            offset += 64;
            continue;
        }
        uint64_t continued = BITS((bytes & 0xC0) == 0x80);
        uint64_t from_two = BITS(bytes >= 0xC2), from_three = BITS(bytes >= 0xE0), from_four = BITS(bytes >= 0xF0);
        uint64_t never = (high & ~continued & ~from_two) | BITS(bytes > 0xF4);
        // A character that goes on behind these bytes waits for the next ones.
        uint64_t open = (from_two & 1ull << 63) | (from_three & 3ull << 62) | (from_four & 7ull << 61);
        unsigned end = open ? (unsigned)__builtin_ctzll(open) : 64;
        uint64_t whole = end == 64 ? ~0ull : (1ull << end) - 1;
        from_two &= whole;
        from_three &= whole;
        from_four &= whole;
        uint64_t asked = from_two << 1 | from_three << 2 | from_four << 3;
        uint64_t below_90 = BITS(bytes < 0x90), below_a0 = BITS(bytes < 0xA0);
        uint64_t wrong = (BITS(bytes == 0xE0) << 1 & below_a0) | (BITS(bytes == 0xED) << 1 & ~below_a0) |
                         (BITS(bytes == 0xF0) << 1 & below_90) | (BITS(bytes == 0xF4) << 1 & ~below_90);
        if (asked != (continued & whole) || ((never | wrong) & whole) || end == 0) return offset;
        offset += end;
    }
    return offset;
}

size_t ct_valid_portable(const uint8_t *text, size_t count) { return valid(text, count); }

#ifdef __x86_64__
#include <cpuid.h>

__attribute__((target("avx2"))) static void classify_avx2(const uint8_t *text, ct_masks *masks) {
    classify(text, masks);
}

__attribute__((target("avx2"))) static size_t valid_avx2(const uint8_t *text, size_t count) {
    return valid(text, count);
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

size_t ct_valid(const uint8_t *text, size_t count) {
    return has_avx2 ? valid_avx2(text, count) : valid(text, count);
}
#else
void ct_classify(const uint8_t *text, ct_masks *masks) { classify(text, masks); }
size_t ct_valid(const uint8_t *text, size_t count) { return valid(text, count); }
#endif
