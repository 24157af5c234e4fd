// 3×3 convolution with stride 1 and a border of one zero, over N,H,W,C, by the minimal filtering F(4×4, 3×3) of Lavin and
// Gray (CVPR 2016): 36 products of matrices where the plain sum takes 144. Everything is fp32, also where the maps are bf16.
// Tiles of 4×4 results are worked on in blocks, whose transformed numbers stay in the second-level cache.
#include "internal.h"
#include "products.h"
#include "vectors.h"

enum { POINTS = 36, SIDE = 6, TILE = 4, ROWS = PRODUCT_ROWS, PANEL = PRODUCT_COLUMNS };

/// Floats that keep rows, and the matrices of neighbouring points, from falling into the same sets of the caches.
enum { PADDING = 16 };
/// Tiles of a block.
enum { BLOCK = 32 };

int32_t nn_winograd_is_fast(int32_t bf16) {
    // Maps of bf16 take this way where oneDNN would multiply them with vectors, too.
    return bf16 ? products_are_fast(1) : products_are_fast(0);
}

size_t nn_winograd_weight_bytes(int64_t channels, int64_t out_channels) {
    return (size_t)(POINTS * channels * out_channels) * sizeof(float);
}

typedef struct {
    const float *plain;
    float *packed;
    int64_t channels, out_channels;
    int32_t transposed;
} pack_job;

/// G·g·Gᵀ of each kernel, in panels of 32 output channels: point, panel, channel, output channel of the panel. Sixteen
/// output channels at a time: training packs at every step.
NN_KERNEL static void pack_piece(void *context, int64_t begin, int64_t end) {
    static const float g[SIDE][3] = {
        {1.0f / 4, 0, 0},
        {-1.0f / 6, -1.0f / 6, -1.0f / 6},
        {-1.0f / 6, 1.0f / 6, -1.0f / 6},
        {1.0f / 24, 1.0f / 12, 1.0f / 6},
        {1.0f / 24, -1.0f / 12, 1.0f / 6},
        {0, 0, 1}};
    const pack_job *job = context;
    const int64_t channels = job->channels, panels = job->out_channels / PANEL;
    const int64_t step = job->transposed ? 9 : channels * 9, across = job->transposed ? job->out_channels * 9 : 9;
    for (int64_t panel = begin; panel < end; panel++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t part = 0; part < PANEL; part += LANES) {
                const float *kernels = job->plain + (panel * PANEL + part) * step + c * across;
                lanes k[9], half[SIDE][3];
                for (int t = 0; t < 9; t++)
                    for (int lane = 0; lane < LANES; lane++)
                        k[t][lane] = kernels[lane * step + (job->transposed ? 8 - t : t)];
                _Pragma("clang loop unroll(full)") for (int i = 0; i < SIDE; i++)
                    _Pragma("clang loop unroll(full)") for (int j = 0; j < 3; j++)
                        half[i][j] = g[i][0] * k[j] + g[i][1] * k[3 + j] + g[i][2] * k[6 + j];
                _Pragma("clang loop unroll(full)") for (int i = 0; i < SIDE; i++)
                    _Pragma("clang loop unroll(full)") for (int j = 0; j < SIDE; j++) {
                        float *to = job->packed + (((i * SIDE + j) * panels + panel) * channels + c) * PANEL + part;
                        STORE(to, half[i][0] * g[j][0] + half[i][1] * g[j][1] + half[i][2] * g[j][2]);
                    }
            }
}

void nn_winograd_pack(
    const float *plain, float *packed, int64_t channels, int64_t out_channels, int32_t transposed) {
    pack_job job = {plain, packed, channels, out_channels, transposed};
    nn_parallel(out_channels / PANEL, 1, pack_piece, &job);
}

typedef struct {
    const nn_winograd *shape;
    const void *x;
    const float *weights, *bias;
    void *y;
    /// Of tiles in one column and one row of an image's, and in all.
    int64_t down, across, tiles;
    /// Of a block, a multiple of ROWS; and how far apart rows and points lie in what is transformed.
    int64_t block, row, point, out_row, out_point;
    /// Blocks at work at a time, threads that share each, and the numbers that lie between its phases.
    int64_t slots, shares, slot_size;
    float *scratch;
    /// The first tile that nobody has taken.
    int64_t next;
} winograd_job;

