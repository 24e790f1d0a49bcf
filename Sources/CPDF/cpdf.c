// Poppler through its GLib interface. Every list and string that Poppler returns is freed here.
//
// SPDX-License-Identifier: GPL-3.0-or-later

#define _GNU_SOURCE  // memmem

#include "cpdf.h"

#include <cairo-svg.h>
#include <gio/gio.h>
#include <gperftools/malloc_extension_c.h>
#include <math.h>
#include <poppler.h>
#include <stdlib.h>
#include <string.h>

struct cpdf_document {
    PopplerDocument *poppler;
    GBytes *bytes;
    GHashTable *named_pages;  // pages that names of destinations lead to: Poppler reads the file anew for each it is asked
};

const char *cpdf_library_version(void) {
    return poppler_get_version();
}

static void ignore_log(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer context) {
    // Damaged files make Poppler print thousands of lines; what matters arrives as an error.
    (void)domain, (void)level, (void)message, (void)context;
}

/// Where bytes from `start` up to `end` have a word, or NULL.
static const uint8_t *find(const uint8_t *start, const uint8_t *end, const char *word) {
    return start < end ? memmem(start, (size_t)(end - start), word, strlen(word)) : NULL;
}

/// The key of a catalog that names the colours of the press; NULL where there is none to be seen.
static const uint8_t *output_intents(const uint8_t *bytes, size_t count) {
    const size_t furthest = 1 << 14;
    const uint8_t *const end = bytes + count;
    int left = 16;  // a file of nothing but such keys is not worth the time
    for (const uint8_t *key = bytes; left-- > 0 && (key = find(key, end, "/OutputIntents")) != NULL; key++) {
        const uint8_t *object = NULL;
        const uint8_t *from = (size_t)(key - bytes) > furthest ? key - furthest : bytes;
        for (; (from = find(from, key, " obj")) != NULL; from++) object = from;
        const uint8_t *to = find(key, (size_t)(end - key) > furthest ? key + furthest : end, "endobj");
        // Not words in a page's text that lies there as it is.
        if (object != NULL && to != NULL && find(object, to, "/Catalog") != NULL && find(object, to, "stream") == NULL)
            return key;
    }
    return NULL;
}

/// The document's bytes without the colours of the press: Poppler works out for every page how to show them on a screen,
/// which takes longer than to read its text. A file that would take much memory twice keeps them.
static GBytes *without_output_intents(const uint8_t *bytes, size_t count) {
    const uint8_t *key = count <= (size_t)64 << 20 ? output_intents(bytes, count) : NULL;
    uint8_t *copy = key != NULL ? g_try_malloc(count) : NULL;
    if (copy == NULL) return g_bytes_new_static(bytes, count);
    memcpy(copy, bytes, count);
    copy[key - bytes + 1] = 'o';  // a key that means nothing
    return g_bytes_new_take(copy, count);
}

/// Poppler reads its tables of encodings with the first document and drops them with the last. A small document that
/// stays open keeps them, and what was read of character maps, from one document to the next.
static void keep_tables(void) {
    static PopplerDocument *kept = NULL;
    static const char empty[] =
        "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
        "xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
        "trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n100\n%%EOF\n";
    if (kept != NULL) return;
    GBytes *bytes = g_bytes_new_static(empty, sizeof empty - 1);
    kept = poppler_document_new_from_bytes(bytes, NULL, NULL);
    g_bytes_unref(bytes);
}

/// Opens with a password. Not through poppler_document_new_from_bytes: of version 22.12 that crashes when the password
/// as UTF-8 fails and it tries again in Latin-1; a stream does not.
static PopplerDocument *open_encrypted(GBytes *bytes, const char *password, GError **error) {
    GInputStream *stream = g_memory_input_stream_new_from_bytes(bytes);
    PopplerDocument *poppler =
        poppler_document_new_from_stream(stream, (goffset)g_bytes_get_size(bytes), password, NULL, error);
    g_object_unref(stream);
    return poppler;
}

