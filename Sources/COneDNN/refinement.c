// Pixel-adaptive refinement of masks, and rows of unit length.
//
// Image and masks are kept as planes with a border as wide as the largest dilation, filled with the nearest pixel: a
// neighbour is then the same place some steps further on, and each inner loop runs along a line of pixels.
#include "internal.h"
#include "numerics.h"

#include <math.h>

NN_KERNEL void nn_normalise_length(
    const float *x, float *y, float *lengths, int64_t rows, int64_t columns, float epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float *from = x + row * columns;
        float length = (float)sqrt(nn_sum_of_squares(from, columns));
        lengths[row] = length;
        const float factor = 1 / (length > epsilon ? length : epsilon);
        for (int64_t j = 0; j < columns; j++) y[row * columns + j] = from[j] * factor;
    }
}

/// dx = (dy − y·(y·dy)) / length; where the length was below epsilon, dy / epsilon.
NN_KERNEL void nn_normalise_length_backward(
    const float *y, const float *lengths, const float *dy, float *dx, int64_t rows, int64_t columns, float epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float *unit = y + row * columns, *gradient = dy + row * columns;
        const int limited = lengths[row] <= epsilon;
        const float factor = 1 / (limited ? epsilon : lengths[row]);
        double dot = 0;
        for (int64_t j = 0; j < columns; j++) dot += (double)unit[j] * gradient[j];
        const float along = limited ? 0 : (float)dot;
        for (int64_t j = 0; j < columns; j++)
            dx[row * columns + j] = (gradient[j] - unit[j] * along) * factor;
    }
}

typedef struct {
    int64_t h, w, c, k, border, neighbours, stride, plane; // stride: of padded lines; plane: of padded planes
    int64_t *offsets;                                      // of each neighbour in a padded plane
    float *near;                                           // 0.01 · the softmax of distances
    float *image, *masks[2], *affinity;                    // planes, planes, (h, neighbour, w)
    const float *from;
    float *to;
} refine_job;

static const int32_t steps[8][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}, {1, 1}};

/// Fills the border of a plane with the nearest pixels.
static void border_fill(const refine_job *job, float *plane) {
    const int64_t b = job->border, w = job->w, h = job->h, stride = job->stride;
    for (int64_t y = b; y < b + h; y++) {
        float *line = plane + y * stride;
        for (int64_t x = 0; x < b; x++) {
            line[x] = line[b];
            line[b + w + x] = line[b + w - 1];
        }
    }
    for (int64_t y = 0; y < b; y++) {
        memcpy(plane + y * stride, plane + b * stride, (size_t)stride * sizeof(float));
        memcpy(plane + (b + h + y) * stride, plane + (b + h - 1) * stride, (size_t)stride * sizeof(float));
    }
}

static void planes_fill(const refine_job *job, const float *pixels, float *planes, int64_t channels) {
    for (int64_t channel = 0; channel < channels; channel++) {
        float *plane = planes + channel * job->plane;
        for (int64_t y = 0; y < job->h; y++)
            for (int64_t x = 0; x < job->w; x++)
                plane[(y + job->border) * job->stride + job->border + x] =
                    pixels[(y * job->w + x) * channels + channel];
        border_fill(job, plane);
    }
}

/// The weights of all neighbours, for lines of pixels.
NN_KERNEL static void affinity_piece(void *context, int64_t begin, int64_t end) {
    const refine_job *job = context;
    const int64_t w = job->w, count = job->neighbours;
    for (int64_t y = begin; y < end; y++) {
        float *restrict lines = job->affinity + y * count * w;
        for (int64_t i = 0; i < count * w; i++) lines[i] = 0;
        // 64 pixels at a time: their sums stay in the first cache.
        for (int64_t from = 0; from < w; from += 64) {
            const int64_t width = w - from < 64 ? w - from : 64;
            for (int64_t channel = 0; channel < job->c; channel++) {
                const float *centre =
                    job->image + channel * job->plane + (y + job->border) * job->stride + job->border + from;
                float mean[64] = {0}, scale[64] = {0};
                for (int64_t n = 0; n < count; n++) {
                    const float *neighbour = centre + job->offsets[n];
                    for (int64_t x = 0; x < width; x++) mean[x] += neighbour[x];
                }
                for (int64_t x = 0; x < width; x++) mean[x] /= (float)count;
                for (int64_t n = 0; n < count; n++) {
                    const float *neighbour = centre + job->offsets[n];
                    for (int64_t x = 0; x < width; x++) {
                        float d = neighbour[x] - mean[x];
                        scale[x] += d * d;
                    }
                }
                for (int64_t x = 0; x < width; x++) {
                    float s = 1 / ((sqrtf(scale[x] / (float)(count - 1)) + 1e-8f) * 0.3f);
                    scale[x] = s * s / (float)job->c;
                }
                for (int64_t n = 0; n < count; n++) {
                    const float *neighbour = centre + job->offsets[n];
                    float *line = lines + n * w + from;
                    for (int64_t x = 0; x < width; x++) {
                        float d = neighbour[x] - centre[x];
                        line[x] -= d * d * scale[x];
                    }
                }
            }
            float highest[64], sum[64] = {0};
            for (int64_t x = 0; x < width; x++) highest[x] = lines[from + x];
            for (int64_t n = 1; n < count; n++)
                for (int64_t x = 0; x < width; x++) {
                    float value = lines[n * w + from + x];
                    highest[x] = value > highest[x] ? value : highest[x];
                }
            for (int64_t n = 0; n < count; n++)
                for (int64_t x = 0; x < width; x++) {
                    float value = exponential(lines[n * w + from + x] - highest[x]);
                    lines[n * w + from + x] = value;
                    sum[x] += value;
                }
            for (int64_t x = 0; x < width; x++) sum[x] = 1 / sum[x];
            for (int64_t n = 0; n < count; n++)
                for (int64_t x = 0; x < width; x++)
                    lines[n * w + from + x] = lines[n * w + from + x] * sum[x] + job->near[n];
        }
    }
}

