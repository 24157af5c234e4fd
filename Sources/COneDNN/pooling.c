// Pooling over N,H,W,C in fp32 and bf16. The innermost loop runs over channels, which lie side by side.
#include "internal.h"

#include <float.h>
#include <string.h>

typedef struct {
    const float *x;
    float *y;
    const uint16_t *x16;
    uint16_t *y16;
    uint8_t *winner;
    const uint8_t *won;
    int64_t h, w, channels, out_h, out_w, kernel, stride, pad, pixels;
} pool_job;

/// One call for each row of the result: begin and end count rows over all images.
NN_KERNEL static void max_piece(void *context, int64_t begin, int64_t end) {
    const pool_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        int64_t image = row / job->out_h, top = row % job->out_h * job->stride - job->pad;
        for (int64_t column = 0; column < job->out_w; column++) {
            int64_t left = column * job->stride - job->pad, at = (row * job->out_w + column) * channels;
            float *y = job->y + at;
            uint8_t *winner = job->winner ? job->winner + at : NULL;
            for (int64_t j = 0; j < channels; j++) y[j] = -FLT_MAX;
            for (int64_t ky = 0; ky < job->kernel; ky++)
                for (int64_t kx = 0; kx < job->kernel; kx++) {
                    int64_t sy = top + ky, sx = left + kx;
                    if (sy < 0 || sy >= job->h || sx < 0 || sx >= job->w) continue;
                    const float *x = job->x + ((image * job->h + sy) * job->w + sx) * channels;
                    uint8_t place = (uint8_t)(ky * job->kernel + kx);
                    if (winner)
                        for (int64_t j = 0; j < channels; j++) {
                            winner[j] = x[j] > y[j] ? place : winner[j];
                            y[j] = x[j] > y[j] ? x[j] : y[j];
                        }
                    else
                        for (int64_t j = 0; j < channels; j++) y[j] = x[j] > y[j] ? x[j] : y[j];
                }
        }
    }
}

void nn_max_pool(
    const float *x, float *y, uint8_t *winner, int64_t n, int64_t h, int64_t w, int64_t channels,
    int64_t out_h, int64_t out_w, int64_t kernel, int64_t stride, int64_t pad) {
    pool_job job = {
        .x = x, .y = y, .winner = winner, .h = h, .w = w, .channels = channels, .out_h = out_h, .out_w = out_w,
        .kernel = kernel, .stride = stride, .pad = pad};
    nn_parallel(n * out_h, 4, max_piece, &job);
}

/// Windows overlap, so a piece is whole images: each element of dx belongs to one piece.
NN_KERNEL static void max_backward_piece(void *context, int64_t begin, int64_t end) {
    const pool_job *job = context;
    const int64_t channels = job->channels, image_size = job->h * job->w * channels;
    memset(job->y + begin * image_size, 0, (size_t)((end - begin) * image_size) * sizeof(float));
    for (int64_t image = begin; image < end; image++)
        for (int64_t row = 0; row < job->out_h; row++)
            for (int64_t column = 0; column < job->out_w; column++) {
                int64_t at = ((image * job->out_h + row) * job->out_w + column) * channels;
                const float *dy = job->x + at;
                const uint8_t *won = job->won + at;
                for (int64_t ky = 0; ky < job->kernel; ky++)
                    for (int64_t kx = 0; kx < job->kernel; kx++) {
                        int64_t sy = row * job->stride - job->pad + ky, sx = column * job->stride - job->pad + kx;
                        if (sy < 0 || sy >= job->h || sx < 0 || sx >= job->w) continue;
                        float *dx = job->y + image * image_size + (sy * job->w + sx) * channels;
                        uint8_t place = (uint8_t)(ky * job->kernel + kx);
                        for (int64_t j = 0; j < channels; j++) dx[j] += won[j] == place ? dy[j] : 0;
                    }
            }
}

void nn_max_pool_backward(
    const float *dy, const uint8_t *winner, float *dx, int64_t n, int64_t h, int64_t w, int64_t channels,
    int64_t out_h, int64_t out_w, int64_t kernel, int64_t stride, int64_t pad) {
    pool_job job = {
        .x = dy, .y = dx, .won = winner, .h = h, .w = w, .channels = channels, .out_h = out_h, .out_w = out_w,
        .kernel = kernel, .stride = stride, .pad = pad};
    nn_parallel(n, 1, max_backward_piece, &job);
}