cpdf_document *cpdf_open(const uint8_t *bytes, size_t count, const char *password, cpdf_status *status, char *message,
                         size_t capacity) {
    g_log_set_default_handler(ignore_log, NULL);
    keep_tables();
    GError *error = NULL;
    GBytes *wrapped = without_output_intents(bytes, count);
    PopplerDocument *poppler = password == NULL ? poppler_document_new_from_bytes(wrapped, NULL, &error)
                                                : open_encrypted(wrapped, password, &error);
    if (poppler == NULL) {
        *status = g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED) ? CPDF_ENCRYPTED : CPDF_MALFORMED;
        g_strlcpy(message, error != NULL ? error->message : "not a PDF document", capacity);
        g_clear_error(&error);
        g_bytes_unref(wrapped);
        return NULL;
    }
    cpdf_document *document = malloc(sizeof *document);
    if (document == NULL) {
        *status = CPDF_NO_MEMORY;
        g_strlcpy(message, "out of memory", capacity);
        g_object_unref(poppler);
        g_bytes_unref(wrapped);
        return NULL;
    }
    document->poppler = poppler;
    document->bytes = wrapped;
    document->named_pages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    *status = CPDF_OK;
    return document;
}

void cpdf_close(cpdf_document *document) {
    if (document == NULL) return;
    g_object_unref(document->poppler);
    g_bytes_unref(document->bytes);
    g_hash_table_destroy(document->named_pages);
    free(document);
    // Poppler makes and drops many small objects, with which tcmalloc is a tenth faster. Of a large file it would keep
    // the memory until the worker ends.
    size_t heap = 0;
    if (MallocExtension_GetNumericProperty("generic.heap_size", &heap) && heap > (size_t)256 << 20)
        MallocExtension_ReleaseFreeMemory();
}

int cpdf_page_count(const cpdf_document *document) {
    int count = poppler_document_get_n_pages(document->poppler);
    return count < 0 ? 0 : count;
}

char *cpdf_metadata(const cpdf_document *document, cpdf_field field) {
    switch (field) {
        case CPDF_TITLE: return poppler_document_get_title(document->poppler);
        case CPDF_AUTHOR: return poppler_document_get_author(document->poppler);
        case CPDF_SUBJECT: return poppler_document_get_subject(document->poppler);
        case CPDF_KEYWORDS: return poppler_document_get_keywords(document->poppler);
        case CPDF_CREATOR: return poppler_document_get_creator(document->poppler);
        case CPDF_PRODUCER: return poppler_document_get_producer(document->poppler);
    }
    return NULL;
}

int64_t cpdf_creation_time(const cpdf_document *document) {
    GDateTime *date = poppler_document_get_creation_date_time(document->poppler);
    if (date == NULL) return -1;
    int64_t seconds = g_date_time_to_unix(date);
    g_date_time_unref(date);
    return seconds;
}

void cpdf_free(void *pointer) {
    g_free(pointer);
}

static bool any_of(const char *name, const char *const *parts) {
    for (; *parts != NULL; parts++)
        if (strstr(name, *parts) != NULL) return true;
    return false;
}

static cpdf_alphabet alphabet(const char *name) {
    static const char *const ornaments[] = {"dingbat", "wingding", "webding", "ornament", NULL};
    static const char *const symbols[] = {"cmsy", "cmbsy", "lmmathsymbols", "txsy", "pxsy", NULL};
    static const char *const extension[] = {"cmex", "lmmathextension", "txex", "pxex", NULL};
    if (any_of(name, ornaments)) return CPDF_ORNAMENTS;
    if (any_of(name, symbols)) return CPDF_TEX_SYMBOLS;
    return any_of(name, extension) ? CPDF_TEX_EXTENSION : CPDF_TEXT;
}

static bool read_runs(PopplerPage *poppler, PopplerRectangle *area, cpdf_text *text) {
    GList *attributes = poppler_page_get_text_attributes_for_area(poppler, area);
    text->run_count = g_list_length(attributes);
    text->runs = text->run_count > 0 ? calloc(text->run_count, sizeof *text->runs) : NULL;
    bool done = text->run_count == 0 || text->runs != NULL;
    cpdf_run *run = text->runs;
    for (GList *item = attributes; done && item != NULL; item = item->next, run++) {
        const PopplerTextAttributes *of = item->data;
        run->start = of->start_index;
        run->end = of->end_index + 1;
        run->size = of->font_size;
        run->red = of->color.red;
        run->green = of->color.green;
        run->blue = of->color.blue;
        if (of->font_name != NULL) {
            // Subset names such as ABCDEF+TimesNewRoman-BoldItalic are all that Poppler tells of style.
            char *name = g_ascii_strdown(of->font_name, -1);
            run->bold = strstr(name, "bold") != NULL || strstr(name, "black") != NULL || strstr(name, "heavy") != NULL ||
                        strstr(name, "cmbx") != NULL || strstr(name, "medi") != NULL;
            run->italic = strstr(name, "ital") != NULL || strstr(name, "obli") != NULL || strstr(name, "cmti") != NULL;
            run->fixed_pitch = strstr(name, "mono") != NULL || strstr(name, "courier") != NULL ||
                               strstr(name, "cmtt") != NULL || strstr(name, "typewriter") != NULL;
            run->alphabet = alphabet(name);
            g_free(name);
        }
    }
    poppler_page_free_text_attributes(attributes);
    return done;
}

