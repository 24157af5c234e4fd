#include "dense.h"
#include "internal.h"

dnnl_status_t attributes_make(dnnl_primitive_attr_t *attributes, int32_t adds_destination, int32_t post) {
    TRY(dnnl_primitive_attr_create(attributes));
    TRY(dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user));
    // GELU takes a sweep of its own: oneDNN's, fused, is several times slower (10 ms against 1.5 for 785 × 3072).
    if (!adds_destination && (post == NN_POST_NONE || post == NN_POST_GELU_ERF)) return dnnl_success;
    dnnl_post_ops_t operations;
    TRY(dnnl_post_ops_create(&operations));
    dnnl_status_t status = dnnl_success;
    if (adds_destination) status = append_sum(operations);
    if (status == dnnl_success && post == NN_POST_RELU) status = append_activation(operations, dnnl_eltwise_relu, 0, 0);
    if (status == dnnl_success && post == NN_POST_RELU6) status = append_activation(operations, dnnl_eltwise_clip, 0, 6);
    if (status == dnnl_success && post == NN_POST_TANH) status = append_activation(operations, dnnl_eltwise_tanh, 0, 0);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, operations);
    dnnl_post_ops_destroy(operations);
    return status;
}

static dnnl_status_t reorder_make(dnnl_primitive_t *primitive, const layout *from, const layout *to) {
    dnnl_engine_t engine;
    TRY(engine_shared(&engine));
    dnnl_primitive_desc_t description;
    TRY(dnnl_reorder_primitive_desc_create(&description, at(from), engine, at(to), engine, NULL));
    dnnl_status_t status = dnnl_primitive_create(primitive, description);
    dnnl_primitive_desc_destroy(description);
    return status;
}

static dnnl_status_t layout_query(layout *l, const_dnnl_primitive_desc_t description, dnnl_query_t what, int index) {
    layout_pointer found = dnnl_primitive_desc_query_md(description, what, index);
    return found ? layout_copy(l, found) : dnnl_invalid_arguments;
}

dnnl_status_t primitive_read(nn_primitive *made, const_dnnl_primitive_desc_t description) {
    const int pass = made->pass;
    TRY(layout_query(
        &made->source, description, pass == NN_BACKWARD_DATA ? dnnl_query_diff_src_md : dnnl_query_src_md, 0));
    TRY(layout_query(
        &made->weights, description,
        pass == NN_BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0));
    TRY(layout_query(
        &made->destination, description,
        pass == NN_BACKWARD_DATA || pass == NN_BACKWARD_WEIGHTS ? dnnl_query_diff_dst_md : dnnl_query_dst_md, 0));
    return layout_query(&made->scratch, description, dnnl_query_scratchpad_md, 0);
}

dnnl_status_t primitive_finish(nn_primitive *made, dnnl_primitive_desc_t description, int packs) {
    int pass = made->pass;
    dnnl_status_t status = dnnl_success;
#define STEP(call) if (status == dnnl_success) status = (call)
    if (!made->amx && !made->dense) STEP(dnnl_primitive_create(&made->primitive, description));
    if (packs && status == dnnl_success) made->packing = packing_make(at(&made->plain), at(&made->weights));
    if (packs && !made->packing && pass != NN_BACKWARD_WEIGHTS) STEP(reorder_make(&made->pack, &made->plain, &made->weights));
    if (packs && !made->packing && pass == NN_BACKWARD_WEIGHTS) STEP(reorder_make(&made->unpack, &made->weights, &made->plain));
#undef STEP
    dnnl_primitive_desc_destroy(description);
    if (status != dnnl_success) return status;
    made->weight_bytes = dnnl_memory_desc_get_size(at(&made->weights));
    if (made->amx) {
        made->implementation = "endoked:amx_bf16";
        return dnnl_success;
    }
    if (made->dense) {
        made->implementation = "endoked:dense_f32";
        made->scratch_bytes = dense_scratch_bytes(made->dense);
        return dnnl_success;
    }
    made->scratch_bytes = dnnl_memory_desc_get_size(at(&made->scratch));
    const_dnnl_primitive_desc_t kept;
    TRY(dnnl_primitive_get_primitive_desc(made->primitive, &kept));
    TRY(dnnl_primitive_desc_query(kept, dnnl_query_impl_info_str, 0, (void *)&made->implementation));
    return dnnl_success;
}

