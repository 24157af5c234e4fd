// Attention without a backward pass: some queries at a time against all keys of a head. Keys and values are packed once for
// each head; scores, their softmax and the result never leave the cache of the core that makes them.
#include "internal.h"
#include "numerics.h"
#include "products.h"
#include "vectors.h"

/// Queries of a block at most: two tiles of the matrix unit, four rows of vectors' products.
enum { BLOCK = 2 * AMX_TILE, PANEL = PRODUCT_COLUMNS };
_Static_assert(PANEL == 2 * AMX_TILE, "vectors and matrix unit read panels of the same width");

int32_t nn_attention_is_fast(int32_t bf16, int64_t width) {
    return width % 2 == 0 && ((bf16 && amx_is_there()) || products_are_fast(bf16));
}

typedef struct {
    const nn_attention *shape;
    char *scratch;
    size_t slot_bytes;
    /// Whether the matrix unit multiplies.
    int32_t amx;
    /// Queries' and keys' numbers, rounded up to what a product takes at once; keys and the values' numbers, rounded up to
    /// panels; keys that values are multiplied for; numbers from one row of scores to the next.
    int64_t width, keys, values, inner, row;
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
    TAKE(w.key, char, (size_t)(job->keys * job->width) * each);
    TAKE(w.value, char, (size_t)(job->values * job->inner) * each);
    TAKE(w.query, char, (size_t)(BLOCK * job->width) * each);
    TAKE(w.shares, uint16_t, s->bf16 ? BLOCK * job->row * 2 : 0);
#undef TAKE
    // A line more, so that threads' rows do not fall into the same sets of a shared cache.
    if (bytes) *bytes = (size_t)(at - start) + 64;
    return w;
}

NN_KERNEL static void widen(const uint16_t *from, int64_t count, float *to) {
    for (int64_t i = 0; i < count; i++) to[i] = from_bf16(from[i]);
}

NN_KERNEL static void narrow(const float *from, int64_t count, uint16_t *to) {
    for (int64_t i = 0; i < count; i++) to[i] = to_bf16(from[i]);
}

/// `count` numbers of one token and head, in fp32 or bf16 as asked.
static inline void take(const nn_heads *from, int64_t place, int64_t count, void *to, int32_t narrows) {
    const float *f = (const float *)from->base + place;
    const uint16_t *h = (const uint16_t *)from->base + place;
    if (from->bf16 && narrows) memcpy(to, h, (size_t)count * 2);
    else if (from->bf16) widen(h, count, to);
    else if (narrows) narrow(f, count, to);
    else memcpy(to, f, (size_t)count * 4);
}

static int64_t place_of(const nn_heads *heads, const nn_attention *s, int64_t matrix, int64_t token) {
    return matrix / s->heads * heads->batch + matrix % s->heads * heads->head + token * heads->token;
}

/// Keys become columns: panel, number (or pair of numbers), key of the panel. What is beyond the last key is zero.
static void pack_keys(const attention_job *job, const workspace *w, int64_t matrix) {
    const nn_attention *s = job->shape;
    // Numbers of four bytes: one in fp32, two in bf16.
    const int64_t words = s->bf16 ? s->width / 2 : s->width, all = s->bf16 ? job->width / 2 : job->width;
    for (int64_t key = 0; key < job->keys; key++) {
        uint32_t *to = (uint32_t *)w->key + key / PANEL * all * PANEL + key % PANEL;
        const int64_t there = key < s->keys ? words : 0;
        const uint32_t *line = (const uint32_t *)w->line;
        if (there) take(&s->k, place_of(&s->k, s, matrix, key), s->width, w->line, s->bf16);
        for (int64_t i = 0; i < there; i++) to[i * PANEL] = line[i];
        for (int64_t i = there; i < all; i++) to[i * PANEL] = 0;
    }
}

