// XML as flat arrays: libxml2's SAX parser behind one call, for the parts of office documents and e-books.
//
// Opens nothing: the parser is given bytes and loads no DTD. A document that declares entities is refused, so nothing
// is ever expanded. Which elements matter is decided in Swift.

#ifndef CXML_H
#define CXML_H

#include <stddef.h>
#include <stdint.h>

enum { CX_OPEN = 1, CX_CLOSE = 2, CX_TEXT = 3 };

/// An element begins or ends, or text stands between.
typedef struct {
    uint8_t kind;
    uint8_t exact;        // CX_TEXT: the bytes stand in the source as they are, at `raw`
    uint16_t name;        // CX_OPEN, CX_CLOSE: index in `names`; 0 for names beyond the limit
    uint32_t start;       // CX_TEXT: first byte in `bytes`; CX_OPEN: first attribute
    uint32_t length;      // CX_TEXT: bytes; CX_OPEN: attributes
    uint32_t raw;         // offset in the source: of the text, or just behind the tag
    uint32_t raw_length;  // CX_TEXT: bytes of the source that it stands for
} cx_event;

/// A name without its prefix, and the address of its namespace; both in `bytes`.
typedef struct {
    uint32_t start, length;
    uint32_t space_start, space_length;
} cx_name;

typedef struct {
    uint32_t name;  // in `names`
    uint32_t start, length;
} cx_attribute;

/// How a document ended. After all but CX_COMPLETE the arrays hold what came before.
enum { CX_COMPLETE, CX_MALFORMED, CX_OUT_OF_MEMORY, CX_TOO_LARGE, CX_DECLARES_ENTITIES };

typedef struct {
    int status;
    int line;           // CX_MALFORMED: where
    char message[160];  // CX_MALFORMED: what, in libxml2's words
    cx_event *events;
    size_t event_count;
    cx_attribute *attributes;
    size_t attribute_count;
    cx_name *names;
    size_t name_count;
    uint8_t *bytes;
    size_t byte_count;
} cx_tree;

/// Parses a document of at most `events` events. The arrays are valid up to `cx_free`.
void cx_parse(const uint8_t *source, size_t count, uint32_t events, cx_tree *tree);
void cx_free(cx_tree *tree);

#endif
