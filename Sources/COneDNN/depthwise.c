// Depthwise 3×3 convolution with stride 1 and a border of zeros, over N,H,W,C with C a multiple of 16, GELU applied in the
// same sweep; and its backward pass. The windows of four pixels side by side are loaded together, eighteen vectors for four
// results.
#include "internal.h"
#include "vectors.h"

#include <stddef.h>

enum { TAPS = 9 };

/// Pixels side by side that share what is loaded of their windows.
enum { GROUP = 4 };
/// Channels that all pixels of a row pass by before the next ones. Numbers of a pixel lie side by side, so memory is read and
/// written in stretches of as many; their kernels and windows stay in the caches.
enum { CHUNK = 512 };

/// Three rows of six columns: the windows of four pixels from `x` on, zeros outside of the image.
#define TAKE_WINDOWS(load, at)                                                                                \
    lanes w[3][GROUP + 2];                                                                                    \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < 3; r++)                                            \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < GROUP + 2; j++)                                \
            w[r][j] = around[r] && (j > 0 || x > 0) && (j == 0 || x - 1 + j < width)                          \
                          ? load(around[r] + (x - 1 + j) * channels + (at))                                   \
                          : zero

#define TAKE_WEIGHTS(at)                                                          \
    const lanes k0 = LOAD(at), k1 = LOAD((at) + channels), k2 = LOAD((at) + 2 * channels),          \
                k3 = LOAD((at) + 3 * channels), k4 = LOAD((at) + 4 * channels), k5 = LOAD((at) + 5 * channels), \
                k6 = LOAD((at) + 6 * channels), k7 = LOAD((at) + 7 * channels), k8 = LOAD((at) + 8 * channels)

typedef struct {
    const nn_depthwise *shape;
    const void *x;
    const float *weights, *bias;
    float *slope;
    void *y;
} forward_job;

/// slope · GELU′(z), where `share` is Φ(z).
#define CARRY_SLOPE(place, share)                                                                             \
    do {                                                                                                      \
        lanes density;                                                                                        \
        EXPONENTIAL(density, z * z * -0.5f);                                                                  \
        STORE(slope + (place), LOAD(slope + (place)) * ((share) + z * density * 0.39894228f));                \
    } while (0)

#define FINISH_F32(place)                                                                                     \
    do {                                                                                                      \
        lanes share;                                                                                          \
        NORMAL_SHARE(share, z);                                                                               \
        if (slope) CARRY_SLOPE(place, share);                                                                 \
        STORE(y + (place), z * share);                                                                        \
    } while (0)

#define FINISH_NARROW(place, store)                                                                           \
    do {                                                                                                      \
        lanes share;                                                                                          \
        if (slope) {                                                                                          \
            NORMAL_SHARE(share, z);                                                                           \
            CARRY_SLOPE(place, share);                                                                        \
        }                                                                                                     \
        ROUGH_NORMAL_SHARE(share, z);                                                                         \
        z *= share;                                                                                           \
        store(y + (place), z);                                                                                \
    } while (0)
#define FINISH_BF16(place) FINISH_NARROW(place, STORE_BF16)
#define FINISH_NATIVE(place) FINISH_NARROW(place, STORE_NATIVE_BF16)

