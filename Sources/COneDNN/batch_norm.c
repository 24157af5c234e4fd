// Batch normalisation over rows × channels, with ReLU and a residual fused into its passes: training is bound by
// memory, and each fused step saves a sweep. Sums are taken in blocks of fixed size, so that neither the result
// nor its rounding depends on the number of threads.
//
// Where so said the input, the copy of the result that a convolution reads and the input's gradient are bf16 (what a mixed
// precision's convolutions make and take), and all sums fp32 and fp64 as ever.
#include "internal.h"
#include "numerics.h"

#include <stdlib.h>

#define BLOCK_ROWS 128
// Results may replace inputs: element i touches element i only.
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")

// Compiled twice, for either type of numbers.
#define EITHER static inline __attribute__((always_inline))

typedef struct {
    const void *x, *y; // fp32, or bf16 where `narrow`
    const float *dy, *a, *b, *c, *addend;
    float *out, *out2;
    uint16_t *narrow_out;
    double *partial; // two numbers a channel and block
    int64_t rows, channels;
    int32_t relu, narrow;
} norm_job;

EITHER float number(const void *x, int64_t i, const int narrow) {
    return narrow ? from_bf16(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

EITHER void statistics(const norm_job *job, int64_t begin, int64_t end, const int narrow) {
    const int64_t channels = job->channels;
    for (int64_t block = begin; block < end; block++) {
        int64_t first = block * BLOCK_ROWS, last = first + BLOCK_ROWS < job->rows ? first + BLOCK_ROWS : job->rows;
        double *means = job->partial + block * 2 * channels, *squares = means + channels;
        // 64 channels at a time keep their sums in registers and the block in the first cache.
        for (int64_t from = 0; from < channels; from += 64) {
            int64_t width = channels - from < 64 ? channels - from : 64;
            float sum[64] = {0}, square[64] = {0};
            for (int64_t i = first; i < last; i++) {
                int64_t row = i * channels + from;
                for (int64_t j = 0; j < width; j++) sum[j] += number(job->x, row + j, narrow);
            }
            for (int64_t j = 0; j < width; j++) sum[j] /= (float)(last - first);
            for (int64_t i = first; i < last; i++) {
                int64_t row = i * channels + from;
                for (int64_t j = 0; j < width; j++) {
                    float d = number(job->x, row + j, narrow) - sum[j];
                    square[j] += d * d;
                }
            }
            for (int64_t j = 0; j < width; j++) {
                means[from + j] = sum[j];
                squares[from + j] = square[j];
            }
        }
    }
}

NN_KERNEL static void statistics_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    if (job->narrow) statistics(job, begin, end, 1);
    else statistics(job, begin, end, 0);
}

/// Joins the blocks' means and squared deviations (Chan, Golub, LeVeque 1983), in their order.
NN_KERNEL static void statistics_join(const norm_job *job, int64_t blocks, float *mean, float *variance) {
    const int64_t channels = job->channels;
    for (int64_t j = 0; j < channels; j++) {
        double total = 0, average = 0, squares = 0;
        for (int64_t block = 0; block < blocks; block++) {
            int64_t first = block * BLOCK_ROWS;
            double count = job->rows - first < BLOCK_ROWS ? job->rows - first : BLOCK_ROWS;
            const double *part = job->partial + block * 2 * channels;
            double delta = part[j] - average, joined = total + count;
            average += delta * count / joined;
            squares += part[channels + j] + delta * delta * total * count / joined;
            total = joined;
        }
        mean[j] = (float)average;
        variance[j] = (float)(squares / total);
    }
}

void nn_batch_statistics(
    const void *x, float *mean, float *variance, int64_t rows, int64_t channels, int32_t narrow) {
    int64_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    norm_job job = {.x = x, .rows = rows, .channels = channels, .narrow = narrow};
    job.partial = nn_allocate((size_t)(blocks * 2 * channels) * sizeof(double));
    nn_parallel(blocks, 1, statistics_piece, &job);
    statistics_join(&job, blocks, mean, variance);
    nn_free(job.partial);
}

EITHER void scale_shift(
    const norm_job *job, int64_t begin, int64_t end, const int narrow, const int adds, const int relu) {
    const int64_t channels = job->channels;
    const float *restrict scale = job->a, *restrict shift = job->b;
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = i * channels;
        const float *addend = job->addend;
        float *y = job->out;
        uint16_t *narrow_y = job->narrow_out;
        if (narrow && narrow_y) {
            IN_PLACE
            for (int64_t j = 0; j < channels; j++) {
                float v = number(job->x, at + j, narrow) * scale[j] + shift[j] + (adds ? addend[at + j] : 0);
                narrow_y[at + j] = to_bf16(relu && !(v > 0) ? 0 : v);
                if (y) y[at + j] = relu && !(v > 0) ? 0 : v;
            }
            continue;
        }
        IN_PLACE
        for (int64_t j = 0; j < channels; j++) {
            float v = number(job->x, at + j, narrow) * scale[j] + shift[j] + (adds ? addend[at + j] : 0);
            y[at + j] = relu && !(v > 0) ? 0 : v;
        }
    }
}

