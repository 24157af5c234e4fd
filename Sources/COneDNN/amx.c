// Products of bf16 by the processor's matrix unit: 32 rows times 32 columns at a time, all inner numbers in one go, so that
// sums never leave the unit before they are complete. While it multiplies, the vectors finish what it made before: bias,
// activation, rounding.
#define _GNU_SOURCE
#include "amx.h"
#include "internal.h"
#include "vectors.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PANEL = 2 * AMX_TILE };
/// Bytes of `b` that one core's second-level cache keeps while rows pass by, and pieces of work for each thread.
enum { KEPT_BYTES = 768 << 10, PIECES = 8 };

#define MATRIX_KERNEL __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16")))

int amx_is_there(void) {
    static int answer; // 0: not asked yet, 1: no, 2: yes; whoever asks first and second finds the same
    int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
    if (!known) {
        int isa = (int)dnnl_get_effective_cpu_isa(), wanted = dnnl_cpu_isa_avx512_core_amx;
        // Linux saves the tiles' state for processes that ask for it (arch_prctl ARCH_REQ_XCOMP_PERM, XTILEDATA).
        int yes = (isa & wanted) == wanted && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
        known = yes ? 2 : 1;
        __atomic_store_n(&answer, known, __ATOMIC_RELAXED);
    }
    return known == 2;
}

amx_product *amx_make(int64_t steps) {
    amx_product *made = calloc(1, sizeof *made + (size_t)(2 * steps) * sizeof(int64_t));
    if (!made) return NULL;
    made->steps = steps;
    made->a_steps = (int64_t *)(made + 1);
    made->b_steps = made->a_steps + steps;
    return made;
}

void amx_free(amx_product *product) { free(product); }

typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_configuration;

/// Sixteen rows of a result at most.
typedef struct {
    const uint16_t *a;
    int64_t row, rows; // of the result
} row_tile;

static row_tile tile_at(const amx_product *p, int64_t tile) {
    const int64_t across = (p->width + AMX_TILE - 1) / AMX_TILE;
    const int64_t line = tile / across, x = tile % across * AMX_TILE;
    row_tile made = {
        p->a + line / p->height * p->a_image + line % p->height * p->a_line + x * p->a_pixel, line * p->width + x,
        p->width - x < AMX_TILE ? p->width - x : AMX_TILE};
    return made;
}

/// What is to be done with a panel of sums.
typedef struct {
    float sums[PANEL * PANEL] __attribute__((aligned(64)));
    row_tile tiles[2];
    int64_t column;
} panel_of_sums;

/// Rows `from` up to `to` of one of the panel's two tiles.
MATRIX_KERNEL static inline void finish_rows(const amx_product *p, const panel_of_sums *made, int64_t from, int64_t to) {
    const row_tile *tile = &made->tiles[from / AMX_TILE];
    const int64_t base = from / AMX_TILE * AMX_TILE, column = made->column, left = p->columns - column, row = p->columns;
    if (to > base + tile->rows) to = base + tile->rows;
    const __mmask16 first = left >= AMX_TILE ? 0xFFFF : (__mmask16)((1 << left) - 1);
    const __mmask16 second = left >= PANEL ? 0xFFFF : left > AMX_TILE ? (__mmask16)((1 << (left - AMX_TILE)) - 1) : 0;
    const int32_t post = p->post, adds = p->adds, is_narrow = p->result_bf16;
    __m512 bias = _mm512_setzero_ps(), more = bias;
    if (p->bias) {
        bias = _mm512_maskz_loadu_ps(first, p->bias + column);
        more = _mm512_maskz_loadu_ps(second, p->bias + column + AMX_TILE);
    }
    int64_t at = (tile->row + from - base) * row + column;
    for (const float *sums = made->sums + from * PANEL; from < to; from++, at += row, sums += PANEL) {
        float *wide = (float *)p->result + at;
        uint16_t *narrow = (uint16_t *)p->result + at;
        __m512 x = _mm512_add_ps(_mm512_load_ps(sums), bias), y = _mm512_add_ps(_mm512_load_ps(sums + AMX_TILE), more);
        if (adds && is_narrow) {
            const __m256i a = _mm256_maskz_loadu_epi16(first, narrow), b = _mm256_maskz_loadu_epi16(second, narrow + AMX_TILE);
            x = _mm512_add_ps(x, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16)));
            y = _mm512_add_ps(y, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16)));
        } else if (adds) {
            x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(first, wide));
            y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(second, wide + AMX_TILE));
        }
        if (post == NN_POST_RELU) {
            x = _mm512_max_ps(x, _mm512_setzero_ps());
            y = _mm512_max_ps(y, _mm512_setzero_ps());
        } else if (post == NN_POST_GELU_ERF) {
            const lanes u = (lanes)x, v = (lanes)y;
            lanes s, t;
            if (is_narrow) {
                ROUGH_NORMAL_SHARE(s, u);
                ROUGH_NORMAL_SHARE(t, v);
            } else {
                NORMAL_SHARE(s, u);
                NORMAL_SHARE(t, v);
            }
            x = (__m512)(u * s), y = (__m512)(v * t);
        }
        if (is_narrow) {
            const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(y, x);
            _mm512_mask_storeu_epi16(narrow, ((__mmask32)second << AMX_TILE) | first, both);
        } else {
            _mm512_mask_storeu_ps(wide, first, x);
            _mm512_mask_storeu_ps(wide + AMX_TILE, second, y);
        }
    }
}

