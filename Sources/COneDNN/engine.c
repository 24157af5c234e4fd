#define _GNU_SOURCE
#include "internal.h"

#include <pthread.h>
#include <sys/mman.h>

// libgomp's entry points, which oneDNN itself stands on. Declared here since Swift's clang ships no omp.h.
extern void omp_set_num_threads(int);
extern int omp_get_max_threads(void);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);

void nn_set_compute_threads(int32_t count) { omp_set_num_threads(count < 1 ? 1 : count); }
int32_t nn_compute_threads(void) { return omp_get_max_threads(); }

void nn_engine_version(int32_t version[3]) {
    const dnnl_version_t *loaded = dnnl_version();
    version[0] = loaded->major;
    version[1] = loaded->minor;
    version[2] = loaded->patch;
}

const char *nn_engine_instruction_set(void) {
    switch ((int)dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse41";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2: return "avx2";
    case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core: return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
    default: return "other";
    }
}

int32_t nn_engine_has_bf16(void) {
    int isa = (int)dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

int32_t nn_engine_has_int8(void) {
    int isa = (int)dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni;
}

void *nn_allocate(size_t bytes) {
    const size_t huge = (size_t)2 << 20;
    void *memory = NULL;
    size_t alignment = bytes >= 2 * huge ? huge : 64;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    if (posix_memalign(&memory, alignment, rounded ? rounded : alignment) != 0) return NULL;
    // Advice only: a kernel without huge pages says no, and nothing else changes.
    if (alignment == huge) madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}

void nn_free(void *memory) { free(memory); }

// The engine is one for the process; it has no state that executions change.
static dnnl_engine_t shared_engine;
static dnnl_status_t shared_engine_status;
static pthread_once_t shared_engine_once = PTHREAD_ONCE_INIT;
static pthread_key_t stream_key;
static int stream_key_status;

static void stream_end(void *stream) { dnnl_stream_destroy((dnnl_stream_t)stream); }

static void engine_start(void) {
    shared_engine_status = dnnl_engine_create(&shared_engine, dnnl_cpu, 0);
    stream_key_status = pthread_key_create(&stream_key, stream_end);
}

dnnl_status_t engine_shared(dnnl_engine_t *engine) {
    pthread_once(&shared_engine_once, engine_start);
    *engine = shared_engine;
    return stream_key_status ? dnnl_out_of_memory : shared_engine_status;
}

dnnl_status_t stream_of_thread(dnnl_stream_t *stream) {
    dnnl_engine_t engine;
    TRY(engine_shared(&engine));
    *stream = pthread_getspecific(stream_key);
    if (*stream) return dnnl_success;
    TRY(dnnl_stream_create(stream, engine, dnnl_stream_default_flags));
    pthread_setspecific(stream_key, *stream);
    return dnnl_success;
}

typedef struct {
    int64_t count, grain;
    nn_body body;
    void *context;
} parallel_job;

static void parallel_share(void *data) {
    const parallel_job *job = data;
    int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    int64_t grains = (job->count + job->grain - 1) / job->grain;
    int64_t begin = grains * thread / threads * job->grain, end = grains * (thread + 1) / threads * job->grain;
    if (end > job->count) end = job->count;
    if (begin < end) job->body(job->context, begin, end);
}

void nn_parallel(int64_t count, int64_t grain, nn_body body, void *context) {
    int threads = omp_get_max_threads();
    if (threads <= 1 || count <= grain) {
        if (count > 0) body(context, 0, count);
        return;
    }
    parallel_job job = {count, grain, body, context};
    GOMP_parallel(parallel_share, &job, (unsigned)threads, 0);
}
