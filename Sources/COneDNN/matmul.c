#include "dense.h"
#include "internal.h"

/// Sizes and strides of one operand at the rank in use (2, 3 or 4).
typedef struct {
    dnnl_dims_t dims, strides;
} operand;

static operand operand_make(
    const nn_matmul *s, int rank, const int64_t strides[4], int64_t rows, int64_t columns) {
    int64_t sizes[4] = {s->b0, s->b1, rows, columns};
    operand made = {{0}, {0}};
    for (int i = 0; i < rank; i++) {
        made.dims[i] = sizes[4 - rank + i];
        made.strides[i] = strides[4 - rank + i];
    }
    return made;
}

/// The product by the matrix unit, or NULL where it is none for it: of dense rows of bf16, by weights in blocks of columns
/// and of pairs of rows.
static amx_product *product_by_amx(const nn_primitive *made, const nn_matmul *s, int rank) {
    amx_weights b;
    if (!s->packs_b || s->element != NN_BF16 || rank != 2 || s->k % AMX_INNER || s->post == NN_POST_TANH ||
        s->post == NN_POST_RELU6 || !amx_is_there() ||
        s->a_strides[2] != s->k || s->a_strides[3] != 1 || s->destination_strides[2] != s->n ||
        s->destination_strides[3] != 1 || !amx_weights_read(at(&made->weights), 1, 0, &b))
        return NULL;
    amx_product *p = amx_make(s->k / AMX_INNER);
    if (!p) return NULL;
    p->images = p->height = 1, p->width = s->m, p->columns = s->n;
    p->a_pixel = s->k;
    p->b_block = b.block, p->block_columns = b.columns;
    for (int64_t i = 0; i < p->steps; i++) p->a_steps[i] = i * AMX_INNER, p->b_steps[i] = i * b.step;
    p->result_bf16 = s->destination_element == NN_BF16, p->adds = s->adds_destination, p->post = s->post;
    return p;
}

static dnnl_status_t matmul_build(nn_primitive *made, const nn_matmul *s) {
    dnnl_data_type_t type = element_type(s->element);
    int rank = s->b0 > 1 ? 4 : s->b1 > 1 ? 3 : 2;
    operand a = operand_make(s, rank, s->a_strides, s->m, s->k);
    operand b = operand_make(s, rank, s->b_strides, s->k, s->n);
    operand d = operand_make(s, rank, s->destination_strides, s->m, s->n);
    dnnl_dims_t bias = {1, 1, 1, 1}, ones = {0};
    bias[rank - 1] = s->n;
    for (int i = 0; i < rank; i++) ones[i] = s->n;
    ones[rank - 1] = 1;

    TRY(layout_by_strides(&made->source, rank, a.dims, type, a.strides));
    TRY(layout_by_strides(&made->destination, rank, d.dims, element_type(s->destination_element), d.strides));
    TRY(layout_by_strides(&made->bias, rank, bias, dnnl_f32, ones));
    TRY(layout_by_strides(&made->plain, rank, b.dims, plain_type(s->element), b.strides));

    dnnl_engine_t engine;
    TRY(engine_shared(&engine));
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL;
    layout weights = {0};
    layout_pointer bias_layout = s->has_bias ? at(&made->bias) : NULL;
    dnnl_status_t status = s->packs_b ? layout_by_tag(&weights, rank, b.dims, weights_type(s->element), dnnl_format_tag_any)
                                      : layout_by_strides(&weights, rank, b.dims, type, b.strides);
    if (status == dnnl_success) status = attributes_make(&attributes, s->adds_destination, s->post);
    if (status == dnnl_success && is_quantised(s->element))
        status = primitive_quantise(made, attributes, s->scales, s->n, 1 << (rank - 1), 1 << (rank - 1));
#if DNNL_VERSION_MAJOR >= 3
    if (status == dnnl_success)
        status = dnnl_matmul_primitive_desc_create(
            &description, engine, at(&made->source), at(&weights), bias_layout, at(&made->destination), attributes);
#else
    dnnl_matmul_desc_t operation;
    if (status == dnnl_success)
        status = dnnl_matmul_desc_init(
            &operation, at(&made->source), at(&weights), bias_layout, at(&made->destination));
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&description, &operation, attributes, engine, NULL);
#endif
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    layout_destroy(&weights);
    if (status != dnnl_success) return status;
    layout_destroy(&made->source);
    layout_destroy(&made->destination);
    status = primitive_read(made, description);
    if (status == dnnl_success) made->amx = product_by_amx(made, s, rank), made->dense = dense_make(s);
    primitive_apply_gelu(made, s->post, s->b0 * s->b1 * s->m * s->n, s->destination_element);
    if (status == dnnl_success) return primitive_finish(made, description, s->packs_b);
    dnnl_primitive_desc_destroy(description);
    return status;
}

int32_t nn_matmul_create(nn_primitive **primitive, const nn_matmul *shape) {
    nn_primitive *made = calloc(1, sizeof *made);
    if (!made) return dnnl_out_of_memory;
    made->pass = NN_FORWARD_INFERENCE;
    made->has_bias = shape->has_bias;
    dnnl_status_t status = matmul_build(made, shape);
    if (status != dnnl_success) {
        nn_primitive_destroy(made);
        return status;
    }
    *primitive = made;
    return dnnl_success;
}
