// Everything that docproc-pdf needs of Poppler, in plain C types.
//
// This header and its .c file are the only place that knows Poppler. No type of GLib or Poppler appears here, so the
// shim can be built, fuzzed and run under a sanitizer by itself. Nothing here is thread-safe.
//
// SPDX-License-Identifier: GPL-3.0-or-later

#ifndef CPDF_H
#define CPDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CPDF_OK,
    CPDF_ENCRYPTED,  // needs a password, or another one
    CPDF_MALFORMED,  // no PDF, or damaged beyond repair
    CPDF_NO_MEMORY,
} cpdf_status;

typedef struct cpdf_document cpdf_document;

/// The version of Poppler that runs. Static memory.
const char *cpdf_library_version(void);

/// Opens a document that lies in memory; the bytes must outlive it. `password` may be NULL. On failure returns NULL and
/// puts what Poppler said into `message`, cut to `capacity`.
cpdf_document *cpdf_open(const uint8_t *bytes, size_t count, const char *password, cpdf_status *status, char *message,
                         size_t capacity);
void cpdf_close(cpdf_document *document);

/// Number of pages that the document claims to have.
int cpdf_page_count(const cpdf_document *document);

typedef enum { CPDF_TITLE, CPDF_AUTHOR, CPDF_SUBJECT, CPDF_KEYWORDS, CPDF_CREATOR, CPDF_PRODUCER } cpdf_field;

/// A field of the document's metadata as UTF-8, or NULL. Free it with `cpdf_free`.
char *cpdf_metadata(const cpdf_document *document, cpdf_field field);

/// When the document was made, in seconds since 1970, or -1.
int64_t cpdf_creation_time(const cpdf_document *document);

void cpdf_free(void *pointer);

/// A character's place in points from the top left corner.
typedef struct {
    double x0, y0, x1, y1;
} cpdf_rectangle;

/// Encodings that fonts have without saying so.
typedef enum { CPDF_TEXT, CPDF_ORNAMENTS, CPDF_TEX_SYMBOLS, CPDF_TEX_EXTENSION } cpdf_alphabet;

/// Characters of one font, from `start` up to, not including, `end`.
typedef struct {
    int32_t start, end;
    double size;
    bool bold, italic, fixed_pitch;
    cpdf_alphabet alphabet;
    uint16_t red, green, blue;
} cpdf_run;

/// Text in UTF-8 with one rectangle a character (Unicode scalar); Poppler ends its lines with \n.
typedef struct {
    char *utf8;  // or NULL
    size_t bytes;
    cpdf_rectangle *rectangles;
    size_t rectangle_count;
    cpdf_run *runs;
    size_t run_count;
} cpdf_text;

/// Text that lies on a page without being drawn by it: the value of a form field, or an annotation's.
typedef struct {
    cpdf_rectangle place;
    char *utf8;
    bool is_remark;  // somebody's remark on the page; otherwise the page reads as if it were drawn
} cpdf_note;

/// A place on a page that leads somewhere.
typedef struct {
    cpdf_rectangle place;
    char *uri;  // as the file has it, perhaps not UTF-8; or NULL
    int page;   // 1-based, where it leads to a page of this document; otherwise 0
} cpdf_link;

/// One page. Poppler selects text between two corners; on a page that it takes for right-to-left, what lies before the
/// top left corner in its order is lost, so such a page is read again from the other corner.
typedef struct {
    double width, height;
    char *label;  // or NULL
    cpdf_text text;
    cpdf_text mirrored;  // empty on most pages
    cpdf_note *notes;
    size_t note_count;
    cpdf_link *links;  // the first thousand
    size_t link_count;
} cpdf_page;

/// Reads page `index`, from 0. Returns false where the page cannot be had; then nothing needs freeing.
bool cpdf_read_page(const cpdf_document *document, int index, cpdf_page *page);
void cpdf_free_page(cpdf_page *page);

/// Whether the page draws any image. Costs a second walk over it.
bool cpdf_page_has_images(const cpdf_document *document, int index);

/// Which of some places on a page show nothing but white when it is drawn. Costs the drawing.
void cpdf_find_blank(const cpdf_document *document, int index, const cpdf_rectangle *places, size_t count,
                     bool *is_blank);

/// Draws what stands in some places of a page as SVG, in which every glyph has its place, and hands the bytes to `take`
/// until that returns false. Of a string that is drawn in one go all glyphs come if one is in a place. Costs a walk over
/// the page.
void cpdf_draw(const cpdf_document *document, int index, const cpdf_rectangle *places, size_t count, void *context,
               bool (*take)(void *context, const uint8_t *bytes, size_t count));

/// Calls `visit` for each outline entry in order, at most `limit` times and `depth` levels deep; `page` is 1-based, 0
/// where the entry leads elsewhere.
void cpdf_outline(const cpdf_document *document, int limit, int depth, void *context,
                  void (*visit)(void *context, int level, const char *title, int page));

#endif
