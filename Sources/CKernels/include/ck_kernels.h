// Arithmetic on rows and tiles, once per instruction set, and the drivers that put tiles together.
//
// What is computed, on which bytes and by which thread is decided by the Swift module Kernels. Nothing here allocates,
// locks or keeps state, except the worker pool (ck_pool.h). Sizes are elements unless a name says bytes.
//
// Order of sums: every output of a matrix product and of attention is one chain of fused multiply-adds in a fixed
// order. So the bits of a result depend neither on the number of threads nor on how many tokens are computed together.

#ifndef CK_KERNELS_H
#define CK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ck_pool.h"

// Type ids are those of GGUF; see DataType in Tensors.
enum {
    CK_F32 = 0, CK_F16 = 1, CK_Q4_0 = 2, CK_Q4_1 = 3, CK_Q5_0 = 6, CK_Q5_1 = 7, CK_Q8_0 = 8, CK_Q2_K = 10,
    CK_Q3_K = 11, CK_Q4_K = 12, CK_Q5_K = 13, CK_Q6_K = 14, CK_IQ4_NL = 20, CK_IQ4_XS = 23, CK_BF16 = 30,
    CK_MXFP4 = 39, CK_TYPE_COUNT = 40
};

// How the quants of a weight type look once unpacked to one byte each, which decides the product kernel.
enum {
    CK_U4 = 0,        // 0...15, scale and minimum per 32
    CK_U5 = 1,        // 0...31, scale and minimum per 32
    CK_U6 = 2,        // 0...63, scale and minimum per 16
    CK_S8 = 3,        // -127...127 (-128 in Q8_0 of foreign make), scale per 32, no minimum
    CK_CLASS_COUNT = 4,
    CK_PLAIN = 4      // F32, F16, BF16: not quantized
};

enum {
    CK_PANEL_ROWS = 16,   // weight rows computed together, one lane each
    CK_TILE_TOKENS = 4,   // tokens computed together
    CK_DOT_TOKENS = 2,    // up to so many, products take weights straight from their blocks
    CK_FLOAT_DOT_TOKENS = 4,  // the same for plain weights
    CK_BLOCK_COLUMNS = 1024  // columns unpacked at a time, a multiple of every block size
};

// One tile of a quantized product: 16 rows times `width` tokens (1...4) over `columns` (a multiple of 32).
typedef struct {
    const uint8_t *quants;      // [columns / 4][16 rows][4]
    const float *scales;        // [groups][16 rows]
    const float *minima;        // [groups][16 rows]; unused for CK_S8
    const int8_t *activations;  // [columns / 4][width][4]
    const float *act_scales;    // [columns / 32][width]
    const float *act_sums;      // [groups][width]: scale times sum of the quants of the group
    float *sums;                // [width][16 rows], added to
    size_t columns;
} ck_tile;

// Some rows of weights.
typedef struct {
    const uint8_t *first;       // the first block of the first row
    size_t row_bytes;
    size_t columns;             // a whole number of blocks
    const uint8_t *ahead;       // where to fetch as many bytes from, meanwhile; nothing is read there
} ck_rows;

// What 8 rows are multiplied by: one or two tokens.
typedef struct {
    size_t tokens;              // 1...CK_DOT_TOKENS
    const int8_t *activations;  // [tokens][columns]
    const float *act_scales;    // [tokens][columns / 32]
    const float *act_sums;      // [tokens][groups]
    float *sums;                // [tokens][8], set
} ck_dots;

// Where 8 of the 16 rows of a panel go, as ck_tile has them; aligned to 32 bytes.
typedef struct {
    uint8_t *quants;
    float *scales, *minima;
} ck_half_panel;

// y = x / sqrt(mean(x^2) + eps) * weight, row by row. `weight` may be null.
typedef void ck_norm_fn(const float *x, const float *weight, size_t n, float eps, float *y);

