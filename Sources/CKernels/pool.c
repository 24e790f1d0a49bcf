// The worker pool. Between jobs a worker spins for some microseconds, since layers follow each other that quickly, and
// then sleeps on a condition variable, so that an idle engine costs nothing.
//
// One 64-bit word hands out pieces: the job's number in the upper half, the next piece in the lower. A worker that
// wakes late for a finished job therefore cannot take a piece of the next one by mistake.

#include "include/ck_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SPINS = 4000 };

struct ck_pool {
    size_t workers;
    pthread_t *threads;
    pthread_mutex_t caller;  // one job at a time
    pthread_mutex_t sleep;
    pthread_cond_t wake;
    size_t sleeping;         // guarded by sleep
    _Atomic bool stop;       // set before the last job is published
    // Set before `job` is raised, constant until all pieces are done.
    ck_piece_fn *body;
    const void *context;
    _Alignas(64) _Atomic uint32_t job;      // number of the newest job
    _Alignas(64) _Atomic uint64_t next;     // job number << 32 | next piece
    _Alignas(64) _Atomic uint64_t limit;    // job number << 32 | pieces of it
    _Alignas(64) _Atomic size_t remaining;  // pieces not yet done
};

typedef struct {
    ck_pool *pool;
    size_t index;
} worker_start;

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

// Takes pieces of job `number` until none are left.
static void work(ck_pool *pool, uint32_t number, size_t thread) {
    uint64_t limit = atomic_load_explicit(&pool->limit, memory_order_acquire);
    if ((uint32_t)(limit >> 32) != number) return;
    uint64_t next = atomic_load_explicit(&pool->next, memory_order_acquire);
    for (;;) {
        if ((uint32_t)(next >> 32) != number || next >= limit) return;
        if (!atomic_compare_exchange_weak_explicit(
                &pool->next, &next, next + 1, memory_order_acq_rel, memory_order_acquire)) continue;
        pool->body(pool->context, (size_t)(uint32_t)next, thread);
        atomic_fetch_sub_explicit(&pool->remaining, 1, memory_order_acq_rel);
        next = atomic_load_explicit(&pool->next, memory_order_acquire);
    }
}

static void *run_worker(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    ck_pool *pool = start.pool;
    uint32_t seen = 0;
    for (;;) {
        uint32_t now = seen;
        for (int i = 0; i < SPINS && now == seen; i++) {
            relax();
            now = atomic_load_explicit(&pool->job, memory_order_acquire);
        }
        if (now == seen) {
            pthread_mutex_lock(&pool->sleep);
            pool->sleeping += 1;
            while ((now = atomic_load_explicit(&pool->job, memory_order_acquire)) == seen)
                pthread_cond_wait(&pool->wake, &pool->sleep);
            pool->sleeping -= 1;
            pthread_mutex_unlock(&pool->sleep);
        }
        seen = now;
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
        work(pool, seen, start.index);
    }
}

// Raises the job number and wakes sleepers.
static uint32_t publish(ck_pool *pool) {
    pthread_mutex_lock(&pool->sleep);
    uint32_t number = atomic_load_explicit(&pool->job, memory_order_relaxed) + 1;
    atomic_store_explicit(&pool->job, number, memory_order_release);
    if (pool->sleeping > 0) pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->sleep);
    return number;
}

ck_pool *ck_pool_create(size_t threads) {
    ck_pool *pool = NULL;
    if (posix_memalign((void **)&pool, 64, sizeof *pool) != 0) return NULL;
    *pool = (ck_pool){.workers = 0};
    pthread_mutex_init(&pool->caller, NULL);
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->wake, NULL);
    size_t wanted = threads > 0 ? threads - 1 : 0;
    pool->threads = calloc(wanted + 1, sizeof *pool->threads);
    bool failed = pool->threads == NULL;
    for (size_t i = 0; !failed && i < wanted; i++) {
        worker_start *start = malloc(sizeof *start);
        failed = start == NULL;
        if (failed) break;
        *start = (worker_start){pool, i + 1};
        failed = pthread_create(&pool->threads[i], NULL, run_worker, start) != 0;
        if (failed) free(start);
        else pool->workers += 1;
    }
    if (failed) {
        ck_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

void ck_pool_destroy(ck_pool *pool) {
    if (pool == NULL) return;
    atomic_store_explicit(&pool->stop, true, memory_order_relaxed);
    publish(pool);
    for (size_t i = 0; i < pool->workers; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->sleep);
    pthread_mutex_destroy(&pool->caller);
    free(pool->threads);
    free(pool);
}

void ck_pool_run(ck_pool *pool, size_t pieces, ck_piece_fn *body, const void *context) {
    if (pool->workers == 0 || pieces <= 1) {
        for (size_t i = 0; i < pieces; i++) body(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->caller);
    uint64_t number = (uint64_t)(uint32_t)(atomic_load_explicit(&pool->job, memory_order_relaxed) + 1) << 32;
    pool->body = body;
    pool->context = context;
    atomic_store_explicit(&pool->remaining, pieces, memory_order_release);
    atomic_store_explicit(&pool->next, number, memory_order_release);
    atomic_store_explicit(&pool->limit, number | pieces, memory_order_release);
    work(pool, publish(pool), 0);
    // The last pieces are short. A worker that lost its core for long is the rare case; let it have this one.
    for (int i = 0; atomic_load_explicit(&pool->remaining, memory_order_acquire) != 0; i++) {
        if (i < SPINS) relax();
        else sched_yield();
    }
    pthread_mutex_unlock(&pool->caller);
}