NN_KERNEL static void mean_piece(void *context, int64_t begin, int64_t end) {
    const pool_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t image = begin; image < end; image++) {
        float *y = job->y + image * channels;
        for (int64_t j = 0; j < channels; j++) y[j] = 0;
        for (int64_t i = 0; i < job->pixels; i++) {
            const float *x = job->x + (image * job->pixels + i) * channels;
            for (int64_t j = 0; j < channels; j++) y[j] += x[j];
        }
        for (int64_t j = 0; j < channels; j++) y[j] /= (float)job->pixels;
    }
}

void nn_mean_pool(const float *x, float *y, int64_t n, int64_t pixels, int64_t channels) {
    pool_job job = {.x = x, .y = y, .channels = channels, .pixels = pixels};
    nn_parallel(n, 1, mean_piece, &job);
}

NN_KERNEL static void mean_backward_piece(void *context, int64_t begin, int64_t end) {
    const pool_job *job = context;
    const int64_t channels = job->channels;
    const float share = 1 / (float)job->pixels;
    for (int64_t image = begin; image < end; image++)
        for (int64_t i = 0; i < job->pixels; i++) {
            float *dx = job->y + (image * job->pixels + i) * channels;
            for (int64_t j = 0; j < channels; j++) dx[j] = job->x[image * channels + j] * share;
        }
}

void nn_mean_pool_backward(const float *dy, float *dx, int64_t n, int64_t pixels, int64_t channels) {
    pool_job job = {.x = dy, .y = dx, .channels = channels, .pixels = pixels};
    nn_parallel(n, 1, mean_backward_piece, &job);
}

static inline float widen(uint16_t value) {
    uint32_t bits = (uint32_t)value << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/// bf16 orders as its bits do once negative numbers have all but their sign inverted.
static inline int16_t ordered(uint16_t value) {
    int16_t bits = (int16_t)value;
    return (int16_t)(bits ^ ((bits >> 15) & 0x7FFF));
}

NN_KERNEL static void max_bf16_piece(void *context, int64_t begin, int64_t end) {
    const pool_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t row = begin; row < end; row++) {
        int64_t image = row / job->out_h, top = row % job->out_h * job->stride - job->pad;
        for (int64_t column = 0; column < job->out_w; column++) {
            int64_t left = column * job->stride - job->pad;
            int16_t *y = (int16_t *)job->y16 + (row * job->out_w + column) * channels;
            for (int64_t j = 0; j < channels; j++) y[j] = INT16_MIN;
            for (int64_t ky = 0; ky < job->kernel; ky++)
                for (int64_t kx = 0; kx < job->kernel; kx++) {
                    int64_t sy = top + ky, sx = left + kx;
                    if (sy < 0 || sy >= job->h || sx < 0 || sx >= job->w) continue;
                    const uint16_t *x = job->x16 + ((image * job->h + sy) * job->w + sx) * channels;
                    for (int64_t j = 0; j < channels; j++) {
                        int16_t candidate = ordered(x[j]);
                        y[j] = candidate > y[j] ? candidate : y[j];
                    }
                }
            for (int64_t j = 0; j < channels; j++) y[j] = ordered((uint16_t)y[j]);
        }
    }
}

void nn_max_pool_bf16(
    const uint16_t *x, uint16_t *y, int64_t n, int64_t h, int64_t w, int64_t channels, int64_t out_h,
    int64_t out_w, int64_t kernel, int64_t stride, int64_t pad) {
    pool_job job = {
        .x16 = x, .y16 = y, .h = h, .w = w, .channels = channels, .out_h = out_h, .out_w = out_w, .kernel = kernel,
        .stride = stride, .pad = pad};
    nn_parallel(n * out_h, 4, max_bf16_piece, &job);
}

NN_KERNEL static void mean_bf16_piece(void *context, int64_t begin, int64_t end) {
    const pool_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t image = begin; image < end; image++) {
        float *y = job->y + image * channels;
        for (int64_t j = 0; j < channels; j++) y[j] = 0;
        for (int64_t i = 0; i < job->pixels; i++) {
            const uint16_t *x = job->x16 + (image * job->pixels + i) * channels;
            for (int64_t j = 0; j < channels; j++) y[j] += widen(x[j]);
        }
        for (int64_t j = 0; j < channels; j++) y[j] /= (float)job->pixels;
    }
}

void nn_mean_pool_bf16(const uint16_t *x, float *y, int64_t n, int64_t pixels, int64_t channels) {
    pool_job job = {.x16 = x, .y = y, .channels = channels, .pixels = pixels};
    nn_parallel(n, 1, mean_bf16_piece, &job);
}
