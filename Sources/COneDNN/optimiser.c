// Optimiser steps. Memory's speed bounds them, so all that a step does with a gradient is done in one sweep, in stretches that
// stay in the first cache: looking whether it is a number, its bounds, the step itself, and the new values in bf16.
#include "internal.h"
#include "numerics.h"
#include "vectors.h"

#include <math.h>
#include <stdatomic.h>

// Numbers that a thread takes at least, and those of a stretch: five arrays of 4 KiB, and 2 KiB of bf16.
enum { GRAIN = 16384, STRETCH = 1024 };

typedef struct {
    float *value, *m, *v, *gradient;
    float rate, beta1, beta2, epsilon, decay, correction1, correction2;
    int32_t first;
} step_numbers;

typedef struct {
    step_numbers numbers;
    void (*step)(const step_numbers *numbers, int64_t begin, int64_t end);
    float limit;
    uint16_t *narrow;
    _Atomic int32_t spoilt;
} step_job;

NN_KERNEL static void sgd(const step_numbers *numbers, int64_t begin, int64_t end) {
    float *value = numbers->value, *velocity = numbers->m;
    const float *gradient = numbers->gradient;
    const float rate = numbers->rate, momentum = numbers->beta1, decay = numbers->decay;
    if (!velocity) {
        for (int64_t i = begin; i < end; i++) value[i] -= rate * (gradient[i] + decay * value[i]);
        return;
    }
    const float kept = numbers->first ? 0 : momentum;
    for (int64_t i = begin; i < end; i++) {
        velocity[i] = kept * velocity[i] + (gradient[i] + decay * value[i]);
        value[i] -= rate * velocity[i];
    }
}

NN_KERNEL static void adamw(const step_numbers *numbers, int64_t begin, int64_t end) {
    float *value = numbers->value, *m = numbers->m, *v = numbers->v;
    const float *gradient = numbers->gradient;
    const float beta1 = numbers->beta1, beta2 = numbers->beta2, epsilon = numbers->epsilon;
    const float kept = 1 - numbers->rate * numbers->decay, step = numbers->rate / numbers->correction1;
    const float inverse = 1 / sqrtf(numbers->correction2);
    // Four arrays apart from each other. Not sqrtf, which may set errno and so would keep the loop from vectors.
    _Pragma("clang loop vectorize(assume_safety)")
    for (int64_t i = begin; i < end; i++) {
        float g = gradient[i];
        float first = beta1 * m[i] + (1 - beta1) * g, second = beta2 * v[i] + (1 - beta2) * g * g;
        m[i] = first;
        v[i] = second;
        value[i] = kept * value[i] - step * first / (__builtin_elementwise_sqrt(second) * inverse + epsilon);
    }
}

/// Whether all numbers are finite; each is brought into ±limit, where there is one.
NN_KERNEL static int tame(float *gradient, int64_t count, float limit) {
    uint32_t largest = 0;
    // Without a sign, floats are in the order of their bits; infinity and what is no number come last.
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = bits_of_float(gradient[i]) & 0x7FFFFFFFu;
        largest = bits > largest ? bits : largest;
    }
    if (limit > 0 && largest > bits_of_float(limit))
        for (int64_t i = 0; i < count; i++)
            gradient[i] = gradient[i] > limit ? limit : gradient[i] < -limit ? -limit : gradient[i];
    return largest < 0x7F800000u;
}

static void step_piece(void *context, int64_t begin, int64_t end) {
    step_job *job = context;
    for (int64_t first = begin; first < end; first += STRETCH) {
        int64_t last = first + STRETCH < end ? first + STRETCH : end;
        if (!tame(job->numbers.gradient + first, last - first, job->limit)) {
            atomic_store_explicit(&job->spoilt, 1, memory_order_relaxed);
            return;
        }
        job->step(&job->numbers, first, last);
        if (job->narrow) bf16_of(job->numbers.value + first, job->narrow + first, last - first);
    }
}

static int32_t step_all(step_job *job, int64_t count) {
    nn_parallel(count, GRAIN, step_piece, job);
    return !atomic_load_explicit(&job->spoilt, memory_order_relaxed);
}

int32_t nn_sgd_step(
    float *value, float *gradient, float *velocity, uint16_t *narrow, int64_t count, float limit, float rate, float momentum,
    float decay, int32_t first) {
    step_job job = {
        .numbers = {.value = value, .m = velocity, .gradient = gradient, .rate = rate, .beta1 = momentum, .decay = decay,
                    .first = first},
        .step = sgd, .limit = limit, .narrow = narrow};
    return step_all(&job, count);
}

int32_t nn_adamw_step(
    float *value, float *gradient, float *m, float *v, uint16_t *narrow, int64_t count, float limit, float rate, float beta1,
    float beta2, float epsilon, float decay, float correction1, float correction2) {
    step_job job = {
        .numbers = {value, m, v, gradient, rate, beta1, beta2, epsilon, decay, correction1, correction2, 0},
        .step = adamw, .limit = limit, .narrow = narrow};
    return step_all(&job, count);
}
