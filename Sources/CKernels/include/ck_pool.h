// A fixed set of worker threads that run the pieces of one job at a time.

#ifndef CK_POOL_H
#define CK_POOL_H

#include <stddef.h>

typedef struct ck_pool ck_pool;
typedef void ck_piece_fn(const void *context, size_t piece, size_t thread);

// A pool of `threads`, the caller of ck_pool_run included. Null when a thread can't be started.
ck_pool *ck_pool_create(size_t threads);
void ck_pool_destroy(ck_pool *pool);

// Runs body(context, piece, thread) for every piece below `pieces`, each once, and returns when all are done. Pieces
// are handed out in order as threads become free. Calls from several threads wait for each other.
void ck_pool_run(ck_pool *pool, size_t pieces, ck_piece_fn *body, const void *context);

#endif
