// Weights to and from the blocked layouts of oneDNN's kernels. Training packs all of them at every step, and oneDNN's own
// reorders take several times what memory asks for: 4.5 ms for 9 MB. Here a block is read through a table of offsets,
// made once with the primitive.
#include "internal.h"
#include "numerics.h"

#include <stdlib.h>

#define MOST_DIMS 5
#define MOST_IN_BLOCK 4096

struct packing {
    int rank, narrow;
    int64_t dims[MOST_DIMS], block[MOST_DIMS], blocks[MOST_DIMS];
    int64_t plain_strides[MOST_DIMS], packed_strides[MOST_DIMS];
    int64_t in_block, count;
    int64_t *offsets;                // in_block: from a block's first plain element
    int16_t *coordinates[MOST_DIMS]; // in_block each: where in the block, for blocks at the border
};

void packing_free(packing *p) {
    if (!p) return;
    free(p->offsets);
    for (int d = 0; d < MOST_DIMS; d++) free(p->coordinates[d]);
    free(p);
}

static int packing_fill(packing *p, const blocked_layout *to) {
    p->in_block = 1;
    p->count = 1;
    for (int d = 0; d < p->rank; d++) p->block[d] = 1;
    for (int k = 0; k < to->inner_count; k++) {
        p->block[to->inner_dims[k]] *= to->inner[k];
        p->in_block *= to->inner[k];
    }
    if (p->in_block > MOST_IN_BLOCK) return 0;
    for (int d = 0; d < p->rank; d++) {
        p->packed_strides[d] = to->strides[d];
        p->blocks[d] = to->padded[d] / p->block[d];
        p->count *= p->blocks[d];
    }
    p->offsets = malloc((size_t)p->in_block * sizeof *p->offsets);
    int complete = p->offsets != NULL;
    for (int d = 0; d < p->rank; d++) {
        p->coordinates[d] = malloc((size_t)p->in_block * sizeof(int16_t));
        complete = complete && p->coordinates[d];
    }
    if (!complete) return 0;
    for (int64_t i = 0; i < p->in_block; i++) {
        // The innermost block runs fastest; of two blocks of one dimension the inner one counts single elements.
        int64_t rest = i, at[MOST_DIMS] = {0}, width[MOST_DIMS] = {1, 1, 1, 1, 1};
        for (int k = to->inner_count - 1; k >= 0; k--) {
            int d = (int)to->inner_dims[k];
            at[d] += rest % to->inner[k] * width[d];
            width[d] *= to->inner[k];
            rest /= to->inner[k];
        }
        p->offsets[i] = 0;
        for (int d = 0; d < p->rank; d++) {
            p->offsets[i] += at[d] * p->plain_strides[d];
            p->coordinates[d][i] = (int16_t)at[d];
        }
    }
    return 1;
}

packing *packing_make(layout_pointer plain, layout_pointer packed) {
    blocked_layout from, to;
    if (!layout_read(plain, &from) || !layout_read(packed, &to)) return NULL;
    if (from.inner_count > 0 || to.inner_count < 1 || from.type != dnnl_f32 || from.rank > MOST_DIMS) return NULL;
    if (to.type != dnnl_f32 && to.type != dnnl_bf16) return NULL;
    packing *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->rank = from.rank;
    made->narrow = to.type == dnnl_bf16;
    for (int d = 0; d < from.rank; d++) {
        made->dims[d] = from.dims[d];
        made->plain_strides[d] = from.strides[d];
    }
    if (packing_fill(made, &to)) return made;
    packing_free(made);
    return NULL;
}

typedef struct {
    const packing *p;
    float *plain;
    void *packed;
} packing_job;

/// Where block `number` begins on either side, blocks being counted with the plain layout's last dimension fastest, and
/// how much of it there is along each dimension. Returns whether all of it is there.
static inline int block_find(const packing *p, int64_t number, int64_t *plain, int64_t *packed, int64_t *present) {
    int whole = 1;
    *plain = *packed = 0;
    for (int d = p->rank - 1; d >= 0; d--) {
        int64_t at = number % p->blocks[d];
        number /= p->blocks[d];
        *plain += at * p->block[d] * p->plain_strides[d];
        *packed += at * p->packed_strides[d];
        present[d] = p->dims[d] - at * p->block[d];
        whole = whole && present[d] >= p->block[d];
    }
    return whole;
}

static inline int is_present(const packing *p, int64_t i, const int64_t *present) {
    int inside = 1;
    for (int d = 0; d < p->rank; d++) inside = inside && p->coordinates[d][i] < present[d];
    return inside;
}

NN_KERNEL static void pack_piece(void *context, int64_t begin, int64_t end) {
    const packing_job *job = context;
    const packing *p = job->p;
    const int64_t count = p->in_block, *restrict offsets = p->offsets;
    for (int64_t number = begin; number < end; number++) {
        int64_t plain, packed, present[MOST_DIMS];
        const int whole = block_find(p, number, &plain, &packed, present);
        const float *x = job->plain + plain;
        float held[MOST_IN_BLOCK];
        float *restrict y = p->narrow ? held : (float *)job->packed + packed;
        if (whole)
            for (int64_t i = 0; i < count; i++) y[i] = x[offsets[i]];
        else
            for (int64_t i = 0; i < count; i++) y[i] = is_present(p, i, present) ? x[offsets[i]] : 0;
        if (!p->narrow) continue;
        uint16_t *restrict narrow = (uint16_t *)job->packed + packed;
        for (int64_t i = 0; i < count; i++) narrow[i] = to_bf16(held[i]);
    }
}

NN_KERNEL static void unpack_piece(void *context, int64_t begin, int64_t end) {
    const packing_job *job = context;
    const packing *p = job->p;
    const int64_t count = p->in_block, *restrict offsets = p->offsets;
    for (int64_t number = begin; number < end; number++) {
        int64_t plain, packed, present[MOST_DIMS];
        const int whole = block_find(p, number, &plain, &packed, present);
        float *y = job->plain + plain;
        const float *x = (const float *)job->packed + packed;
        for (int64_t i = 0; i < count; i++)
            if (whole || is_present(p, i, present)) y[offsets[i]] = x[i];
    }
}

static int64_t grain(const packing *p) { return p->in_block < 4096 ? 4096 / p->in_block : 1; }

void packing_pack(const packing *p, const float *plain, void *packed) {
    packing_job job = {p, (float *)plain, packed};
    nn_parallel(p->count, grain(p), pack_piece, &job);
}

int packing_unpack(const packing *p, const void *packed, float *plain) {
    if (p->narrow) return 0;
    packing_job job = {p, plain, (void *)packed};
    nn_parallel(p->count, grain(p), unpack_piece, &job);
    return 1;
}
