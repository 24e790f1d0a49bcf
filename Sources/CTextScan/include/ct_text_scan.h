// What the tokenizers need of the processor: classes of 64 bytes at once, checks of UTF-8, and memory ahead of its use.

#ifndef CT_TEXT_SCAN_H
#define CT_TEXT_SCAN_H

#include <stddef.h>
#include <stdint.h>

/// One bit per byte, the lowest for the first.
typedef struct {
    uint64_t lower;
    uint64_t upper;
    uint64_t digit;
    /// U+0020.
    uint64_t space;
    /// Carriage return and line feed.
    uint64_t newline;
    /// Tab, line tabulation, form feed.
    uint64_t blank;
    uint64_t apostrophe;
    uint64_t slash;
    /// 0x80 and above.
    uint64_t high;
} ct_masks;

/// Reads 64 bytes from anywhere. Takes the widest vectors that the processor has.
void ct_classify(const uint8_t *text, ct_masks *masks);

/// The same with nothing but the instructions that every processor of the architecture has.
void ct_classify_portable(const uint8_t *text, ct_masks *masks);

/// How many bytes at the front are well-formed UTF-8 for certain: whole characters, up to some tens of bytes before the
/// first fault or the end.
size_t ct_valid(const uint8_t *text, size_t count);

/// The same with nothing but the instructions that every processor of the architecture has.
size_t ct_valid_portable(const uint8_t *text, size_t count);

/// One bit for each of 32 bytes, the lowest for the first: set where no character goes on.
static inline uint32_t ct_leads(const uint8_t *text) {
    typedef int8_t bytes32 __attribute__((vector_size(32)));
    typedef _Bool bits32 __attribute__((ext_vector_type(32)));
    bytes32 bytes;
    __builtin_memcpy(&bytes, text, sizeof bytes);
    bits32 leads = __builtin_convertvector(bytes > -65, bits32);
    uint32_t mask;
    __builtin_memcpy(&mask, &leads, sizeof mask);
    return mask;
}

/// Asks for the memory at `place` ahead of its use.
static inline void ct_prefetch(const void *place) { __builtin_prefetch(place); }

#endif