NN_KERNEL static void scale_shift_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    if (job->narrow) {
        if (job->addend && job->relu) scale_shift(job, begin, end, 1, 1, 1);
        else if (job->addend) scale_shift(job, begin, end, 1, 1, 0);
        else if (job->relu) scale_shift(job, begin, end, 1, 0, 1);
        else scale_shift(job, begin, end, 1, 0, 0);
    } else {
        if (job->addend && job->relu) scale_shift(job, begin, end, 0, 1, 1);
        else if (job->addend) scale_shift(job, begin, end, 0, 1, 0);
        else if (job->relu) scale_shift(job, begin, end, 0, 0, 1);
        else scale_shift(job, begin, end, 0, 0, 0);
    }
}

void nn_scale_shift(
    const void *x, const float *scale, const float *shift, const float *addend, float *y, uint16_t *narrow_y,
    int64_t rows, int64_t channels, int32_t relu, int32_t narrow) {
    norm_job job = {
        .x = x, .a = scale, .b = shift, .addend = addend, .out = y, .narrow_out = narrow_y, .rows = rows,
        .channels = channels, .relu = relu, .narrow = narrow};
    nn_parallel(rows, 64, scale_shift_piece, &job);
}

EITHER void gradient_sums(const norm_job *job, int64_t begin, int64_t end, const int narrow) {
    const int64_t channels = job->channels;
    for (int64_t block = begin; block < end; block++) {
        int64_t first = block * BLOCK_ROWS, last = first + BLOCK_ROWS < job->rows ? first + BLOCK_ROWS : job->rows;
        double *sums = job->partial + block * 2 * channels, *products = sums + channels;
        for (int64_t from = 0; from < channels; from += 64) {
            int64_t width = channels - from < 64 ? channels - from : 64;
            float sum[64] = {0}, product[64] = {0};
            const float *mean = job->a + from, *inverse = job->b + from;
            for (int64_t i = first; i < last; i++) {
                const int64_t at = i * channels + from;
                const float *dy = job->dy + at;
                if (job->y) {
                    for (int64_t j = 0; j < width; j++) {
                        float g = number(job->y, at + j, narrow) > 0 ? dy[j] : 0;
                        sum[j] += g;
                        product[j] += g * (number(job->x, at + j, narrow) - mean[j]);
                    }
                } else {
                    for (int64_t j = 0; j < width; j++) {
                        sum[j] += dy[j];
                        product[j] += dy[j] * (number(job->x, at + j, narrow) - mean[j]);
                    }
                }
            }
            for (int64_t j = 0; j < width; j++) {
                sums[from + j] = sum[j];
                products[from + j] = (double)product[j] * inverse[j];
            }
        }
    }
}

NN_KERNEL static void gradient_sums_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    if (job->narrow) gradient_sums(job, begin, end, 1);
    else gradient_sums(job, begin, end, 0);
}

void nn_batch_gradient_sums(
    const void *x, const void *y, const float *dy, const float *mean, const float *inverse_deviation,
    float *sum_g, float *sum_g_normalised, int64_t rows, int64_t channels, int32_t narrow) {
    int64_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    norm_job job = {
        .x = x, .y = y, .dy = dy, .a = mean, .b = inverse_deviation, .rows = rows, .channels = channels,
        .narrow = narrow};
    job.partial = nn_allocate((size_t)(blocks * 2 * channels) * sizeof(double));
    nn_parallel(blocks, 1, gradient_sums_piece, &job);
    for (int64_t j = 0; j < channels; j++) {
        double sum = 0, product = 0;
        for (int64_t block = 0; block < blocks; block++) {
            sum += job.partial[block * 2 * channels + j];
            product += job.partial[block * 2 * channels + channels + j];
        }
        sum_g[j] = (float)sum;
        sum_g_normalised[j] = (float)product;
    }
    nn_free(job.partial);
}

EITHER void gradient_apply(
    const norm_job *job, int64_t begin, int64_t end, const int narrow, const int masks, const int keeps) {
    const int64_t channels = job->channels;
    const float *restrict a = job->a, *restrict b = job->b, *restrict c = job->c;
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = i * channels;
        const float *dy = job->dy + at;
        float *dx = job->out, *addend = job->out2;
        uint16_t *narrow_dx = job->narrow_out;
        IN_PLACE
        for (int64_t j = 0; j < channels; j++) {
            float g = !masks || number(job->y, at + j, narrow) > 0 ? dy[j] : 0;
            float v = a[j] * g + b[j] * number(job->x, at + j, narrow) + c[j];
            if (keeps) addend[at + j] = g;
            if (narrow) narrow_dx[at + j] = to_bf16(v);
            else dx[at + j] = v;
        }
    }
}

NN_KERNEL static void gradient_apply_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    if (job->narrow) {
        if (job->y && job->out2) gradient_apply(job, begin, end, 1, 1, 1);
        else if (job->y) gradient_apply(job, begin, end, 1, 1, 0);
        else gradient_apply(job, begin, end, 1, 0, 0);
    } else {
        if (job->y && job->out2) gradient_apply(job, begin, end, 0, 1, 1);
        else if (job->y) gradient_apply(job, begin, end, 0, 1, 0);
        else gradient_apply(job, begin, end, 0, 0, 0);
    }
}

void nn_batch_gradient_apply(
    const void *x, const void *y, const float *dy, const float *a, const float *b, const float *c, void *dx,
    float *daddend, int64_t rows, int64_t channels, int32_t narrow) {
    norm_job job = {
        .x = x, .y = y, .dy = dy, .a = a, .b = b, .c = c, .out = narrow ? NULL : dx, .out2 = daddend,
        .narrow_out = narrow ? dx : NULL, .rows = rows, .channels = channels, .narrow = narrow};
    nn_parallel(rows, 64, gradient_apply_piece, &job);
}
