// Loops over the channels of N,H,W,C: copies of some of them, mean and maximum, products with one number a pixel or
// one a channel. Sums over channels run in 16 lanes whatever the processor, so that their order is always the same.
#include "internal.h"

#include <string.h>

enum { LANES = 16 };

/// Rows of channels; `winner` remembers where maxima stood.
typedef struct {
    const float *a, *b;
    float *out;
    int32_t *winner;
    const int32_t *won;
    int64_t pixels, channels, from_width, to_width;
    float factor;
} channel_job;

static int64_t rows_grain(int64_t channels) { return 1 + 16384 / (channels > 0 ? channels : 1); }

static void copy_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    for (int64_t row = begin; row < end; row++)
        memcpy(
            job->out + row * job->to_width, job->a + row * job->from_width, (size_t)job->channels * sizeof(float));
}

void nn_copy_channels(
    const float *x, int64_t from_width, float *y, int64_t to_width, int64_t rows, int64_t channels) {
    channel_job job = {.a = x, .out = y, .from_width = from_width, .to_width = to_width, .channels = channels};
    nn_parallel(rows, rows_grain(channels), copy_piece, &job);
}

static inline float lanes_sum(const float lanes[LANES]) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
    return sum;
}

NN_KERNEL static void mean_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        const float *x = job->a + row * channels;
        float lanes[LANES] = {0};
        int64_t j = 0;
        for (; j + LANES <= channels; j += LANES)
            for (int lane = 0; lane < LANES; lane++) lanes[lane] += x[j + lane];
        for (int lane = 0; j < channels; j++, lane++) lanes[lane] += x[j];
        job->out[row] = lanes_sum(lanes) * job->factor;
    }
}

void nn_channel_mean(const float *x, float *y, int64_t rows, int64_t channels) {
    channel_job job = {.a = x, .out = y, .channels = channels, .factor = 1 / (float)channels};
    nn_parallel(rows, rows_grain(channels), mean_piece, &job);
}

NN_KERNEL static void spread_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    for (int64_t row = begin; row < end; row++) {
        const float share = job->a[row] * job->factor;
        float *y = job->out + row * job->channels;
        for (int64_t j = 0; j < job->channels; j++) y[j] = share;
    }
}

void nn_channel_mean_backward(const float *dy, float *dx, int64_t rows, int64_t channels) {
    channel_job job = {.a = dy, .out = dx, .channels = channels, .factor = 1 / (float)channels};
    nn_parallel(rows, rows_grain(channels), spread_piece, &job);
}

static void max_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        const float *x = job->a + row * channels;
        int32_t best = 0;
        for (int64_t j = 1; j < channels; j++) best = x[j] > x[best] ? (int32_t)j : best;
        job->out[row] = x[best];
        if (job->winner) job->winner[row] = best;
    }
}

void nn_channel_max(const float *x, float *y, int32_t *winner, int64_t rows, int64_t channels) {
    channel_job job = {.a = x, .out = y, .winner = winner, .channels = channels};
    nn_parallel(rows, rows_grain(channels), max_piece, &job);
}

static void max_backward_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    memset(job->out + begin * channels, 0, (size_t)((end - begin) * channels) * sizeof(float));
    for (int64_t row = begin; row < end; row++) job->out[row * channels + job->won[row]] = job->a[row];
}

void nn_channel_max_backward(const float *dy, const int32_t *winner, float *dx, int64_t rows, int64_t channels) {
    channel_job job = {.a = dy, .out = dx, .won = winner, .channels = channels};
    nn_parallel(rows, rows_grain(channels), max_backward_piece, &job);
}

NN_KERNEL static void global_max_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t image = begin; image < end; image++) {
        const float *x = job->a + image * job->pixels * channels;
        float *y = job->out + image * channels;
        int32_t *winner = job->winner + image * channels;
        for (int64_t j = 0; j < channels; j++) y[j] = x[j], winner[j] = 0;
        for (int64_t i = 1; i < job->pixels; i++)
            for (int64_t j = 0; j < channels; j++) {
                const float candidate = x[i * channels + j];
                winner[j] = candidate > y[j] ? (int32_t)i : winner[j];
                y[j] = candidate > y[j] ? candidate : y[j];
            }
    }
}

