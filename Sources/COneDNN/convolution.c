#include "internal.h"

typedef struct {
    dnnl_dims_t strides, dilates, pad_before, pad_after;
} geometry;

static dnnl_status_t forward_describe(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, const nn_primitive *made, const layout *weights,
    const geometry *g, dnnl_prop_kind_t kind, const_dnnl_primitive_attr_t attributes) {
    layout_pointer bias = made->has_bias ? at(&made->bias) : NULL;
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_convolution_forward_primitive_desc_create(
        description, engine, kind, dnnl_convolution_direct, at(&made->source), at(weights), bias,
        at(&made->destination), g->strides, g->dilates, g->pad_before, g->pad_after, attributes);
#else
    dnnl_convolution_desc_t operation;
    TRY(dnnl_dilated_convolution_forward_desc_init(
        &operation, kind, dnnl_convolution_direct, at(&made->source), at(weights), bias, at(&made->destination),
        g->strides, g->dilates, g->pad_before, g->pad_after));
    return dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
#endif
}

static dnnl_status_t backward_describe(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, const nn_primitive *made, const layout *weights,
    const geometry *g, const_dnnl_primitive_attr_t attributes, const_dnnl_primitive_desc_t hint) {
    int data = made->pass == NN_BACKWARD_DATA;
#if DNNL_VERSION_MAJOR >= 3
    if (data)
        return dnnl_convolution_backward_data_primitive_desc_create(
            description, engine, dnnl_convolution_direct, at(&made->source), at(weights), at(&made->destination),
            g->strides, g->dilates, g->pad_before, g->pad_after, hint, attributes);
    return dnnl_convolution_backward_weights_primitive_desc_create(
        description, engine, dnnl_convolution_direct, at(&made->source), at(weights), NULL, at(&made->destination),
        g->strides, g->dilates, g->pad_before, g->pad_after, hint, attributes);
#else
    dnnl_convolution_desc_t operation;
    if (data)
        TRY(dnnl_dilated_convolution_backward_data_desc_init(
            &operation, dnnl_convolution_direct, at(&made->source), at(weights), at(&made->destination), g->strides,
            g->dilates, g->pad_before, g->pad_after));
    else
        TRY(dnnl_dilated_convolution_backward_weights_desc_init(
            &operation, dnnl_convolution_direct, at(&made->source), at(weights), NULL, at(&made->destination),
            g->strides, g->dilates, g->pad_before, g->pad_after));
    return dnnl_primitive_desc_create(description, &operation, attributes, engine, hint);
#endif
}

