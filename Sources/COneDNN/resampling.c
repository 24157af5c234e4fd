// Resampling along one side of a tensor, and the transposition of matrices.
#include "internal.h"

typedef struct {
    const float *x;
    float *y;
    int64_t in_extent, out_extent, inner;
    const int32_t *first, *index;
    const float *weight;
} resample_job;

/// One call for each line of the result, `inner` numbers that lie side by side.
NN_KERNEL static void resample_piece(void *context, int64_t begin, int64_t end) {
    const resample_job *job = context;
    const int64_t inner = job->inner;
    for (int64_t line = begin; line < end; line++) {
        const int64_t place = line % job->out_extent;
        const float *x = job->x + line / job->out_extent * job->in_extent * inner;
        float *restrict y = job->y + line * inner;
        int32_t tap = job->first[place];
        const int32_t last = job->first[place + 1];
        if (last - tap >= 2) {
            const float *a = x + job->index[tap] * inner, *b = x + job->index[tap + 1] * inner;
            const float p = job->weight[tap], q = job->weight[tap + 1];
            for (int64_t i = 0; i < inner; i++) y[i] = p * a[i] + q * b[i];
            tap += 2;
        } else if (last > tap) {
            const float *a = x + job->index[tap] * inner;
            const float p = job->weight[tap];
            for (int64_t i = 0; i < inner; i++) y[i] = p * a[i];
            tap++;
        } else {
            for (int64_t i = 0; i < inner; i++) y[i] = 0;
        }
        for (; tap < last; tap++) {
            const float *a = x + job->index[tap] * inner;
            const float p = job->weight[tap];
            for (int64_t i = 0; i < inner; i++) y[i] += p * a[i];
        }
    }
}

void nn_resample_axis(
    const float *x, float *y, int64_t outer, int64_t in_extent, int64_t out_extent, int64_t inner,
    const int32_t *first, const int32_t *index, const float *weight) {
    resample_job job = {x, y, in_extent, out_extent, inner, first, index, weight};
    nn_parallel(outer * out_extent, 1 + 16384 / (inner > 0 ? inner : 1), resample_piece, &job);
}

typedef struct {
    const float *x;
    float *y;
    int64_t rows, columns;
} transpose_job;

/// Tiles of 16×16, so that neither side walks through memory in large steps only.
NN_KERNEL static void transpose_piece(void *context, int64_t begin, int64_t end) {
    const transpose_job *job = context;
    const int64_t rows = job->rows, columns = job->columns;
    for (int64_t batch = begin; batch < end; batch++) {
        const float *x = job->x + batch * rows * columns;
        float *restrict y = job->y + batch * rows * columns;
        for (int64_t top = 0; top < rows; top += 16)
            for (int64_t left = 0; left < columns; left += 16) {
                int64_t bottom = top + 16 < rows ? top + 16 : rows, right = left + 16 < columns ? left + 16 : columns;
                for (int64_t column = left; column < right; column++)
                    for (int64_t row = top; row < bottom; row++) y[column * rows + row] = x[row * columns + column];
            }
    }
}

void nn_transpose(const float *x, float *y, int64_t batches, int64_t rows, int64_t columns) {
    transpose_job job = {x, y, rows, columns};
    nn_parallel(batches, 1, transpose_piece, &job);
}
