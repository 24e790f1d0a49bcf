// Random data and bookkeeping of the checks; every check compares one level with the portable one.

#ifndef CHECKS_H
#define CHECKS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../../Sources/CKernels/internal.h"

extern size_t checks, failures;

// Counts a check and tells of the first failures.
void expect(bool holds, const ck_table *t, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool same_bits(const float *a, const float *b, size_t n);
// |a - b| <= relative * |b| + absolute everywhere.
bool close_to(const float *a, const double *b, size_t n, double relative, double absolute);

// SplitMix64 (Steele, Lea, Flood 2014), as in KernelsTests.
typedef struct {
    uint64_t state;
} random_source;
uint64_t next(random_source *r);
float next_float(random_source *r);  // -1...1
float *floats(random_source *r, size_t n);

// Zeroed memory aligned to 64 bytes that is never freed: the program is short.
void *memory(size_t bytes);
// Rows of random blocks with scales of a sensible size, and room behind them to fetch from.
uint8_t *random_weights(random_source *r, uint32_t type, size_t rows, size_t columns);
uint16_t to_half(float x);

static const uint32_t weight_types[] = {CK_F32,  CK_F16,  CK_BF16, CK_Q4_0, CK_Q4_1,   CK_Q5_0,   CK_Q5_1,  CK_Q8_0,
                                        CK_Q2_K, CK_Q3_K, CK_Q4_K, CK_Q5_K, CK_Q6_K, CK_IQ4_NL, CK_IQ4_XS, CK_MXFP4};
enum { WEIGHT_TYPES = sizeof weight_types / sizeof *weight_types };

void check_rows(const ck_table *t);
void check_tiles(const ck_table *t);
void check_products(const ck_table *t);
void check_kv(const ck_table *t);
void check_attention(const ck_table *t);

#endif