/// The forward pass that a backward pass belongs to: all in one type.
static dnnl_status_t hint_describe(
    dnnl_primitive_desc_t *hint, dnnl_engine_t engine, const nn_convolution *s, const int64_t *destination, int rank,
    const int64_t *dims, const geometry *g) {
    dnnl_data_type_t type = element_type(s->element);
    nn_primitive forward = {0};
    layout any = {0};
    dnnl_dims_t source = {s->n, s->c, s->h, s->w};
    dnnl_status_t status = layout_by_tag(&forward.source, 4, source, type, dnnl_nhwc);
    if (status == dnnl_success) status = layout_by_tag(&forward.destination, 4, destination, type, dnnl_nhwc);
    if (status == dnnl_success) status = layout_by_tag(&any, rank, dims, type, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = forward_describe(hint, engine, &forward, &any, g, dnnl_forward_training, NULL);
    layout_destroy(&forward.source);
    layout_destroy(&forward.destination);
    layout_destroy(&any);
    return status;
}

/// The convolution by the matrix unit, tap after tap, or NULL where it is none for it: without a border, which oneDNN's
/// kernels pass over faster than a copy of the image is made.
static amx_product *convolution_by_amx(const nn_primitive *made, const nn_convolution *s, int64_t out_h, int64_t out_w) {
    amx_weights b;
    if (s->element != NN_BF16 || s->groups != 1 || s->pad_top || s->pad_left || s->pad_bottom || s->pad_right ||
        s->c % AMX_INNER || s->post == NN_POST_TANH || s->post == NN_POST_RELU6 || !amx_is_there() ||
        !amx_weights_read(at(&made->weights), 0, 1, &b))
        return NULL;
    const int64_t blocks = s->c / AMX_INNER;
    amx_product *p = amx_make(s->kernel_h * s->kernel_w * blocks);
    if (!p) return NULL;
    p->images = s->n, p->height = out_h, p->width = out_w, p->columns = s->out_c;
    p->a_pixel = s->stride_w * s->c, p->a_line = s->stride_h * s->w * s->c, p->a_image = s->h * s->w * s->c;
    p->b_block = b.block, p->block_columns = b.columns;
    int64_t step = 0;
    for (int64_t y = 0; y < s->kernel_h; y++)
        for (int64_t x = 0; x < s->kernel_w; x++)
            for (int64_t i = 0; i < blocks; i++, step++) {
                p->a_steps[step] = (y * s->dilation_h * s->w + x * s->dilation_w) * s->c + i * AMX_INNER;
                p->b_steps[step] = y * b.strides[2] + x * b.strides[3] + i * b.step;
            }
    p->result_bf16 = s->result_element == NN_BF16, p->adds = s->adds_destination, p->post = s->post;
    return p;
}

static dnnl_status_t convolution_build(nn_primitive *made, const nn_convolution *s) {
    dnnl_data_type_t type = element_type(s->element), result = element_type(s->result_element);
    int backward = s->pass == NN_BACKWARD_DATA || s->pass == NN_BACKWARD_WEIGHTS;
    int64_t span_h = (s->kernel_h - 1) * s->dilation_h + 1, span_w = (s->kernel_w - 1) * s->dilation_w + 1;
    int64_t out_h = (s->h + s->pad_top + s->pad_bottom - span_h) / s->stride_h + 1;
    int64_t out_w = (s->w + s->pad_left + s->pad_right - span_w) / s->stride_w + 1;
    if (s->groups < 1 || s->c % s->groups || s->out_c % s->groups) return dnnl_invalid_arguments;

    dnnl_dims_t source = {s->n, s->c, s->h, s->w}, destination = {s->n, s->out_c, out_h, out_w}, bias = {s->out_c};
    dnnl_dims_t whole = {s->out_c, s->c, s->kernel_h, s->kernel_w};
    dnnl_dims_t grouped = {s->groups, s->out_c / s->groups, s->c / s->groups, s->kernel_h, s->kernel_w};
    int rank = s->groups == 1 ? 4 : 5;
    const int64_t *dims = s->groups == 1 ? whole : grouped;
    geometry g = {
        {s->stride_h, s->stride_w},
        {s->dilation_h - 1, s->dilation_w - 1},
        {s->pad_top, s->pad_left},
        {s->pad_bottom, s->pad_right}};

    TRY(layout_by_tag(&made->source, 4, source, s->pass == NN_BACKWARD_DATA ? result : type, dnnl_nhwc));
    TRY(layout_by_tag(&made->destination, 4, destination, backward ? type : result, dnnl_nhwc));
    TRY(layout_by_tag(&made->bias, 1, bias, dnnl_f32, dnnl_x));
    TRY(layout_by_tag(&made->plain, rank, dims, plain_type(s->element), rank == 4 ? dnnl_oihw : dnnl_goihw));

    dnnl_engine_t engine;
    TRY(engine_shared(&engine));
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL, hint = NULL;
    layout any = {0};
    dnnl_status_t status =
        layout_by_tag(
            &any, rank, dims, s->pass == NN_BACKWARD_WEIGHTS ? result : weights_type(s->element), dnnl_format_tag_any);
    if (status == dnnl_success)
        status = attributes_make(&attributes, backward ? 0 : s->adds_destination, backward ? NN_POST_NONE : s->post);
    if (status == dnnl_success && is_quantised(s->element))
        status = primitive_quantise(made, attributes, s->scales, s->out_c, 1 << 1, rank == 4 ? 1 : 3);
    if (status == dnnl_success && !backward)
        status = forward_describe(
            &description, engine, made, &any, &g,
            s->pass == NN_FORWARD_TRAINING ? dnnl_forward_training : dnnl_forward_inference, attributes);
    if (status == dnnl_success && backward) status = hint_describe(&hint, engine, s, destination, rank, dims, &g);
    if (status == dnnl_success && backward)
        status = backward_describe(&description, engine, made, &any, &g, attributes, hint);
    if (hint) dnnl_primitive_desc_destroy(hint);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    layout_destroy(&any);
    if (status != dnnl_success) return status;
    // The layouts asked for are replaced by those of the primitive, which are the same.
    layout_destroy(&made->source);
    layout_destroy(&made->destination);
    status = primitive_read(made, description);
    if (status == dnnl_success && !backward) made->amx = convolution_by_amx(made, s, out_h, out_w);
    if (!backward) primitive_apply_gelu(made, s->post, s->n * s->out_c * out_h * out_w, s->result_element);
    if (status == dnnl_success) return primitive_finish(made, description, 1);
    dnnl_primitive_desc_destroy(description);
    return status;
}

int32_t nn_convolution_create(nn_primitive **primitive, const nn_convolution *shape) {
    nn_primitive *made = calloc(1, sizeof *made);
    if (!made) return dnnl_out_of_memory;
    made->pass = shape->pass;
    made->has_bias = shape->has_bias && shape->pass <= NN_FORWARD_TRAINING;
    dnnl_status_t status = convolution_build(made, shape);
    if (status != dnnl_success) {
        nn_primitive_destroy(made);
        return status;
    }
    *primitive = made;
    return dnnl_success;
}
