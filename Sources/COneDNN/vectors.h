// Sixteen numbers at a time, for kernels that the compiler does not vectorise as well by itself. Not public.
#ifndef ENDOKED_ONEDNN_VECTORS_H
#define ENDOKED_ONEDNN_VECTORS_H

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LANES = 16 };

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
typedef uint32_t bits16 __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t whole16 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint16_t halves __attribute__((ext_vector_type(16), aligned(2)));

// Macros where a function would pass vectors by value: how wide they travel depends on the processor.
#define LOAD(pointer) (*(const lanes *)(pointer))
#define STORE(pointer, value) (*(lanes *)(pointer) = (value))
#define BITS(value) __builtin_bit_cast(bits16, (value))
#define FLOATS(value) __builtin_bit_cast(lanes, (value))
#define LOAD_BF16(pointer) FLOATS(__builtin_convertvector(*(const halves *)(pointer), bits16) << 16)

/// Nearest, ties to even; NaN stays NaN.
#define STORE_BF16(pointer, value)                                                                       \
    do {                                                                                                 \
        bits16 b_ = BITS(value);                                                                         \
        bits16 nan_ = (bits16)((b_ & 0x7FFFFFFFu) > 0x7F800000u);                                        \
        bits16 r_ = (b_ + 0x7FFFu + ((b_ >> 16) & 1u)) >> 16;                                            \
        *(halves *)(pointer) = __builtin_convertvector((r_ & ~nan_) | (((b_ >> 16) | 0x40u) & nan_), halves); \
    } while (0)

#if defined(__x86_64__)
/// For kernels that are only called where `nn_engine_has_bf16`: the processor rounds to bf16 itself, in one instruction for
/// a dozen. It takes numbers below 2^-126 for zero, which the other way does not.
#define NATIVE_BF16 __attribute__((target("arch=x86-64-v4,avx512bf16")))
#define STORE_NATIVE_BF16(pointer, value) \
    (*(halves *)(pointer) = __builtin_bit_cast(halves, _mm512_cvtneps_pbh((__m512)(value))))
#else
#define NATIVE_BF16 NN_KERNEL
#define STORE_NATIVE_BF16 STORE_BF16
#endif

/// All lanes by `combine`, in halves: always in one order, and a few steps where one lane after the other takes sixteen.
#define REDUCE(result, value, combine)                                                                    \
    do {                                                                                                  \
        lanes l_ = (value);                                                                               \
        l_ = combine(l_, __builtin_shufflevector(l_, l_, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)); \
        l_ = combine(l_, __builtin_shufflevector(l_, l_, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)); \
        l_ = combine(l_, __builtin_shufflevector(l_, l_, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)); \
        l_ = combine(l_, __builtin_shufflevector(l_, l_, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)); \
        (result) = l_[0];                                                                                 \
    } while (0)
#define SUM_OF(a, b) ((a) + (b))

/// Φ(x) = (1 + erf(x/√2))/2 with erf by Abramowitz and Stegun, 7.1.28: absolute error below 3e-7, and no exponential.
#define NORMAL_SHARE(result, x)                                                   \
    do {                                                                          \
        lanes s_ = __builtin_elementwise_abs(x) * 0.70710678f;                    \
        lanes p_ = s_ * 0.0000430638f + 0.0002765672f;                            \
        p_ = p_ * s_ + 0.0001520143f;                                             \
        p_ = p_ * s_ + 0.0092705272f;                                             \
        p_ = p_ * s_ + 0.0422820123f;                                             \
        p_ = p_ * s_ + 0.0705230784f;                                             \
        p_ = p_ * s_ + 1.0f;                                                      \
        p_ *= p_, p_ *= p_, p_ *= p_, p_ *= p_;                                   \
        lanes e_ = 1.0f - 1.0f / p_;                                              \
        bits16 sign_ = BITS(x) & 0x80000000u;                                     \
        (result) = FLOATS(BITS(e_) | sign_) * 0.5f + 0.5f;                        \
    } while (0)

/// The same by an odd polynomial, for results in bf16: x·Φ(x) is right to 8e-5, and zero or x from ±4.2 on.
#define ROUGH_NORMAL_SHARE(result, x)                                             \
    do {                                                                          \
        lanes t_ = __builtin_elementwise_min(__builtin_elementwise_max(x, (lanes)(-4.2f)), (lanes)(4.2f)); \
        lanes u_ = t_ * t_, v_ = u_ * u_;                                         \
        lanes a_ = (3.9846586878e-01f + -6.5528196142e-02f * u_) + (9.2982265473e-03f + -9.5065687992e-04f * u_) * v_;                          \
        lanes b_ = (6.6890619812e-05f + -3.0379264502e-06f * u_) + (7.9413214384e-08f + -9.0175065652e-10f * u_) * v_;                          \
        (result) = t_ * (a_ + b_ * (v_ * v_)) + 0.5f;                             \
    } while (0)

/// 2^x for x ≤ 0 to 1e-4 of it: x = n + r, a cubic in r, n added to the exponent. What is beyond −126 is 2^−126.
#define ROUGH_POWER(result, x)                                                    \
    do {                                                                          \
        lanes x_ = __builtin_elementwise_max(x, (lanes)(-126.0f));                \
        lanes n_ = x_ + 12582912.0f;                                              \
        lanes r_ = x_ - (n_ - 12582912.0f);                                       \
        lanes q_ = (r_ * 0.05517132f + 0.24261055f) * r_ + 0.69326099f;            \
        q_ = q_ * r_ + 0.99992811f;                                               \
        (result) = FLOATS(BITS(q_) + (BITS(n_) << 23));                           \
    } while (0)

/// e^x for x ≤ 0, as `exponential` in numerics.h.
#define EXPONENTIAL(result, x)                                                    \
    do {                                                                          \
        lanes x_ = __builtin_elementwise_max(x, (lanes)(-87.0f));                 \
        lanes n_ = (x_ * 1.44269504f + 12582912.0f) - 12582912.0f;                \
        lanes r_ = x_ - n_ * 0.693359375f;                                        \
        r_ = r_ - n_ * -2.12194440e-4f;                                           \
        lanes q_ = r_ * (1.0f / 5040) + 1.0f / 720;                               \
        q_ = q_ * r_ + 1.0f / 120;                                                \
        q_ = q_ * r_ + 1.0f / 24;                                                 \
        q_ = q_ * r_ + 1.0f / 6;                                                  \
        q_ = q_ * r_ + 0.5f;                                                      \
        q_ = q_ * r_ + 1.0f;                                                      \
        q_ = q_ * r_ + 1.0f;                                                      \
        bits16 power_ = __builtin_bit_cast(bits16, __builtin_convertvector(n_, whole16) + 127) << 23; \
        (result) = q_ * FLOATS(power_);                                           \
    } while (0)

#endif
