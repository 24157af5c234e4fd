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
    uint16_t *x;
} narrow_job;

NN_KERNEL static void gelu_piece(void *context, int64_t begin, int64_t end) {
    const activation_job *job = context;
    int64_t i = begin;
    for (; i + LANES <= end; i += LANES) {
        const lanes x = LOAD(job->a + i);
        lanes share;
        NORMAL_SHARE(share, x);
        STORE(job->out + i, x * share);
    }
    if (i == end) return;
    float rest[LANES] = {0};
    memcpy(rest, job->a + i, (size_t)(end - i) * 4);
    const lanes x = LOAD(rest);
    lanes share;
    NORMAL_SHARE(share, x);
    STORE(rest, x * share);
    memcpy(job->out + i, rest, (size_t)(end - i) * 4);
}

/// Thirty-two numbers.
#define GELU_BF16(x, store)                                                   \
    do {                                                                      \
        const lanes first = LOAD_BF16(x), second = LOAD_BF16((x) + LANES);    \
        lanes first_share, second_share;                                      \
        ROUGH_NORMAL_SHARE(first_share, first);                               \
        ROUGH_NORMAL_SHARE(second_share, second);                             \
        first_share *= first, second_share *= second;                         \
        store(x, first_share);                                                \
        store((x) + LANES, second_share);                                     \
    } while (0)

#define GELU_PIECE(name, kernel, store)                                       \
    kernel static void name(void *context, int64_t begin, int64_t end) {      \
        uint16_t *x = ((const narrow_job *)context)->x;                       \
        int64_t i = begin;                                                    \
        for (; i + 2 * LANES <= end; i += 2 * LANES) GELU_BF16(x + i, store); \
        if (i == end) return;                                                 \
        uint16_t rest[2 * LANES] = {0};                                       \
        memcpy(rest, x + i, (size_t)(end - i) * 2);                           \
        GELU_BF16(rest, store);                                               \
        memcpy(x + i, rest, (size_t)(end - i) * 2);                           \
    }

GELU_PIECE(gelu_bf16_piece, NN_KERNEL, STORE_BF16)
#if defined(__x86_64__)
GELU_PIECE(gelu_native_piece, NATIVE_BF16, STORE_NATIVE_BF16)
#else
#define gelu_native_piece gelu_bf16_piece
#endif

void nn_gelu_bf16(uint16_t *x, int64_t count) {
    narrow_job job = {x};
    nn_parallel(count, GRAIN, nn_engine_has_bf16() ? gelu_native_piece : gelu_bf16_piece, &job);
}

void nn_gelu(const float *x, float *y, int64_t count) { run(gelu_piece, x, 0, y, count); }
void nn_gelu_backward(const float *x, const float *dy, float *dx, int64_t count) {
    run(gelu_backward_piece, x, dy, dx, count);
}
void nn_sigmoid(const float *x, float *y, int64_t count) { run(sigmoid_piece, x, 0, y, count); }
void nn_sigmoid_backward(const float *y, const float *dy, float *dx, int64_t count) {
    run(sigmoid_backward_piece, y, dy, dx, count);
}
void nn_sum(const float *a, const float *b, float *y, int64_t count) { run(sum_piece, a, b, y, count); }
void nn_product(const float *a, const float *b, float *y, int64_t count) { run(product_piece, a, b, y, count); }