/// Reads the text from the corner (x1, y1) of `area` to the other; false without memory.
static bool read_text(PopplerPage *poppler, PopplerRectangle area, cpdf_text *text) {
    text->utf8 = poppler_page_get_text_for_area(poppler, &area);
    text->bytes = text->utf8 != NULL ? strlen(text->utf8) : 0;
    PopplerRectangle *rectangles = NULL;
    guint count = 0;
    if (text->bytes == 0 || !poppler_page_get_text_layout_for_area(poppler, &area, &rectangles, &count)) return true;
    text->rectangles = calloc(count > 0 ? count : 1, sizeof *text->rectangles);
    bool done = text->rectangles != NULL && read_runs(poppler, &area, text);
    for (guint i = 0; done && i < count; i++) {
        const PopplerRectangle r = rectangles[i];
        text->rectangles[i] = (cpdf_rectangle){r.x1, r.y1, r.x2, r.y2};
    }
    text->rectangle_count = done ? count : 0;
    g_free(rectangles);
    return done;
}

/// Whether UTF-8 has letters of a right-to-left script; lead bytes tell well enough.
static bool has_right_to_left(const cpdf_text *text) {
    for (size_t i = 0; i + 1 < text->bytes; i++) {
        const unsigned char a = (unsigned char)text->utf8[i], b = (unsigned char)text->utf8[i + 1];
        if (a >= 0xd6 && a <= 0xdf) return true;                                // U+0580-07FF
        if (a == 0xe0 && b >= 0xa0 && b <= 0xa3) return true;                   // U+0800-08FF
        if (a == 0xef && (b == 0xac || (b >= 0xad && b <= 0xb7))) return true;  // U+FB00-FDFF
        if (a == 0xef && b >= 0xb9 && b <= 0xbb) return true;                   // U+FE40-FEFF
    }
    return false;
}

/// Adds a note and takes its text; without text or memory there is none. Poppler counts from the page's lower edge here.
static void add_note(cpdf_page *page, const PopplerRectangle *area, gchar *utf8, bool is_remark) {
    if (utf8 != NULL && *utf8 != '\0') {
        cpdf_note *notes = realloc(page->notes, (page->note_count + 1) * sizeof *notes);
        if (notes != NULL) {
            page->notes = notes;
            notes[page->note_count++] = (cpdf_note){
                {area->x1, page->height - area->y2, area->x2, page->height - area->y1}, utf8, is_remark};
            return;
        }
    }
    g_free(utf8);
}

static gchar *field_value(PopplerFormField *field) {
    switch (poppler_form_field_get_field_type(field)) {
        case POPPLER_FORM_FIELD_TEXT:
            return poppler_form_field_text_is_password(field) ? NULL : poppler_form_field_text_get_text(field);
        case POPPLER_FORM_FIELD_CHOICE: {
            const int count = poppler_form_field_choice_get_n_items(field);
            for (int i = 0; i < count; i++)
                if (poppler_form_field_choice_is_item_selected(field, i))
                    return poppler_form_field_choice_get_item(field, i);
            return poppler_form_field_choice_is_editable(field) ? poppler_form_field_choice_get_text(field) : NULL;
        }
        case POPPLER_FORM_FIELD_BUTTON:
            if (poppler_form_field_button_get_button_type(field) == POPPLER_FORM_BUTTON_PUSH) return NULL;
            return g_strdup(poppler_form_field_button_get_state(field) ? "\xe2\x98\x92" : "\xe2\x98\x90");  // a box
        default: return NULL;
    }
}

static void read_notes(PopplerPage *poppler, cpdf_page *page) {
    GList *fields = poppler_page_get_form_field_mapping(poppler);
    for (GList *item = fields; item != NULL && page->note_count < 10000; item = item->next) {
        const PopplerFormFieldMapping *of = item->data;
        add_note(page, &of->area, field_value(of->field), false);
    }
    poppler_page_free_form_field_mapping(fields);
    GList *annotations = poppler_page_get_annot_mapping(poppler);
    for (GList *item = annotations; item != NULL && page->note_count < 10000; item = item->next) {
        const PopplerAnnotMapping *of = item->data;
        switch (poppler_annot_get_annot_type(of->annot)) {
            case POPPLER_ANNOT_FREE_TEXT:
                add_note(page, &of->area, poppler_annot_get_contents(of->annot), false);
                break;
            case POPPLER_ANNOT_TEXT:
            case POPPLER_ANNOT_HIGHLIGHT:
            case POPPLER_ANNOT_UNDERLINE:
            case POPPLER_ANNOT_SQUIGGLY:
            case POPPLER_ANNOT_STRIKE_OUT:
            case POPPLER_ANNOT_CARET:
            case POPPLER_ANNOT_STAMP:
                add_note(page, &of->area, poppler_annot_get_contents(of->annot), true);
                break;
            default: break;  // links, widgets, pictures
        }
    }
    poppler_page_free_annot_mapping(annotations);
}