NN_KERNEL static void sweep_piece(void *context, int64_t begin, int64_t end) {
    const refine_job *job = context;
    const int64_t w = job->w, count = job->neighbours;
    for (int64_t y = begin; y < end; y++)
        for (int64_t mask = 0; mask < job->k; mask++) {
            const int64_t place = mask * job->plane + (y + job->border) * job->stride + job->border;
            const float *weights = job->affinity + y * count * w;
            for (int64_t from = 0; from < w; from += 64) {
                const int64_t width = w - from < 64 ? w - from : 64;
                float sum[64] = {0};
                for (int64_t n = 0; n < count; n++) {
                    const float *neighbour = job->from + place + from + job->offsets[n];
                    const float *weight = weights + n * w + from;
                    for (int64_t x = 0; x < width; x++) sum[x] += weight[x] * neighbour[x];
                }
                memcpy(job->to + place + from, sum, (size_t)width * sizeof(float));
            }
        }
}

static void job_measure(
    refine_job *job, int64_t h, int64_t w, int64_t c, int64_t k, const int32_t *dilations, int32_t count) {
    *job = (refine_job){.h = h, .w = w, .c = c, .k = k, .neighbours = 8 * (int64_t)count};
    for (int32_t i = 0; i < count; i++)
        if (dilations[i] > job->border) job->border = dilations[i];
    job->stride = w + 2 * job->border;
    job->plane = job->stride * (h + 2 * job->border);
}

int64_t nn_refine_bytes(
    int64_t h, int64_t w, int64_t c, int64_t k, const int32_t *dilations, int32_t dilation_count) {
    refine_job job;
    job_measure(&job, h, w, c, k, dilations, dilation_count);
    int64_t floats = (c + 2 * k) * job.plane + h * job.neighbours * w + job.neighbours;
    return floats * (int64_t)sizeof(float) + job.neighbours * (int64_t)sizeof(int64_t);
}

/// 0.01 · softmax over neighbours of −(d / (σ + 1e-8) / 0.3)².
static void near_fill(refine_job *job, const int32_t *dilations) {
    const int64_t count = job->neighbours;
    double mean = 0, square = 0, sum = 0;
    for (int64_t n = 0; n < count; n++) {
        const int32_t *step = steps[n % 8];
        job->near[n] = (float)(dilations[n / 8] * (step[0] && step[1] ? sqrt(2) : 1));
        job->offsets[n] = dilations[n / 8] * (step[0] * job->stride + step[1]);
        mean += job->near[n] / (double)count;
    }
    for (int64_t n = 0; n < count; n++) square += (job->near[n] - mean) * (job->near[n] - mean);
    const double scale = 1 / ((sqrt(square / (double)(count - 1)) + 1e-8) * 0.3);
    for (int64_t n = 0; n < count; n++) sum += exp(-pow(job->near[n] * scale, 2));
    for (int64_t n = 0; n < count; n++) job->near[n] = (float)(0.01 * exp(-pow(job->near[n] * scale, 2)) / sum);
}

void nn_refine(
    const float *image, const float *masks, float *result, void *work, int64_t h, int64_t w, int64_t c, int64_t k,
    const int32_t *dilations, int32_t dilation_count, int32_t iterations) {
    refine_job job;
    job_measure(&job, h, w, c, k, dilations, dilation_count);
    job.offsets = work;
    job.near = (float *)(job.offsets + job.neighbours);
    job.image = job.near + job.neighbours;
    job.masks[0] = job.image + c * job.plane;
    job.masks[1] = job.masks[0] + k * job.plane;
    job.affinity = job.masks[1] + k * job.plane;
    near_fill(&job, dilations);
    planes_fill(&job, image, job.image, c);
    nn_parallel(h, 1, affinity_piece, &job);
    planes_fill(&job, masks, job.masks[0], k);
    for (int32_t i = 0; i < iterations; i++) {
        job.from = job.masks[i % 2];
        job.to = job.masks[(i + 1) % 2];
        nn_parallel(h, 1, sweep_piece, &job);
        for (int64_t mask = 0; mask < k; mask++) border_fill(&job, job.to + mask * job.plane);
    }
    const float *last = job.masks[iterations % 2];
    for (int64_t mask = 0; mask < k; mask++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++)
                result[(y * w + x) * k + mask] =
                    last[mask * job.plane + (y + job.border) * job.stride + job.border + x];
}
