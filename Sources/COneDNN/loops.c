// Elementwise loops and sums. Plain loops that the compiler vectorises; no sum's order depends on
// the number of threads or on the vector width, so that results do not either.
#include "internal.h"

#include <math.h>

#define ELEMENTWISE_GRAIN 16384

/// Up to three arrays of inputs, one of output, two numbers: all that the elementwise loops need.
typedef struct {
    const float *a, *b;
    float *out;
    float number;
    uint64_t seed;
} elementwise;

#define ELEMENTWISE(name, expression)                                                       \
    NN_KERNEL static void name##_piece(void *context, int64_t begin, int64_t end) {         \
        const elementwise *job = context;                                                   \
        const float *a = job->a, *b = job->b;                                               \
        float *out = job->out;                                                              \
        const float number = job->number;                                                   \
        (void)a, (void)b, (void)number;                                                     \
        /* In place or apart, never shifted: element i touches element i only. */           \
        _Pragma("clang loop vectorize(assume_safety)")                                      \
        for (int64_t i = begin; i < end; i++) out[i] = (expression);                        \
    }

ELEMENTWISE(add, out[i] + a[i])
ELEMENTWISE(scale, out[i] * number)
ELEMENTWISE(relu, a[i] > 0 ? a[i] : 0)
ELEMENTWISE(relu6, a[i] > 0 ? (a[i] < 6 ? a[i] : 6) : 0)
ELEMENTWISE(relu6_backward, a[i] > 0 && a[i] < 6 ? b[i] : 0)
ELEMENTWISE(relu_backward, a[i] > 0 ? b[i] : 0)
ELEMENTWISE(tanh_backward, (1 - a[i] * a[i]) * b[i])

static void tanh_forward_piece(void *context, int64_t begin, int64_t end) {
    const elementwise *job = context;
    for (int64_t i = begin; i < end; i++) job->out[i] = tanhf(job->a[i]);
}

static void elementwise_run(nn_body body, const float *a, const float *b, float *out, int64_t count, float number) {
    elementwise job = {a, b, out, number, 0};
    nn_parallel(count, ELEMENTWISE_GRAIN, body, &job);
}

void nn_add(float *a, const float *b, int64_t count) { elementwise_run(add_piece, b, NULL, a, count, 0); }
void nn_scale(float *a, float factor, int64_t count) { elementwise_run(scale_piece, NULL, NULL, a, count, factor); }
void nn_relu(const float *x, float *y, int64_t count) { elementwise_run(relu_piece, x, NULL, y, count, 0); }
void nn_relu_backward(const float *y, const float *dy, float *dx, int64_t count) {
    elementwise_run(relu_backward_piece, y, dy, dx, count, 0);
}
void nn_relu6(const float *x, float *y, int64_t count) { elementwise_run(relu6_piece, x, NULL, y, count, 0); }
void nn_relu6_backward(const float *y, const float *dy, float *dx, int64_t count) {
    elementwise_run(relu6_backward_piece, y, dy, dx, count, 0);
}
void nn_tanh(const float *x, float *y, int64_t count) { elementwise_run(tanh_forward_piece, x, NULL, y, count, 0); }
void nn_tanh_backward(const float *y, const float *dy, float *dx, int64_t count) {
    elementwise_run(tanh_backward_piece, y, dy, dx, count, 0);
}