// All arithmetic of one instruction set.
typedef struct ck_table {
    const char *name;

    // A row (n elements, a whole number of blocks) to floats. Null for types that are no weights.
    void (*dequantize[CK_TYPE_COUNT])(const void *row, size_t n, float *out);
    // A row to one byte per quant plus scales and minima per group: value = scale * quant + minimum.
    // Null for plain types and for types that are no weights.
    void (*unpack[CK_TYPE_COUNT])(const void *row, size_t n, uint8_t *quants, float *scales, float *minima);
    // [16][n] bytes to [n / 4][16][4].
    void (*interleave)(const uint8_t *rows, size_t n, uint8_t *panel);
    // 16 rows of n floats, `stride` apart, to [n][16]. Works in steps of 8: up to 7 more are read and written.
    void (*transpose)(const float *rows, size_t stride, size_t n, float *out);
    // Floats to int8 with one scale per 32: scale = max|x| / 127, quants to nearest even. Sums are scale * (sum of
    // quants) per 32 and per 16.
    void (*quantize)(const float *x, size_t n, int8_t *quants, float *scales, float *sums32, float *sums16);
    // By class and width - 1.
    void (*product[CK_CLASS_COUNT][CK_TILE_TOKENS])(const ck_tile *);

    // Where a level has them for a type, else null: the same sums for 8 rows and one or two tokens, straight from the
    // blocks; and what unpack, interleave and transpose make of 8 rows.
    void (*dots[CK_TYPE_COUNT])(const ck_rows *, const ck_dots *);
    void (*panel[CK_TYPE_COUNT])(const ck_rows *, const ck_half_panel *);

    // 16 rows of plain weights times 1...CK_FLOAT_DOT_TOKENS rows of x into sums [tokens][16]; null as above.
    void (*float_dots[CK_TYPE_COUNT])(const ck_rows *, const float *x, size_t x_stride, size_t tokens, float *sums);

    // 1...16 rows of plain weights times any number of rows of x, which it may round to BF16, into sums [tokens][16]; null
    // where that gains nothing.
    void (*rounded_dots[CK_TYPE_COUNT])(const ck_rows *, size_t count, const float *x, size_t x_stride, size_t tokens,
                                        float *sums);

    // c[m][n] (+)= a[m][k] * b[k][n]; each output is one chain of fused multiply-adds in order of k.
    void (*gemm)(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                 float *c, size_t ldc, bool accumulate);

    ck_norm_fn *rms_norm;
    void (*add)(const float *x, size_t n, float *y);              // y += x
    void (*scale)(float *x, size_t n, float factor);              // x *= factor
    void (*softcap)(float *x, size_t n, float cap);               // x = cap * tanh(x / cap)
    void (*silu_gate)(const float *gate, const float *up, size_t n, float *y);  // y = silu(gate) * up
    void (*gelu_gate)(const float *gate, const float *up, size_t n, float *y);  // y = gelu_tanh(gate) * up
    // Rotates pairs (x[i], y[i]) resp. (x[2i], x[2i + 1]), i < n, by the angle with that cosine and sine.
    void (*rope_halves)(float *x, float *y, size_t n, const float *cosines, const float *sines);
    void (*rope_pairs)(float *x, size_t n, const float *cosines, const float *sines);
    void (*to_f16)(const float *x, size_t n, uint16_t *y);        // to nearest even
    float (*maximum)(const float *x, size_t n);                   // -inf for n = 0
    // x = exp(x - shift); returns the sum. -inf gives 0.
    float (*exp_shift)(float *x, size_t n, float shift);
    // One step of the online softmax for `rows` rows of n scores: raises each running maximum, replaces scores by
    // exp(score - maximum), rescales each running sum and output row [width] to the new maximum. n is a multiple of 8.
    void (*softmax_step)(float *scores, size_t rows, size_t n, float *maxima, float *sums, float *out, size_t width);
    // Key rows [n][width] to [width][stride]. Works in steps of 8 rows, as page sizes allow.
    void (*transpose_keys)(const float *keys, size_t n, size_t width, float *out, size_t stride);

    // For keys and values that are kept as integers; see kv_codec.c.
    // Turns each block of `block` (a power of two) of x by the normalized Walsh-Hadamard transform, its own inverse.
    void (*hadamard)(float *x, size_t n, size_t block);
    // A row to codes; returns its scale, a half. n is even for q4: byte i holds the codes of i and of i + n / 2.
    uint16_t (*encode_q8)(const float *x, size_t n, int8_t *codes);
    uint16_t (*encode_q4)(const float *x, size_t n, uint8_t *codes);
    // Rows of codes to rows of n floats, with a scale for each row.
    void (*q8_rows)(const int8_t *codes, const float *scales, size_t rows, size_t n, float *out);
    void (*q4_rows)(const uint8_t *codes, const float *scales, size_t rows, size_t n, float *out);
    // The same with a scale for each column. Rows of codes and floats are `stride` apart, of which n, a multiple of 8,
    // are wanted. A row of q4 makes two of floats, of which the second is rows / 2 below.
    void (*q8_columns)(const int8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
    void (*q4_columns)(const uint8_t *codes, const float *scales, size_t rows, size_t n, size_t stride, float *out);
} ck_table;

// The tables this processor can run, best first; the last is "portable".
size_t ck_tables(const ck_table *out[8]);

// The class of a weight type, CK_PLAIN, or -1 when it is no weight.
int ck_class(uint32_t type);
// Elements and bytes of a block; 0 for types that are no weights.
size_t ck_block_elements(uint32_t type);
size_t ck_block_bytes(uint32_t type);

// One row of a weight matrix as floats.
void ck_dequantize_row(const ck_table *t, uint32_t type, const void *row, size_t n, float *out);

// ---- Matrix products (matmul.c) ----

// Weights and where their products go: y[token][row] = bias[row] + sum of weights[row][column] * x[token][column].
typedef struct {
    uint32_t type;
    const void *weights;
    size_t rows, columns;
    const float *bias;    // [rows] or null
    float *y;             // [tokens][y_stride]
    size_t y_stride;
    bool rounded;         // inputs may be rounded to the precision of the weights
} ck_product;

// Inputs of quantized products, in tiles of tokens (the last may be narrower): of one token each if there are no
// more than CK_DOT_TOKENS and the products have `dots`, of CK_TILE_TOKENS otherwise.
typedef struct {
    size_t tokens, columns, tile_tokens;
    int8_t *quants;       // per tile [columns / 4][width][4]
    float *scales;        // per tile [columns / 32][width]
    float *sums32;        // per tile [columns / 32][width]
    float *sums16;        // per tile [columns / 16][width]
} ck_activations;

// Quantizes the tokens of one tile. Scratch: ck_quantize_scratch bytes.
size_t ck_quantize_scratch(size_t columns);
void ck_quantize_tile(const ck_table *t, const float *x, const ck_activations *out, size_t tile, void *scratch);

// Whether the level has `dots` for this type. Plain types don't mind.
bool ck_has_dots(const ck_table *t, uint32_t type);

// Rows first ..< first + count of a product with quantized inputs.
size_t ck_product_scratch(size_t tokens);
void ck_product_rows(const ck_table *t, const ck_product *p, const ck_activations *x, size_t first, size_t count,
                     void *scratch);

// The same with float inputs and weights converted to floats: for plain types, and for exact numerics.
size_t ck_product_float_scratch(size_t tokens);
void ck_product_rows_float(const ck_table *t, const ck_product *p, const float *x, size_t tokens, size_t first,
                           size_t count, void *scratch);

// A product as one of several that are computed together: their rows are cut into pieces, which are counted through.
typedef struct {
    ck_product product;
    bool quantized;           // whether it takes `input`; else `x`
    ck_activations input;     // its number of tokens is that of x too
    const float *x;           // [tokens][columns]
    size_t first_piece, piece_rows;
} ck_product_task;

typedef struct {
    const ck_table *table;
    const ck_product_task *tasks;
    size_t count;
    void *const *scratch;     // of each thread, for ck_product_scratch and ck_product_float_scratch of the most tokens
} ck_product_job;

// One piece of a ck_product_job: a ck_piece_fn.
void ck_product_piece(const void *job, size_t piece, size_t thread);

// ---- Pages of keys and values (kv_codec.c) ----

// How the numbers of a page are kept.
enum { CK_KV_F32 = 0, CK_KV_F16 = 1, CK_KV_Q8 = 2, CK_KV_Q4 = 3 };

// A page has a plane of keys, [kv_heads][head_dim][page_tokens], and one of values, [kv_heads][page_tokens][head_dim],
// each with a form of its own. Keys lie as attention multiplies by them. Behind the integers of q8 and q4 lie their scales: halves,
// [kv_heads][page_tokens].
typedef struct {
    int type;             // CK_KV_...
    size_t kv_heads;
    size_t head_dim;      // even for q4
    size_t page_tokens;   // divides CK_SPAN, a multiple of 8
} ck_kv_shape;

// Bytes of a plane, a multiple of 64.
size_t ck_kv_plane_bytes(const ck_kv_shape *s);

// Writes rows [tokens][kv_heads][head_dim] as the places from `place` on of a plane. Scratch: ck_kv_store_scratch bytes.
size_t ck_kv_store_scratch(const ck_kv_shape *s);
void ck_kv_store_keys(const ck_table *t, const ck_kv_shape *s, const float *rows, size_t tokens, size_t place,
                      void *plane, void *scratch);
void ck_kv_store_values(const ck_table *t, const ck_kv_shape *s, const float *rows, size_t tokens, size_t place,
                        void *plane, void *scratch);

// The first `n` places of one head as floats, keys [head_dim][page_tokens] or values [page_tokens][head_dim]: in the
// plane itself or in `room`. What lies behind place n is undefined.
const float *ck_kv_keys(const ck_table *t, const ck_kv_shape *s, const void *plane, size_t head, size_t n, float *room);
const float *ck_kv_values(const ck_table *t, const ck_kv_shape *s, const void *plane, size_t head, size_t n,
                          float *room);

// Zeroes the places from `place` on of a plane.
void ck_kv_clear_keys(const ck_kv_shape *s, void *plane, size_t place);
void ck_kv_clear_values(const ck_kv_shape *s, void *plane, size_t place);

// Integers are kept of rotated heads: queries are rotated like keys, and what attention makes of values is rotated back.
void ck_kv_rotate(const ck_table *t, int type, float *rows, size_t count, size_t head_dim);

// ---- Angles of rotary positions (rotary.c) ----

enum { CK_ANGLE_BLOCK = 64 };  // positions whose angles are sums of that of the first and one of so many steps

// Cosines and sines of a sum of two angles for each pair, from those of the two, [2][pairs] each. Rounded once.
void ck_rotary_angles(const double *base, const double *step, size_t pairs, float *cosines, float *sines);

// What keys are rebuilt from where only values are kept (Gemma 4, whose keys are the values before norms and rotation):
// key = rotated by its position(weights * value).
typedef struct {
    const float *weights;  // [head_dim] of the keys' norm; null where keys are kept
    size_t pairs;          // numbers i and i + distance are turned, i < pairs
    size_t distance;
    const double *bases;   // by block of CK_ANGLE_BLOCK positions, [2][pairs]: cosines and sines
    const double *steps;   // by position in a block, the same
} ck_rebuilt_keys;

// ---- Attention (attention.c) ----

enum { CK_SPAN = 512 };  // positions whose partial results are merged in order; see attention.c

typedef struct {
    const float *queries;                // [tokens][heads][head_dim]
    size_t tokens, heads, kv_heads, head_dim;
    float scale;
    size_t window, chunk;                // 0: none. First visible position: see ck_lower_bound
    size_t first_position;               // of query 0
    // A block of pages: page first_page + i, at index i, holds page_tokens positions; null where nothing is held.
    const void *const *keys;             // planes as in ck_kv_shape
    const void *const *values;
    size_t page_tokens, first_page;
    int key_type, value_type;            // CK_KV_...
    ck_rebuilt_keys rebuilt;             // with weights, pages are planes of values only
    // Positions of the block. All blocks but the last end at a multiple of CK_SPAN.
    size_t begin, end;
    bool is_first, is_last;              // whether the block is the first and the last that the queries see
    float *running;                      // [tokens][heads][2]: maximum and sum of the blocks so far
    float *out;                          // [tokens][heads][head_dim]; divided by the sums with the last block
} ck_attention;

// The first position that the query at `position` sees.
size_t ck_lower_bound(size_t position, size_t window, size_t chunk);

// Queries q0 ..< q1 of one KV head, everything of the block that they see.
size_t ck_attention_scratch(const ck_attention *a, size_t queries);
void ck_attention_queries(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1,
                          void *scratch);

// The same in two steps, so that few queries can be spread over threads: one span of positions each into `partial`
// (ck_partial_floats), then the merge of all spans of the block in order.
size_t ck_partial_floats(const ck_attention *a, size_t queries);
void ck_attention_span(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, size_t span,
                       float *partial, void *scratch);
void ck_attention_merge(const ck_table *t, const ck_attention *a, size_t kv_head, size_t q0, size_t q1, size_t spans,
                        const float *partials);

// ---- What pages can weigh (attention_bounds.c) ----

// Coarse copies of the keys of a page, about five bits a number. `head_dim` is even.
size_t ck_coarse_bytes(const ck_attention *a);

// Makes those of one KV head of a whole page of the block, inside the coarse page `out`.
size_t ck_coarse_scratch(const ck_attention *a);
void ck_coarse_make(const ck_table *t, const ck_attention *a, size_t kv_head, size_t page, void *out, void *scratch);

// For the pages first ..< end of the block, all of which all queries see: what log(sum(exp(score))) over each is at
// least and at most, [pages][tokens][heads], of which the heads of one KV head are set. From the keys, where both are
// the same; or, with `is_coarse`, from coarse keys, which `keys` then has. Their errors are multiplied by `slack`: 1
// for bounds, 0 for an estimate. Scratch: ck_attention_scratch bytes for all queries.
void ck_attention_bounds(const ck_table *t, const ck_attention *a, bool is_coarse, float slack, size_t kv_head,
                         size_t first, size_t end, float *low, float *high, void *scratch);

// ---- Checksums (checksum.c) ----

// CRC-32C of `count` more bytes; begins with 0. The second one without the processor's instruction.
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);
uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

// ---- What the machine can do at most (machine.c) ----

// Repeats the instruction that a level computes with and returns how many multiply-adds that were.
typedef struct {
    const char *instruction;
    double (*run)(size_t rounds);  // null where there is no such instruction
} ck_peak;

typedef struct {
    ck_peak f32, int8, bf16;
} ck_peaks;

ck_peaks ck_machine_peaks(const ck_table *t);

// Reads `count` bytes, a multiple of 8, from an aligned place and returns something that depends on all of them.
uint64_t ck_read_memory(const void *bytes, size_t count);

#endif
