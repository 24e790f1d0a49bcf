// The parser: libxml2's SAX events written into growing arrays.
//
// libxml2 closes and opens elements as it sees fit but keeps them nested; `events` is therefore a tree in document
// order. Nothing is trusted about sizes: each array has its bound, and the clock is asked every few thousand events.

#include "chtml.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clean.h"

enum { KNOWN_NAMES = 256 };

typedef struct {
    const char *name;
    uint32_t number;
} known_name;

typedef struct {
    ch_page *page;
    ch_limits limits;
    htmlParserCtxtPtr parser;
    const ch_clean_text *text;
    size_t source_count;
    size_t event_capacity, attribute_capacity, byte_capacity;
    size_t cut;           // the cut before the last position
    uint32_t depth;       // elements open, those beyond the limit too
    uint32_t open;        // elements open that have an event
    size_t stack_capacity;
    uint16_t *stack;      // their ids
    struct timespec deadline;
    known_name tags[KNOWN_NAMES], attributes[KNOWN_NAMES];
} builder;

static void stop(builder *b, int status) {
    if (b->page->status == CH_COMPLETE) b->page->status = status;
    if (b->parser) xmlStopParser(b->parser);
}

static int reserve(builder *b, void **array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return 1;
    size_t larger = *capacity ? *capacity * 2 : 4096;
    if (larger < needed) larger = needed;
    void *moved = realloc(*array, larger * size);
    if (!moved) {
        stop(b, CH_OUT_OF_MEMORY);
        return 0;
    }
    *array = moved;
    *capacity = larger;
    return 1;
}

static ch_event *new_event(builder *b) {
    ch_page *page = b->page;
    if (page->status != CH_COMPLETE) return NULL;
    if (page->event_count >= b->limits.events) {
        stop(b, CH_TOO_MANY_EVENTS);
        return NULL;
    }
    if (page->event_count % 4096 == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > b->deadline.tv_sec
            || (now.tv_sec == b->deadline.tv_sec && now.tv_nsec > b->deadline.tv_nsec)) {
            stop(b, CH_TIMEOUT);
            return NULL;
        }
    }
    if (!reserve(b, (void **)&page->events, &b->event_capacity, page->event_count + 1, sizeof *page->events)) return NULL;
    ch_event *event = &page->events[page->event_count++];
    memset(event, 0, sizeof *event);
    return event;
}

// Copies bytes into the page; returns where they start, or UINT32_MAX.
static uint32_t keep(builder *b, const uint8_t *bytes, size_t count) {
    ch_page *page = b->page;
    if (page->byte_count + count >= UINT32_MAX) {
        stop(b, CH_TOO_LARGE);
        return UINT32_MAX;
    }
    if (!reserve(b, (void **)&page->bytes, &b->byte_capacity, page->byte_count + count, 1)) return UINT32_MAX;
    memcpy(page->bytes + page->byte_count, bytes, count);
    uint32_t start = (uint32_t)page->byte_count;
    page->byte_count += count;
    return start;
}

// The parser's place in the cleaned text.
static size_t position(builder *b) {
    xmlParserInputPtr input = b->parser->input;
    if (!input || !input->cur || !input->base) return 0;
    size_t at = (size_t)input->consumed + (size_t)(input->cur - input->base);
    return at < b->text->count ? at : b->text->count;
}

// From the cleaned text to the source. Positions mostly grow, so the search starts at the last cut.
static size_t source_offset(builder *b, size_t clean) {
    const ch_clean_text *t = b->text;
    if (t->cut_count == 0) return clean;
    if (b->cut > t->cut_count || (b->cut > 0 && t->cuts[b->cut - 1].clean > clean)) b->cut = 0;
    while (b->cut < t->cut_count && t->cuts[b->cut].clean <= clean) b->cut++;
    if (b->cut == 0) return clean;
    return t->cuts[b->cut - 1].raw + (clean - t->cuts[b->cut - 1].clean);
}

