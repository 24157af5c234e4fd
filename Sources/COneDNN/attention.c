// What lies around the matrix products of attention: heads brought together, and the softmax of a block of scores.
#include "internal.h"
#include "numerics.h"

#define LANES 16

typedef struct {
    const void *from;
    void *to;
    int32_t from_bf16, to_bf16;
    int64_t heads, tokens, width, batch_stride, token_stride, head_stride;
} heads_job;

/// Rows of `width` numbers, one a head and token, from a strided tensor to one dense matrix a head.
NN_KERNEL static void gather_piece(void *context, int64_t begin, int64_t end) {
    const heads_job *job = context;
    const int64_t width = job->width, tokens = job->tokens;
    for (int64_t matrix = begin; matrix < end; matrix++) {
        const int64_t base = matrix / job->heads * job->batch_stride + matrix % job->heads * job->head_stride;
        for (int64_t token = 0; token < tokens; token++) {
            const int64_t source = base + token * job->token_stride, target = (matrix * tokens + token) * width;
            const float *f = (const float *)job->from + source;
            const uint16_t *h = (const uint16_t *)job->from + source;
            float *to_f = (float *)job->to + target;
            uint16_t *to_h = (uint16_t *)job->to + target;
            if (job->from_bf16 && job->to_bf16) memcpy(to_h, h, (size_t)width * 2);
            else if (job->from_bf16) for (int64_t i = 0; i < width; i++) to_f[i] = from_bf16(h[i]);
            else if (job->to_bf16) for (int64_t i = 0; i < width; i++) to_h[i] = to_bf16(f[i]);
            else memcpy(to_f, f, (size_t)width * 4);
        }
    }
}

/// The way back.
NN_KERNEL static void scatter_piece(void *context, int64_t begin, int64_t end) {
    const heads_job *job = context;
    const int64_t width = job->width, tokens = job->tokens;
    for (int64_t matrix = begin; matrix < end; matrix++) {
        const int64_t base = matrix / job->heads * job->batch_stride + matrix % job->heads * job->head_stride;
        for (int64_t token = 0; token < tokens; token++) {
            const float *from = (const float *)job->from + (matrix * tokens + token) * width;
            const int64_t target = base + token * job->token_stride;
            if (job->to_bf16) {
                uint16_t *to = (uint16_t *)job->to + target;
                for (int64_t i = 0; i < width; i++) to[i] = to_bf16(from[i]);
            } else {
                memcpy((float *)job->to + target, from, (size_t)width * 4);
            }
        }
    }
}

void nn_heads_gather(
    const void *from, int32_t from_bf16, void *to, int32_t to_bf16, int64_t batches, int64_t heads, int64_t tokens,
    int64_t width, int64_t batch_stride, int64_t token_stride, int64_t head_stride) {
    heads_job job = {from, to, from_bf16, to_bf16, heads, tokens, width, batch_stride, token_stride, head_stride};
    nn_parallel(batches * heads, 1, gather_piece, &job);
}

void nn_heads_scatter(
    const float *from, void *to, int32_t to_bf16, int64_t batches, int64_t heads, int64_t tokens, int64_t width,
    int64_t batch_stride, int64_t token_stride, int64_t head_stride) {
    heads_job job = {from, to, 0, to_bf16, heads, tokens, width, batch_stride, token_stride, head_stride};
    nn_parallel(batches * heads, 1, scatter_piece, &job);
}

typedef struct {
    const nn_attention_scores *s;
    float *scores;
    void *result;
} scores_job;

static inline float lane_maximum(const float lanes[LANES]) {
    float most = lanes[0];
    for (int lane = 1; lane < LANES; lane++) most = lanes[lane] > most ? lanes[lane] : most;
    return most;
}