#define TRANSFORM_IN(o0, o1, o2, o3, o4, o5, d0, d1, d2, d3, d4, d5)      \
    do {                                                                  \
        const lanes p_ = (d4) - (d2) * 4.0f, q_ = (d3) - (d1) * 4.0f;     \
        const lanes r_ = (d4) - (d2), s_ = ((d3) - (d1)) * 2.0f;          \
        (o0) = ((d0) - (d2)) * 4.0f + r_;                                 \
        (o5) = ((d1) - (d3)) * 4.0f + ((d5) - (d3));                      \
        (o1) = p_ + q_, (o2) = p_ - q_, (o3) = r_ + s_, (o4) = r_ - s_;   \
    } while (0)

#define TRANSFORM_OUT(y0, y1, y2, y3, m0, m1, m2, m3, m4, m5)             \
    do {                                                                  \
        const lanes a_ = (m1) + (m2), b_ = (m1) - (m2);                   \
        const lanes c_ = (m3) + (m4), d_ = (m3) - (m4);                   \
        (y0) = (m0) + a_ + c_, (y1) = b_ + d_ * 2.0f;                     \
        (y2) = a_ + c_ * 4.0f, (y3) = b_ + d_ * 8.0f + (m5);              \
    } while (0)

/// Bᵀ·d·B of the 6×6 pixels at `x`, whose rows lie `pitch` numbers apart, to row `to` of each point's matrix.
#define TILE_IN(name, element, load)                                                                              \
    NN_KERNEL static void name(const element *x, int64_t pitch, int64_t channels, float *to, int64_t point) {     \
        for (int64_t c = 0; c < channels; c += LANES) {                                                           \
            lanes t[SIDE][SIDE];                                                                                  \
            _Pragma("clang loop unroll(full)") for (int j = 0; j < SIDE; j++) {                                   \
                const element *p = x + j * channels + c;                                                          \
                const lanes d0 = load(p), d1 = load(p + pitch), d2 = load(p + 2 * pitch), d3 = load(p + 3 * pitch), \
                            d4 = load(p + 4 * pitch), d5 = load(p + 5 * pitch);                                   \
                TRANSFORM_IN(t[0][j], t[1][j], t[2][j], t[3][j], t[4][j], t[5][j], d0, d1, d2, d3, d4, d5);       \
            }                                                                                                     \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < SIDE; i++) {                                   \
                lanes o[SIDE];                                                                                    \
                TRANSFORM_IN(o[0], o[1], o[2], o[3], o[4], o[5], t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5]); \
                _Pragma("clang loop unroll(full)") for (int j = 0; j < SIDE; j++)                                 \
                    STORE(to + (i * SIDE + j) * point + c, o[j]);                                                 \
            }                                                                                                     \
        }                                                                                                         \
    }

TILE_IN(tile_in_f32, float, LOAD)
TILE_IN(tile_in_bf16, uint16_t, LOAD_BF16)

/// The tile's 6×6 pixels where they lie, or a copy with zeros for what is outside.
static const void *tile_pixels(const winograd_job *job, int64_t tile, void *copy, int64_t *pitch) {
    const nn_winograd *s = job->shape;
    const size_t bytes = s->bf16 ? 2 : 4, pixel = (size_t)s->c * bytes;
    const int64_t image = tile / (job->down * job->across), place = tile % (job->down * job->across);
    const int64_t top = place / job->across * TILE - 1, left = place % job->across * TILE - 1;
    const char *x = (const char *)job->x + (size_t)(image * s->h * s->w) * pixel;
    if (top >= 0 && left >= 0 && top + SIDE <= s->h && left + SIDE <= s->w) {
        *pitch = s->w * s->c;
        return x + (size_t)(top * s->w + left) * pixel;
    }
    *pitch = SIDE * s->c;
    const int64_t from = left < 0 ? 0 : left, to = left + SIDE > s->w ? s->w : left + SIDE;
    memset(copy, 0, SIDE * SIDE * pixel);
    for (int64_t row = top < 0 ? 0 : top; row < top + SIDE && row < s->h; row++)
        memcpy(
            (char *)copy + (size_t)((row - top) * SIDE + from - left) * pixel, x + (size_t)(row * s->w + from) * pixel,
            (size_t)(to - from) * pixel);
    return copy;
}