MATRIX_KERNEL static void configure(int64_t first, int64_t second) {
    tile_configuration c = {.palette = 1};
    const int64_t rows[8] = {first, first, second, second, first, second, AMX_TILE, AMX_TILE};
    for (int i = 0; i < 8; i++) c.rows[i] = (uint8_t)rows[i], c.bytes[i] = rows[i] ? 64 : 0;
    _tile_loadconfig(&c);
}

/// One panel of both row tiles, or of the first alone, while `before`, if there is one, is finished.
MATRIX_KERNEL static inline __attribute__((always_inline)) void multiply(
    const amx_product *p, panel_of_sums *made, const uint16_t *b0, const uint16_t *b1, const panel_of_sums *before,
    const int both) {
    const int64_t steps = p->steps, unfinished = before ? PANEL : 0;
    // Rows to finish in a step: a part of a tile.
    const int64_t each = steps >= PANEL ? 1 : steps >= 16 ? 2 : steps >= 8 ? 4 : steps >= 4 ? 8 : AMX_TILE;
    const size_t row = (size_t)p->a_pixel * 2, pairs = (size_t)p->block_columns * 4;
    const uint16_t *a0 = made->tiles[0].a, *a1 = made->tiles[1].a;
    int64_t finished = 0;
    _tile_zero(0);
    _tile_zero(1);
    if (both) {
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t s = 0; s < steps; s++) {
        const int64_t a = p->a_steps[s], b = p->b_steps[s];
        _tile_loadd(4, a0 + a, row);
        _tile_stream_loadd(6, b0 + b, pairs);
        _tile_dpbf16ps(0, 4, 6);
        _tile_stream_loadd(7, b1 + b, pairs);
        _tile_dpbf16ps(1, 4, 7);
        if (both) {
            _tile_loadd(5, a1 + a, row);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        if (finished < unfinished) finish_rows(p, before, finished, finished + each), finished += each;
    }
    for (; finished < unfinished; finished += each) finish_rows(p, before, finished, finished + each);
    _tile_stored(0, made->sums, PANEL * 4);
    _tile_stored(1, made->sums + AMX_TILE, PANEL * 4);
    if (both) {
        _tile_stored(2, made->sums + AMX_TILE * PANEL, PANEL * 4);
        _tile_stored(3, made->sums + AMX_TILE * PANEL + AMX_TILE, PANEL * 4);
    }
}

typedef struct {
    const amx_product *p;
    /// Row tiles in all and of a piece, panels likewise, pieces from top to bottom and in all, and the first that nobody
    /// has taken.
    int64_t tiles, piece_tiles, panels, piece_panels, down, pieces, next;
} product_job;

static const uint16_t *columns_at(const amx_product *p, int64_t column) {
    return p->b + column / p->block_columns * p->b_block + column % p->block_columns * 2;
}

MATRIX_KERNEL static void product_piece(void *context, int64_t begin, int64_t end) {
    product_job *job = context;
    const amx_product *p = job->p;
    panel_of_sums sums[2];
    int64_t first = -1, second = -1;
    const panel_of_sums *before = NULL;
    int which = 0;
    (void)begin, (void)end;
    for (;;) {
        const int64_t piece = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
        if (piece >= job->pieces) break;
        const int64_t from = piece % job->down * job->piece_tiles, start = piece / job->down * job->piece_panels;
        const int64_t to = from + job->piece_tiles < job->tiles ? from + job->piece_tiles : job->tiles;
        const int64_t stop = start + job->piece_panels < job->panels ? start + job->piece_panels : job->panels;
        for (int64_t tile = from; tile < to; tile += 2) {
            const row_tile upper = tile_at(p, tile), none = {NULL, 0, 0}, lower = tile + 1 < to ? tile_at(p, tile + 1) : none;
            if (upper.rows != first || lower.rows != second) configure(first = upper.rows, second = lower.rows);
            for (int64_t panel = start; panel < stop; panel++) {
                const int64_t column = panel * PANEL;
                const uint16_t *b0 = columns_at(p, column);
                const uint16_t *b1 = column + AMX_TILE < p->columns ? columns_at(p, column + AMX_TILE) : b0;
                panel_of_sums *made = &sums[which];
                made->tiles[0] = upper, made->tiles[1] = lower, made->column = column;
                if (lower.rows) multiply(p, made, b0, b1, before, 1);
                else multiply(p, made, b0, b1, before, 0);
                before = made;
                which = !which;
            }
        }
    }
    if (before) for (int64_t i = 0; i < PANEL; i += AMX_TILE) finish_rows(p, before, i, i + AMX_TILE);
    if (first >= 0) _tile_release();
}

void amx_run(const amx_product *p) {
    product_job job = {.p = p};
    const int64_t threads = nn_compute_threads();
    job.tiles = p->images * p->height * ((p->width + AMX_TILE - 1) / AMX_TILE);
    job.panels = (p->columns + PANEL - 1) / PANEL;
    // Columns in parts of one size, as few as there may be.
    const int64_t most = KEPT_BYTES / (p->steps * AMX_INNER * PANEL * 2) + 1, parts = (job.panels + most - 1) / most;
    job.piece_panels = (job.panels + parts - 1) / parts;
    const int64_t wanted = (PIECES * threads + parts - 1) / parts;
    job.piece_tiles = (job.tiles / wanted + 1) / 2 * 2;
    if (job.piece_tiles < 2) job.piece_tiles = 2;
    job.down = (job.tiles + job.piece_tiles - 1) / job.piece_tiles;
    job.pieces = job.down * ((job.panels + job.piece_panels - 1) / job.piece_panels);
    nn_parallel(job.pieces < threads ? job.pieces : threads, 1, product_piece, &job);
}

MATRIX_KERNEL void amx_panel(
    const uint16_t *a, int64_t row, const uint16_t *panel, int64_t inner, float *result, int64_t result_row) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < inner; k += AMX_INNER) {
        _tile_loadd(4, a + k, row * 2);
        _tile_loadd(6, panel + k * PANEL, PANEL * 4);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, panel + k * PANEL + PANEL, PANEL * 4);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + AMX_TILE * row + k, row * 2);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, result, result_row * 4);
    _tile_stored(1, result + AMX_TILE, result_row * 4);
    _tile_stored(2, result + AMX_TILE * result_row, result_row * 4);
    _tile_stored(3, result + AMX_TILE * result_row + AMX_TILE, result_row * 4);
}

void amx_begin(void) { configure(AMX_TILE, AMX_TILE); }
MATRIX_KERNEL void amx_end(void) { _tile_release(); }
#else
int amx_is_there(void) { return 0; }
amx_product *amx_make(int64_t steps) { return (void)steps, NULL; }
void amx_free(amx_product *product) { (void)product; }
void amx_run(const amx_product *product) { (void)product; }
void amx_panel(
    const uint16_t *a, int64_t row, const uint16_t *panel, int64_t inner, float *result, int64_t result_row) {
    (void)a, (void)row, (void)panel, (void)inner, (void)result, (void)result_row;
}
void amx_begin(void) {}
void amx_end(void) {}
#endif
