// Products in 8 bits, and numbers on their way there.
#include "internal.h"

#include <math.h>

dnnl_status_t primitive_quantise(
    nn_primitive *made, dnnl_primitive_attr_t attributes, const float *scales, int64_t count, int result_mask,
    int weights_mask) {
    if (!scales || count < 1) return dnnl_invalid_arguments;
    made->scales = malloc((size_t)count * sizeof *scales);
    if (!made->scales) return dnnl_out_of_memory;
    memcpy(made->scales, scales, (size_t)count * sizeof *scales);
    made->scale_count = count;
    dnnl_dims_t dims = {count};
    TRY(layout_by_tag(&made->scale, 1, dims, dnnl_f32, dnnl_x));
    return attributes_scale(attributes, made->scales, count, result_mask, weights_mask);
}

void nn_quantised_bias(const nn_primitive *primitive, const float *bias, float *prepared) {
    for (int64_t i = 0; i < primitive->scale_count; i++)
        prepared[i] = SCALES_AT_EXECUTION ? bias[i] : bias[i] / primitive->scales[i];
}

typedef struct {
    const float *x;
    const uint16_t *x16;
    uint8_t *y;
    int8_t *signed_y;
    float step;
} quantise_job;

// Adding and taking away 1.5 · 2²³ rounds to the nearest integer, ties to even, and leaves it in the low bits.
static const float rounder = 12582912.0f;

static inline int32_t rounded(float x, float inverse, float low, float high) {
    float y = x * inverse;
    y = y > low ? y : low; // false for what is no number: it becomes the lowest …
    y = y < high ? y : high;
    y = x == x ? y : 0; // … and here zero
    y += rounder;
    int32_t bits;
    memcpy(&bits, &y, sizeof bits);
    return bits - 0x4B400000;
}

static inline float widened(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

NN_KERNEL static void quantise_piece(void *context, int64_t begin, int64_t end) {
    const quantise_job *job = context;
    const float inverse = 1 / job->step;
    const float *x = job->x;
    const uint16_t *x16 = job->x16;
    if (job->signed_y) {
        int8_t *y = job->signed_y;
        if (x)
            for (int64_t i = begin; i < end; i++) y[i] = (int8_t)rounded(x[i], inverse, -127, 127);
        else
            for (int64_t i = begin; i < end; i++) y[i] = (int8_t)rounded(widened(x16[i]), inverse, -127, 127);
    } else {
        uint8_t *y = job->y;
        if (x)
            for (int64_t i = begin; i < end; i++) y[i] = (uint8_t)rounded(x[i], inverse, 0, 255);
        else
            for (int64_t i = begin; i < end; i++) y[i] = (uint8_t)rounded(widened(x16[i]), inverse, 0, 255);
    }
}

void nn_quantise(const void *x, int32_t x_bf16, void *y, int32_t is_signed, float step, int64_t count) {
    quantise_job job = {.step = step};
    if (x_bf16) job.x16 = x;
    else job.x = x;
    if (is_signed) job.signed_y = y;
    else job.y = y;
    nn_parallel(count, 32768, quantise_piece, &job);
}

void nn_quantise_rows(const float *x, int8_t *y, float *steps, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        float greatest = 0;
        for (int64_t i = row * columns; i < (row + 1) * columns; i++)
            if (fabsf(x[i]) > greatest) greatest = fabsf(x[i]);
        steps[row] = greatest > 0 ? greatest / 127 : 1;
        quantise_job job = {.x = x, .signed_y = y, .step = steps[row]};
        quantise_piece(&job, row * columns, (row + 1) * columns);
    }
}

void nn_count_magnitudes(
    const float *x, int64_t count, float width, int64_t *bins, int64_t bin_count, nn_magnitudes *seen) {
    const float inverse = 1 / width;
    for (int64_t i = 0; i < count; i++) {
        float magnitude = fabsf(x[i]);
        if (!(magnitude <= 3.4028234e38f)) {
            seen->not_finite++;
            continue;
        }
        if (x[i] < 0) seen->negative++;
        if (magnitude > seen->greatest) seen->greatest = magnitude;
        float bin = magnitude * inverse;
        bins[bin < (float)bin_count ? (int64_t)bin : bin_count - 1]++;
    }
}
