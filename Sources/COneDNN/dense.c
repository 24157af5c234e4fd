// Products of fp32 matrices over a `b` as it lies, for the shapes that oneDNN is slow at. Both are laid out for the vectors
// on the way, a block of inner numbers at a time, in the caches (Goto and van de Geijn, ACM TOMS 34 (3), 2008). Twelve rows
// times thirty-two columns: twenty-four sums in registers, and every number that is loaded lies beside the one before.
#include "dense.h"
#include "products.h"
#include "vectors.h"

#include <stdatomic.h>

enum {
    ROWS = 12,
    COLUMNS = 32,
    // Inner numbers of a block: a panel of 32 columns is 24 KiB of an L1 cache of 32 or 48, and stays there.
    DEPTH = 192,
    // Panels that a thread takes at a time.
    PIECE = 2,
};

struct dense_product {
    int64_t m, n, k;
    int64_t a_row, a_inner, b_inner, result_row;
    int64_t depth; // the same for all blocks but the last
    int32_t adds;
};

/// Numbers of a packed panel of rows. Vectors are stored whole: the last ones reach past the rows.
static int64_t panel_numbers(int64_t depth) { return depth * ROWS + LANES; }
static int64_t panels_of(int64_t count, int64_t size) { return (count + size - 1) / size; }

dense_product *dense_make(const nn_matmul *s) {
    const int64_t *a = s->a_strides + 2, *b = s->b_strides + 2, *d = s->destination_strides + 2;
    if (s->element != NN_F32 || s->destination_element != NN_F32 || s->packs_b || s->post != NN_POST_NONE) return NULL;
    if (s->b0 != 1 || s->b1 != 1 || d[1] != 1 || (a[0] != 1 && a[1] != 1) || b[1] != 1) return NULL;
    // Two kinds of products at which oneDNN falls to half its speed. Rows of b that lie far apart, but not by a power of two,
    // where it copies what it reads of b (ViT-B's 3,072, ViT-H's 3,840 and 5,120); and long sums down rows that are whole
    // kibibytes apart, whose numbers all want the same sets of the caches (ViT-B's gradients of 3,072 and 2,304 by 768).
    const int lies_apart = b[0] >= 2560 && (b[0] & (b[0] - 1)) != 0;
    const int collides = b[0] % 256 == 0 && s->k > 1024;
    if (!(lies_apart || collides) || !products_are_fast(0)) return NULL;
    // Small products spend their time in packing and in borders.
    if (s->m < 96 || s->n < 96 || s->k < 64) return NULL;
    dense_product *p = malloc(sizeof *p);
    if (!p) return NULL;
    *p = (dense_product){
        .m = s->m, .n = s->n, .k = s->k, .a_row = a[0], .a_inner = a[1], .b_inner = b[0], .result_row = d[0],
        .adds = s->adds_destination};
    int64_t blocks = panels_of(s->k, DEPTH);
    p->depth = panels_of(panels_of(s->k, blocks), LANES) * LANES;
    return p;
}

size_t dense_scratch_bytes(const dense_product *p) {
    return (size_t)(panels_of(p->m, ROWS) * panel_numbers(p->depth)) * sizeof(float);
}

/// One block of inner numbers, and what threads share while they work on it.
typedef struct {
    const dense_product *p;
    const float *a, *b, *bias;
    float *result, *packed;
    int64_t first, depth;
    _Atomic int64_t next;
} block_job;

/// Sixteen vectors of sixteen numbers, transposed in four steps: pairs of vectors exchange halves of 1, 2, 4 and 8.
#define EXCHANGE(distance, low, high)                                                      \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < LANES; i++) {                   \
        if (i & (distance)) continue;                                                      \
        const lanes x_ = v[i], y_ = v[i + (distance)];                                     \
        v[i] = __builtin_shufflevector(x_, y_, low);                                       \
        v[i + (distance)] = __builtin_shufflevector(x_, y_, high);                         \
    }
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31

/// The first `filled`, at least one, of sixteen lines of `depth` numbers, `line` apart, become columns: number k of line i goes to
/// packed[k·step + i], lines beyond them are zero. Writes sixteen numbers for every k, in rising order.
NN_KERNEL static void pack_lines(
    const float *from, int64_t line, int64_t filled, int64_t depth, float *packed, int64_t step) {
    int64_t k = 0;
    for (; k + LANES <= depth; k += LANES) {
        lanes v[LANES];
        _Pragma("clang loop unroll(full)") for (int i = 0; i < LANES; i++) {
            v[i] = LOAD(from + (i < filled ? i : 0) * line + k);
            if (i >= filled) v[i] = (lanes)(0.0f);
        }
        EXCHANGE(1, LOW_1, HIGH_1)
        EXCHANGE(2, LOW_2, HIGH_2)
        EXCHANGE(4, LOW_4, HIGH_4)
        EXCHANGE(8, LOW_8, HIGH_8)
        _Pragma("clang loop unroll(full)") for (int i = 0; i < LANES; i++) STORE(packed + (k + i) * step, v[i]);
    }
    for (; k < depth; k++)
        for (int i = 0; i < LANES; i++) packed[k * step + i] = i < filled ? from[i * line + k] : 0;
}