static void tiles_in(const winograd_job *job, int64_t first, int64_t begin, int64_t end, float *scratch, void *copy) {
    for (int64_t i = begin; i < end; i++) {
        int64_t pitch;
        const void *pixels = tile_pixels(job, first + i, copy, &pitch);
        if (job->shape->bf16) tile_in_bf16(pixels, pitch, job->shape->c, scratch + i * job->row, job->point);
        else tile_in_f32(pixels, pitch, job->shape->c, scratch + i * job->row, job->point);
    }
}

/// The products of points `begin` to `end`, each of `count` rows.
static void points_multiply(const winograd_job *job, int64_t count, int64_t begin, int64_t end, float *in, float *out) {
    const nn_winograd *s = job->shape;
    const int64_t panels = s->out_c / PANEL;
    for (int64_t p = begin; p < end; p++)
        for (int64_t panel = 0; panel < panels; panel++)
            for (int64_t i = 0; i < count; i += ROWS)
                product_f32(
                    in + p * job->point + i * job->row, job->row, job->weights + (p * panels + panel) * s->c * PANEL, s->c,
                    out + p * job->out_point + i * job->out_row + panel * PANEL, job->out_row);
}

/// Aᵀ·m·A, and what follows: bias, what the result holds, ReLU. Rows and columns beyond the map are left out.
#define TILE_OUT(name, element, load, store)                                                                      \
    NN_KERNEL static void name(                                                                                   \
        const nn_winograd *s, const float *from, int64_t point, const float *bias, element *y, int64_t rows,      \
        int64_t columns) {                                                                                        \
        const int64_t channels = s->out_c, pitch = s->w * channels;                                               \
        for (int64_t c = 0; c < channels; c += LANES) {                                                           \
            lanes t[TILE][SIDE];                                                                                  \
            _Pragma("clang loop unroll(full)") for (int j = 0; j < SIDE; j++) {                                   \
                const float *m = from + j * point + c;                                                            \
                const lanes m0 = LOAD(m), m1 = LOAD(m + SIDE * point), m2 = LOAD(m + 2 * SIDE * point),           \
                            m3 = LOAD(m + 3 * SIDE * point), m4 = LOAD(m + 4 * SIDE * point),                     \
                            m5 = LOAD(m + 5 * SIDE * point);                                                      \
                TRANSFORM_OUT(t[0][j], t[1][j], t[2][j], t[3][j], m0, m1, m2, m3, m4, m5);                        \
            }                                                                                                     \
            lanes shift = 0.0f;                                                                                   \
            if (bias) shift = LOAD(bias + c);                                                                     \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < TILE; i++) {                                   \
                if (i >= rows) break;                                                                             \
                lanes o[TILE];                                                                                    \
                TRANSFORM_OUT(o[0], o[1], o[2], o[3], t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5]);      \
                element *to = y + i * pitch + c;                                                                  \
                _Pragma("clang loop unroll(full)") for (int j = 0; j < TILE; j++) {                               \
                    if (j >= columns) break;                                                                      \
                    lanes z = o[j] + shift;                                                                       \
                    if (s->adds_destination) z += load(to + j * channels);                                        \
                    if (s->relu) z = __builtin_elementwise_max(z, (lanes)(0.0f));                                 \
                    store(to + j * channels, z);                                                                  \
                }                                                                                                 \
            }                                                                                                     \
        }                                                                                                         \
    }

TILE_OUT(tile_out_f32, float, LOAD, STORE)
TILE_OUT(tile_out_bf16, uint16_t, LOAD_BF16, STORE_BF16)

