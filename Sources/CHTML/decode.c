// Conversion to UTF-8 with the C library's iconv, never failing on bad input.

#include "chtml.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

struct ch_decoder {
    iconv_t converter;
};

ch_decoder *ch_decoder_open(const char *charset) {
    iconv_t converter = iconv_open("UTF-8", charset);
    if (converter == (iconv_t)-1) return NULL;
    ch_decoder *decoder = malloc(sizeof *decoder);
    if (!decoder) {
        iconv_close(converter);
        return NULL;
    }
    decoder->converter = converter;
    return decoder;
}

void ch_decoder_close(ch_decoder *decoder) {
    if (!decoder) return;
    iconv_close(decoder->converter);
    free(decoder);
}

static int grow(uint8_t **out, size_t *capacity) {
    size_t larger = *capacity * 2;
    if (larger < *capacity) return 0;
    uint8_t *moved = realloc(*out, larger);
    if (!moved) return 0;
    *out = moved;
    *capacity = larger;
    return 1;
}

int ch_decode(ch_decoder *decoder, const uint8_t *in, size_t count, uint8_t **out, size_t *out_count, size_t *errors) {
    size_t capacity = count + count / 2 + 64, used = 0, bad = 0;
    *out = malloc(capacity);
    if (!*out) return -1;
    iconv(decoder->converter, NULL, NULL, NULL, NULL);
    char *from = (char *)in;
    size_t left = count;
    int at_end = 0;  // some sets hold back a letter that a mark may follow: an empty call hands it out
    while (!at_end) {
        at_end = left == 0;
        char *to = (char *)*out + used;
        size_t room = capacity - used;
        size_t result = at_end ? iconv(decoder->converter, NULL, NULL, &to, &room)
                               : iconv(decoder->converter, &from, &left, &to, &room);
        used = capacity - room;
        if (result != (size_t)-1) continue;
        int reason = errno;
        if (reason == E2BIG || room < 4) {
            if (!grow(out, &capacity)) {
                free(*out);
                *out = NULL;
                return -1;
            }
            if (reason == E2BIG) {
                at_end = 0;
                continue;
            }
        }
        if (at_end) break;
        // A byte that begins nothing, or a sequence cut at the end: one replacement, go on behind it.
        (*out)[used++] = 0xEF;
        (*out)[used++] = 0xBF;
        (*out)[used++] = 0xBD;
        from++;
        left--;
        bad++;
    }
    *out_count = used;
    *errors = bad;
    return 0;
}

void ch_bytes_free(uint8_t *bytes) { free(bytes); }
