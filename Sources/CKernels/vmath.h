// Coefficients shared by the scalar and the vector forms of exp and tanh, so that all levels agree.
//
// exp(x) = 2^n * p(r) with n = round(x / ln 2), r = x - n ln 2 in two steps (Cody and Waite), |r| <= 0.347, p the
// Taylor polynomial of degree 7: relative error below 1.2e-7. Below CK_EXP_MIN the result is 0, so that no subnormal
// appears; above CK_EXP_MAX the argument is held.

#ifndef CK_VMATH_H
#define CK_VMATH_H

#define CK_EXP_MIN -87.0f
#define CK_EXP_MAX 88.0f
#define CK_LOG2E 1.44269504088896341f
#define CK_LN2_HIGH 0.693359375f
#define CK_LN2_LOW -2.12194440e-4f
#define CK_EXP_7 1.98412698e-4f
#define CK_EXP_6 1.38888889e-3f
#define CK_EXP_5 8.33333333e-3f
#define CK_EXP_4 4.16666667e-2f
#define CK_EXP_3 1.66666667e-1f

// gelu_tanh(x) = x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))
#define CK_GELU_LINEAR -1.5957691216057308f
#define CK_GELU_CUBIC -0.07135481282614286f

#endif