/// One row of results, four pixels and sixteen channels at a time. `element` is the type of what is read, and of y.
#define FORWARD_ROW(name, kernel, element, load, finish)                                                      \
    kernel static void name(const forward_job *job, int64_t image, int64_t row) {                             \
        const nn_depthwise *s = job->shape;                                                                   \
        const int64_t channels = s->channels, width = s->width, pitch = width * channels;                     \
        const element *middle = (const element *)job->x + (image * s->in_rows + row - s->in_first) * pitch;   \
        const element *around[3] = {row > 0 ? middle - pitch : NULL, middle, row + 1 < s->height ? middle + pitch : NULL}; \
        const int64_t at = (image * s->out_rows + row - s->out_first) * pitch;                                \
        float *slope = job->slope ? job->slope + at : NULL;                                                   \
        element *y = (element *)job->y + at;                                                                  \
        const lanes zero = 0.0f;                                                                              \
        for (int64_t chunk = 0; chunk < channels; chunk += CHUNK) {                                           \
            const int64_t end = chunk + CHUNK < channels ? chunk + CHUNK : channels;                          \
            for (int64_t x = 0; x < width; x += GROUP)                                                        \
                for (int64_t c = chunk; c < end; c += LANES) {                                                \
                    TAKE_WINDOWS(load, c);                                                                    \
                    TAKE_WEIGHTS(job->weights + c);                                                           \
                    const lanes start = LOAD(job->bias + c);                                                  \
                    _Pragma("clang loop unroll(full)") for (int i = 0; i < GROUP; i++) {                      \
                        if (x + i >= width) break;                                                            \
                        lanes z = (start + k0 * w[0][i] + k1 * w[0][i + 1] + k2 * w[0][i + 2]) +              \
                                  ((k3 * w[1][i] + k4 * w[1][i + 1] + k5 * w[1][i + 2]) +                     \
                                   (k6 * w[2][i] + k7 * w[2][i + 1] + k8 * w[2][i + 2]));                     \
                        finish((x + i) * channels + c);                                                       \
                    }                                                                                         \
                }                                                                                             \
        }                                                                                                     \
    }

FORWARD_ROW(forward_row_f32, NN_KERNEL, float, LOAD, FINISH_F32)
FORWARD_ROW(forward_row_bf16, NN_KERNEL, uint16_t, LOAD_BF16, FINISH_BF16)
FORWARD_ROW(forward_row_native, NATIVE_BF16, uint16_t, LOAD_BF16, FINISH_NATIVE)

static void forward_piece(void *context, int64_t begin, int64_t end) {
    const forward_job *job = context;
    const int64_t rows = job->shape->out_rows;
    const int native = nn_engine_has_bf16();
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = i / rows, row = i % rows + job->shape->out_first;
        if (job->shape->bf16 && native) forward_row_native(job, image, row);
        else if (job->shape->bf16) forward_row_bf16(job, image, row);
        else forward_row_f32(job, image, row);
    }
}

void nn_depthwise_gelu(
    const nn_depthwise *shape, const void *x, const float *weights, const float *bias, float *slope, void *y) {
    forward_job job = {shape, x, weights, bias, slope, y};
    nn_parallel(shape->images * shape->out_rows, 1, forward_piece, &job);
}

typedef struct {
    const nn_depthwise *shape;
    const void *x;
    const float *weights, *dz;
    float *dx, *dweights, *dbias, *dx_sums;
} backward_job;

