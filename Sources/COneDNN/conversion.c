// Conversions between 8-bit pixels, fp32 and bf16.
#include "internal.h"
#include "numerics.h"
#include "vectors.h"

typedef struct {
    const float *x;
    float *y;
    const uint16_t *x16;
    uint16_t *y16;
    const uint8_t *rgb;
    const float *mean, *factor;
    int64_t padded;
} conversion_job;

#define BF16_OF(name, kernel, store)                                            \
    kernel static void name(const float *x, uint16_t *y, int64_t count) {       \
        int64_t i = 0;                                                          \
        for (; i + LANES <= count; i += LANES) store(y + i, LOAD(x + i));       \
        for (; i < count; i++) y[i] = to_bf16(x[i]);                            \
    }

BF16_OF(bf16_of_any, NN_KERNEL, STORE_BF16)
BF16_OF(bf16_of_native, NATIVE_BF16, STORE_NATIVE_BF16)

void bf16_of(const float *x, uint16_t *y, int64_t count) {
    if (nn_engine_has_bf16()) bf16_of_native(x, y, count);
    else bf16_of_any(x, y, count);
}

static void to_bf16_piece(void *context, int64_t begin, int64_t end) {
    const conversion_job *job = context;
    bf16_of(job->x + begin, job->y16 + begin, end - begin);
}

void nn_to_bf16(const float *x, uint16_t *y, int64_t count) {
    conversion_job job = {.x = x, .y16 = y};
    nn_parallel(count, 16384, to_bf16_piece, &job);
}

typedef struct {
    const char *from;
    char *to;
} copy_job;

static void copy_piece(void *context, int64_t begin, int64_t end) {
    const copy_job *job = context;
    memcpy(job->to + begin, job->from + begin, (size_t)(end - begin));
}

void nn_copy(const void *from, void *to, int64_t bytes) {
    copy_job job = {from, to};
    nn_parallel(bytes, 65536, copy_piece, &job);
}

NN_KERNEL static void from_bf16_piece(void *context, int64_t begin, int64_t end) {
    const conversion_job *job = context;
    uint32_t *y = (uint32_t *)(void *)job->y;
    for (int64_t i = begin; i < end; i++) y[i] = (uint32_t)job->x16[i] << 16;
}

void nn_from_bf16(const uint16_t *x, float *y, int64_t count) {
    conversion_job job = {.x16 = x, .y = y};
    nn_parallel(count, 16384, from_bf16_piece, &job);
}

NN_KERNEL static void normalise_piece(void *context, int64_t begin, int64_t end) {
    const conversion_job *job = context;
    const int64_t padded = job->padded;
    for (int64_t i = begin; i < end; i++) {
        float *y = job->y + i * padded;
        for (int c = 0; c < 3; c++) y[c] = ((float)job->rgb[i * 3 + c] - job->mean[c]) * job->factor[c];
        for (int64_t c = 3; c < padded; c++) y[c] = 0;
    }
}

void nn_normalise_rgb(
    const uint8_t *rgb, float *y, int64_t pixels, const float mean[3], const float factor[3], int64_t padded) {
    conversion_job job = {.rgb = rgb, .y = y, .mean = mean, .factor = factor, .padded = padded};
    nn_parallel(pixels, 4096, normalise_piece, &job);
}

/// A byte has 256 values: each channel's bf16 numbers are looked up.
typedef struct {
    const uint8_t *rgb;
    uint16_t *y;
    uint16_t table[3][256];
} lookup_job;

static void lookup_piece(void *context, int64_t begin, int64_t end) {
    const lookup_job *job = context;
    for (int64_t i = begin; i < end; i++)
        for (int c = 0; c < 3; c++) job->y[i * 3 + c] = job->table[c][job->rgb[i * 3 + c]];
}

void nn_normalise_rgb_bf16(
    const uint8_t *rgb, uint16_t *y, int64_t pixels, const float mean[3], const float factor[3]) {
    lookup_job job = {.rgb = rgb, .y = y};
    for (int c = 0; c < 3; c++)
        for (int value = 0; value < 256; value++)
            job.table[c][value] = to_bf16(((float)value - mean[c]) * factor[c]);
    nn_parallel(pixels, 4096, lookup_piece, &job);
}
