// Scalar functions that the compiler can vectorise, and bf16 as a storage type. Not public.
#ifndef ENDOKED_ONEDNN_NUMERICS_H
#define ENDOKED_ONEDNN_NUMERICS_H

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static inline uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static inline float from_bf16(uint16_t x) { return float_of_bits((uint32_t)x << 16); }

/// Nearest, ties to even; a NaN keeps a bit of its payload so that it stays one.
static inline uint16_t to_bf16(float x) {
    uint32_t bits = bits_of_float(x);
    uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, quiet = (bits >> 16) | 0x40;
    return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

/// e to the x within two units in the last place: x = n·ln 2 + r, a Taylor polynomial in r, n into the exponent.
/// libm's expf is exact to half a unit more, but a call a number.
static inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    // Adding 1.5·2^23 rounds to the nearest integer, which then lies in the lowest bits.
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * float_of_bits((uint32_t)((int32_t)n + 127) << 23);
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: absolute error below 1.5e-7.
static inline float error_function(float x) {
    float size = x < 0 ? -x : x;
    float t = 1.0f / (1.0f + 0.3275911f * size);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float y = 1.0f - p * t * exponential(-size * size);
    return x < 0 ? -y : y;
}

#endif
