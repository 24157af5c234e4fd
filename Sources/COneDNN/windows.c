// Square windows of feature maps, and blocks of channels that become blocks of pixels: copies of whole runs of channels,
// whatever type their numbers have.
#include "internal.h"

#include <string.h>

typedef struct {
    const char *x;
    char *y;
    const char *padding;
    int64_t h, w, size;
    size_t bytes;
} window_job;

/// Where a row of the padded map lies among its windows: y of window (0, ·), the step from window to window.
typedef struct {
    int64_t image, row, columns;
    size_t first, step;
} window_row;

static window_row window_row_at(const window_job *job, int64_t index) {
    int64_t size = job->size, down = (job->h + size - 1) / size, across = (job->w + size - 1) / size;
    int64_t image = index / (down * size), row = index % (down * size);
    int64_t first = ((image * down + row / size) * across * size + row % size) * size;
    window_row made = {image, row, across, (size_t)first * job->bytes, (size_t)(size * size) * job->bytes};
    return made;
}

static void window_piece(void *context, int64_t begin, int64_t end) {
    const window_job *job = context;
    const int64_t size = job->size;
    for (int64_t index = begin; index < end; index++) {
        window_row at = window_row_at(job, index);
        const char *from = job->x + (size_t)((at.image * job->h + at.row) * job->w) * job->bytes;
        for (int64_t column = 0; column < at.columns; column++) {
            char *to = job->y + at.first + (size_t)column * at.step;
            int64_t left = job->w - column * size, inside = at.row >= job->h ? 0 : left < size ? left : size;
            memcpy(to, from + (size_t)(column * size) * job->bytes, (size_t)inside * job->bytes);
            for (int64_t i = inside; i < size; i++) {
                if (job->padding) memcpy(to + (size_t)i * job->bytes, job->padding, job->bytes);
                else memset(to + (size_t)i * job->bytes, 0, job->bytes);
            }
        }
    }
}

static void unwindow_piece(void *context, int64_t begin, int64_t end) {
    const window_job *job = context;
    const int64_t size = job->size;
    for (int64_t index = begin; index < end; index++) {
        window_row at = window_row_at(job, index);
        if (at.row >= job->h) continue;
        char *to = job->y + (size_t)((at.image * job->h + at.row) * job->w) * job->bytes;
        for (int64_t column = 0; column < at.columns; column++) {
            int64_t left = job->w - column * size, inside = left < size ? left : size;
            memcpy(
                to + (size_t)(column * size) * job->bytes, job->x + at.first + (size_t)column * at.step,
                (size_t)inside * job->bytes);
        }
    }
}

static int64_t padded_rows(int64_t n, int64_t h, int64_t size) { return n * ((h + size - 1) / size * size); }

void nn_windows(
    const void *x, void *y, const void *padding, int64_t n, int64_t h, int64_t w, int64_t size, int64_t bytes) {
    window_job job = {x, y, padding, h, w, size, (size_t)bytes};
    nn_parallel(padded_rows(n, h, size), 1 + 65536 / (w * bytes), window_piece, &job);
}

void nn_unwindow(const void *x, void *y, int64_t n, int64_t h, int64_t w, int64_t size, int64_t bytes) {
    window_job job = {x, y, NULL, h, w, size, (size_t)bytes};
    nn_parallel(padded_rows(n, h, size), 1 + 65536 / (w * bytes), unwindow_piece, &job);
}

NN_KERNEL void nn_window_padding_sums(
    const float *dy, float *sums, int64_t n, int64_t h, int64_t w, int64_t size, int64_t channels) {
    window_job job = {NULL, NULL, NULL, h, w, size, (size_t)channels};
    for (int64_t j = 0; j < channels; j++) sums[j] = 0;
    for (int64_t index = 0; index < padded_rows(n, h, size); index++) {
        window_row at = window_row_at(&job, index);
        for (int64_t column = 0; column < at.columns; column++) {
            int64_t left = w - column * size, inside = at.row >= h ? 0 : left < size ? left : size;
            for (int64_t i = inside; i < size; i++) {
                const float *g = dy + at.first + (size_t)column * at.step + (size_t)(i * channels);
                for (int64_t j = 0; j < channels; j++) sums[j] += g[j];
            }
        }
    }
}

typedef struct {
    const char *x;
    char *y;
    int64_t w, factor, back;
    size_t bytes;
} shuffle_job;

/// One row of pixels: w, factor (down), run to factor (down), w, run, or back.
static void shuffle_piece(void *context, int64_t begin, int64_t end) {
    const shuffle_job *job = context;
    const size_t run = job->bytes * (size_t)job->factor;
    for (int64_t row = begin; row < end; row++) {
        size_t start = (size_t)(row * job->w * job->factor) * run;
        for (int64_t i = 0; i < job->w; i++)
            for (int64_t a = 0; a < job->factor; a++) {
                size_t apart = start + (size_t)(i * job->factor + a) * run;
                size_t together = start + (size_t)(a * job->w + i) * run;
                if (job->back) memcpy(job->y + apart, job->x + together, run);
                else memcpy(job->y + together, job->x + apart, run);
            }
    }
}

void nn_pixel_shuffle(const void *x, void *y, int64_t rows, int64_t w, int64_t factor, int64_t bytes, int32_t back) {
    shuffle_job job = {x, y, w, factor, back, (size_t)bytes};
    nn_parallel(rows, 1 + 65536 / (w * factor * factor * bytes), shuffle_piece, &job);
}

typedef struct {
    const float *products;
    float *height, *width;
    int64_t rows, columns;
} runs_job;

static void runs_piece(void *context, int64_t begin, int64_t end) {
    const runs_job *job = context;
    const int64_t rows = job->rows, columns = job->columns, all = 2 * (rows + columns) - 2;
    for (int64_t query = begin; query < end; query++) {
        int64_t place = query % (rows * columns);
        const float *products = job->products + query * all;
        memcpy(job->height + query * rows, products + rows - 1 - place / columns, (size_t)rows * 4);
        memcpy(job->width + query * columns, products + 2 * rows + columns - 2 - place % columns, (size_t)columns * 4);
    }
}

void nn_relative_runs(
    const float *products, float *height, float *width, int64_t matrices, int64_t rows, int64_t columns) {
    runs_job job = {products, height, width, rows, columns};
    nn_parallel(matrices * rows * columns, 64, runs_piece, &job);
}
