// Attention without a backward pass: sixteen queries at a time against all keys of a head. Keys and values are packed once
// for each head; scores, their softmax and the result never leave the cache of the core that makes them.
#include "internal.h"
#include "numerics.h"
#include "products.h"
#include "vectors.h"

enum { BLOCK = 2 * PRODUCT_ROWS, PANEL = PRODUCT_COLUMNS };

int32_t nn_attention_is_fast(int32_t bf16, int64_t width) { return products_are_fast(bf16) && width % 2 == 0; }

typedef struct {
    const nn_attention *shape;
    char *scratch;
    size_t slot_bytes;
    /// Of keys and of the values' numbers, rounded up to panels; numbers from one row of scores to the next.
    int64_t keys, values, row;
    /// Work is shared in pieces of `chunk` queries of a head; who is free takes the next.
    int64_t chunk, chunks, slots, next;
} attention_job;

/// What one thread works in. `key` and `value` are panels, in the precision of the products, as are queries and shares.
typedef struct {
    float *scores, *results, *line;
    char *key, *value, *query;
    uint16_t *shares;
} workspace;

static int64_t rounded(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

static workspace workspace_at(const attention_job *job, int64_t slot, size_t *bytes) {
    const nn_attention *s = job->shape;
    char *at = job->scratch + (size_t)slot * job->slot_bytes, *const start = at;
    const size_t each = s->bf16 ? 2 : 4;
    workspace w;
#define TAKE(place, type, count) ((place) = (type *)at, at += rounded((int64_t)(count), 64))
    TAKE(w.scores, float, BLOCK * job->row * 4);
    TAKE(w.results, float, BLOCK * job->values * 4);
    TAKE(w.line, float, 2 * rounded(s->width > s->value_width ? s->width : s->value_width, PANEL) * 4);
    TAKE(w.key, char, (size_t)(job->keys * s->width) * each);
    TAKE(w.value, char, (size_t)(job->values * rounded(s->keys, 2)) * each);
    TAKE(w.query, char, (size_t)(BLOCK * s->width) * each);
    TAKE(w.shares, uint16_t, s->bf16 ? BLOCK * job->row * 2 : 0);
#undef TAKE
    // A line more, so that threads' rows do not fall into the same sets of a shared cache.
    if (bytes) *bytes = (size_t)(at - start) + 64;
    return w;
}

/// `count` numbers of one token and head, in fp32 or bf16 as asked.
NN_KERNEL static void take(const nn_heads *from, int64_t place, int64_t count, void *to, int32_t narrow) {
    const float *f = (const float *)from->base + place;
    const uint16_t *h = (const uint16_t *)from->base + place;
    float *to_f = to;
    uint16_t *to_h = to;
    if (from->bf16 && narrow) for (int64_t i = 0; i < count; i++) to_h[i] = h[i];
    else if (from->bf16) for (int64_t i = 0; i < count; i++) to_f[i] = from_bf16(h[i]);
    else if (narrow) for (int64_t i = 0; i < count; i++) to_h[i] = to_bf16(f[i]);
    else for (int64_t i = 0; i < count; i++) to_f[i] = f[i];
}

static int64_t place_of(const nn_heads *heads, const nn_attention *s, int64_t matrix, int64_t token) {
    return matrix / s->heads * heads->batch + matrix % s->heads * heads->head + token * heads->token;
}

/// Keys become columns: panel, number (or pair of numbers), key of the panel. What is beyond the last key is zero.
static void pack_keys(const attention_job *job, const workspace *w, int64_t matrix) {
    const nn_attention *s = job->shape;
    // Numbers of four bytes: one in fp32, two in bf16.
    const int64_t words = s->bf16 ? s->width / 2 : s->width;
    for (int64_t key = 0; key < job->keys; key++) {
        uint32_t *to = (uint32_t *)w->key + key / PANEL * words * PANEL + key % PANEL;
        if (key < s->keys) {
            const uint32_t *line = (const uint32_t *)w->line;
            take(&s->k, place_of(&s->k, s, matrix, key), s->width, w->line, s->bf16);
            for (int64_t i = 0; i < words; i++) to[i * PANEL] = line[i];
        } else {
            for (int64_t i = 0; i < words; i++) to[i * PANEL] = 0;
        }
    }
}

/// Values stay rows: panel, key (or pair of keys), number of the panel.
static void pack_values(const attention_job *job, const workspace *w, int64_t matrix) {
    const nn_attention *s = job->shape;
    const int64_t keys = rounded(s->keys, s->bf16 ? 2 : 1);
    memset(w->line, 0, (size_t)(2 * job->values) * 4);
    if (!s->bf16) {
        for (int64_t key = 0; key < keys; key++) {
            take(&s->v, place_of(&s->v, s, matrix, key), s->value_width, w->line, 0);
            for (int64_t i = 0; i < job->values; i += PANEL)
                memcpy((float *)w->value + i * keys + key * PANEL, w->line + i, PANEL * 4);
        }
        return;
    }
    uint16_t *first = (uint16_t *)w->line, *second = first + job->values;
    for (int64_t key = 0; key < keys; key += 2) {
        take(&s->v, place_of(&s->v, s, matrix, key), s->value_width, first, 1);
        if (key + 1 < s->keys) take(&s->v, place_of(&s->v, s, matrix, key + 1), s->value_width, second, 1);
        else memset(second, 0, (size_t)job->values * 2);
        for (int64_t i = 0; i < job->values; i += PANEL) {
            uint16_t *to = (uint16_t *)w->value + i * keys + key * PANEL;
            for (int64_t j = 0; j < PANEL; j++) to[2 * j] = first[i + j], to[2 * j + 1] = second[i + j];
        }
    }
}

/// Scores times scale plus their bias.
NN_KERNEL static void bias_row(const nn_attention *s, int64_t matrix, int64_t query, float *x) {
    const int64_t keys = s->keys;
    const float scale = s->scale;
    if (s->table) {
        const float *t = s->table + ((matrix % s->heads) * s->queries + query) * keys;
        for (int64_t j = 0; j < keys; j++) x[j] = x[j] * scale + t[j];
    } else {
        const int64_t across = s->key_width, down = keys / across;
        const float *h = s->bias_height + (matrix * s->queries + query) * down;
        const float *v = s->bias_width + (matrix * s->queries + query) * across;
        for (int64_t i = 0; i < down; i++)
            for (int64_t j = 0; j < across; j++) x[i * across + j] = x[i * across + j] * scale + (h[i] + v[j]);
    }
}

/// e^(x·scale − the greatest of them) of a row, in place or in bf16; returns 1 / their sum.
NN_KERNEL static float softmax_row(float *x, int64_t keys, int64_t padded, float scale, uint16_t *shares) {
    // Beyond the last key stands what becomes nothing beside the greatest.
    for (int64_t j = keys; j < padded; j++) x[j] = -1e30f;
    lanes most = LOAD(x), other = LOAD(x + LANES);
    for (int64_t j = PANEL; j < padded; j += PANEL) {
        most = __builtin_elementwise_max(most, LOAD(x + j));
        other = __builtin_elementwise_max(other, LOAD(x + j + LANES));
    }
    most = __builtin_elementwise_max(most, other);
    float highest = most[0];
    for (int i = 1; i < LANES; i++) highest = most[i] > highest ? most[i] : highest;
    const lanes offset = highest * scale;
    lanes sum = 0.0f, sums = 0.0f;
    for (int64_t j = 0; j < padded; j += PANEL) {
        const lanes a = LOAD(x + j) * scale - offset, b = LOAD(x + j + LANES) * scale - offset;
        lanes e, f;
        EXPONENTIAL(e, a);
        EXPONENTIAL(f, b);
        sum += e, sums += f;
        if (shares) {
            STORE_BF16(shares + j, e);
            STORE_BF16(shares + j + LANES, f);
        } else {
            STORE(x + j, e);
            STORE(x + j + LANES, f);
        }
    }
    sum += sums;
    float total = 0;
    for (int i = 0; i < LANES; i++) total += sum[i];
    return 1 / total;
}

NN_KERNEL static void give(const nn_heads *to, int64_t place, int64_t count, const float *from, float factor) {
    float *f = (float *)(uintptr_t)to->base + place;
    uint16_t *h = (uint16_t *)(uintptr_t)to->base + place;
    if (to->bf16) for (int64_t i = 0; i < count; i++) h[i] = to_bf16(from[i] * factor);
    else for (int64_t i = 0; i < count; i++) f[i] = from[i] * factor;
}

/// Queries `first` up to `first + count` of a head, at most a block.
static void block(const attention_job *job, const workspace *w, int64_t matrix, int64_t first, int64_t count) {
    const nn_attention *s = job->shape;
    const size_t each = s->bf16 ? 2 : 4;
    const int64_t rows = rounded(count, PRODUCT_ROWS), inner = rounded(s->keys, s->bf16 ? 2 : 1);
    for (int64_t i = 0; i < count; i++)
        take(&s->q, place_of(&s->q, s, matrix, first + i), s->width, w->query + (size_t)(i * s->width) * each, s->bf16);
    for (int64_t key = 0; key < job->keys; key += PANEL)
        for (int64_t i = 0; i < rows; i += PRODUCT_ROWS) {
            float *scores = w->scores + i * job->row + key;
            const char *query = w->query + (size_t)(i * s->width) * each, *panel = w->key + (size_t)(key * s->width) * each;
            if (s->bf16)
                product_bf16((const uint16_t *)query, s->width, (const uint16_t *)panel, s->width, scores, job->row);
            else product_f32((const float *)query, s->width, (const float *)panel, s->width, scores, job->row);
        }
    float factors[BLOCK];
    const int biased = s->table || s->bias_height;
    for (int64_t i = 0; i < count; i++) {
        float *x = w->scores + i * job->row;
        if (biased) bias_row(s, matrix, first + i, x);
        factors[i] = softmax_row(x, s->keys, job->keys, biased ? 1 : s->scale, s->bf16 ? w->shares + i * job->row : NULL);
    }
    for (int64_t number = 0; number < job->values; number += PANEL)
        for (int64_t i = 0; i < rows; i += PRODUCT_ROWS) {
            float *results = w->results + i * job->values + number;
            const char *panel = w->value + (size_t)(number * inner) * each;
            if (s->bf16)
                product_bf16(w->shares + i * job->row, job->row, (const uint16_t *)panel, inner, results, job->values);
            else product_f32(w->scores + i * job->row, job->row, (const float *)panel, inner, results, job->values);
        }
    for (int64_t i = 0; i < count; i++)
        give(&s->y, place_of(&s->y, s, matrix, first + i), s->value_width, w->results + i * job->values, factors[i]);
}

static void attention_piece(void *context, int64_t begin, int64_t end) {
    attention_job *job = context;
    const nn_attention *s = job->shape;
    const int64_t pieces = s->batches * s->heads * job->chunks;
    for (int64_t slot = begin; slot < end; slot++) {
        const workspace w = workspace_at(job, slot, NULL);
        // Rows of a block that no query fills are computed all the same.
        memset(w.query, 0, (size_t)(BLOCK * s->width) * (s->bf16 ? 2 : 4));
        if (s->bf16) memset(w.shares, 0, (size_t)(BLOCK * job->row) * 2);
        int64_t packed = -1;
        for (;;) {
            const int64_t piece = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
            if (piece >= pieces) break;
            const int64_t matrix = piece / job->chunks, from = piece % job->chunks * job->chunk;
            const int64_t to = from + job->chunk < s->queries ? from + job->chunk : s->queries;
            if (packed != matrix) {
                pack_keys(job, &w, matrix);
                pack_values(job, &w, matrix);
                packed = matrix;
            }
            for (int64_t first = from; first < to; first += BLOCK)
                block(job, &w, matrix, first, to - first < BLOCK ? to - first : BLOCK);
        }
    }
}

static attention_job job_make(const nn_attention *s) {
    attention_job job = {.shape = s, .slots = nn_compute_threads()};
    job.keys = rounded(s->keys, PANEL), job.values = rounded(s->value_width, PANEL);
    job.row = job.keys + LANES;
    const int64_t matrices = s->batches * s->heads, blocks = (s->queries + BLOCK - 1) / BLOCK;
    // A few pieces for each thread, where there are not enough heads.
    int64_t chunks = (4 * job.slots + matrices - 1) / matrices;
    if (job.slots == 1) chunks = 1;
    if (chunks > blocks) chunks = blocks;
    job.chunk = (blocks + chunks - 1) / chunks * BLOCK;
    job.chunks = (s->queries + job.chunk - 1) / job.chunk;
    workspace_at(&job, 0, &job.slot_bytes);
    return job;
}

size_t nn_attention_scratch_bytes(const nn_attention *shape) {
    const attention_job job = job_make(shape);
    return (size_t)job.slots * job.slot_bytes;
}

void nn_attention_run(const nn_attention *shape, void *scratch) {
    attention_job job = job_make(shape);
    job.scratch = scratch;
    nn_parallel(job.slots, 1, attention_piece, &job);
}
