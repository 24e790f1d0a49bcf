// What the files of attention share: the memory of one piece of work, and the steps that more than one of them takes.

#ifndef CK_ATTENTION_WORK_H
#define CK_ATTENTION_WORK_H

#include "internal.h"

typedef struct {
    size_t rows;      // queries of the piece times heads per KV head
    float *queries;   // [rows][head_dim], scaled
    float *scores;    // [rows][page_tokens]
    float *keys;      // room for [head_dim][page_tokens]
    float *values;    // room for [page_tokens][head_dim]
    float *rebuilt;   // room to rebuild keys in: REBUILT_ROWS of them, then cosines and sines
    float *partial;   // maxima [rows], sums [rows], outputs [rows][head_dim] of one span
} ck_attention_work;

enum { REBUILT_ROWS = 8 };  // as transpose_keys takes them

static inline size_t ck_rows_of(const ck_attention *a, size_t queries) { return queries * (a->heads / a->kv_heads); }

// Divides ck_attention_scratch bytes for so many queries.
ck_attention_work ck_arrange(const ck_attention *a, size_t queries, void *scratch);

// Queries of one KV head, scaled, and rotated where keys are.
void ck_gather_queries(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, float *out);

// All keys of a whole page of the block, [head_dim][page_tokens], as its type rotates them.
const float *ck_page_keys(const ck_table *t, const ck_attention *a, size_t kv_head, size_t page,
                          const ck_attention_work *w);

// The place of a row in [tokens][heads].
size_t ck_place_of(const ck_attention *a, size_t kv_head, size_t q0, size_t row);

#endif