/// The page that an action leads to within the document, from 1, or 0.
static int page_of(const cpdf_document *document, const PopplerAction *action) {
    if (action->type != POPPLER_ACTION_GOTO_DEST || action->goto_dest.dest == NULL) return 0;
    const PopplerDest *dest = action->goto_dest.dest;
    if (dest->type != POPPLER_DEST_NAMED) return dest->page_num;
    const guint most = 100000;
    gpointer known = NULL;
    if (dest->named_dest == NULL) return 0;
    if (g_hash_table_lookup_extended(document->named_pages, dest->named_dest, NULL, &known))
        return GPOINTER_TO_INT(known);
    if (g_hash_table_size(document->named_pages) >= most) return 0;
    PopplerDest *found = poppler_document_find_dest(document->poppler, dest->named_dest);
    const int page = found != NULL ? found->page_num : 0;
    if (found != NULL) poppler_dest_free(found);
    g_hash_table_insert(document->named_pages, g_strdup(dest->named_dest), GINT_TO_POINTER(page));
    return page;
}

static void read_links(const cpdf_document *document, PopplerPage *poppler, cpdf_page *page) {
    const size_t most = 1000;
    GList *links = poppler_page_get_link_mapping(poppler);
    const size_t count = g_list_length(links);
    page->links = count > 0 ? calloc(count < most ? count : most, sizeof *page->links) : NULL;
    for (GList *item = links; item != NULL && page->links != NULL && page->link_count < most; item = item->next) {
        const PopplerLinkMapping *of = item->data;
        if (of->action == NULL) continue;
        char *uri = of->action->type == POPPLER_ACTION_URI ? g_strdup(of->action->uri.uri) : NULL;
        const int target = page_of(document, of->action);
        if (uri == NULL && target <= 0) continue;
        page->links[page->link_count++] = (cpdf_link){
            {of->area.x1, page->height - of->area.y2, of->area.x2, page->height - of->area.y1},
            uri,
            target > 0 ? target : 0};
    }
    poppler_page_free_link_mapping(links);
}

bool cpdf_read_page(const cpdf_document *document, int index, cpdf_page *page) {
    memset(page, 0, sizeof *page);
    PopplerPage *poppler = poppler_document_get_page(document->poppler, index);
    if (poppler == NULL) return false;
    poppler_page_get_size(poppler, &page->width, &page->height);
    page->label = poppler_page_get_label(poppler);
    // Far outside the page, since a selection also leaves out what its corners cut.
    const double far = 1e5;
    bool done = read_text(poppler, (PopplerRectangle){-far, -far, far, far}, &page->text);
    if (done && (page->text.bytes == 0 || has_right_to_left(&page->text)))
        done = read_text(poppler, (PopplerRectangle){far, -far, -far, far}, &page->mirrored);
    if (done) read_notes(poppler, page);
    if (done) read_links(document, poppler, page);
    g_object_unref(poppler);
    if (!done) cpdf_free_page(page);
    return done;
}

static void free_text(cpdf_text *text) {
    g_free(text->utf8);
    free(text->rectangles);
    free(text->runs);
}

void cpdf_free_page(cpdf_page *page) {
    g_free(page->label);
    free_text(&page->text);
    free_text(&page->mirrored);
    for (size_t i = 0; i < page->note_count; i++) g_free(page->notes[i].utf8);
    free(page->notes);
    for (size_t i = 0; i < page->link_count; i++) g_free(page->links[i].uri);
    free(page->links);
    memset(page, 0, sizeof *page);
}

bool cpdf_page_has_images(const cpdf_document *document, int index) {
    PopplerPage *poppler = poppler_document_get_page(document->poppler, index);
    if (poppler == NULL) return false;
    GList *images = poppler_page_get_image_mapping(poppler);
    bool any = images != NULL;
    poppler_page_free_image_mapping(images);
    g_object_unref(poppler);
    return any;
}