/// Values stay rows: panel, key (or pair of keys), number of the panel.
static void pack_values(const attention_job *job, const workspace *w, int64_t matrix) {
    const nn_attention *s = job->shape;
    const int64_t keys = job->inner;
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
        if (key < s->keys) take(&s->v, place_of(&s->v, s, matrix, key), s->value_width, first, 1);
        else memset(first, 0, (size_t)job->values * 2);
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

/// Fills what is beyond the last key with what becomes nothing beside the greatest, and finds that.
#define HIGHEST(x, keys, padded, highest)                                        \
    for (int64_t j = (keys); j < (padded); j++) (x)[j] = -1e30f;                 \
    lanes most = LOAD(x), other = LOAD((x) + LANES);                             \
    for (int64_t j = PANEL; j < (padded); j += PANEL) {                          \
        most = __builtin_elementwise_max(most, LOAD((x) + j));                   \
        other = __builtin_elementwise_max(other, LOAD((x) + j + LANES));         \
    }                                                                            \
    float highest;                                                               \
    REDUCE(highest, __builtin_elementwise_max(most, other), __builtin_elementwise_max)

/// e^(x·scale − the greatest of them) of a row, in place; returns 1 / their sum.
NN_KERNEL static float softmax_row(float *x, int64_t keys, int64_t padded, float scale) {
    HIGHEST(x, keys, padded, highest);
    const lanes offset = highest * scale;
    lanes sum = 0.0f, sums = 0.0f;
    for (int64_t j = 0; j < padded; j += PANEL) {
        const lanes a = LOAD(x + j) * scale - offset, b = LOAD(x + j + LANES) * scale - offset;
        lanes e, f;
        EXPONENTIAL(e, a);
        EXPONENTIAL(f, b);
        sum += e, sums += f;
        STORE(x + j, e);
        STORE(x + j + LANES, f);
    }
    float total;
    REDUCE(total, sum + sums, SUM_OF);
    return 1 / total;
}

/// The same to bf16, by an exponential that is right to 1e-4: a bf16 is to 4e-3.
NATIVE_BF16 static float softmax_row_bf16(
    float *x, int64_t keys, int64_t padded, float scale, uint16_t *shares) {
    HIGHEST(x, keys, padded, highest);
    const float powers = scale * 1.44269504f;
    const lanes offset = highest * powers;
    lanes sum = 0.0f, sums = 0.0f;
    for (int64_t j = 0; j < padded; j += PANEL) {
        lanes e, f;
        ROUGH_POWER(e, LOAD(x + j) * powers - offset);
        ROUGH_POWER(f, LOAD(x + j + LANES) * powers - offset);
        sum += e, sums += f;
        STORE_NATIVE_BF16(shares + j, e);
        STORE_NATIVE_BF16(shares + j + LANES, f);
    }
    float total;
    REDUCE(total, sum + sums, SUM_OF);
    return 1 / total;
}

NN_KERNEL static void give(const nn_heads *to, int64_t place, int64_t count, const float *from, float factor) {
    float *f = (float *)(uintptr_t)to->base + place;
    uint16_t *h = (uint16_t *)(uintptr_t)to->base + place;
    if (to->bf16) for (int64_t i = 0; i < count; i++) h[i] = to_bf16(from[i] * factor);
    else for (int64_t i = 0; i < count; i++) f[i] = from[i] * factor;
}

/// Rows of queries, or of their shares of keys, times one panel of keys or of the values' numbers.
static inline void multiply(
    const attention_job *job, int64_t rows, const char *a, int64_t row, const char *panel, int64_t inner, float *result,
    int64_t result_row) {
    if (job->amx) {
        amx_panel((const uint16_t *)a, row, (const uint16_t *)panel, inner, result, result_row);
        return;
    }
    for (int64_t i = 0; i < rows; i += PRODUCT_ROWS, result += PRODUCT_ROWS * result_row) {
        if (job->shape->bf16)
            product_bf16((const uint16_t *)a + i * row, row, (const uint16_t *)panel, inner, result, result_row);
        else product_f32((const float *)a + i * row, row, (const float *)panel, inner, result, result_row);
    }
}

/// Queries `first` up to `first + count` of a head, at most a block.
static void block(const attention_job *job, const workspace *w, int64_t matrix, int64_t first, int64_t count) {
    const nn_attention *s = job->shape;
    const size_t each = s->bf16 ? 2 : 4;
    const int64_t rows = rounded(count, PRODUCT_ROWS);
    for (int64_t i = 0; i < count; i++)
        take(&s->q, place_of(&s->q, s, matrix, first + i), s->width, w->query + (size_t)(i * job->width) * each, s->bf16);
    for (int64_t key = 0; key < job->keys; key += PANEL)
        multiply(
            job, rows, w->query, job->width, w->key + (size_t)(key * job->width) * each, job->width, w->scores + key, job->row);
    float factors[BLOCK];
    const int biased = s->table || s->bias_height;
    for (int64_t i = 0; i < count; i++) {
        float *x = w->scores + i * job->row;
        const float scale = biased ? 1 : s->scale;
        if (biased) bias_row(s, matrix, first + i, x);
        factors[i] = s->bf16 ? softmax_row_bf16(x, s->keys, job->keys, scale, w->shares + i * job->row)
                             : softmax_row(x, s->keys, job->keys, scale);
    }
    const char *shares = s->bf16 ? (const char *)w->shares : (const char *)w->scores;
    for (int64_t number = 0; number < job->values; number += PANEL)
        multiply(
            job, rows, shares, job->row, w->value + (size_t)(number * job->inner) * each, job->inner, w->results + number,
            job->values);
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
        memset(w.query, 0, (size_t)(BLOCK * job->width) * (s->bf16 ? 2 : 4));
        if (s->bf16) memset(w.shares, 0, (size_t)(BLOCK * job->row) * 2);
        int64_t packed = -1;
        if (job->amx) amx_begin();
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
        if (job->amx) amx_end();
    }
}

static attention_job job_make(const nn_attention *s) {
    attention_job job = {.shape = s, .slots = nn_compute_threads()};
    job.amx = s->bf16 && amx_is_there();
    job.width = job.amx ? rounded(s->width, AMX_INNER) : s->width;
    job.keys = rounded(s->keys, PANEL), job.values = rounded(s->value_width, PANEL);
    job.inner = job.amx ? job.keys : rounded(s->keys, s->bf16 ? 2 : 1);
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