/// The first `filled` of sixteen numbers of each of `depth` lines; the rest is zero. Writes as `pack_lines` does.
NN_KERNEL static void copy_lines(
    const float *from, int64_t line, int64_t filled, int64_t depth, float *packed, int64_t step) {
    for (int64_t k = 0; k < depth; k++) {
        if (filled >= LANES) {
            STORE(packed + k * step, LOAD(from + k * line));
        } else {
            for (int i = 0; i < LANES; i++) packed[k * step + i] = i < filled ? from[k * line + i] : 0;
        }
    }
}

static void pack_rows(void *context, int64_t begin, int64_t end) {
    const block_job *job = context;
    const dense_product *p = job->p;
    for (int64_t panel = begin; panel < end; panel++) {
        int64_t row = panel * ROWS, left = p->m - row;
        const float *from = job->a + row * p->a_row + job->first * p->a_inner;
        float *packed = job->packed + panel * panel_numbers(p->depth);
        if (p->a_inner == 1) pack_lines(from, p->a_row, left < ROWS ? left : ROWS, job->depth, packed, ROWS);
        else copy_lines(from, p->a_inner, left, job->depth, packed, ROWS);
    }
}

/// Twelve rows by thirty-two columns: result (+)= sums (+ bias).
NN_KERNEL static void tile(
    const float *rows, const float *columns, int64_t depth, float *result, int64_t result_row, const float *bias, int adds) {
    lanes left[ROWS], right[ROWS];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) left[i] = right[i] = (lanes)(0.0f);
    // The result is read and written once per block of inner numbers, from afar: asked for while the sums are made.
    for (int i = 0; i < ROWS; i++) {
        __builtin_prefetch(result + i * result_row, 1);
        __builtin_prefetch(result + i * result_row + LANES, 1);
    }
    for (int64_t k = 0; k < depth; k++) {
        const lanes b0 = LOAD(columns + k * COLUMNS), b1 = LOAD(columns + k * COLUMNS + LANES);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
            const lanes each = rows[k * ROWS + i];
            left[i] += each * b0;
            right[i] += each * b1;
        }
    }
    if (bias) {
        const lanes b0 = LOAD(bias), b1 = LOAD(bias + LANES);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) left[i] += b0, right[i] += b1;
    }
    if (adds) {
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
            left[i] += LOAD(result + i * result_row);
            right[i] += LOAD(result + i * result_row + LANES);
        }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
        STORE(result + i * result_row, left[i]);
        STORE(result + i * result_row + LANES, right[i]);
    }
}

/// A tile at the border: over memory of its own, of which only what belongs to the result is copied.
static void border_tile(
    const float *rows, const float *columns, int64_t depth, float *result, int64_t result_row, const float *bias, int adds,
    int64_t height, int64_t width) {
    float own[ROWS * COLUMNS], own_bias[COLUMNS] = {0};
    if (bias) memcpy(own_bias, bias, (size_t)width * sizeof(float));
    tile(rows, columns, depth, own, COLUMNS, own_bias, 0);
    for (int64_t i = 0; i < height; i++)
        for (int64_t j = 0; j < width; j++)
            result[i * result_row + j] = adds ? result[i * result_row + j] + own[i * COLUMNS + j] : own[i * COLUMNS + j];
}

static void multiply_columns(void *context, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    block_job *job = context;
    const dense_product *p = job->p;
    const int64_t panels = panels_of(p->n, COLUMNS), row_panels = panels_of(p->m, ROWS);
    const int adds = p->adds || job->first > 0;
    const float *bias = job->first ? NULL : job->bias;
    float columns[DEPTH * COLUMNS] __attribute__((aligned(64)));
    for (;;) {
        int64_t panel = atomic_fetch_add_explicit(&job->next, PIECE, memory_order_relaxed);
        if (panel >= panels) return;
        int64_t last = panel + PIECE < panels ? panel + PIECE : panels;
        for (; panel < last; panel++) {
            int64_t column = panel * COLUMNS, width = p->n - column < COLUMNS ? p->n - column : COLUMNS;
            for (int half = 0; half < COLUMNS; half += LANES)
                copy_lines(
                    job->b + job->first * p->b_inner + column + half, p->b_inner, width - half, job->depth, columns + half,
                    COLUMNS);
            for (int64_t r = 0; r < row_panels; r++) {
                const float *rows = job->packed + r * panel_numbers(p->depth);
                float *result = job->result + r * ROWS * p->result_row + column;
                int64_t height = p->m - r * ROWS < ROWS ? p->m - r * ROWS : ROWS;
                const float *own = bias ? bias + column : NULL;
                if (height == ROWS && width == COLUMNS)
                    tile(rows, columns, job->depth, result, p->result_row, own, adds);
                else
                    border_tile(rows, columns, job->depth, result, p->result_row, own, adds, height, width);
            }
        }
    }
}

void dense_multiply(
    const dense_product *p, const float *a, const float *b, const float *bias, float *result, void *scratch) {
    block_job job = {.p = p, .a = a, .b = b, .bias = bias, .result = result, .packed = scratch};
    for (; job.first < p->k; job.first += p->depth) {
        job.depth = p->k - job.first < p->depth ? p->k - job.first : p->depth;
        atomic_store_explicit(&job.next, 0, memory_order_relaxed);
        nn_parallel(panels_of(p->m, ROWS), 1, pack_rows, &job);
        nn_parallel(nn_compute_threads(), 1, multiply_columns, &job);
    }
}
