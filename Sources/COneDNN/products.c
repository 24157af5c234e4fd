// Eight rows times thirty-two columns: sixteen sums in registers, two loads and eight broadcasts for sixteen products.
#include "products.h"
#include "internal.h"
#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROWS = PRODUCT_ROWS, COLUMNS = PRODUCT_COLUMNS };

int products_are_fast(int bf16) {
    // Tiles of AMX multiply bf16 far faster than these vectors: there oneDNN's kernels do.
    int isa = (int)dnnl_get_effective_cpu_isa();
    if (bf16 && (isa & dnnl_cpu_isa_avx512_core_amx) == dnnl_cpu_isa_avx512_core_amx) return 0;
    int wanted = bf16 ? dnnl_cpu_isa_avx512_core_bf16 : dnnl_cpu_isa_avx512_core;
#if defined(__x86_64__)
    return (isa & wanted) == wanted;
#else
    return (void)isa, (void)wanted, 0;
#endif
}

NN_KERNEL void product_f32(
    const float *a, int64_t row, const float *panel, int64_t inner, float *result, int64_t result_row) {
    lanes left[ROWS], right[ROWS];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) left[i] = right[i] = 0.0f;
    for (int64_t k = 0; k < inner; k++) {
        const lanes b0 = LOAD(panel + k * COLUMNS), b1 = LOAD(panel + k * COLUMNS + LANES);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
            const lanes each = a[i * row + k];
            left[i] += each * b0;
            right[i] += each * b1;
        }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
        STORE(result + i * result_row, left[i]);
        STORE(result + i * result_row + LANES, right[i]);
    }
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v4,avx512bf16"))) void product_bf16(
    const uint16_t *a, int64_t row, const uint16_t *panel, int64_t inner, float *result, int64_t result_row) {
    __m512 left[ROWS], right[ROWS];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) left[i] = right[i] = _mm512_setzero_ps();
    for (int64_t k = 0; k < inner; k += 2) {
        const __m512bh b0 = (__m512bh)_mm512_loadu_si512(panel + k * COLUMNS);
        const __m512bh b1 = (__m512bh)_mm512_loadu_si512(panel + k * COLUMNS + 2 * LANES);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
            int pair;
            memcpy(&pair, a + i * row + k, sizeof pair);
            const __m512bh each = (__m512bh)_mm512_set1_epi32(pair);
            left[i] = _mm512_dpbf16_ps(left[i], each, b0);
            right[i] = _mm512_dpbf16_ps(right[i], each, b1);
        }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {
        _mm512_storeu_ps(result + i * result_row, left[i]);
        _mm512_storeu_ps(result + i * result_row + LANES, right[i]);
    }
}
#else
void product_bf16(
    const uint16_t *a, int64_t row, const uint16_t *panel, int64_t inner, float *result, int64_t result_row) {
    (void)a, (void)row, (void)panel, (void)inner, (void)result, (void)result_row;
}
#endif
