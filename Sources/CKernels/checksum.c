// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) of what is stored on disk.

#include <pthread.h>

#include "internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#endif

enum { SLICES = 8 };

static uint32_t tables[SLICES][256];
#if defined(__x86_64__)
static bool has_instruction;  // asking the processor is slow in virtual machines
#endif
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (0x82f63b78u & -(value & 1));
        tables[0][i] = value;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < SLICES; k++) tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
#if defined(__x86_64__)
    uint32_t a, b, c, d;
    has_instruction = __get_cpuid(1, &a, &b, &c, &d) && (c >> 20 & 1);
#endif
}

// Eight bytes at a time.
static uint32_t portable(uint32_t crc, const uint8_t *p, size_t count) {
    for (; count >= 8; count -= 8, p += 8) {
        const uint32_t low = ck_load32(p) ^ crc, high = ck_load32(p + 4);
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24]
            ^ tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    for (; count > 0; count--, p++) crc = crc >> 8 ^ tables[0][(crc ^ *p) & 255];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t instruction(uint32_t crc, const uint8_t *p, size_t count) {
    uint64_t wide = crc;
    for (; count >= 8; count -= 8, p += 8) {
        uint64_t value;
        memcpy(&value, p, sizeof value);
        wide = _mm_crc32_u64(wide, value);
    }
    crc = (uint32_t)wide;
    for (; count > 0; count--, p++) crc = _mm_crc32_u8(crc, *p);
    return crc;
}
#endif

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count) {
    pthread_once(&once, prepare);
#if defined(__x86_64__)
    if (has_instruction) return ~instruction(~crc, bytes, count);
#endif
    return ~portable(~crc, bytes, count);
}

uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    pthread_once(&once, prepare);
    return ~portable(~crc, bytes, count);
}
