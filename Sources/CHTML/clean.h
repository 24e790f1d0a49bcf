// What is done to a page before libxml2 sees it. See clean.c.

#ifndef CHTML_CLEAN_H
#define CHTML_CLEAN_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t clean, raw;  // from this offset of the cleaned text on, the source continues at `raw`
} ch_cut;

typedef struct {
    const uint8_t *bytes;  // the source itself where nothing had to go
    size_t count;
    uint8_t *owned;
    ch_cut *cuts;
    size_t cut_count;
} ch_clean_text;

/// Returns 0, or -1 without memory.
int ch_clean(const uint8_t *source, size_t count, ch_clean_text *text);
void ch_clean_free(ch_clean_text *text);

#endif
