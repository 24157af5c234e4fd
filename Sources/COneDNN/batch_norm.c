// Batch normalisation over rows × channels, with ReLU and a residual fused into its passes: training is bound by
// memory, and each fused step saves a sweep. Sums are taken in blocks of fixed size, so that neither the result
// nor its rounding depends on the number of threads.
#include "internal.h"

#include <stdlib.h>

#define BLOCK_ROWS 128
// Results may replace inputs: element i touches element i only.
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")

typedef struct {
    const float *x, *y, *dy, *a, *b, *c, *addend;
    float *out, *out2;
    double *partial; // two numbers a channel and block
    int64_t rows, channels;
    int32_t relu;
} norm_job;

NN_KERNEL static void statistics_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t block = begin; block < end; block++) {
        int64_t first = block * BLOCK_ROWS, last = first + BLOCK_ROWS < job->rows ? first + BLOCK_ROWS : job->rows;
        double *means = job->partial + block * 2 * channels, *squares = means + channels;
        // 64 channels at a time keep their sums in registers and the block in the first cache.
        for (int64_t from = 0; from < channels; from += 64) {
            int64_t width = channels - from < 64 ? channels - from : 64;
            float sum[64] = {0}, square[64] = {0};
            for (int64_t i = first; i < last; i++) {
                const float *row = job->x + i * channels + from;
                for (int64_t j = 0; j < width; j++) sum[j] += row[j];
            }
            for (int64_t j = 0; j < width; j++) sum[j] /= (float)(last - first);
            for (int64_t i = first; i < last; i++) {
                const float *row = job->x + i * channels + from;
                for (int64_t j = 0; j < width; j++) {
                    float d = row[j] - sum[j];
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

void nn_batch_statistics(const float *x, float *mean, float *variance, int64_t rows, int64_t channels) {
    int64_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    norm_job job = {.x = x, .rows = rows, .channels = channels};
    job.partial = nn_allocate((size_t)(blocks * 2 * channels) * sizeof(double));
    nn_parallel(blocks, 1, statistics_piece, &job);
    statistics_join(&job, blocks, mean, variance);
    nn_free(job.partial);
}

NN_KERNEL static void scale_shift_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    const int64_t channels = job->channels;
    const float *restrict scale = job->a, *restrict shift = job->b;
    for (int64_t i = begin; i < end; i++) {
        const float *x = job->x + i * channels;
        float *y = job->out + i * channels;
        if (job->addend) {
            const float *addend = job->addend + i * channels;
            if (job->relu)
                IN_PLACE
                for (int64_t j = 0; j < channels; j++) {
                    float v = x[j] * scale[j] + shift[j] + addend[j];
                    y[j] = v > 0 ? v : 0;
                }
            else
                IN_PLACE
                for (int64_t j = 0; j < channels; j++) y[j] = x[j] * scale[j] + shift[j] + addend[j];
        } else if (job->relu) {
            IN_PLACE
            for (int64_t j = 0; j < channels; j++) {
                float v = x[j] * scale[j] + shift[j];
                y[j] = v > 0 ? v : 0;
            }
        } else {
            IN_PLACE
            for (int64_t j = 0; j < channels; j++) y[j] = x[j] * scale[j] + shift[j];
        }
    }
}

void nn_scale_shift(
    const float *x, const float *scale, const float *shift, const float *addend, float *y, int64_t rows,
    int64_t channels, int32_t relu) {
    norm_job job = {
        .x = x, .a = scale, .b = shift, .addend = addend, .out = y, .rows = rows, .channels = channels, .relu = relu};
    nn_parallel(rows, 64, scale_shift_piece, &job);
}

NN_KERNEL static void gradient_sums_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    const int64_t channels = job->channels;
    for (int64_t block = begin; block < end; block++) {
        int64_t first = block * BLOCK_ROWS, last = first + BLOCK_ROWS < job->rows ? first + BLOCK_ROWS : job->rows;
        double *sums = job->partial + block * 2 * channels, *products = sums + channels;
        for (int64_t from = 0; from < channels; from += 64) {
            int64_t width = channels - from < 64 ? channels - from : 64;
            float sum[64] = {0}, product[64] = {0};
            const float *mean = job->a + from, *inverse = job->b + from;
            for (int64_t i = first; i < last; i++) {
                int64_t at = i * channels + from;
                const float *x = job->x + at, *dy = job->dy + at;
                if (job->y) {
                    const float *y = job->y + at;
                    for (int64_t j = 0; j < width; j++) {
                        float g = y[j] > 0 ? dy[j] : 0;
                        sum[j] += g;
                        product[j] += g * (x[j] - mean[j]);
                    }
                } else {
                    for (int64_t j = 0; j < width; j++) {
                        sum[j] += dy[j];
                        product[j] += dy[j] * (x[j] - mean[j]);
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

void nn_batch_gradient_sums(
    const float *x, const float *y, const float *dy, const float *mean, const float *inverse_deviation,
    float *sum_g, float *sum_g_normalised, int64_t rows, int64_t channels) {
    int64_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    norm_job job = {.x = x, .y = y, .dy = dy, .a = mean, .b = inverse_deviation, .rows = rows, .channels = channels};
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

NN_KERNEL static void gradient_apply_piece(void *context, int64_t begin, int64_t end) {
    const norm_job *job = context;
    const int64_t channels = job->channels;
    const float *restrict a = job->a, *restrict b = job->b, *restrict c = job->c;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i * channels;
        const float *x = job->x + at, *dy = job->dy + at;
        float *dx = job->out + at;
        if (!job->y) {
            IN_PLACE
            for (int64_t j = 0; j < channels; j++) dx[j] = a[j] * dy[j] + b[j] * x[j] + c[j];
            continue;
        }
        const float *y = job->y + at;
        if (job->out2) {
            float *addend = job->out2 + at;
            IN_PLACE
            for (int64_t j = 0; j < channels; j++) {
                float g = y[j] > 0 ? dy[j] : 0;
                addend[j] = g;
                dx[j] = a[j] * g + b[j] * x[j] + c[j];
            }
        } else {
            IN_PLACE
            for (int64_t j = 0; j < channels; j++) {
                float g = y[j] > 0 ? dy[j] : 0;
                dx[j] = a[j] * g + b[j] * x[j] + c[j];
            }
        }
    }
}

void nn_batch_gradient_apply(
    const float *x, const float *y, const float *dy, const float *a, const float *b, const float *c, float *dx,
    float *daddend, int64_t rows, int64_t channels) {
    norm_job job = {
        .x = x, .y = y, .dy = dy, .a = a, .b = b, .c = c, .out = dx, .out2 = daddend, .rows = rows,
        .channels = channels};
    nn_parallel(rows, 64, gradient_apply_piece, &job);
}