static void tiles_out(const winograd_job *job, int64_t first, int64_t begin, int64_t end, const float *scratch) {
    const nn_winograd *s = job->shape;
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = (first + i) / (job->down * job->across), place = (first + i) % (job->down * job->across);
        const int64_t top = place / job->across * TILE, left = place % job->across * TILE;
        const int64_t at = ((image * s->h + top) * s->w + left) * s->out_c;
        const float *from = scratch + i * job->out_row;
        if (s->result_bf16)
            tile_out_bf16(s, from, job->out_point, job->bias, (uint16_t *)job->y + at, s->h - top, s->w - left);
        else tile_out_f32(s, from, job->out_point, job->bias, (float *)job->y + at, s->h - top, s->w - left);
    }
}

/// A part of the scratch memory: what each point reads, what it makes, and a tile with its border.
typedef struct {
    float *in, *out, *copy;
} workspace;

static workspace workspace_at(const winograd_job *job, int64_t slot) {
    float *in = job->scratch + slot * job->slot_size, *out = in + POINTS * job->point;
    return (workspace){in, out, out + POINTS * job->out_point};
}

/// Blocks one after the other, each through all three phases; who is free takes the next.
static void block_piece(void *context, int64_t begin, int64_t end) {
    winograd_job *job = context;
    for (int64_t slot = begin; slot < end; slot++) {
        const workspace w = workspace_at(job, slot);
        for (;;) {
            const int64_t first = __atomic_fetch_add(&job->next, job->block, __ATOMIC_RELAXED);
            if (first >= job->tiles) break;
            const int64_t count = job->tiles - first < job->block ? job->tiles - first : job->block;
            tiles_in(job, first, 0, count, w.in, w.copy);
            points_multiply(job, count, 0, POINTS, w.in, w.out);
            tiles_out(job, first, 0, count, w.out);
        }
    }
}

// Where there are too few blocks for all threads, each phase is shared: all tiles are one block.
static void in_piece(void *context, int64_t begin, int64_t end) {
    const winograd_job *job = context;
    const workspace w = workspace_at(job, 0);
    for (int64_t slot = begin; slot < end; slot++)
        tiles_in(
            job, 0, job->tiles * slot / job->shares, job->tiles * (slot + 1) / job->shares, w.in,
            w.copy + slot * POINTS * job->shape->c);
}

static void points_piece(void *context, int64_t begin, int64_t end) {
    const winograd_job *job = context;
    const workspace w = workspace_at(job, 0);
    points_multiply(job, job->tiles, begin, end, w.in, w.out);
}

static void out_piece(void *context, int64_t begin, int64_t end) {
    const winograd_job *job = context;
    tiles_out(job, 0, begin, end, workspace_at(job, 0).out);
}

static winograd_job job_make(const nn_winograd *s) {
    winograd_job job = {.shape = s, .down = (s->h + TILE - 1) / TILE, .across = (s->w + TILE - 1) / TILE};
    const int64_t threads = nn_compute_threads();
    job.tiles = s->n * job.down * job.across;
    const int whole = job.tiles < 2 * BLOCK * threads;
    job.block = whole ? (job.tiles + ROWS - 1) / ROWS * ROWS : BLOCK;
    job.slots = whole ? 1 : threads;
    job.shares = whole ? threads : 1;
    job.row = s->c + PADDING, job.out_row = s->out_c + PADDING;
    job.point = job.block * job.row + PADDING, job.out_point = job.block * job.out_row + PADDING;
    job.slot_size = POINTS * (job.point + job.out_point + job.shares * s->c);
    return job;
}

size_t nn_winograd_scratch_bytes(const nn_winograd *shape) {
    const winograd_job job = job_make(shape);
    return (size_t)(job.slots * job.slot_size) * sizeof(float);
}

void nn_winograd_run(
    const nn_winograd *shape, const void *x, const float *packed, const float *bias, void *y, void *scratch) {
    winograd_job job = job_make(shape);
    job.x = x, job.y = y, job.weights = packed, job.bias = bias, job.scratch = scratch;
    if (job.slots > 1 || job.shares == 1) {
        nn_parallel(job.slots, 1, block_piece, &job);
    } else {
        nn_parallel(job.shares, 1, in_piece, &job);
        nn_parallel(POINTS, 1, points_piece, &job);
        nn_parallel(job.tiles, 1, out_piece, &job);
    }
}
