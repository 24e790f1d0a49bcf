// NEON: integers of keys and values to floats. Lengths that don't fill registers take the portable functions.

#if defined(__aarch64__)
#include "arm_neon.h"

// 8 bytes times the scales of two registers.
NEON_INLINE void store_scaled(float *out, int8x8_t bytes, float32x4_t low, float32x4_t high) {
    const int16x8_t words = vmovl_s8(bytes);
    vst1q_f32(out, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(words))), low));
    vst1q_f32(out + 4, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(words))), high));
}

NEON_INLINE int8x8_t lower_levels(uint8x8_t codes) {
    return vqtbl1_s8(vld1q_s8(ck_kv_levels), vand_u8(codes, vdup_n_u8(15)));
}

NEON_INLINE int8x8_t upper_levels(uint8x8_t codes) {
    return vqtbl1_s8(vld1q_s8(ck_kv_levels), vshr_n_u8(codes, 4));
}

void ck_neon_q8_rows(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out) {
    if (n % 8 != 0) {
        ck_q8_rows(codes, scales, rows, n, out);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        const float32x4_t scale = vdupq_n_f32(scales[r]);
        for (size_t i = 0; i < n; i += 8, codes += 8, out += 8) store_scaled(out, vld1_s8(codes), scale, scale);
    }
}

void ck_neon_q4_rows(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out) {
    const size_t half = n / 2;
    if (half % 8 != 0) {
        ck_q4_rows(codes, scales, rows, n, out);
        return;
    }
    for (size_t r = 0; r < rows; r++, out += n) {
        const float32x4_t scale = vdupq_n_f32(scales[r]);
        for (size_t i = 0; i < half; i += 8, codes += 8) {
            const uint8x8_t bytes = vld1_u8(codes);
            store_scaled(out + i, lower_levels(bytes), scale, scale);
            store_scaled(out + half + i, upper_levels(bytes), scale, scale);
        }
    }
}

void ck_neon_q8_columns(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out) {
    for (size_t r = 0; r < rows; r++, codes += stride, out += stride)
        for (size_t i = 0; i < n; i += 8)
            store_scaled(out + i, vld1_s8(codes + i), vld1q_f32(scales + i), vld1q_f32(scales + i + 4));
}

void ck_neon_q4_columns(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out) {
    float *upper = out + rows / 2 * stride;
    for (size_t r = 0; r < rows / 2; r++, codes += stride, out += stride, upper += stride)
        for (size_t i = 0; i < n; i += 8) {
            const float32x4_t low = vld1q_f32(scales + i), high = vld1q_f32(scales + i + 4);
            const uint8x8_t bytes = vld1_u8(codes + i);
            store_scaled(out + i, lower_levels(bytes), low, high);
            store_scaled(upper + i, upper_levels(bytes), low, high);
        }
}

#endif