/// Draws in some places alone. Whole points make a region of them, which is much faster than a path.
static void clip(cairo_t *cairo, const cpdf_rectangle *places, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const double x = floor(places[i].x0), y = floor(places[i].y0);
        cairo_rectangle(cairo, x, y, ceil(places[i].x1) - x, ceil(places[i].y1) - y);
    }
    cairo_clip(cairo);
}

void cpdf_find_blank(const cpdf_document *document, int index, const cpdf_rectangle *places, size_t count,
                     bool *is_blank) {
    memset(is_blank, 0, count * sizeof *is_blank);
    PopplerPage *poppler = poppler_document_get_page(document->poppler, index);
    if (poppler == NULL) return;
    double width = 0, height = 0;
    poppler_page_get_size(poppler, &width, &height);
    // A pixel a point is enough to see a box behind white letters; a poster needs less.
    const double scale = fmin(1, 1500 / fmax(fmax(width, height), 1));
    const int columns = (int)(width * scale), rows = (int)(height * scale);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns, rows);
    cairo_t *cairo = cairo_create(surface);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_scale(cairo, scale, scale);
    clip(cairo, places, count);
    poppler_page_render(poppler, cairo);
    cairo_surface_flush(surface);
    const unsigned char *pixels = cairo_image_surface_get_data(surface);
    if (cairo_status(cairo) == CAIRO_STATUS_SUCCESS && pixels != NULL) {
        const int stride = cairo_image_surface_get_stride(surface);
        for (size_t i = 0; i < count; i++) {
            const cpdf_rectangle place = places[i];
            const int left = (int)fmax(floor(place.x0 * scale), 0), top = (int)fmax(floor(place.y0 * scale), 0);
            const int right = (int)fmin(ceil(place.x1 * scale), columns);
            const int bottom = (int)fmin(ceil(place.y1 * scale), rows);
            bool blank = true;
            for (int y = top; y < bottom && blank; y++)
                for (int x = left; x < right && blank; x++) {
                    const unsigned char *pixel = pixels + (size_t)y * (size_t)stride + 4 * (size_t)x;
                    blank = pixel[0] > 245 && pixel[1] > 245 && pixel[2] > 245;
                }
            is_blank[i] = blank;
        }
    }
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    g_object_unref(poppler);
}

typedef struct {
    void *context;
    bool (*take)(void *context, const uint8_t *bytes, size_t count);
} byte_sink;

static cairo_status_t hand_on(void *closure, const unsigned char *bytes, unsigned int count) {
    const byte_sink *sink = closure;
    return sink->take(sink->context, bytes, count) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

void cpdf_draw(const cpdf_document *document, int index, const cpdf_rectangle *places, size_t count, void *context,
               bool (*take)(void *context, const uint8_t *bytes, size_t count)) {
    PopplerPage *poppler = poppler_document_get_page(document->poppler, index);
    if (poppler == NULL) return;
    double width = 0, height = 0;
    poppler_page_get_size(poppler, &width, &height);
    byte_sink sink = {context, take};
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(hand_on, &sink, width, height);
    cairo_t *cairo = cairo_create(surface);
    clip(cairo, places, count);
    poppler_page_render(poppler, cairo);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
    g_object_unref(poppler);
}

typedef struct {
    const cpdf_document *document;
    int left, deepest;
    void *context;
    void (*visit)(void *context, int level, const char *title, int page);
} outline_walk;

static void walk_outline(outline_walk *walk, PopplerIndexIter *iterator, int level) {
    if (iterator == NULL || level > walk->deepest) return;
    do {
        if (walk->left-- <= 0) return;
        PopplerAction *action = poppler_index_iter_get_action(iterator);
        if (action != NULL) {
            const char *title = action->any.title;
            int page = page_of(walk->document, action);
            if (title != NULL) walk->visit(walk->context, level, title, page > 0 ? page : 0);
            poppler_action_free(action);
        }
        PopplerIndexIter *child = poppler_index_iter_get_child(iterator);
        walk_outline(walk, child, level + 1);
        poppler_index_iter_free(child);
    } while (poppler_index_iter_next(iterator));
}

void cpdf_outline(const cpdf_document *document, int limit, int depth, void *context,
                  void (*visit)(void *context, int level, const char *title, int page)) {
    outline_walk walk = {document, limit, depth, context, visit};
    PopplerIndexIter *iterator = poppler_index_iter_new(document->poppler);
    walk_outline(&walk, iterator, 1);
    poppler_index_iter_free(iterator);
}
