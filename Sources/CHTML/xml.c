// libxml2's SAX events written into growing arrays, for XML that its author must have meant: the first mistake ends it.

#include "cxml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 2048, NAME_SLOTS = 8192, MOST_ATTRIBUTES = 64, ATTRIBUTE_BYTES = 16384 };

typedef struct {
    const xmlChar *local, *space;
    uint32_t index;
} name_slot;

typedef struct {
    cx_tree *tree;
    xmlParserCtxtPtr parser;
    const uint8_t *source;
    size_t count, most_events;
    size_t floor;  // behind the last event: what follows stands there or later
    size_t event_capacity, attribute_capacity, name_capacity, byte_capacity;
    name_slot slots[NAME_SLOTS];
} builder;

static void stop(builder *b, int status) {
    if (b->tree->status == CX_COMPLETE) b->tree->status = status;
    if (b->parser) xmlStopParser(b->parser);
}

static int reserve(builder *b, void **array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return 1;
    size_t larger = *capacity ? *capacity * 2 : 1024;
    if (larger < needed) larger = needed;
    void *moved = realloc(*array, larger * size);
    if (!moved) {
        stop(b, CX_OUT_OF_MEMORY);
        return 0;
    }
    *array = moved;
    *capacity = larger;
    return 1;
}

// Copies bytes into the tree; returns where they start, or UINT32_MAX.
static uint32_t keep(builder *b, const uint8_t *bytes, size_t count) {
    cx_tree *tree = b->tree;
    if (tree->byte_count + count >= UINT32_MAX) {
        stop(b, CX_TOO_LARGE);
        return UINT32_MAX;
    }
    if (!reserve(b, (void **)&tree->bytes, &b->byte_capacity, tree->byte_count + count, 1)) return UINT32_MAX;
    if (count > 0) memcpy(tree->bytes + tree->byte_count, bytes, count);
    uint32_t start = (uint32_t)tree->byte_count;
    tree->byte_count += count;
    return start;
}

static cx_event *new_event(builder *b, uint8_t kind) {
    cx_tree *tree = b->tree;
    if (tree->status != CX_COMPLETE) return NULL;
    if (tree->event_count >= b->most_events) {
        stop(b, CX_TOO_LARGE);
        return NULL;
    }
    if (!reserve(b, (void **)&tree->events, &b->event_capacity, tree->event_count + 1, sizeof *tree->events)) return NULL;
    cx_event *event = &tree->events[tree->event_count++];
    memset(event, 0, sizeof *event);
    event->kind = kind;
    return event;
}

// The index of a name. The parser keeps each string once, so that pointers tell names apart.
static uint32_t name_index(builder *b, const xmlChar *local, const xmlChar *space) {
    size_t slot = (((uintptr_t)local >> 3) * 31 + ((uintptr_t)space >> 3) * 17) % NAME_SLOTS;
    while (b->slots[slot].local) {
        if (b->slots[slot].local == local && b->slots[slot].space == space) return b->slots[slot].index;
        slot = (slot + 1) % NAME_SLOTS;
    }
    cx_tree *tree = b->tree;
    if (tree->name_count >= MOST_NAMES) return 0;
    size_t length = strlen((const char *)local), space_length = space ? strlen((const char *)space) : 0;
    uint32_t start = keep(b, local, length);
    uint32_t space_start = keep(b, space, space_length);
    if (start == UINT32_MAX || space_start == UINT32_MAX) return 0;
    if (!reserve(b, (void **)&tree->names, &b->name_capacity, tree->name_count + 1, sizeof *tree->names)) return 0;
    b->slots[slot] = (name_slot){local, space, (uint32_t)tree->name_count};
    tree->names[tree->name_count] = (cx_name){start, (uint32_t)length, space_start, (uint32_t)space_length};
    return (uint32_t)tree->name_count++;
}

static size_t position(builder *b) {
    xmlParserInputPtr input = b->parser->input;
    if (!input || !input->cur || !input->base) return 0;
    size_t at = (size_t)input->consumed + (size_t)(input->cur - input->base);
    return at < b->count ? at : b->count;
}

static void on_start(void *context, const xmlChar *local, const xmlChar *prefix, const xmlChar *space, int spaces,
                     const xmlChar **declared, int attributes, int defaulted, const xmlChar **values) {
    (void)prefix, (void)spaces, (void)declared, (void)defaulted;
    builder *b = context;
    uint32_t name = name_index(b, local, space);
    cx_event *event = new_event(b, CX_OPEN);
    if (!event) return;
    cx_tree *tree = b->tree;
    size_t index = tree->event_count - 1, first = tree->attribute_count;
    event->name = (uint16_t)name;
    event->start = (uint32_t)first;
    b->floor = position(b);
    event->raw = (uint32_t)b->floor;
    for (int i = 0; i < attributes && i < MOST_ATTRIBUTES; i++) {
        const xmlChar **attribute = values + (size_t)i * 5;  // name, prefix, namespace, value, behind the value
        size_t length = (size_t)(attribute[4] - attribute[3]);
        if (length > ATTRIBUTE_BYTES) {
            length = ATTRIBUTE_BYTES;
            while (length > 0 && (attribute[3][length] & 0xC0) == 0x80) length--;  // not inside a character
        }
        uint32_t attribute_name = name_index(b, attribute[0], attribute[2]);
        uint32_t start = keep(b, attribute[3], length);
        if (start == UINT32_MAX) return;
        if (!reserve(b, (void **)&tree->attributes, &b->attribute_capacity, tree->attribute_count + 1,
                     sizeof *tree->attributes)) return;
        tree->attributes[tree->attribute_count++] = (cx_attribute){attribute_name, start, (uint32_t)length};
    }
    tree->events[index].length = (uint32_t)(tree->attribute_count - first);
}

