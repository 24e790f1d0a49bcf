// Random data and bookkeeping.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"

size_t checks, failures;

void expect(bool holds, const ck_table *t, const char *format, ...) {
    checks++;
    if (holds) return;
    if (++failures > 40) return;
    va_list arguments;
    va_start(arguments, format);
    printf("FAILED %s: ", t->name);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

bool same_bits(const float *a, const float *b, size_t n) { return memcmp(a, b, n * sizeof *a) == 0; }

bool close_to(const float *a, const double *b, size_t n, double relative, double absolute) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= relative * fabs(b[i]) + absolute)) return false;
    return true;
}

uint64_t next(random_source *r) {
    r->state += 0x9e3779b97f4a7c15;
    uint64_t z = r->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

float next_float(random_source *r) { return (float)(int32_t)(next(r) >> 32) * 0x1p-31f; }

float *floats(random_source *r, size_t n) {
    float *x = memory(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = next_float(r);
    return x;
}

void *memory(size_t bytes) {
    size_t size = (bytes + 127) & ~(size_t)63;
    void *place = aligned_alloc(64, size);
    if (place == NULL) abort();
    return memset(place, 0, size);
}

uint16_t to_half(float x) {
    uint16_t half;
    ck_portable.to_f16(&x, 1, &half);
    return half;
}

uint8_t *random_weights(random_source *r, uint32_t type, size_t rows, size_t columns) {
    size_t size = ck_block_bytes(type), bytes = columns / ck_block_elements(type) * size * rows;
    uint8_t *weights = memory(bytes);
    for (uint8_t *block = weights; block < weights + bytes; block += size) {
        for (size_t i = 0; i < size; i++) block[i] = (uint8_t)next(r);
        uint16_t scale = to_half(next_float(r) * 0.02f), other = to_half(next_float(r) * 0.02f);
        float value = next_float(r);
        switch (type) {
            case CK_F32: memcpy(block, &value, 4); break;
            case CK_BF16: memcpy(block, (uint8_t *)&value + 2, 2); break;
            case CK_F16: case CK_Q4_0: case CK_Q5_0: case CK_Q8_0: case CK_IQ4_NL: case CK_IQ4_XS:
                memcpy(block, &scale, 2);
                break;
            case CK_Q4_1: case CK_Q5_1: case CK_Q4_K: case CK_Q5_K:
                memcpy(block, &scale, 2);
                memcpy(block + 2, &other, 2);
                break;
            case CK_Q2_K:
                memcpy(block + 80, &scale, 2);
                memcpy(block + 82, &other, 2);
                break;
            case CK_Q3_K: memcpy(block + 108, &scale, 2); break;
            case CK_Q6_K: memcpy(block + 208, &scale, 2); break;
            default: block[0] = (uint8_t)(110 + next(r) % 12);  // MXFP4
        }
    }
    return weights;
}
