// Web pages as flat arrays: libxml2's HTML parser and the C library's character set converters behind plain calls. XML is in cxml.h.
//
// Owns everything that touches libxml2 and iconv. Which elements matter is decided in Swift. Nothing here opens a
// file or a connection: the parser is given bytes, has no entity or DTD loader, and reads no declared encoding.

#ifndef CHTML_H
#define CHTML_H

#include <stddef.h>
#include <stdint.h>

/// Attributes that are kept; all others are dropped. CH_NAME holds the name of an element without an id.
enum {
    CH_NAME, CH_ID, CH_CLASS, CH_HREF, CH_ALT, CH_ROLE, CH_LANG, CH_HIDDEN, CH_ARIA_HIDDEN, CH_STYLE, CH_CONTENT,
    CH_META_NAME, CH_PROPERTY, CH_HTTP_EQUIV, CH_CHARSET, CH_DATETIME, CH_REL, CH_ITEMPROP, CH_ARIA_MODAL,
    CH_ATTRIBUTE_KINDS
};

enum { CH_OPEN = 1, CH_CLOSE = 2, CH_TEXT = 3 };

/// An element begins or ends, or text stands between. Every CH_OPEN has its CH_CLOSE, properly nested.
typedef struct {
    uint8_t kind;
    uint8_t exact;        // CH_TEXT: the bytes stand in the source as they are, at `raw`
    uint16_t name;        // CH_OPEN, CH_CLOSE: id of `ch_tag_name`, 0 for other names
    uint32_t start;       // CH_TEXT: first byte in `bytes`; CH_OPEN: first attribute
    uint32_t length;      // CH_TEXT: bytes; CH_OPEN: attributes
    uint32_t raw;         // offset in the source: of the text, or just behind the tag
    uint32_t raw_length;  // CH_TEXT: bytes of the source that it stands for, such as those of a character reference
} ch_event;

typedef struct {
    uint32_t kind;   // CH_ID ...
    uint32_t start;  // value in `bytes`
    uint32_t length;
} ch_attribute;

typedef struct {
    uint32_t events;           // at most so many events
    uint32_t depth;            // elements nested deeper are left out, their text is kept
    uint32_t attribute_bytes;  // longer attribute values are cut
    uint32_t milliseconds;     // time for the whole page
} ch_limits;

/// Why a page ended before its end.
enum { CH_COMPLETE, CH_OUT_OF_MEMORY, CH_TOO_LARGE, CH_TOO_MANY_EVENTS, CH_TIMEOUT };

typedef struct {
    int status;
    ch_event *events;
    size_t event_count;
    ch_attribute *attributes;
    size_t attribute_count;
    uint8_t *bytes;
    size_t byte_count;
} ch_page;

/// Parses UTF-8 `source` whatever it claims to be. The arrays are valid up to `ch_page_free`, also after a failure,
/// when they hold what came before it.
void ch_parse(const uint8_t *source, size_t count, ch_limits limits, ch_page *page);
void ch_page_free(ch_page *page);

/// The name of an element by id; "" for 0. Ids are below `ch_tag_count`.
const char *ch_tag_name(size_t id);
extern const size_t ch_tag_count;

/// A converter to UTF-8 from a character set under its glibc name; NULL where the system lacks it.
typedef struct ch_decoder ch_decoder;
ch_decoder *ch_decoder_open(const char *charset);
void ch_decoder_close(ch_decoder *decoder);

/// Converts all bytes; each that fits nowhere becomes U+FFFD and is counted. `out` is to be freed with ch_bytes_free.
/// Returns 0, or -1 without memory.
int ch_decode(ch_decoder *decoder, const uint8_t *in, size_t count, uint8_t **out, size_t *out_count, size_t *errors);
void ch_bytes_free(uint8_t *bytes);

#endif
