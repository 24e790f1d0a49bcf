// The definition of every block type: how its bytes become quants, scales and minima, and what value those stand for.
// Formats: section 3 of the weights specification; byte offsets within a block are those of GGUF.
//
// Each type is written once, as an unpacker into "value = scale * quant + minimum". Dequantizing keeps the order of
// roundings of the reference (offsets subtracted from the quant before multiplying), so results are bit-exact.

#include "internal.h"

const int8_t ck_nl4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
const int8_t ck_fp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static const struct {
    uint8_t block, bytes, class;
} layouts[CK_TYPE_COUNT] = {
    [CK_F32] = {1, 4, CK_PLAIN},    [CK_F16] = {1, 2, CK_PLAIN},    [CK_BF16] = {1, 2, CK_PLAIN},
    [CK_Q4_0] = {32, 18, CK_U4},    [CK_Q4_1] = {32, 20, CK_U4},    [CK_Q5_0] = {32, 22, CK_U5},
    [CK_Q5_1] = {32, 24, CK_U5},    [CK_Q8_0] = {32, 34, CK_S8},    [CK_IQ4_NL] = {32, 18, CK_S8},
    [CK_MXFP4] = {32, 17, CK_U5},   [CK_Q2_K] = {0, 84, CK_U6},     [CK_Q3_K] = {0, 110, CK_U6},
    [CK_Q4_K] = {0, 144, CK_U4},    [CK_Q5_K] = {0, 176, CK_U5},    [CK_Q6_K] = {0, 210, CK_U6},
    [CK_IQ4_XS] = {0, 136, CK_S8},
};  // block 0 stands for 256

size_t ck_block_bytes(uint32_t type) { return type < CK_TYPE_COUNT ? layouts[type].bytes : 0; }

size_t ck_block_elements(uint32_t type) {
    if (ck_block_bytes(type) == 0) return 0;
    return layouts[type].block == 0 ? 256 : layouts[type].block;
}

int ck_class(uint32_t type) { return ck_block_bytes(type) == 0 ? -1 : layouts[type].class; }

// ---- Quants of one block of 32 ----

// Low nibbles are elements 0...15, high nibbles 16...31.
static void nibbles(const uint8_t *qs, uint8_t *q) {
    for (int i = 0; i < 16; i++) {
        q[i] = qs[i] & 15;
        q[i + 16] = qs[i] >> 4;
    }
}

static void fifth_bits(uint32_t bits, uint8_t *q) {
    for (int i = 0; i < 32; i++) q[i] |= (uint8_t)((bits >> i & 1) << 4);
}

#define FOR_BLOCKS(elements, bytes)                                                     \
    const uint8_t *b = row;                                                             \
    for (size_t i = 0; i < n; i += (elements), b += (bytes), q += (elements))

void ck_unpack_q4_0(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(32, 18) {
        nibbles(b + 2, q);
        float d = ck_half(ck_load16(b));
        *scales++ = d;
        *minima++ = -8 * d;
    }
}

void ck_unpack_q4_1(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(32, 20) {
        nibbles(b + 4, q);
        *scales++ = ck_half(ck_load16(b));
        *minima++ = ck_half(ck_load16(b + 2));
    }
}

void ck_unpack_q5_0(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(32, 22) {
        nibbles(b + 6, q);
        fifth_bits(ck_load32(b + 2), q);
        float d = ck_half(ck_load16(b));
        *scales++ = d;
        *minima++ = -16 * d;
    }
}

void ck_unpack_q5_1(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(32, 24) {
        nibbles(b + 8, q);
        fifth_bits(ck_load32(b + 4), q);
        *scales++ = ck_half(ck_load16(b));
        *minima++ = ck_half(ck_load16(b + 2));
    }
}

void ck_unpack_q8_0(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    (void)minima;
    FOR_BLOCKS(32, 34) {
        memcpy(q, b + 2, 32);
        *scales++ = ck_half(ck_load16(b));
    }
}

void ck_unpack_iq4_nl(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    (void)minima;
    FOR_BLOCKS(32, 18) {
        nibbles(b + 2, q);
        for (int j = 0; j < 32; j++) q[j] = (uint8_t)ck_nl4[q[j]];
        *scales++ = ck_half(ck_load16(b));
    }
}

// Quants are shifted by 12 to be unsigned.
void ck_unpack_mxfp4(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(32, 17) {
        nibbles(b + 1, q);
        for (int j = 0; j < 32; j++) q[j] = (uint8_t)(ck_fp4[q[j]] + 12);
        float d = ck_e8m0_half(b[0]);
        *scales++ = d;
        *minima++ = -12 * d;
    }
}

// ---- Quants of one block of 256 ----

void ck_unpack_q2_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(256, 84) {
        float d = ck_half(ck_load16(b + 80)), dmin = ck_half(ck_load16(b + 82));
        for (int j = 0; j < 256; j++) q[j] = b[16 + 32 * (j / 128) + j % 32] >> 2 * (j % 128 / 32) & 3;
        for (int g = 0; g < 16; g++) {
            *scales++ = d * (float)(b[g] & 15);
            *minima++ = -(dmin * (float)(b[g] >> 4));
        }
    }
}

// Quants are shifted by 4 to be unsigned.
void ck_unpack_q3_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(256, 110) {
        float d = ck_half(ck_load16(b + 108));
        for (int j = 0; j < 256; j++) {
            int low = b[32 + 32 * (j / 128) + j % 32] >> 2 * (j % 128 / 32) & 3;
            int high = b[j % 32] >> j / 32 & 1;
            q[j] = (uint8_t)(low | high << 2);
        }
        for (int g = 0; g < 16; g++) {
            float scale = d * (float)ck_q3_scale(b + 96, g);
            *scales++ = scale;
            *minima++ = -4 * scale;
        }
    }
}

