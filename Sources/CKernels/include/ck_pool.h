// A fixed set of worker threads that run the pieces of one job at a time.

#ifndef CK_POOL_H
#define CK_POOL_H

#include <stddef.h>

typedef struct ck_pool ck_pool;
typedef void ck_piece_fn(const void *context, size_t piece, size_t thread);

// A pool of `threads`, the caller of ck_pool_run included. Null when a thread can't be started.
ck_pool *ck_pool_create(size_t threads);
void ck_pool_destroy(ck_pool *pool);

// Runs body(context, piece, thread) for every piece below `pieces`, each once, and returns when all are done. Threads
// begin with consecutive shares of the pieces; who is done early takes over from others. Calls from several threads wait
// for each other.
void ck_pool_run(ck_pool *pool, size_t pieces, ck_piece_fn *body, const void *context);

enum { CK_ANNOUNCED = 3 };

// Names one of CK_ANNOUNCED stretches of bytes that the job after the next one will probably read, in order and divided
// as its pieces are. Workers with nothing left to do fetch them into their caches while the caller prepares that job.
// Nothing is read: the bytes need not exist. Stays announced until it is replaced; no bytes are no stretch.
void ck_pool_announce(ck_pool *pool, size_t index, const void *start, size_t count);

#endif
