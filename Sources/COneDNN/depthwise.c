// Depthwise 3×3 convolution with stride 1 and a border of zeros, over N,H,W,C with C a multiple of 16, GELU applied in the
// same sweep; and its backward pass. Sixteen channels travel along a row with their 3×3 window in registers: every number
// of a row is loaded once for each row of results.
#include "internal.h"
#include "vectors.h"

#include <stddef.h>

enum { TAPS = 9 };

/// The nine-fold sum over a window w0…w8: a sum a row, so that no addition waits for all before it.
#define WINDOW_SUM(start)                                                         \
    (((start) + k0 * w0 + k1 * w1 + k2 * w2) + ((k3 * w3 + k4 * w4 + k5 * w5) + (k6 * w6 + k7 * w7 + k8 * w8)))

/// Moves the window one pixel on; the new column is loaded where it lies in the image.
#define NEXT_COLUMN(load, place, step)                                            \
    do {                                                                          \
        w0 = w1, w1 = w2, w3 = w4, w4 = w5, w6 = w7, w7 = w8;                     \
        if ((place) < width) {                                                    \
            w2 = above ? load(above + (place) * (step)) : zero;                   \
            w5 = load(middle + (place) * (step));                                 \
            w8 = below ? load(below + (place) * (step)) : zero;                   \
        } else {                                                                  \
            w2 = zero, w5 = zero, w8 = zero;                                      \
        }                                                                         \
    } while (0)

#define TAKE_WEIGHTS(at)                                                          \
    const lanes k0 = LOAD(at), k1 = LOAD((at) + channels), k2 = LOAD((at) + 2 * channels),          \
                k3 = LOAD((at) + 3 * channels), k4 = LOAD((at) + 4 * channels), k5 = LOAD((at) + 5 * channels), \
                k6 = LOAD((at) + 6 * channels), k7 = LOAD((at) + 7 * channels), k8 = LOAD((at) + 8 * channels)

typedef struct {
    const nn_depthwise *shape;
    const void *x;
    const float *weights, *bias;
    float *sums;
    void *y;
} forward_job;

#define FINISH_F32(place)                                                                                     \
    do {                                                                                                      \
        if (sums) STORE(sums + (place), z);                                                                   \
        if (y) {                                                                                              \
            lanes share;                                                                                      \
            NORMAL_SHARE(share, z);                                                                           \
            STORE(y + (place), z * share);                                                                    \
        }                                                                                                     \
    } while (0)

#define FINISH_NARROW(place, store)                                                                           \
    do {                                                                                                      \
        if (sums) STORE(sums + (place), z);                                                                   \
        if (y) {                                                                                              \
            lanes share;                                                                                      \
            ROUGH_NORMAL_SHARE(share, z);                                                                     \
            z *= share;                                                                                       \
            store(y + (place), z);                                                                            \
        }                                                                                                     \
    } while (0)
#define FINISH_BF16(place) FINISH_NARROW(place, STORE_BF16)
#define FINISH_NATIVE(place) FINISH_NARROW(place, STORE_NATIVE_BF16)

/// Pixels that all channels pass by before the next ones: few enough for all lines of three rows of them to stay in the
/// first-level cache, wherever they fall in it.
enum { SEGMENT = 8 };

/// One row of results, of sixteen channels at a time. `element` is the type of what is read, and of y.
#define FORWARD_ROW(name, kernel, element, load, finish)                                                      \
    kernel static void name(const forward_job *job, int64_t image, int64_t row) {                             \
        const nn_depthwise *s = job->shape;                                                                   \
        const int64_t channels = s->channels, width = s->width, pitch = width * channels;                     \
        const element *rows = (const element *)job->x + image * s->in_rows * pitch;                           \
        const int64_t at = (image * s->out_rows + row - s->out_first) * pitch;                                \
        const lanes zero = 0.0f;                                                                              \
        for (int64_t first = 0; first < width; first += SEGMENT)                                              \
            for (int64_t c = 0; c < channels; c += LANES) {                                                   \
                TAKE_WEIGHTS(job->weights + c);                                                               \
                const lanes start = LOAD(job->bias + c);                                                      \
                const element *middle = rows + (row - s->in_first) * pitch + c;                               \
                const element *above = row > 0 ? middle - pitch : NULL;                                       \
                const element *below = row + 1 < s->height ? middle + pitch : NULL;                           \
                float *sums = job->sums ? job->sums + at + c : NULL;                                          \
                element *y = job->y ? (element *)job->y + at + c : NULL;                                      \
                const int64_t last = first + SEGMENT < width ? first + SEGMENT : width;                       \
                lanes w0 = zero, w1 = zero, w2 = zero, w3 = zero, w4 = zero, w5 = zero, w6 = zero, w7 = zero, w8 = zero; \
                if (first > 0) NEXT_COLUMN(load, first - 1, channels);                                        \
                NEXT_COLUMN(load, first, channels);                                                           \
                for (int64_t x = first; x < last; x++) {                                                      \
                    NEXT_COLUMN(load, x + 1, channels);                                                       \
                    lanes z = WINDOW_SUM(start);                                                              \
                    finish(x * channels);                                                                     \
                }                                                                                             \
            }                                                                                                 \
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
    const nn_depthwise *shape, const void *x, const float *weights, const float *bias, float *sums, void *y) {
    forward_job job = {shape, x, weights, bias, sums, y};
    nn_parallel(shape->images * shape->out_rows, 1, forward_piece, &job);
}