/// SplitMix64 of Steele, Lea and Flood (OOPSLA 2014), entered at any place of its sequence.
static inline uint64_t split_mix(uint64_t seed, uint64_t place) {
    uint64_t z = seed + (place + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

NN_KERNEL static void dropout_piece(void *context, int64_t begin, int64_t end) {
    const elementwise *job = context;
    const float *x = job->a;
    float *y = job->out;
    const uint64_t seed = job->seed;
    const float kept = 1 / (1 - job->number);
    // The upper 24 bits against the probability in 2^-24ths.
    const uint32_t threshold = (uint32_t)(job->number * 16777216.0f);
    for (int64_t i = begin; i < end; i++) {
        uint32_t drawn = (uint32_t)(split_mix(seed, (uint64_t)i) >> 40);
        y[i] = drawn >= threshold ? x[i] * kept : 0;
    }
}

void nn_dropout(const float *x, float *y, int64_t count, float probability, uint64_t seed) {
    elementwise job = {x, NULL, y, probability, seed};
    nn_parallel(count, ELEMENTWISE_GRAIN, dropout_piece, &job);
}

typedef struct {
    const float *x;
    float *sums;
    int64_t rows, columns;
} column_sums_job;

/// Columns of its own over all rows, so that the order of each sum is always the same.
NN_KERNEL static void column_sums_piece(void *context, int64_t begin, int64_t end) {
    const column_sums_job *job = context;
    const int64_t rows = job->rows, columns = job->columns;
    int64_t first = begin;
    // As many columns at a time as sums fit registers: what is read is read once, and nothing else is touched.
    for (; first + 64 <= end; first += 64) {
        float lanes[64] = {0};
        for (int64_t i = 0; i < rows; i++) {
            const float *x = job->x + i * columns + first;
            for (int lane = 0; lane < 64; lane++) lanes[lane] += x[lane];
        }
        for (int lane = 0; lane < 64; lane++) job->sums[first + lane] = lanes[lane];
    }
    for (int64_t j = first; j < end; j++) job->sums[j] = 0;
    for (int64_t i = 0; i < rows && first < end; i++)
        for (int64_t j = first; j < end; j++) job->sums[j] += job->x[i * columns + j];
}

void nn_column_sums(const float *x, float *sums, int64_t rows, int64_t columns) {
    column_sums_job job = {x, sums, rows, columns};
    // What is soon summed is not worth a second thread's start.
    if (rows * columns < ELEMENTWISE_GRAIN) {
        column_sums_piece(&job, 0, columns);
    } else {
        nn_parallel(columns, 64, column_sums_piece, &job);
    }
}

#define MOST_BLOCKS 256

typedef struct {
    const float *x;
    int64_t count, block;
    double sums[MOST_BLOCKS];
} squares_job;

NN_KERNEL static void squares_piece(void *context, int64_t begin, int64_t end) {
    squares_job *job = context;
    for (int64_t block = begin; block < end; block++) {
        int64_t i = block * job->block, last = i + job->block < job->count ? i + job->block : job->count;
        const float *x = job->x;
        double lanes[32] = {0};
        for (; i + 32 <= last; i += 32)
            for (int lane = 0; lane < 32; lane++) lanes[lane] += (double)x[i + lane] * x[i + lane];
        for (; i < last; i++) lanes[0] += (double)x[i] * x[i];
        double sum = 0;
        for (int lane = 0; lane < 32; lane++) sum += lanes[lane];
        job->sums[block] = sum;
    }
}

double nn_sum_of_squares(const float *x, int64_t count) {
    // Blocks by the count alone, added in order: the sum is the same for any number of threads.
    int64_t block = (count + MOST_BLOCKS - 1) / MOST_BLOCKS;
    block = block < ELEMENTWISE_GRAIN ? ELEMENTWISE_GRAIN : (block + 31) / 32 * 32;
    int64_t blocks = (count + block - 1) / block;
    squares_job job = {.x = x, .count = count, .block = block};
    nn_parallel(blocks, 1, squares_piece, &job);
    double sum = 0;
    for (int64_t i = 0; i < blocks; i++) sum += job.sums[i];
    return sum;
}

NN_KERNEL void nn_softmax_rows(const float *x, float *y, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) {
        const float *from = x + i * columns;
        float *to = y + i * columns;
        float highest = from[0], sum = 0;
        for (int64_t j = 1; j < columns; j++) highest = from[j] > highest ? from[j] : highest;
        for (int64_t j = 0; j < columns; j++) sum += to[j] = expf(from[j] - highest);
        for (int64_t j = 0; j < columns; j++) to[j] /= sum;
    }
}

NN_KERNEL void nn_softmax_rows_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) {
        const float *p = y + i * columns, *g = dy + i * columns;
        float dot = 0;
        for (int64_t j = 0; j < columns; j++) dot += p[j] * g[j];
        for (int64_t j = 0; j < columns; j++) dx[i * columns + j] = p[j] * (g[j] - dot);
    }
}
