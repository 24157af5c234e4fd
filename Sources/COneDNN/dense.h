// Products of two fp32 matrices, neither packed ahead. Not public.
#ifndef ENDOKED_ONEDNN_DENSE_H
#define ENDOKED_ONEDNN_DENSE_H

#include "internal.h"

/// NULL where oneDNN's kernel is to do it: on other processors, of other types, or of shapes too small. Freed by `free`.
dense_product *dense_make(const nn_matmul *shape);
size_t dense_scratch_bytes(const dense_product *p);
/// The order of every sum depends on the shape only, not on threads.
void dense_multiply(
    const dense_product *p, const float *a, const float *b, const float *bias, float *result, void *scratch);

#endif
