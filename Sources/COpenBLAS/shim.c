#define _GNU_SOURCE
#include "COpenBLAS.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };

static struct {
    void *handle;
    char *(*get_corename)(void);
    char *(*get_config)(void);
    void (*set_num_threads)(int);
    int (*get_num_threads)(void);
    void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    void (*saxpy)(int, float, const float *, int, float *, int);
    void (*daxpy)(int, double, const double *, int, double *, int);
    void (*sscal)(int, float, float *, int);
    float (*snrm2)(int, const float *, int);
    float (*sdot)(int, const float *, int, const float *, int);
    double (*ddot)(int, const double *, int, const double *, int);
} blas;

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static endoked_blas_state found;
static int is_open;

static int has_avx512(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return 0;  // OSXSAVE
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0xE6) != 0xE6) return 0;  // the operating system keeps the ZMM and mask registers
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const unsigned needed = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);  // F, DQ, BW, VL
    return (b & needed) == needed;
#else
    return 0;
#endif
}

static int core_has_avx512(const char *core) {
    return !strcasecmp(core, "SkylakeX") || !strcasecmp(core, "Cooperlake") || !strcasecmp(core, "SapphireRapids");
}

static int load(const char *library, char *error, size_t size) {
    blas.handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!blas.handle) {
        snprintf(error, size, "%s", dlerror());
        return -1;
    }
    const struct { const char *name; void **slot; } symbols[] = {
        {"openblas_get_corename", (void **)&blas.get_corename},
        {"openblas_get_config", (void **)&blas.get_config},
        {"openblas_set_num_threads", (void **)&blas.set_num_threads},
        {"openblas_get_num_threads", (void **)&blas.get_num_threads},
        {"cblas_sgemm", (void **)&blas.sgemm},
        {"cblas_saxpy", (void **)&blas.saxpy},
        {"cblas_daxpy", (void **)&blas.daxpy},
        {"cblas_sscal", (void **)&blas.sscal},
        {"cblas_snrm2", (void **)&blas.snrm2},
        {"cblas_sdot", (void **)&blas.sdot},
        {"cblas_ddot", (void **)&blas.ddot},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        *symbols[i].slot = dlsym(blas.handle, symbols[i].name);
        if (!*symbols[i].slot) {
            snprintf(error, size, "%s has no function %s: it is not OpenBLAS", library, symbols[i].name);
            dlclose(blas.handle);
            blas.handle = NULL;
            return -1;
        }
    }
    if (strstr(blas.get_config(), "USE64BITINT")) {
        snprintf(error, size, "%s counts with 64-bit integers; the usual 32-bit build is needed", library);
        dlclose(blas.handle);
        blas.handle = NULL;
        return -1;
    }
    return 0;
}

static void copy(char *target, size_t size, const char *text) { snprintf(target, size, "%s", text ? text : ""); }

// With `opening` held. The environment is changed only while the library loads: it reads it there and nowhere else.
static int open_locked(const char *library, int measure_default, char *error, size_t size) {
    const char *named = getenv("OPENBLAS_CORETYPE");
    memset(&found, 0, sizeof found);
    copy(found.library, sizeof found.library, library);
    found.has_avx512 = has_avx512();
    found.named_by_user = named && *named;

    // A slot is one thread: no pool is started unless the user asks for one. endoked_blas_set_threads grows it.
    int quiet = !getenv("OPENBLAS_NUM_THREADS");
    if (quiet) setenv("OPENBLAS_NUM_THREADS", "1", 1);
    int result = load(library, error, size);
    if (result == 0 && !found.named_by_user) {
        copy(found.default_core, sizeof found.default_core, blas.get_corename());
        if (found.has_avx512 && !core_has_avx512(found.default_core)) {
            if (measure_default) found.default_gflops = endoked_blas_measure(768, 5);
            dlclose(blas.handle);
            setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
            result = load(library, error, size);
            unsetenv("OPENBLAS_CORETYPE");
            // True only if the library was really unloaded and read the variable: it says itself what it uses.
            found.forced = result == 0 && strcmp(blas.get_corename(), found.default_core) != 0;
        }
    }
    if (quiet) unsetenv("OPENBLAS_NUM_THREADS");
    if (result != 0) return -1;
    copy(found.core, sizeof found.core, blas.get_corename());
    copy(found.config, sizeof found.config, blas.get_config());
    return 0;
}

int endoked_blas_open(const char *library, int measure_default, endoked_blas_state *state, char *error, size_t size) {
    pthread_mutex_lock(&opening);
    if (!is_open) is_open = open_locked(library ? library : "libopenblas.so.0", measure_default, error, size) == 0;
    int result = is_open ? 0 : -1;
    if (is_open && library && strcmp(library, found.library) != 0) {
        snprintf(error, size, "%s is asked for, but %s is in use already", library, found.library);
        result = -1;
    }
    if (is_open) *state = found;
    pthread_mutex_unlock(&opening);
    return result;
}

void endoked_blas_set_threads(int threads) { blas.set_num_threads(threads); }

int endoked_blas_threads(void) { return blas.get_num_threads(); }

void endoked_blas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc) {
    blas.sgemm(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE, m, n, k,
               alpha, a, lda, b, ldb, beta, c, ldc);
}

void endoked_blas_saxpy(int n, float alpha, const float *x, float *y) { blas.saxpy(n, alpha, x, 1, y, 1); }

void endoked_blas_daxpy(int n, double alpha, const double *x, double *y) { blas.daxpy(n, alpha, x, 1, y, 1); }

void endoked_blas_sscal(int n, float alpha, float *x) { blas.sscal(n, alpha, x, 1); }

float endoked_blas_snrm2(int n, const float *x) { return blas.snrm2(n, x, 1); }

float endoked_blas_sdot(int n, const float *x, const float *y) { return blas.sdot(n, x, 1, y, 1); }

double endoked_blas_ddot(int n, const double *x, const double *y) { return blas.ddot(n, x, 1, y, 1); }

double endoked_blas_measure(int n, int repeats) {
    size_t count = (size_t)n * n;
    float *a = malloc(3 * count * sizeof *a);
    if (!a) return 0;
    float *b = a + count, *c = b + count;
    for (size_t i = 0; i < 2 * count; i++) a[i] = (float)(i % 7) - 3;
    double best = 0;
    for (int i = 0; i <= repeats; i++) {  // the first warms up
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        blas.sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1, a, n, b, n, 0, c, n);
        clock_gettime(CLOCK_MONOTONIC, &after);
        double seconds = (after.tv_sec - before.tv_sec) + 1e-9 * (after.tv_nsec - before.tv_nsec);
        double rate = 2.0 * n * n * n / seconds * 1e-9;
        if (i > 0 && rate > best) best = rate;
    }
    free(a);
    return best;
}