static uint32_t look_up_tag(const char *name) {
    size_t low = 1, high = ch_tag_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(ch_tag_name(middle), name);
        if (order == 0) return (uint32_t)middle;
        if (order < 0) low = middle + 1; else high = middle;
    }
    return 0;
}

// What a name stands for. The parser keeps one copy of each name, so its address tells it from others.
static uint32_t number_of(const char *name, known_name *names, uint32_t (*look_up)(const char *)) {
    known_name *known = &names[((uintptr_t)name >> 2) % KNOWN_NAMES];
    if (known->name != name) *known = (known_name){name, look_up(name)};
    return known->number;
}

static const char *const attribute_names[CH_ATTRIBUTE_KINDS] = {
    "", "id", "class", "href", "alt", "role", "lang", "hidden", "aria-hidden", "style", "content", "name", "property",
    "http-equiv", "charset", "datetime", "rel", "itemprop", "aria-modal",
};

// 0 where it is dropped.
static uint32_t look_up_attribute(const char *name) {
    for (uint32_t kind = 1; kind < CH_ATTRIBUTE_KINDS; kind++)
        if (strcmp(attribute_names[kind], name) == 0) return kind;
    return 0;
}

static int add_attribute(builder *b, uint32_t kind, const char *value) {
    ch_page *page = b->page;
    size_t length = value ? strlen(value) : 0;
    if (length > b->limits.attribute_bytes) {
        length = b->limits.attribute_bytes;
        while (length > 0 && ((uint8_t)value[length] & 0xC0) == 0x80) length--;  // not inside a character
    }
    uint32_t start = keep(b, (const uint8_t *)(value ? value : ""), length);
    if (start == UINT32_MAX) return 0;
    if (!reserve(b, (void **)&page->attributes, &b->attribute_capacity, page->attribute_count + 1,
                 sizeof *page->attributes)) return 0;
    page->attributes[page->attribute_count++] = (ch_attribute){kind, start, (uint32_t)length};
    return 1;
}

static void on_start(void *context, const xmlChar *name, const xmlChar **pairs) {
    builder *b = context;
    if (b->depth++ >= b->limits.depth) return;
    uint16_t id = (uint16_t)number_of((const char *)name, b->tags, look_up_tag);
    if (!reserve(b, (void **)&b->stack, &b->stack_capacity, (size_t)b->open + 1, sizeof *b->stack)) return;
    ch_event *event = new_event(b);
    if (!event) return;
    size_t index = b->page->event_count - 1;
    size_t first = b->page->attribute_count;
    event->kind = CH_OPEN;
    event->name = id;
    event->start = (uint32_t)first;
    event->raw = (uint32_t)source_offset(b, position(b));
    b->stack[b->open++] = id;
    if (id == 0 && !add_attribute(b, CH_NAME, (const char *)name)) return;
    for (const xmlChar **pair = pairs; pair && pair[0]; pair += 2) {
        uint32_t kind = number_of((const char *)pair[0], b->attributes, look_up_attribute);
        if (kind && !add_attribute(b, kind, (const char *)pair[1])) return;
    }
    b->page->events[index].length = (uint32_t)(b->page->attribute_count - first);
}

static void on_end(void *context, const xmlChar *name) {
    (void)name;
    builder *b = context;
    if (b->depth == 0) return;
    if (--b->depth >= b->limits.depth || b->open == 0) return;
    ch_event *event = new_event(b);
    if (!event) return;
    event->kind = CH_CLOSE;
    event->name = b->stack[--b->open];
    event->raw = (uint32_t)source_offset(b, position(b));
}