/// Blocks of sixteen channels from `begin` to `end`, over all images: a channel's sums belong to one call. Those of a row
/// are made first. Tap t of a number went to the result at the opposite place of the window. `element` is the type of x.
#define BACKWARD_PIECE(name, element, load)                                                                           \
    NN_KERNEL static void name(void *context, int64_t begin, int64_t end) {                                           \
        const backward_job *job = context;                                                                            \
        const nn_depthwise *s = job->shape;                                                                           \
        const int64_t channels = s->channels, width = s->width, height = s->height, pitch = width * channels;         \
        const lanes zero = 0.0f;                                                                                      \
        for (int64_t c = begin * LANES; c < end * LANES; c += LANES) {                                                \
            for (int tap = 0; tap < TAPS; tap++) STORE(job->dweights + tap * channels + c, zero);                     \
            STORE(job->dbias + c, zero);                                                                              \
            STORE(job->dx_sums + c, zero);                                                                            \
        }                                                                                                             \
        for (int64_t line = 0; line < s->images * height; line++) {                                                   \
            const int64_t row = line % height;                                                                        \
            const float *middle = job->dz + line * pitch;                                                             \
            const float *around[3] = {row > 0 ? middle - pitch : NULL, middle, row + 1 < height ? middle + pitch : NULL}; \
            const element *from = (const element *)job->x + line * pitch;                                             \
            float *dx = job->dx + line * pitch;                                                                       \
            for (int64_t chunk = begin * LANES; chunk < end * LANES; chunk += CHUNK) {                                \
                const int64_t last = chunk + CHUNK < end * LANES ? chunk + CHUNK : end * LANES;                       \
                float sums[(TAPS + 2) * CHUNK] = {0};                                                                 \
                for (int64_t x = 0; x < width; x += GROUP)                                                            \
                    for (int64_t c = chunk; c < last; c += LANES) {                                                   \
                        TAKE_WINDOWS(LOAD, c);                                                                        \
                        lanes u[GROUP], made = zero;                                                                  \
                        {                                                                                             \
                            TAKE_WEIGHTS(job->weights + c);                                                           \
                            _Pragma("clang loop unroll(full)") for (int i = 0; i < GROUP; i++) {                      \
                                u[i] = zero;                                                                          \
                                if (x + i >= width) continue;                                                         \
                                u[i] = load(from + (x + i) * channels + c);                                           \
                                const lanes d =                                                                       \
                                    k8 * w[0][i] + k7 * w[0][i + 1] + k6 * w[0][i + 2] + k5 * w[1][i] + k4 * w[1][i + 1] + \
                                    k3 * w[1][i + 2] + k2 * w[2][i] + k1 * w[2][i + 1] + k0 * w[2][i + 2];            \
                                STORE(dx + (x + i) * channels + c, d);                                                \
                                made += d;                                                                            \
                            }                                                                                         \
                        }                                                                                             \
                        float *own = sums + c - chunk;                                                                \
                        _Pragma("clang loop unroll(full)") for (int r = 0; r < 3; r++)                                \
                            _Pragma("clang loop unroll(full)") for (int j = 0; j < 3; j++) {                          \
                                lanes sum = LOAD(own + (8 - 3 * r - j) * CHUNK);                                      \
                                _Pragma("clang loop unroll(full)") for (int i = 0; i < GROUP; i++) sum += u[i] * w[r][i + j]; \
                                STORE(own + (8 - 3 * r - j) * CHUNK, sum);                                            \
                            }                                                                                         \
                        STORE(own + (TAPS + 1) * CHUNK, LOAD(own + (TAPS + 1) * CHUNK) + made);                       \
                        STORE(own + TAPS * CHUNK, LOAD(own + TAPS * CHUNK) + ((w[1][1] + w[1][2]) + (w[1][3] + w[1][4]))); \
                    }                                                                                                 \
                for (int64_t c = chunk; c < last; c += LANES) {                                                       \
                    for (int tap = 0; tap < TAPS; tap++) {                                                            \
                        float *total = job->dweights + tap * channels + c;                                            \
                        STORE(total, LOAD(total) + LOAD(sums + tap * CHUNK + c - chunk));                             \
                    }                                                                                                 \
                    STORE(job->dbias + c, LOAD(job->dbias + c) + LOAD(sums + TAPS * CHUNK + c - chunk));              \
                    STORE(job->dx_sums + c, LOAD(job->dx_sums + c) + LOAD(sums + (TAPS + 1) * CHUNK + c - chunk));    \
                }                                                                                                     \
            }                                                                                                         \
        }                                                                                                             \
    }

BACKWARD_PIECE(backward_f32, float, LOAD)
BACKWARD_PIECE(backward_bf16, uint16_t, LOAD_BF16)

void nn_depthwise_backward(
    const nn_depthwise *shape, const void *x, const float *weights, const float *dz, float *dx, float *dweights,
    float *dbias, float *dx_sums) {
    backward_job job = {shape, x, weights, dz, dx, dweights, dbias, dx_sums};
    nn_parallel(shape->channels / LANES, 1, shape->bf16 ? backward_bf16 : backward_f32, &job);
}