static void group_scales(const uint8_t *b, float *scales, float *minima) {
    float d = ck_half(ck_load16(b)), dmin = ck_half(ck_load16(b + 2));
    for (int k = 0; k < 8; k++) {
        uint8_t scale, min;
        ck_scale_min(b + 4, k, &scale, &min);
        scales[k] = d * (float)scale;
        minima[k] = -(dmin * (float)min);
    }
}

void ck_unpack_q4_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(256, 144) {
        for (int j = 0; j < 256; j++) q[j] = b[16 + 32 * (j / 64) + j % 32] >> 4 * (j / 32 % 2) & 15;
        group_scales(b, scales, minima);
        scales += 8;
        minima += 8;
    }
}

void ck_unpack_q5_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(256, 176) {
        for (int j = 0; j < 256; j++) {
            int low = b[48 + 32 * (j / 64) + j % 32] >> 4 * (j / 32 % 2) & 15;
            int high = b[16 + j % 32] >> j / 32 & 1;
            q[j] = (uint8_t)(low | high << 4);
        }
        group_scales(b, scales, minima);
        scales += 8;
        minima += 8;
    }
}

void ck_unpack_q6_k(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    FOR_BLOCKS(256, 210) {
        float d = ck_half(ck_load16(b + 208));
        for (int j = 0; j < 256; j++) {
            int half = j / 128, group = j % 128 / 32, lane = j % 32;
            int low = b[64 * half + 32 * (group % 2) + lane] >> 4 * (group / 2) & 15;
            int high = b[128 + 32 * half + lane] >> 2 * group & 3;
            q[j] = (uint8_t)(low | high << 4);
        }
        for (int g = 0; g < 16; g++) {
            float scale = d * (float)(int8_t)b[192 + g];
            *scales++ = scale;
            *minima++ = -32 * scale;
        }
    }
}

void ck_unpack_iq4_xs(const void *row, size_t n, uint8_t *q, float *scales, float *minima) {
    (void)minima;
    FOR_BLOCKS(256, 136) {
        float d = ck_half(ck_load16(b));
        for (int k = 0; k < 8; k++) {
            nibbles(b + 8 + 16 * k, q + 32 * k);
            *scales++ = d * (float)ck_iq4_scale(b, k);
        }
        for (int j = 0; j < 256; j++) q[j] = (uint8_t)ck_nl4[q[j]];
    }
}


// ---- Values ----

void ck_floats_f32(const void *row, size_t n, float *out) { memcpy(out, row, n * sizeof(float)); }

void ck_floats_f16(const void *row, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = ck_half(ck_load16((const uint8_t *)row + 2 * i));
}

void ck_floats_bf16(const void *row, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = ck_bits((uint32_t)ck_load16((const uint8_t *)row + 2 * i) << 16);
}

// Block by block: unpack, then apply. `offset` is what was added to make quants unsigned; types with a true minimum
// have none. Quants of the signed class are int8.
#define DEQUANTIZE(name, unpack, elements, bytes, group, quant, offset, with_minimum)                    \
    void name(const void *row, size_t n, float *out) {                                                   \
        uint8_t q[elements];                                                                             \
        float scales[(elements) / (group)], minima[(elements) / (group)];                                \
        for (size_t i = 0; i < n; i += (elements)) {                                                     \
            unpack((const uint8_t *)row + i / (elements) * (bytes), elements, q, scales, minima);        \
            for (int j = 0; j < (elements); j++) {                                                       \
                float product = scales[j / (group)] * (float)((quant)q[j] - (offset));                   \
                out[i + (size_t)j] = (with_minimum) ? product + minima[j / (group)] : product;           \
            }                                                                                            \
        }                                                                                                \
    }

DEQUANTIZE(ck_floats_q4_0, ck_unpack_q4_0, 32, 18, 32, uint8_t, 8, false)
DEQUANTIZE(ck_floats_q4_1, ck_unpack_q4_1, 32, 20, 32, uint8_t, 0, true)
DEQUANTIZE(ck_floats_q5_0, ck_unpack_q5_0, 32, 22, 32, uint8_t, 16, false)
DEQUANTIZE(ck_floats_q5_1, ck_unpack_q5_1, 32, 24, 32, uint8_t, 0, true)
DEQUANTIZE(ck_floats_q8_0, ck_unpack_q8_0, 32, 34, 32, int8_t, 0, false)
DEQUANTIZE(ck_floats_iq4_nl, ck_unpack_iq4_nl, 32, 18, 32, int8_t, 0, false)
DEQUANTIZE(ck_floats_mxfp4, ck_unpack_mxfp4, 32, 17, 32, uint8_t, 12, false)
DEQUANTIZE(ck_floats_q2_k, ck_unpack_q2_k, 256, 84, 16, uint8_t, 0, true)
DEQUANTIZE(ck_floats_q3_k, ck_unpack_q3_k, 256, 110, 16, uint8_t, 4, false)
DEQUANTIZE(ck_floats_q4_k, ck_unpack_q4_k, 256, 144, 32, uint8_t, 0, true)
DEQUANTIZE(ck_floats_q5_k, ck_unpack_q5_k, 256, 176, 32, uint8_t, 0, true)
DEQUANTIZE(ck_floats_q6_k, ck_unpack_q6_k, 256, 210, 16, uint8_t, 32, false)
DEQUANTIZE(ck_floats_iq4_xs, ck_unpack_iq4_xs, 256, 136, 32, int8_t, 0, false)