static void on_text(void *context, const xmlChar *bytes, int count) {
    builder *b = context;
    if (count <= 0) return;
    size_t length = (size_t)count;
    size_t end = position(b);
    // The parser stands behind the text it hands over, give or take the last character.
    size_t begin = end >= length ? end - length : 0;
    int exact = 0;
    for (int slack = 0; slack <= 8; slack++) {
        size_t last = slack <= 4 ? end - (size_t)slack : end + (size_t)slack - 4;
        if (last > b->text->count || last < length) continue;
        if (memcmp(b->text->bytes + last - length, bytes, length) == 0) {
            begin = last - length;
            end = last;
            exact = 1;
            break;
        }
    }
    if (!exact) {  // a character reference: from its ampersand
        size_t reach = end > 64 ? end - 64 : 0;
        for (size_t at = end; at > reach; at--) {
            if (b->text->bytes[at - 1] == '&') {
                begin = at - 1;
                break;
            }
        }
    }
    uint32_t start = keep(b, bytes, length);
    if (start == UINT32_MAX) return;
    size_t raw = source_offset(b, begin);
    size_t raw_end = end > begin ? source_offset(b, end - 1) + 1 : raw;
    if (exact && raw_end - raw != length) exact = 0;  // something was cut out of its middle
    ch_event *event = new_event(b);
    if (!event) return;
    event->kind = CH_TEXT;
    event->exact = (uint8_t)exact;
    event->start = start;
    event->length = (uint32_t)length;
    event->raw = (uint32_t)raw;
    event->raw_length = (uint32_t)(raw_end - raw);
}

static void on_message(void *context, const char *message, ...) {
    (void)context;
    (void)message;
}

static void close_open(builder *b) {
    // Whatever stopped the parser, the tree is closed: room for that is taken beyond the limit of events.
    ch_page *page = b->page;
    while (b->open > 0) {
        if (!reserve(b, (void **)&page->events, &b->event_capacity, page->event_count + 1, sizeof *page->events)) return;
        page->events[page->event_count++] = (ch_event){
            .kind = CH_CLOSE, .name = b->stack[--b->open], .raw = (uint32_t)b->source_count};
    }
}

void ch_parse(const uint8_t *source, size_t count, ch_limits limits, ch_page *page) {
    memset(page, 0, sizeof *page);
    if (count >= INT32_MAX) {
        page->status = CH_TOO_LARGE;
        return;
    }
    ch_clean_text text;
    if (ch_clean(source, count, &text)) {
        ch_clean_free(&text);
        page->status = CH_OUT_OF_MEMORY;
        return;
    }
    builder b = {.page = page, .limits = limits, .text = &text, .source_count = count};
    clock_gettime(CLOCK_MONOTONIC, &b.deadline);
    b.deadline.tv_sec += limits.milliseconds / 1000;
    b.deadline.tv_nsec += (long)(limits.milliseconds % 1000) * 1000000;
    if (b.deadline.tv_nsec >= 1000000000) {
        b.deadline.tv_sec++;
        b.deadline.tv_nsec -= 1000000000;
    }
    if (text.count > 0) b.parser = htmlCreateMemoryParserCtxt((const char *)text.bytes, (int)text.count);
    if (b.parser) {
        htmlParserCtxtPtr parser = b.parser;
        htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_NOERROR
                                       | HTML_PARSE_NOWARNING | HTML_PARSE_NODEFDTD);
        parser->options |= XML_PARSE_HUGE;  // our own limits hold instead
        parser->charset = XML_CHAR_ENCODING_UTF8;
        xmlSAXHandler *sax = parser->sax;
        memset(sax, 0, sizeof *sax);
        sax->startElement = on_start;
        sax->endElement = on_end;
        sax->characters = on_text;
        sax->ignorableWhitespace = on_text;
        sax->warning = on_message;
        sax->error = on_message;
        sax->initialized = 1;
        parser->userData = &b;
        htmlParseDocument(parser);
        if (parser->myDoc) xmlFreeDoc(parser->myDoc);
        parser->myDoc = NULL;
        htmlFreeParserCtxt(parser);
        b.parser = NULL;
    } else if (text.count > 0) {
        page->status = CH_OUT_OF_MEMORY;
    }
    if (page->status != CH_OUT_OF_MEMORY) close_open(&b);
    free(b.stack);
    ch_clean_free(&text);
}

void ch_page_free(ch_page *page) {
    free(page->events);
    free(page->attributes);
    free(page->bytes);
    memset(page, 0, sizeof *page);
}
