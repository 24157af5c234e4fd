// The two dialects of oneDNN's C API, behind one set of names. Not public.
#ifndef ENDOKED_ONEDNN_DIALECT_H
#define ENDOKED_ONEDNN_DIALECT_H

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#define TRY(call)                                   \
    do {                                            \
        dnnl_status_t try_status = (call);          \
        if (try_status != dnnl_success) return try_status; \
    } while (0)

/// A layout of blocks: element strides between blocks, and the blocks' sizes and dimensions from the outside in.
typedef struct {
    int rank, inner_count;
    dnnl_data_type_t type;
    dnnl_dims_t dims, padded, strides, inner, inner_dims;
} blocked_layout;

#if DNNL_VERSION_MAJOR >= 3
// A memory descriptor is a handle that its owner destroys.
typedef dnnl_memory_desc_t layout;
typedef const_dnnl_memory_desc_t layout_pointer;
static inline layout_pointer at(const layout *l) { return *l; }
static inline void layout_destroy(layout *l) {
    if (*l) dnnl_memory_desc_destroy(*l);
    *l = NULL;
}
static inline dnnl_status_t layout_by_tag(
    layout *l, int rank, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(l, rank, dims, type, tag);
}
static inline dnnl_status_t layout_by_strides(
    layout *l, int rank, const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides) {
    return dnnl_memory_desc_create_with_strides(l, rank, dims, type, strides);
}
static inline dnnl_status_t layout_copy(layout *l, layout_pointer from) { return dnnl_memory_desc_clone(l, from); }
/// Whether `l` is one of blocks without anything beside them; then `read` tells about it.
static inline int layout_read(layout_pointer l, blocked_layout *read) {
    dnnl_format_kind_t kind;
    dnnl_dim_t offset;
    const dnnl_dims_t *dims, *padded, *strides, *inner, *inner_dims;
    if (dnnl_memory_desc_query(l, dnnl_query_format_kind, &kind) || kind != dnnl_blocked) return 0;
    if (dnnl_memory_desc_query(l, dnnl_query_submemory_offset_s64, &offset) || offset) return 0;
    if (dnnl_memory_desc_query(l, dnnl_query_ndims_s32, &read->rank) ||
        dnnl_memory_desc_query(l, dnnl_query_inner_nblks_s32, &read->inner_count) ||
        dnnl_memory_desc_query(l, dnnl_query_data_type, &read->type) ||
        dnnl_memory_desc_query(l, dnnl_query_dims, &dims) || dnnl_memory_desc_query(l, dnnl_query_padded_dims, &padded) ||
        dnnl_memory_desc_query(l, dnnl_query_strides, &strides) ||
        dnnl_memory_desc_query(l, dnnl_query_inner_blks, &inner) ||
        dnnl_memory_desc_query(l, dnnl_query_inner_idxs, &inner_dims))
        return 0;
    memcpy(read->dims, *dims, sizeof read->dims);
    memcpy(read->padded, *padded, sizeof read->padded);
    memcpy(read->strides, *strides, sizeof read->strides);
    memcpy(read->inner, *inner, sizeof read->inner);
    memcpy(read->inner_dims, *inner_dims, sizeof read->inner_dims);
    return 1;
}
static inline dnnl_status_t append_activation(
    dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta) {
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}
static inline dnnl_status_t append_sum(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}
// Scales of the weights, given at each execution; the bias is added after them.
#define SCALES_AT_EXECUTION 1
static inline dnnl_status_t attributes_scale(
    dnnl_primitive_attr_t attributes, const float *scales, int64_t count, int result_mask, int weights_mask) {
    (void)scales;
    (void)count;
    (void)result_mask;
    return dnnl_primitive_attr_set_scales_mask(attributes, DNNL_ARG_WEIGHTS, weights_mask);
}
#else
// A memory descriptor is a value.
typedef dnnl_memory_desc_t layout;
typedef const dnnl_memory_desc_t *layout_pointer;
static inline layout_pointer at(const layout *l) { return l; }
static inline void layout_destroy(layout *l) { memset(l, 0, sizeof *l); }
static inline dnnl_status_t layout_by_tag(
    layout *l, int rank, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(l, rank, dims, type, tag);
}
static inline dnnl_status_t layout_by_strides(
    layout *l, int rank, const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides) {
    return dnnl_memory_desc_init_by_strides(l, rank, dims, type, strides);
}
static inline dnnl_status_t layout_copy(layout *l, layout_pointer from) {
    *l = *from;
    return dnnl_success;
}
/// Whether `l` is one of blocks without anything beside them; then `read` tells about it.
static inline int layout_read(layout_pointer l, blocked_layout *read) {
    if (l->format_kind != dnnl_blocked || l->extra.flags != dnnl_memory_extra_flag_none || l->offset0) return 0;
    const dnnl_blocking_desc_t *blocking = &l->format_desc.blocking;
    read->rank = l->ndims;
    read->inner_count = blocking->inner_nblks;
    read->type = l->data_type;
    memcpy(read->dims, l->dims, sizeof read->dims);
    memcpy(read->padded, l->padded_dims, sizeof read->padded);
    memcpy(read->strides, blocking->strides, sizeof read->strides);
    memcpy(read->inner, blocking->inner_blks, sizeof read->inner);
    memcpy(read->inner_dims, blocking->inner_idxs, sizeof read->inner_dims);
    return 1;
}
static inline dnnl_status_t append_activation(
    dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta) {
    return dnnl_post_ops_append_eltwise(ops, 1, kind, alpha, beta);
}
static inline dnnl_status_t append_sum(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1); }
// Scales of the result, part of the kernel: those given at execution leave the fast kernels (2.6.3 has none for a
// convolution, and a plain loop for a matrix product). The bias is added before them.
#define SCALES_AT_EXECUTION 0
static inline dnnl_status_t attributes_scale(
    dnnl_primitive_attr_t attributes, const float *scales, int64_t count, int result_mask, int weights_mask) {
    (void)weights_mask;
    return dnnl_primitive_attr_set_output_scales(attributes, count, result_mask, scales);
}
#endif

static inline dnnl_data_type_t element_type(int32_t element) {
    return element == 1 ? dnnl_bf16 : element == 2 ? dnnl_u8 : element == 3 ? dnnl_s8 : dnnl_f32;
}
static inline int is_quantised(int32_t element) { return element >= 2; }
/// Of the packed weights, and of those they are packed from, for activations of a type.
static inline dnnl_data_type_t weights_type(int32_t element) {
    return is_quantised(element) ? dnnl_s8 : element_type(element);
}
static inline dnnl_data_type_t plain_type(int32_t element) { return is_quantised(element) ? dnnl_s8 : dnnl_f32; }

#endif