NN_KERNEL static void scores_piece(void *context, int64_t begin, int64_t end) {
    const scores_job *job = context;
    const nn_attention_scores *s = job->s;
    const int64_t keys = s->keys, whole = keys / LANES * LANES;
    for (int64_t row = begin; row < end; row++) {
        float *x = job->scores + row * keys;
        const int64_t matrix = s->first_matrix + row / s->rows, query = s->first_query + row % s->rows;
        const float scale = s->scale;
        if (s->table) {
            const float *t = s->table + ((matrix % s->heads) * s->queries + query) * keys;
            for (int64_t j = 0; j < keys; j++) x[j] = x[j] * scale + t[j];
        } else if (s->height) {
            const int64_t kw = s->key_width, kh = keys / kw;
            const float *h = s->height + (matrix * s->queries + query) * kh;
            const float *w = s->width + (matrix * s->queries + query) * kw;
            for (int64_t i = 0; i < kh; i++)
                for (int64_t j = 0; j < kw; j++) x[i * kw + j] = x[i * kw + j] * scale + (h[i] + w[j]);
        } else {
            for (int64_t j = 0; j < keys; j++) x[j] *= scale;
        }
        float lanes[LANES];
        for (int lane = 0; lane < LANES; lane++) lanes[lane] = x[0];
        for (int64_t j = 0; j < whole; j += LANES)
            for (int lane = 0; lane < LANES; lane++) lanes[lane] = x[j + lane] > lanes[lane] ? x[j + lane] : lanes[lane];
        for (int64_t j = whole; j < keys; j++) lanes[0] = x[j] > lanes[0] ? x[j] : lanes[0];
        const float highest = lane_maximum(lanes);
        for (int lane = 0; lane < LANES; lane++) lanes[lane] = 0;
        for (int64_t j = 0; j < whole; j += LANES)
            for (int lane = 0; lane < LANES; lane++) {
                float e = exponential(x[j + lane] - highest);
                x[j + lane] = e;
                lanes[lane] += e;
            }
        for (int64_t j = whole; j < keys; j++) lanes[0] += x[j] = exponential(x[j] - highest);
        float sum = 0;
        for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
        const float share = 1 / sum;
        if (s->result_bf16) {
            uint16_t *y = (uint16_t *)job->result + row * keys;
            for (int64_t j = 0; j < keys; j++) y[j] = to_bf16(x[j] * share);
        }
        // The probabilities in fp32 as well where a backward pass needs them, or where they are the result.
        if (!s->result_bf16 || s->keeps_scores)
            for (int64_t j = 0; j < keys; j++) x[j] *= share;
    }
}

void nn_attention_softmax(const nn_attention_scores *shape, float *scores, void *result) {
    scores_job job = {shape, scores, result};
    nn_parallel(shape->matrices * shape->rows, 8, scores_piece, &job);
}

typedef struct {
    const float *p, *dp;
    float *ds;
    uint16_t *ds16;
    int64_t keys;
    float scale;
} scores_backward_job;

/// ds = p·(dp − Σ p·dp)·scale.
NN_KERNEL static void scores_backward_piece(void *context, int64_t begin, int64_t end) {
    const scores_backward_job *job = context;
    const int64_t keys = job->keys, whole = keys / LANES * LANES;
    for (int64_t row = begin; row < end; row++) {
        const float *p = job->p + row * keys, *dp = job->dp + row * keys;
        float *ds = job->ds + row * keys;
        float lanes[LANES] = {0};
        for (int64_t j = 0; j < whole; j += LANES)
            for (int lane = 0; lane < LANES; lane++) lanes[lane] += p[j + lane] * dp[j + lane];
        for (int64_t j = whole; j < keys; j++) lanes[0] += p[j] * dp[j];
        float sum = 0;
        for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
        const float scale = job->scale;
        if (job->ds16) {
            uint16_t *ds16 = job->ds16 + row * keys;
            for (int64_t j = 0; j < keys; j++) ds16[j] = to_bf16(p[j] * (dp[j] - sum) * scale);
        } else {
            for (int64_t j = 0; j < keys; j++) ds[j] = p[j] * (dp[j] - sum) * scale;
        }
    }
}

void nn_attention_softmax_backward(
    const float *p, const float *dp, void *ds, int32_t ds_bf16, int64_t rows, int64_t keys, float scale) {
    scores_backward_job job = {p, dp, ds_bf16 ? NULL : ds, ds_bf16 ? ds : NULL, keys, scale};
    nn_parallel(rows, 8, scores_backward_piece, &job);
}