void nn_primitive_destroy(nn_primitive *p) {
    if (!p) return;
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    packing_free(p->packing);
    if (p->pack) dnnl_primitive_destroy(p->pack);
    if (p->unpack) dnnl_primitive_destroy(p->unpack);
    layout_destroy(&p->source);
    layout_destroy(&p->weights);
    layout_destroy(&p->bias);
    layout_destroy(&p->destination);
    layout_destroy(&p->plain);
    layout_destroy(&p->scratch);
    layout_destroy(&p->scale);
    free(p->scales);
    amx_free(p->amx);
    free(p->dense);
    free(p);
}

size_t nn_primitive_scratch_bytes(const nn_primitive *p) { return p->scratch_bytes; }
size_t nn_primitive_weight_bytes(const nn_primitive *p) { return p->weight_bytes; }
const char *nn_primitive_implementation(const nn_primitive *p) { return p->implementation; }

int32_t nn_primitive_shares_weights(const nn_primitive *a, const nn_primitive *b) {
    // Of one packed layout from one plain layout: a square matrix and its transpose differ in the latter alone.
    return dnnl_memory_desc_equal(at(&a->weights), at(&b->weights)) && dnnl_memory_desc_equal(at(&a->plain), at(&b->plain));
}

typedef struct {
    dnnl_exec_arg_t list[7];
    int count;
} argument_list;

static dnnl_status_t argument_add(argument_list *arguments, int name, const layout *l, const void *memory) {
    dnnl_engine_t engine;
    TRY(engine_shared(&engine));
    dnnl_exec_arg_t *argument = &arguments->list[arguments->count];
    argument->arg = name;
    // oneDNN takes one kind of pointer for what it reads and what it writes.
    TRY(dnnl_memory_create(&argument->memory, at(l), engine, (void *)memory));
    arguments->count++;
    return dnnl_success;
}

static dnnl_status_t arguments_run(argument_list *arguments, const_dnnl_primitive_t primitive, dnnl_status_t status) {
    dnnl_stream_t stream;
    if (status == dnnl_success) status = stream_of_thread(&stream);
    if (status == dnnl_success) status = dnnl_primitive_execute(primitive, stream, arguments->count, arguments->list);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    for (int i = 0; i < arguments->count; i++) dnnl_memory_destroy(arguments->list[i].memory);
    return status;
}

static dnnl_status_t reorder_run(
    const_dnnl_primitive_t reorder, const layout *from, const void *source, const layout *to, void *destination) {
    if (!reorder) return dnnl_invalid_arguments;
    argument_list list = {.count = 0};
    dnnl_status_t status = argument_add(&list, DNNL_ARG_FROM, from, source);
    if (status == dnnl_success) status = argument_add(&list, DNNL_ARG_TO, to, destination);
    return arguments_run(&list, reorder, status);
}

int32_t nn_primitive_pack(const nn_primitive *p, const void *plain, void *packed) {
    if (p->packing) {
        packing_pack(p->packing, plain, packed);
        return dnnl_success;
    }
    return reorder_run(p->pack, &p->plain, plain, &p->weights, packed);
}

int32_t nn_primitive_unpack(const nn_primitive *p, const void *packed, float *plain) {
    if (p->packing && packing_unpack(p->packing, packed, plain)) return dnnl_success;
    if (p->unpack) return reorder_run(p->unpack, &p->weights, packed, &p->plain, plain);
    // Weights of a forward pass come back rarely: the way there is made for the occasion.
    dnnl_primitive_t unpack = NULL;
    dnnl_status_t status = reorder_make(&unpack, &p->weights, &p->plain);
    if (status == dnnl_success) status = reorder_run(unpack, &p->weights, packed, &p->plain, plain);
    if (unpack) dnnl_primitive_destroy(unpack);
    return status;
}

