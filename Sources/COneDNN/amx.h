// Products of bf16 by the processor's matrix unit (AMX). Not public.
#ifndef ENDOKED_ONEDNN_AMX_H
#define ENDOKED_ONEDNN_AMX_H

#include <stddef.h>
#include <stdint.h>

/// Rows and columns of a tile of sums, and the inner numbers that one instruction takes.
enum { AMX_TILE = 16, AMX_INNER = 32 };

/// Whether there is one and the system lets this process use it. Follows oneDNN's own limit of instruction sets.
int amx_is_there(void);

/// result = post(Σ a·b + bias (+ what the result holds)), sums in fp32, each in one order.
///
/// Rows of the result are pixels of images, `height` lines of `width` each (one line, for a matrix). The inner dimension is
/// walked in steps of 32 numbers: at step s a row of `a` is read `a_steps[s]` numbers after where it begins, and columns of
/// `b` likewise. All that is read of `a` lies 64-byte aligned where speed matters.
typedef struct {
    int64_t images, height, width, columns, steps;
    const uint16_t *a;
    int64_t a_image, a_line, a_pixel; // numbers from one to the next
    int64_t *a_steps;
    const uint16_t *b;     // blocks of columns, of pairs of rows, of columns, of pairs
    int64_t b_block;       // numbers from one block of columns to the next
    int64_t block_columns; // a multiple of sixteen
    int64_t *b_steps;
    const float *bias; // may be NULL
    void *result;      // dense
    int32_t result_bf16, adds, post;
} amx_product;

/// With room for the offsets of so many steps, all else zero. NULL when there is no memory.
amx_product *amx_make(int64_t steps);
void amx_free(amx_product *product);

void amx_run(const amx_product *product);

/// 32 rows of `a`, `row` numbers apart, times a panel of `inner` rows of 32 columns, which lie in pairs; `inner` is divisible
/// by 32. Between the thread's `amx_begin` and `amx_end`, and nothing else of the matrix unit's there.
void amx_panel(
    const uint16_t *a, int64_t row, const uint16_t *panel, int64_t inner, float *result, int64_t result_row);
void amx_begin(void);
void amx_end(void);

#endif