void nn_global_max(const float *x, float *y, int32_t *winner, int64_t n, int64_t pixels, int64_t channels) {
    channel_job job = {.a = x, .out = y, .winner = winner, .pixels = pixels, .channels = channels};
    nn_parallel(n, 1, global_max_piece, &job);
}

static void global_max_backward_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels, size = job->pixels * channels;
    memset(job->out + begin * size, 0, (size_t)((end - begin) * size) * sizeof(float));
    for (int64_t image = begin; image < end; image++)
        for (int64_t j = 0; j < channels; j++)
            job->out[image * size + job->won[image * channels + j] * channels + j] = job->a[image * channels + j];
}

void nn_global_max_backward(
    const float *dy, const int32_t *winner, float *dx, int64_t n, int64_t pixels, int64_t channels) {
    channel_job job = {.a = dy, .out = dx, .won = winner, .pixels = pixels, .channels = channels};
    nn_parallel(n, 1, global_max_backward_piece, &job);
}

NN_KERNEL static void scale_channels_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        const float *x = job->a + row * channels, *factors = job->b + row / job->pixels * channels;
        float *y = job->out + row * channels;
        for (int64_t j = 0; j < channels; j++) y[j] = x[j] * factors[j];
    }
}

void nn_scale_channels(
    const float *x, const float *factors, float *y, int64_t n, int64_t pixels, int64_t channels) {
    channel_job job = {.a = x, .b = factors, .out = y, .pixels = pixels, .channels = channels};
    nn_parallel(n * pixels, rows_grain(channels), scale_channels_piece, &job);
}

NN_KERNEL static void channel_products_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t image = begin; image < end; image++) {
        float *sums = job->out + image * channels;
        const float *a = job->a + image * job->pixels * channels, *b = job->b + image * job->pixels * channels;
        for (int64_t j = 0; j < channels; j++) sums[j] = 0;
        for (int64_t i = 0; i < job->pixels; i++)
            for (int64_t j = 0; j < channels; j++) sums[j] += a[i * channels + j] * b[i * channels + j];
    }
}

void nn_channel_products(
    const float *a, const float *b, float *sums, int64_t n, int64_t pixels, int64_t channels) {
    channel_job job = {.a = a, .b = b, .out = sums, .pixels = pixels, .channels = channels};
    nn_parallel(n, 1, channel_products_piece, &job);
}

NN_KERNEL static void scale_pixels_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        const float factor = job->b[row];
        for (int64_t j = row * channels; j < (row + 1) * channels; j++) job->out[j] = job->a[j] * factor;
    }
}

void nn_scale_pixels(const float *x, const float *factors, float *y, int64_t rows, int64_t channels) {
    channel_job job = {.a = x, .b = factors, .out = y, .channels = channels};
    nn_parallel(rows, rows_grain(channels), scale_pixels_piece, &job);
}

NN_KERNEL static void pixel_products_piece(void *context, int64_t begin, int64_t end) {
    const channel_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        const float *a = job->a + row * channels, *b = job->b + row * channels;
        float lanes[LANES] = {0};
        int64_t j = 0;
        for (; j + LANES <= channels; j += LANES)
            for (int lane = 0; lane < LANES; lane++) lanes[lane] += a[j + lane] * b[j + lane];
        for (int lane = 0; j < channels; j++, lane++) lanes[lane] += a[j] * b[j];
        job->out[row] = lanes_sum(lanes);
    }
}

void nn_pixel_products(const float *a, const float *b, float *sums, int64_t rows, int64_t channels) {
    channel_job job = {.a = a, .b = b, .out = sums, .channels = channels};
    nn_parallel(rows, rows_grain(channels), pixel_products_piece, &job);
}
