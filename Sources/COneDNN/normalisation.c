// Layer normalisation over rows of channels, in fp32 or bf16; sums are fp32 in sixteen lanes whatever the vectors are.
#include "internal.h"
#include "numerics.h"

#include <math.h>

#define LANES 16

typedef struct {
    const void *x;
    void *y;
    const float *weight, *bias, *dy;
    float *mean, *inverse, *dx, *dweight, *dbias;
    int64_t rows, columns;
    float epsilon;
    int32_t x_bf16, y_bf16;
} layer_norm_job;

/// In halves: a few steps where one lane after the other takes sixteen.
static inline float lane_sum(float lanes[LANES]) {
    _Pragma("clang loop unroll(full)") for (int half = LANES / 2; half > 0; half /= 2)
        _Pragma("clang loop unroll(full)") for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

/// Mean and 1/deviation of one row; the second sweep is over x − mean, so nothing cancels.
#define ROW_STATISTICS(read)                                                            \
    float lanes[LANES] = {0};                                                           \
    int64_t j = 0;                                                                      \
    for (; j + LANES <= columns; j += LANES)                                            \
        for (int lane = 0; lane < LANES; lane++) lanes[lane] += read(j + lane);         \
    for (; j < columns; j++) lanes[0] += read(j);                                       \
    const float mean = lane_sum(lanes) / (float)columns;                                \
    for (int lane = 0; lane < LANES; lane++) lanes[lane] = 0;                           \
    for (j = 0; j + LANES <= columns; j += LANES)                                       \
        for (int lane = 0; lane < LANES; lane++) {                                      \
            float d = read(j + lane) - mean;                                            \
            lanes[lane] += d * d;                                                       \
        }                                                                               \
    for (; j < columns; j++) lanes[0] += (read(j) - mean) * (read(j) - mean);           \
    const float inverse = 1 / sqrtf(lane_sum(lanes) / (float)columns + job->epsilon)

#define LAYER_NORM(name, type_in, read, type_out, write)                                \
    NN_KERNEL static void name(void *context, int64_t begin, int64_t end) {             \
        const layer_norm_job *job = context;                                            \
        const int64_t columns = job->columns;                                           \
        const float *weight = job->weight, *bias = job->bias;                           \
        for (int64_t i = begin; i < end; i++) {                                         \
            const type_in *x = (const type_in *)job->x + i * columns;                   \
            type_out *y = (type_out *)job->y + i * columns;                             \
            ROW_STATISTICS(read);                                                       \
            if (job->mean) job->mean[i] = mean, job->inverse[i] = inverse;              \
            for (j = 0; j < columns; j++)                                               \
                y[j] = write((read(j) - mean) * inverse * weight[j] + bias[j]);         \
        }                                                                               \
    }

#define READ_F32(j) (x[j])
#define READ_BF16(j) (from_bf16(x[j]))
#define WRITE_F32(value) (value)
LAYER_NORM(layer_norm_f32_f32, float, READ_F32, float, WRITE_F32)
LAYER_NORM(layer_norm_f32_bf16, float, READ_F32, uint16_t, to_bf16)
LAYER_NORM(layer_norm_bf16_f32, uint16_t, READ_BF16, float, WRITE_F32)
LAYER_NORM(layer_norm_bf16_bf16, uint16_t, READ_BF16, uint16_t, to_bf16)

void nn_layer_norm(
    const void *x, int32_t x_bf16, const float *weight, const float *bias, float epsilon, void *y, int32_t y_bf16,
    float *mean, float *inverse, int64_t rows, int64_t columns) {
    layer_norm_job job = {
        .x = x, .y = y, .weight = weight, .bias = bias, .mean = mean, .inverse = inverse, .rows = rows,
        .columns = columns, .epsilon = epsilon};
    nn_body body = x_bf16 ? (y_bf16 ? layer_norm_bf16_bf16 : layer_norm_bf16_f32)
                          : (y_bf16 ? layer_norm_f32_bf16 : layer_norm_f32_f32);
    nn_parallel(rows, 16, body, &job);
}

/// dx = inverse·(g − mean(g) − x̂·mean(g·x̂)) with g = dy·weight.
NN_KERNEL static void layer_norm_data_piece(void *context, int64_t begin, int64_t end) {
    const layer_norm_job *job = context;
    const int64_t columns = job->columns;
    const float *weight = job->weight;
    for (int64_t i = begin; i < end; i++) {
        const float *x = (const float *)job->x + i * columns, *dy = job->dy + i * columns;
        float *dx = job->dx + i * columns;
        const float mean = job->mean[i], inverse = job->inverse[i];
        float sums[LANES] = {0}, products[LANES] = {0};
        int64_t j = 0;
        for (; j + LANES <= columns; j += LANES)
            for (int lane = 0; lane < LANES; lane++) {
                float g = dy[j + lane] * weight[j + lane];
                sums[lane] += g;
                products[lane] += g * (x[j + lane] - mean) * inverse;
            }
        for (; j < columns; j++) {
            float g = dy[j] * weight[j];
            sums[0] += g;
            products[0] += g * (x[j] - mean) * inverse;
        }
        const float a = lane_sum(sums) / (float)columns, b = lane_sum(products) / (float)columns;
        for (j = 0; j < columns; j++) dx[j] = inverse * (dy[j] * weight[j] - a - (x[j] - mean) * inverse * b);
    }
}

/// Each thread sums columns of its own over all rows, so that the order is always the same.
NN_KERNEL static void layer_norm_weight_piece(void *context, int64_t begin, int64_t end) {
    const layer_norm_job *job = context;
    const int64_t columns = job->columns;
    float *dweight = job->dweight, *dbias = job->dbias;
    for (int64_t j = begin; j < end; j++) dweight[j] = dbias[j] = 0;
    for (int64_t i = 0; i < job->rows; i++) {
        const float *x = (const float *)job->x + i * columns, *dy = job->dy + i * columns;
        const float mean = job->mean[i], inverse = job->inverse[i];
        for (int64_t j = begin; j < end; j++) {
            dweight[j] += dy[j] * (x[j] - mean) * inverse;
            dbias[j] += dy[j];
        }
    }
}

void nn_layer_norm_backward(
    const float *x, const float *dy, const float *weight, const float *mean, const float *inverse, float *dx,
    float *dweight, float *dbias, int64_t rows, int64_t columns) {
    // The statistics are read only; the job holds them for the forward pass too, which writes them.
    layer_norm_job job = {
        .x = x, .dy = dy, .weight = weight, .mean = (float *)mean, .inverse = (float *)inverse, .dx = dx,
        .dweight = dweight, .dbias = dbias, .rows = rows, .columns = columns};
    if (dx) nn_parallel(rows, 16, layer_norm_data_piece, &job);
    nn_parallel(columns, 64, layer_norm_weight_piece, &job);
}
