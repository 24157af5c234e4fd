// The inner loops of matrix products that stay in the cache. Not public.
#ifndef ENDOKED_ONEDNN_PRODUCTS_H
#define ENDOKED_ONEDNN_PRODUCTS_H

#include <stdint.h>

enum { PRODUCT_ROWS = 8, PRODUCT_COLUMNS = 32 };

/// Whether this processor has the vectors, in fp32 or bf16: narrower ones leave too few registers, and oneDNN's kernels
/// are faster. Follows oneDNN's own limit of instruction sets.
int products_are_fast(int bf16);

/// Eight rows of `a`, `row` numbers apart, times a panel of `inner` rows of 32 columns.
void product_f32(const float *a, int64_t row, const float *panel, int64_t inner, float *result, int64_t result_row);

/// The same over bf16: `inner` is even, the panel holds pairs of rows, column by column. Sums are fp32.
void product_bf16(
    const uint16_t *a, int64_t row, const uint16_t *panel, int64_t inner, float *result, int64_t result_row);

#endif
