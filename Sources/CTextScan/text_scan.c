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
#include <immintrin.h>

__attribute__((target("avx2"))) static void classify_avx2(const uint8_t *text, ct_masks *masks) {
    classify(text, masks);
}

// Keiser and Lemire, Validating UTF-8 In Less Than One Instruction Per Byte (2020): each two neighbours have no fault in
// common between what the first byte's halves and the second's upper half allow, but for continuations where the third
// or fourth byte of a character is due.
enum {
    TOO_SHORT = 1 << 0,
    TOO_LONG = 1 << 1,
    OVERLONG_3 = 1 << 2,
    TOO_LARGE = 1 << 3,
    SURROGATE = 1 << 4,
    OVERLONG_2 = 1 << 5,
    TOO_LARGE_1000 = 1 << 6,
    OVERLONG_4 = 1 << 6,
    TWO_CONTINUED = 1 << 7,
    ANY_FIRST = TOO_SHORT | TOO_LONG | TWO_CONTINUED,
    LARGE = ANY_FIRST | TOO_LARGE | TOO_LARGE_1000,
    CONTINUED = TOO_LONG | OVERLONG_2 | TWO_CONTINUED,
};

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

__attribute__((target("avx2"))) static size_t valid_avx2(const uint8_t *text, size_t count) {
    const __m256i first_high = TWICE(
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, (char)TWO_CONTINUED,
        (char)TWO_CONTINUED, (char)TWO_CONTINUED, (char)TWO_CONTINUED, TOO_SHORT | OVERLONG_2, TOO_SHORT,
        TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const __m256i first_low = TWICE(
        (char)(ANY_FIRST | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), (char)(ANY_FIRST | OVERLONG_2), (char)ANY_FIRST,
        (char)ANY_FIRST, (char)(ANY_FIRST | TOO_LARGE), (char)LARGE, (char)LARGE, (char)LARGE, (char)LARGE, (char)LARGE,
        (char)LARGE, (char)LARGE, (char)LARGE, (char)(LARGE | SURROGATE), (char)LARGE, (char)LARGE);
    const __m256i second_high = TWICE(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        (char)(CONTINUED | OVERLONG_3 | OVERLONG_4 | TOO_LARGE_1000), (char)(CONTINUED | OVERLONG_3 | TOO_LARGE),
        (char)(CONTINUED | SURROGATE | TOO_LARGE), (char)(CONTINUED | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
        TOO_SHORT, TOO_SHORT);
    const __m256i low_half = _mm256_set1_epi8(0x0F), top = _mm256_set1_epi8((char)0x80);
    __m256i before = _mm256_setzero_si256();
    size_t offset = 0;
    for (; offset + 32 <= count; offset += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(text + offset));
        __m256i joined = _mm256_permute2x128_si256(before, bytes, 0x21);
        __m256i previous = _mm256_alignr_epi8(bytes, joined, 15);
        __m256i fault = _mm256_and_si256(
            _mm256_and_si256(
                _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(previous, 4), low_half)),
                _mm256_shuffle_epi8(first_low, _mm256_and_si256(previous, low_half))),
            _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half)));
        __m256i third = _mm256_subs_epu8(_mm256_alignr_epi8(bytes, joined, 14), _mm256_set1_epi8(0xE0 - 0x80));
        __m256i fourth = _mm256_subs_epu8(_mm256_alignr_epi8(bytes, joined, 13), _mm256_set1_epi8(0xF0 - 0x80));
        __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), top);
        fault = _mm256_xor_si256(fault, due);
        if (!_mm256_testz_si256(fault, fault)) break;
        before = bytes;
    }
    // The last character before may go on behind these bytes: before the last one that begins here, all are whole.
    if (offset < 4) return 0;
    offset -= 3;
    while (offset > 0 && (text[offset] & 0xC0) == 0x80) offset--;
    return offset;
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
