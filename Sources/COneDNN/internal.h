// What the C files of this room share. Not public.
#ifndef ENDOKED_ONEDNN_INTERNAL_H
#define ENDOKED_ONEDNN_INTERNAL_H

#include "COneDNN.h"
#include "amx.h"
#include "dialect.h"

/// The way of weights between their plain and their packed layout.
typedef struct packing packing;
/// A product of fp32 matrices by our own kernel.
typedef struct dense_product dense_product;

struct nn_primitive {
    dnnl_primitive_t primitive;
    packing *packing;              // NULL where the layout is not one of blocks: then oneDNN's reorders pack
    dnnl_primitive_t pack, unpack; // NULL where there is nothing to pack
    layout source, weights, bias, destination, plain;
    layout scale;   // of `scales`, where they are given at execution
    float *scales;  // one for each output; NULL unless quantised
    int64_t scale_count;
    amx_product *amx;   // where the matrix unit is faster than oneDNN's kernel; what an execution brings is NULL in it
    dense_product *dense; // where our kernel is faster, in fp32
    int64_t gelu_count; // numbers of the result that GELU is applied to in a sweep of its own
    int32_t gelu_bf16;
    size_t scratch_bytes, weight_bytes;
    layout scratch;
    int32_t pass, has_bias;
    const char *implementation;
};

dnnl_status_t engine_shared(dnnl_engine_t *engine);
dnnl_status_t stream_of_thread(dnnl_stream_t *stream);
dnnl_status_t attributes_make(dnnl_primitive_attr_t *attributes, int32_t adds_destination, int32_t post);
/// Keeps a copy of the scales of a product in 8 bits, and makes them part of the attributes. The masks name the dimension
/// of outputs in the result and in the weights.
dnnl_status_t primitive_quantise(
    nn_primitive *made, dnnl_primitive_attr_t attributes, const float *scales, int64_t count, int result_mask,
    int weights_mask);
/// Reads the layouts that `description` chose.
dnnl_status_t primitive_read(nn_primitive *made, const_dnnl_primitive_desc_t description);
/// After `primitive_read`, and after `amx` was chosen or not. Takes over `description`, whatever happens.
dnnl_status_t primitive_finish(nn_primitive *made, dnnl_primitive_desc_t description, int packs);
/// Makes GELU over `count` numbers part of the primitive where the matrix unit does not apply it.
void primitive_apply_gelu(nn_primitive *made, int32_t post, int64_t count, int32_t result_element);

/// How the matrix unit finds weights that oneDNN packed: numbers from one block of columns and from one step of 32 inner
/// numbers to the next, and columns in a block.
typedef struct {
    int64_t block, step, columns;
    dnnl_dims_t strides;
} amx_weights;
/// Whether they lie so: `columns` and `inner` are the dimensions of outputs and of inner numbers.
int amx_weights_read(layout_pointer weights, int columns, int inner, amx_weights *read);

/// NULL for layouts other than fp32 and bf16 in blocks.
packing *packing_make(layout_pointer plain, layout_pointer packed);
void packing_free(packing *p);
void packing_pack(const packing *p, const float *plain, void *packed);
/// 0 for packed bf16, which has no way back here.
int packing_unpack(const packing *p, const void *packed, float *plain);

// Loops are compiled for each level of the processor family and chosen when the program is loaded.
#if defined(__x86_64__) && defined(__linux__)
#define NN_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NN_KERNEL
#endif

/// Calls body(context, begin, end) over pieces of [0, count) that are multiples of grain (but the last), on the
/// calling thread's compute threads. The pieces' borders depend on the number of threads: bodies must not.
typedef void (*nn_body)(void *context, int64_t begin, int64_t end);
void nn_parallel(int64_t count, int64_t grain, nn_body body, void *context);

/// What `nn_to_bf16` does, on the calling thread alone.
void bf16_of(const float *x, uint16_t *y, int64_t count);

#endif