typedef struct {
    const nn_depthwise *shape;
    const void *x;
    const float *weights, *dz;
    float *dx, *dweights, *dbias;
} backward_job;

#define ADD_TAP(tap, value) STORE(sums + (tap) * channels, LOAD(sums + (tap) * channels) + (value))

/// Blocks of sixteen channels from `begin` to `end`, over all images: a channel's sums belong to one call.
/// Tap t of a number went to the result at the opposite place of the window. `element` is the type of x.
#define BACKWARD_PIECE(name, element, load)                                                                           \
    NN_KERNEL static void name(void *context, int64_t begin, int64_t end) {                                           \
        const backward_job *job = context;                                                                            \
        const nn_depthwise *s = job->shape;                                                                           \
        const int64_t channels = s->channels, width = s->width, height = s->height, pitch = width * channels;         \
        const lanes zero = 0.0f;                                                                                      \
        for (int64_t c = begin * LANES; c < end * LANES; c += LANES) {                                                \
            for (int tap = 0; tap < TAPS; tap++) STORE(job->dweights + tap * channels + c, zero);                     \
            STORE(job->dbias + c, zero);                                                                              \
        }                                                                                                             \
        for (int64_t line = 0; line < s->images * height; line++) {                                                   \
            const int64_t row = line % height;                                                                        \
            for (int64_t c = begin * LANES; c < end * LANES; c += LANES) {                                            \
                TAKE_WEIGHTS(job->weights + c);                                                                       \
                float *sums = job->dweights + c;                                                                      \
                lanes d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero, d6 = zero, d7 = zero, d8 = zero;\
                lanes total = zero;                                                                                   \
                const float *middle = job->dz + line * pitch + c;                                                     \
                const float *above = row > 0 ? middle - pitch : NULL, *below = row + 1 < height ? middle + pitch : NULL;\
                const element *x = (const element *)job->x + line * pitch + c;                                        \
                float *dx = job->dx + line * pitch + c;                                                               \
                lanes w0 = zero, w1 = zero, w2 = zero, w3 = zero, w4 = zero, w5 = zero, w6 = zero, w7 = zero, w8 = zero;\
                NEXT_COLUMN(LOAD, 0, channels);                                                                       \
                for (int64_t i = 0; i < width; i++) {                                                                 \
                    NEXT_COLUMN(LOAD, i + 1, channels);                                                               \
                    const lanes u = load(x + i * channels);                                                           \
                    STORE(                                                                                            \
                        dx + i * channels,                                                                            \
                        k8 * w0 + k7 * w1 + k6 * w2 + k5 * w3 + k4 * w4 + k3 * w5 + k2 * w6 + k1 * w7 + k0 * w8);     \
                    d8 += u * w0, d7 += u * w1, d6 += u * w2, d5 += u * w3, d4 += u * w4;                             \
                    d3 += u * w5, d2 += u * w6, d1 += u * w7, d0 += u * w8;                                           \
                    total += w4;                                                                                      \
                }                                                                                                     \
                STORE(job->dbias + c, LOAD(job->dbias + c) + total);                                                  \
                ADD_TAP(0, d0), ADD_TAP(1, d1), ADD_TAP(2, d2), ADD_TAP(3, d3), ADD_TAP(4, d4);                       \
                ADD_TAP(5, d5), ADD_TAP(6, d6), ADD_TAP(7, d7), ADD_TAP(8, d8);                                       \
            }                                                                                                         \
        }                                                                                                             \
    }

BACKWARD_PIECE(backward_f32, float, LOAD)
BACKWARD_PIECE(backward_bf16, uint16_t, LOAD_BF16)

void nn_depthwise_backward(
    const nn_depthwise *shape, const void *x, const float *weights, const float *dz, float *dx, float *dweights,
    float *dbias) {
    backward_job job = {shape, x, weights, dz, dx, dweights, dbias};
    nn_parallel(shape->channels / LANES, 1, shape->bf16 ? backward_bf16 : backward_f32, &job);
}

typedef struct {
    const float *z, *dy;
    float *dz;
} gelu_job;

NN_KERNEL static void gelu_backward_piece(void *context, int64_t begin, int64_t end) {
    const gelu_job *job = context;
    for (int64_t i = begin * LANES; i < end * LANES; i += LANES) {
        const lanes z = LOAD(job->z + i);
        lanes share, density;
        NORMAL_SHARE(share, z);
        EXPONENTIAL(density, z * z * -0.5f);
        STORE(job->dz + i, LOAD(job->dy + i) * (share + z * density * 0.39894228f));
    }
}

void nn_depthwise_gelu_backward(const float *z, const float *dy, float *dz, int64_t count) {
    gelu_job job = {z, dy, dz};
    nn_parallel(count / LANES, 1024, gelu_backward_piece, &job);
}
