// Activation functions beyond those of loops.c, forward and backward, elementwise over fp32.
#include "internal.h"
#include "numerics.h"
#include "vectors.h"

#define GRAIN 16384

typedef struct {
    const float *a, *b;
    float *out;
} activation_job;

#define ELEMENTWISE(name, expression)                                                \
    NN_KERNEL static void name##_piece(void *context, int64_t begin, int64_t end) {  \
        const activation_job *job = context;                                         \
        const float *a = job->a, *b = job->b;                                        \
        float *out = job->out;                                                       \
        (void)b;                                                                     \
        /* In place or apart, never shifted: element i touches element i only. */    \
        _Pragma("clang loop vectorize(assume_safety)")                               \
        for (int64_t i = begin; i < end; i++) out[i] = (expression);                 \
    }

/// Φ(x) + x·φ(x).
static inline float gelu_slope(float x) {
    return 0.5f * (1 + error_function(x * 0.70710678f)) + x * 0.39894228f * exponential(-0.5f * x * x);
}
static inline float sigmoid(float x) {
    float e = exponential(x < 0 ? x : -x);
    return (x < 0 ? e : 1) / (1 + e);
}

ELEMENTWISE(gelu_backward, gelu_slope(a[i]) * b[i])
ELEMENTWISE(sigmoid, sigmoid(a[i]))
ELEMENTWISE(sigmoid_backward, a[i] * (1 - a[i]) * b[i])
ELEMENTWISE(sum, a[i] + b[i])
ELEMENTWISE(product, a[i] * b[i])

static void run(nn_body body, const float *a, const float *b, float *out, int64_t count) {
    activation_job job = {a, b, out};
    nn_parallel(count, GRAIN, body, &job);
}

typedef struct {
    const void *from;
    void *to;
} gelu_job;

/// Thirty-two numbers, in place or apart.
#define GELU(from, to, share, load, store)                                          \
    do {                                                                            \
        const lanes first = load(from), second = load((from) + LANES);              \
        lanes first_share, second_share;                                            \
        share(first_share, first);                                                  \
        share(second_share, second);                                                \
        first_share *= first, second_share *= second;                               \
        store(to, first_share);                                                     \
        store((to) + LANES, second_share);                                          \
    } while (0)

#define GELU_PIECE(name, kernel, element, share, load, store)                       \
    kernel static void name(void *context, int64_t begin, int64_t end) {            \
        const element *from = ((const gelu_job *)context)->from;                    \
        element *to = ((const gelu_job *)context)->to;                              \
        int64_t i = begin;                                                          \
        for (; i + 2 * LANES <= end; i += 2 * LANES) GELU(from + i, to + i, share, load, store); \
        if (i == end) return;                                                       \
        element rest[2 * LANES] = {0};                                              \
        memcpy(rest, from + i, (size_t)(end - i) * sizeof(element));                \
        GELU(rest, rest, share, load, store);                                       \
        memcpy(to + i, rest, (size_t)(end - i) * sizeof(element));                  \
    }

GELU_PIECE(gelu_piece, NN_KERNEL, float, NORMAL_SHARE, LOAD, STORE)
GELU_PIECE(gelu_bf16_piece, NN_KERNEL, uint16_t, ROUGH_NORMAL_SHARE, LOAD_BF16, STORE_BF16)
GELU_PIECE(gelu_native_piece, NATIVE_BF16, uint16_t, ROUGH_NORMAL_SHARE, LOAD_BF16, STORE_NATIVE_BF16)

void nn_gelu(const float *x, float *y, int64_t count) {
    gelu_job job = {x, y};
    nn_parallel(count, GRAIN, gelu_piece, &job);
}

void nn_gelu_bf16(uint16_t *x, int64_t count) {
    gelu_job job = {x, x};
    nn_parallel(count, GRAIN, nn_engine_has_bf16() ? gelu_native_piece : gelu_bf16_piece, &job);
}

void nn_gelu_backward(const float *x, const float *dy, float *dx, int64_t count) {
    run(gelu_backward_piece, x, dy, dx, count);
}
void nn_sigmoid(const float *x, float *y, int64_t count) { run(sigmoid_piece, x, 0, y, count); }
void nn_sigmoid_backward(const float *y, const float *dy, float *dx, int64_t count) {
    run(sigmoid_backward_piece, y, dy, dx, count);
}
void nn_sum(const float *a, const float *b, float *y, int64_t count) { run(sum_piece, a, b, y, count); }
void nn_product(const float *a, const float *b, float *y, int64_t count) { run(product_piece, a, b, y, count); }
