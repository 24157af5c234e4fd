// Layer normalisation over rows of channels, in fp32 or bf16; sums are fp32 in sixteen lanes whatever the vectors are.
#include "internal.h"
#include "numerics.h"
#include "vectors.h"

#include <math.h>

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
#define ROW_STATISTICS(load, read)                                                      \
    lanes sums = 0.0f;                                                                  \
    int64_t j = 0;                                                                      \
    for (; j < whole; j += LANES) sums += load(x + j);                                  \
    float mean, spread;                                                                 \
    REDUCE(mean, sums, SUM_OF);                                                         \
    for (; j < columns; j++) mean += read(x[j]);                                        \
    mean /= (float)columns;                                                             \
    sums = 0.0f;                                                                        \
    for (j = 0; j < whole; j += LANES) {                                                \
        const lanes d = load(x + j) - mean;                                             \
        sums += d * d;                                                                  \
    }                                                                                   \
    REDUCE(spread, sums, SUM_OF);                                                       \
    for (; j < columns; j++) spread += (read(x[j]) - mean) * (read(x[j]) - mean);       \
    const float inverse = 1 / sqrtf(spread / (float)columns + job->epsilon)

#define LAYER_NORM(name, kernel, type_in, load, read, type_out, store, write)           \
    kernel static void name(void *context, int64_t begin, int64_t end) {                \
        const layer_norm_job *job = context;                                            \
        const int64_t columns = job->columns, whole = columns / LANES * LANES;          \
        const float *weight = job->weight, *bias = job->bias;                           \
        for (int64_t i = begin; i < end; i++) {                                         \
            const type_in *x = (const type_in *)job->x + i * columns;                   \
            type_out *y = (type_out *)job->y + i * columns;                             \
            ROW_STATISTICS(load, read);                                                 \
            if (job->mean) job->mean[i] = mean, job->inverse[i] = inverse;              \
            for (j = 0; j < whole; j += LANES)                                          \
                store(y + j, (load(x + j) - mean) * inverse * LOAD(weight + j) + LOAD(bias + j)); \
            for (; j < columns; j++)                                                    \
                y[j] = write((read(x[j]) - mean) * inverse * weight[j] + bias[j]);      \
        }                                                                               \
    }

#define AS_IT_IS(value) (value)
LAYER_NORM(layer_norm_f32_f32, NN_KERNEL, float, LOAD, AS_IT_IS, float, STORE, AS_IT_IS)
LAYER_NORM(layer_norm_bf16_f32, NN_KERNEL, uint16_t, LOAD_BF16, from_bf16, float, STORE, AS_IT_IS)
LAYER_NORM(layer_norm_f32_bf16, NN_KERNEL, float, LOAD, AS_IT_IS, uint16_t, STORE_BF16, to_bf16)
LAYER_NORM(layer_norm_bf16_bf16, NN_KERNEL, uint16_t, LOAD_BF16, from_bf16, uint16_t, STORE_BF16, to_bf16)
LAYER_NORM(layer_norm_f32_native, NATIVE_BF16, float, LOAD, AS_IT_IS, uint16_t, STORE_NATIVE_BF16, to_bf16)
LAYER_NORM(layer_norm_bf16_native, NATIVE_BF16, uint16_t, LOAD_BF16, from_bf16, uint16_t, STORE_NATIVE_BF16, to_bf16)

void nn_layer_norm(
    const void *x, int32_t x_bf16, const float *weight, const float *bias, float epsilon, void *y, int32_t y_bf16,
    float *mean, float *inverse, int64_t rows, int64_t columns) {
    layer_norm_job job = {
        .x = x, .y = y, .weight = weight, .bias = bias, .mean = mean, .inverse = inverse, .rows = rows,
        .columns = columns, .epsilon = epsilon};
    const int native = y_bf16 && nn_engine_has_bf16();
    nn_body body = x_bf16 ? (native ? layer_norm_bf16_native : y_bf16 ? layer_norm_bf16_bf16 : layer_norm_bf16_f32)
                          : (native ? layer_norm_f32_native : y_bf16 ? layer_norm_f32_bf16 : layer_norm_f32_f32);
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
