// The worker pool. Between jobs a worker spins for some microseconds, since layers follow each other that quickly, and
// then sleeps on a condition variable, so that an idle engine costs nothing.
//
// Every thread has a share of the pieces, consecutive ones, so that what it reads is consecutive too: memory is fetched
// ahead of use, and what one thread fetches is of no use to another. Whoever is done takes pieces from the end of others'
// shares. A share is one 64-bit word, first piece and end. Whoever takes a piece reads the job after that, so a worker
// that wakes up late cannot mistake one job for another: a share that is not empty is of the present one.

#include "include/ck_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    SPINS = 4000,
    LINE = 64,  // bytes of a cache line
    FETCHED = 256 << 10,  // bytes fetched ahead of a job: half of a common second-level cache
};

// Pieces begin ..< end as begin << 32 | end.
typedef struct {
    _Alignas(LINE) _Atomic uint64_t range;
} share;

struct ck_pool {
    size_t size;             // threads, the caller included; constant
    size_t workers;          // started
    pthread_t *threads;
    share *shares;           // [size]
    pthread_mutex_t caller;  // one job at a time
    pthread_mutex_t sleep;
    pthread_cond_t wake;
    size_t sleeping;         // guarded by sleep
    _Atomic bool stop;       // set before the last job is published
    // Set before the shares, constant until all pieces are done.
    ck_piece_fn *body;
    const void *context;
    _Alignas(LINE) _Atomic uint32_t job;       // number of the newest job
    _Alignas(LINE) _Atomic size_t remaining;   // pieces not yet done
    // What to fetch between jobs. A mixture of two announcements makes for useless fetches, no more.
    _Alignas(LINE) struct {
        _Atomic uintptr_t start;
        _Atomic size_t count;
    } announced[CK_ANNOUNCED];
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

static void run_piece(ck_pool *pool, size_t piece, size_t thread) {
    pool->body(pool->context, piece, thread);
    atomic_fetch_sub_explicit(&pool->remaining, 1, memory_order_acq_rel);
}

// Takes pieces until none are left: from the front of its own share, then from the ends of others'.
static void work(ck_pool *pool, size_t thread) {
    const size_t threads = pool->size;
    for (size_t k = 0; k < threads; k++) {
        const bool own = k == 0;
        _Atomic uint64_t *range = &pool->shares[(thread + k) % threads].range;
        uint64_t value = atomic_load_explicit(range, memory_order_acquire);
        for (;;) {
            const uint64_t begin = value >> 32, end = value & UINT32_MAX;
            if (begin >= end) break;
            const uint64_t rest = own ? (begin + 1) << 32 | end : begin << 32 | (end - 1);
            if (!atomic_compare_exchange_weak_explicit(
                    range, &value, rest, memory_order_acq_rel, memory_order_acquire)) continue;
            run_piece(pool, own ? begin : end - 1, thread);
            value = atomic_load_explicit(range, memory_order_acquire);
        }
    }
}

// Waits for a job after `seen` as long as one may come soon, and uses the time: memory would be idle too.
static uint32_t await(ck_pool *pool, uint32_t seen, size_t thread) {
    uintptr_t starts[CK_ANNOUNCED];
    size_t counts[CK_ANNOUNCED], total = 0;
    for (size_t i = 0; i < CK_ANNOUNCED; i++) {
        starts[i] = atomic_load_explicit(&pool->announced[i].start, memory_order_relaxed);
        counts[i] = atomic_load_explicit(&pool->announced[i].count, memory_order_relaxed);
        total += counts[i];
    }
    // This thread's share of the bytes.
    size_t skip = total / pool->size * thread, left = total / pool->size;
    if (left > FETCHED) left = FETCHED;
    uint32_t now = atomic_load_explicit(&pool->job, memory_order_acquire);
    for (size_t i = 0; i < CK_ANNOUNCED; i++) {
        for (; skip < counts[i] && left >= LINE && now == seen; skip += LINE, left -= LINE) {
            __builtin_prefetch((const void *)(starts[i] + skip), 0, 2);
            now = atomic_load_explicit(&pool->job, memory_order_acquire);
        }
        skip = skip > counts[i] ? skip - counts[i] : 0;
    }
    for (int i = 0; i < SPINS && now == seen; i++) {
        relax();
        now = atomic_load_explicit(&pool->job, memory_order_acquire);
    }
    return now;
}

static void *run_worker(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    ck_pool *pool = start.pool;
    uint32_t seen = 0;
    for (;;) {
        uint32_t now = await(pool, seen, start.index);
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
        work(pool, start.index);
    }
}

// Raises the job number and wakes sleepers.
static void publish(ck_pool *pool) {
    pthread_mutex_lock(&pool->sleep);
    atomic_fetch_add_explicit(&pool->job, 1, memory_order_release);
    if (pool->sleeping > 0) pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->sleep);
}

ck_pool *ck_pool_create(size_t threads) {
    ck_pool *pool = NULL;
    if (posix_memalign((void **)&pool, 64, sizeof *pool) != 0) return NULL;
    *pool = (ck_pool){.size = threads > 0 ? threads : 1};
    pthread_mutex_init(&pool->caller, NULL);
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->wake, NULL);
    const size_t wanted = pool->size - 1;
    pool->threads = calloc(wanted + 1, sizeof *pool->threads);
    bool failed = pool->threads == NULL
        || posix_memalign((void **)&pool->shares, LINE, pool->size * sizeof *pool->shares) != 0;
    for (size_t i = 0; !failed && i < pool->size; i++) atomic_init(&pool->shares[i].range, 0);
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
    free(pool->shares);
    free(pool->threads);
    free(pool);
}

void ck_pool_run(ck_pool *pool, size_t pieces, ck_piece_fn *body, const void *context) {
    if (pool->workers == 0 || pieces <= 1) {
        for (size_t i = 0; i < pieces; i++) body(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->caller);
    pool->body = body;
    pool->context = context;
    atomic_store_explicit(&pool->remaining, pieces, memory_order_release);
    const uint64_t threads = pool->size;
    for (uint64_t t = 0; t < threads; t++)
        atomic_store_explicit(
            &pool->shares[t].range, pieces * t / threads << 32 | pieces * (t + 1) / threads, memory_order_release);
    publish(pool);
    work(pool, 0);
    // The last pieces are short. A worker that lost its core for long is the rare case; let it have this one.
    for (int i = 0; atomic_load_explicit(&pool->remaining, memory_order_acquire) != 0; i++) {
        if (i < SPINS) relax();
        else sched_yield();
    }
    pthread_mutex_unlock(&pool->caller);
}

void ck_pool_announce(ck_pool *pool, size_t index, const void *start, size_t count) {
    atomic_store_explicit(&pool->announced[index].start, (uintptr_t)start, memory_order_relaxed);
    atomic_store_explicit(&pool->announced[index].count, count, memory_order_relaxed);
}
