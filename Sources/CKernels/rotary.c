// Angles of rotary positions, in double precision until the last rounding.

#include "internal.h"

void ck_rotary_angles(const double *base, const double *step, size_t pairs, float *cosines, float *sines) {
    for (size_t i = 0; i < pairs; i++) {
        const double c = base[i], s = base[pairs + i], step_c = step[i], step_s = step[pairs + i];
        cosines[i] = (float)(c * step_c - s * step_s);
        sines[i] = (float)(s * step_c + c * step_s);
    }
}
