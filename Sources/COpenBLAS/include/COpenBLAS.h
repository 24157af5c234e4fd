#ifndef ENDOKED_COPENBLAS_H
#define ENDOKED_COPENBLAS_H

#include <stddef.h>

// OpenBLAS, opened when it is first needed and not before: it chooses its kernels while it loads, from
// OPENBLAS_CORETYPE or from the processor's model, and releases older than the processor choose too little.

typedef struct {
    char library[256];      // what was opened
    char default_core[64];  // the core that OpenBLAS chose by itself; empty when the user named one
    char core[64];          // the core in use
    char config[256];       // OpenBLAS's own description of its build
    int forced;             // 1: the core in use was named by this shim, because the default has no AVX-512
    int named_by_user;      // 1: OPENBLAS_CORETYPE was set, and respected
    int has_avx512;         // 1: processor and operating system offer AVX-512 F, BW, DQ and VL
    double default_gflops;  // sgemm rate of the default core, where measuring was asked for and it was replaced
} endoked_blas_state;

// Opens the library once; later calls return what the first one found. `library` may be NULL for the usual name.
// 0, or -1 with a message in `error`. `measure_default` not 0: the rate of a default core is measured (about 0.1 s)
// before it is replaced. Safe from any thread.
int endoked_blas_open(const char *library, int measure_default, endoked_blas_state *state, char *error, size_t size);

// All below: only after endoked_blas_open returned 0. Row-major, as in CBLAS.
void endoked_blas_set_threads(int threads);
int endoked_blas_threads(void);
void endoked_blas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc);
void endoked_blas_saxpy(int n, float alpha, const float *x, float *y);
void endoked_blas_daxpy(int n, double alpha, const double *x, double *y);
void endoked_blas_sscal(int n, float alpha, float *x);
float endoked_blas_snrm2(int n, const float *x);
float endoked_blas_sdot(int n, const float *x, const float *y);
double endoked_blas_ddot(int n, const double *x, const double *y);
// GFLOP/s of sgemm n×n×n: the best of `repeats`.
double endoked_blas_measure(int n, int repeats);

#endif