int amx_weights_read(layout_pointer weights, int columns, int inner, amx_weights *read) {
    blocked_layout l;
    if (!layout_read(weights, &l) || l.type != dnnl_bf16 || l.inner_count < 2) return 0;
    // Blocks of 16 pairs of inner numbers, of columns, of the pair; the outermost may be missing where it changes nothing.
    const int at = l.inner_count - 2;
    read->columns = l.inner[at];
    if (l.inner_dims[at] != columns || read->columns % AMX_TILE || l.inner_dims[at + 1] != inner || l.inner[at + 1] != 2)
        return 0;
    const int64_t step = read->columns * AMX_INNER;
    if (at == 1 && (l.inner_dims[0] != inner || l.inner[0] != AMX_INNER / 2)) return 0;
    if (at > 1 || (at == 0 && l.strides[inner] * (AMX_INNER / 2) != step)) return 0;
    read->block = l.strides[columns];
    read->step = at ? l.strides[inner] : step;
    memcpy(read->strides, l.strides, sizeof read->strides);
    return 1;
}

void primitive_apply_gelu(nn_primitive *made, int32_t post, int64_t count, int32_t result_element) {
    if (post != NN_POST_GELU_ERF || made->amx) return;
    made->gelu_count = count;
    made->gelu_bf16 = result_element == NN_BF16;
}

int32_t nn_primitive_execute(const nn_primitive *p, const nn_arguments *a) {
    if (p->amx) {
        amx_product product = *p->amx;
        product.a = a->source, product.b = a->weights, product.bias = p->has_bias ? a->bias : NULL;
        product.result = a->destination;
        amx_run(&product);
        return dnnl_success;
    }
    if (p->dense) {
        dense_multiply(p->dense, a->source, a->weights, p->has_bias ? a->bias : NULL, a->destination, a->scratch);
        return dnnl_success;
    }
    argument_list list = {.count = 0};
    dnnl_status_t status = dnnl_success;
#define ADD(name, l, memory) if (status == dnnl_success) status = argument_add(&list, name, l, memory)
    switch (p->pass) {
    case NN_BACKWARD_DATA:
        ADD(DNNL_ARG_DIFF_DST, &p->destination, a->gradient);
        ADD(DNNL_ARG_WEIGHTS, &p->weights, a->weights);
        ADD(DNNL_ARG_DIFF_SRC, &p->source, a->result);
        break;
    case NN_BACKWARD_WEIGHTS:
        ADD(DNNL_ARG_DIFF_DST, &p->destination, a->gradient);
        ADD(DNNL_ARG_SRC, &p->source, a->source);
        ADD(DNNL_ARG_DIFF_WEIGHTS, &p->weights, a->result);
        break;
    default:
        ADD(DNNL_ARG_SRC, &p->source, a->source);
        ADD(DNNL_ARG_WEIGHTS, &p->weights, a->weights);
        if (p->has_bias) ADD(DNNL_ARG_BIAS, &p->bias, a->bias);
        ADD(DNNL_ARG_DST, &p->destination, a->destination);
    }
#if SCALES_AT_EXECUTION
    if (p->scales) ADD(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, &p->scale, p->scales);
#endif
    if (p->scratch_bytes) ADD(DNNL_ARG_SCRATCHPAD, &p->scratch, a->scratch);
#undef ADD
    status = arguments_run(&list, p->primitive, status);
    if (status == dnnl_success && p->gelu_count && p->gelu_bf16) nn_gelu_bf16(a->destination, p->gelu_count);
    else if (status == dnnl_success && p->gelu_count) nn_gelu(a->destination, a->destination, p->gelu_count);
    return status;
}