static void on_end(void *context, const xmlChar *local, const xmlChar *prefix, const xmlChar *space) {
    (void)prefix;
    builder *b = context;
    uint32_t name = name_index(b, local, space);
    cx_event *event = new_event(b, CX_CLOSE);
    if (!event) return;
    event->name = (uint16_t)name;
    b->floor = position(b);
    event->raw = (uint32_t)b->floor;
}

static void on_text(void *context, const xmlChar *bytes, int count) {
    builder *b = context;
    if (count <= 0) return;
    size_t length = (size_t)count, at = position(b), begin = at, end = at;
    int exact = 0;
    // The parser stands before the text that it hands over or behind it, give or take an end mark such as CDATA's.
    for (size_t slack = 0; slack <= 8 && !exact; slack++) {
        for (int behind = 0; behind < 2 && !exact; behind++) {
            size_t back = slack + (behind ? length : 0);
            if (back > at || at - back < b->floor || at - back + length > b->count) continue;
            if (memcmp(b->source + at - back, bytes, length) != 0) continue;
            begin = at - back;
            end = begin + length;
            exact = 1;
        }
    }
    if (!exact) {  // a character reference: from its ampersand
        for (size_t before = at; before > b->floor && before + 16 > at; before--) {
            if (b->source[before - 1] != '&') continue;
            begin = before - 1;
            break;
        }
    }
    uint32_t start = keep(b, bytes, length);
    if (start == UINT32_MAX) return;
    cx_event *event = new_event(b, CX_TEXT);
    if (!event) return;
    event->exact = (uint8_t)exact;
    event->start = start;
    event->length = (uint32_t)length;
    event->raw = (uint32_t)begin;
    event->raw_length = (uint32_t)(end - begin);
    b->floor = end;
}

static void on_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id, const xmlChar *system_id,
                      xmlChar *content) {
    (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
    stop(context, CX_DECLARES_ENTITIES);
}

static void on_message(void *context, const char *message, ...) {
    (void)context;
    (void)message;
}

static void parse(builder *b) {
    xmlParserCtxtPtr parser = b->parser;
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
                                  | XML_PARSE_HUGE);  // no limit but ours; depth stays bounded
    xmlSAXHandler *sax = parser->sax;
    memset(sax, 0, sizeof *sax);
    sax->initialized = XML_SAX2_MAGIC;
    sax->startElementNs = on_start;
    sax->endElementNs = on_end;
    sax->characters = on_text;
    sax->ignorableWhitespace = on_text;
    sax->cdataBlock = on_text;
    sax->entityDecl = on_entity;
    sax->warning = on_message;
    sax->error = on_message;
    parser->userData = b;
    if (xmlParseDocument(parser) != 0 && b->tree->status == CX_COMPLETE) {
        const xmlError *error = xmlCtxtGetLastError(parser);
        b->tree->status = error && error->code == XML_ERR_NO_MEMORY ? CX_OUT_OF_MEMORY : CX_MALFORMED;
        b->tree->line = error ? error->line : 0;
        if (error && error->message) {
            strncpy(b->tree->message, error->message, sizeof b->tree->message - 1);
            b->tree->message[strcspn(b->tree->message, "\n")] = 0;
        }
    }
    if (parser->myDoc) xmlFreeDoc(parser->myDoc);
    parser->myDoc = NULL;
}

void cx_parse(const uint8_t *source, size_t count, uint32_t events, cx_tree *tree) {
    memset(tree, 0, sizeof *tree);
    if (count == 0 || count >= INT32_MAX) {
        tree->status = count == 0 ? CX_MALFORMED : CX_TOO_LARGE;
        if (count == 0) strcpy(tree->message, "it is empty");
        return;
    }
    builder *b = calloc(1, sizeof *b);
    if (b) {
        b->tree = tree;
        b->source = source;
        b->count = count;
        b->most_events = events;
        b->parser = xmlCreateMemoryParserCtxt((const char *)source, (int)count);
    }
    // The first name stands for all that are too many.
    if (b && b->parser && reserve(b, (void **)&tree->names, &b->name_capacity, 1, sizeof *tree->names)) {
        tree->names[tree->name_count++] = (cx_name){0, 0, 0, 0};
        parse(b);
    } else {
        tree->status = CX_OUT_OF_MEMORY;
    }
    if (b && b->parser) xmlFreeParserCtxt(b->parser);
    free(b);
}

void cx_free(cx_tree *tree) {
    free(tree->events);
    free(tree->attributes);
    free(tree->names);
    free(tree->bytes);
    memset(tree, 0, sizeof *tree);
}
