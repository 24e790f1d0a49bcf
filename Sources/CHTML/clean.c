// Takes four things out of a page that cost libxml2 its text or its time: null bytes, at which it ends the page, the
// attributes of a tag from the 257th on, which it compares each with each, marks such as <![if !supportLists]> and
// <![CDATA[, which it takes for text, and what scripts and style sheets hold, which nobody here reads.
//
// One pass, linear. Where something went, a cut says how offsets continue.

#include "clean.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ATTRIBUTES = 256 };

typedef struct {
    const uint8_t *source;
    size_t count;
    ch_clean_text *text;
    size_t cut_capacity;
} cleaner;

// Drops source[from, to): what follows is appended behind what is kept so far.
static int drop(cleaner *c, size_t kept_from, size_t from, size_t to) {
    ch_clean_text *t = c->text;
    if (!t->owned && !(t->owned = malloc(c->count ? c->count : 1))) return -1;
    memcpy(t->owned + t->count, c->source + kept_from, from - kept_from);
    t->count += from - kept_from;
    if (t->cut_count && t->cuts[t->cut_count - 1].clean == t->count) {
        t->cuts[t->cut_count - 1].raw = to;
        return 0;
    }
    if (t->cut_count == c->cut_capacity) {
        size_t capacity = c->cut_capacity ? c->cut_capacity * 2 : 16;
        ch_cut *moved = realloc(t->cuts, capacity * sizeof *moved);
        if (!moved) return -1;
        t->cuts = moved;
        c->cut_capacity = capacity;
    }
    t->cuts[t->cut_count++] = (ch_cut){t->count, to};
    return 0;
}

static int is_space(uint8_t b) { return b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f' || b == 0; }
static int is_letter(uint8_t b) { return (b | 32) >= 'a' && (b | 32) <= 'z'; }

// The offset of `needle` (lower case, beginning with a byte that has no case) from `at` on, or `count`.
static size_t find(const uint8_t *s, size_t at, size_t count, const char *needle) {
    size_t length = strlen(needle);
    while (at + length <= count) {
        const uint8_t *hit = memchr(s + at, needle[0], count - at - length + 1);
        if (!hit) return count;
        at = (size_t)(hit - s);
        size_t i = 1;
        while (i < length) {
            uint8_t b = s[at + i];
            if ((b >= 'A' && b <= 'Z' ? b | 32 : b) != (uint8_t)needle[i]) break;
            i++;
        }
        if (i == length) return at;
        at++;
    }
    return count;
}

static int name_is(const uint8_t *s, size_t count, const char *name) {
    size_t length = strlen(name);
    if (count < length) return 0;
    for (size_t i = 0; i < length; i++)
        if ((s[i] | 32) != (uint8_t)name[i]) return 0;
    return count == length || is_space(s[length]) || s[length] == '>' || s[length] == '/';
}

// Walks the tag that begins at `at`. Sets `flood` to the offset where it has had enough attributes, or to its end.
static size_t tag_end(const uint8_t *s, size_t at, size_t count, size_t *flood) {
    size_t attributes = 0, i = at + 1;
    *flood = 0;
    while (i < count && s[i] != '>' && s[i] != '<') {
        if (is_space(s[i])) {
            i++;
            if (i < count && !is_space(s[i]) && s[i] != '>' && s[i] != '=' && ++attributes == MOST_ATTRIBUTES) *flood = i;
        } else if (s[i] == '=') {
            i++;
            while (i < count && is_space(s[i])) i++;
            if (i < count && (s[i] == '"' || s[i] == '\'')) {
                const uint8_t *close = memchr(s + i + 1, s[i], count - i - 1);
                i = close ? (size_t)(close - s) + 1 : count;
            }
        } else {
            i++;
        }
    }
    return i;
}

static size_t next(const uint8_t *source, size_t at, size_t count, int byte) {
    const uint8_t *hit = at < count ? memchr(source + at, byte, count - at) : NULL;
    return hit ? (size_t)(hit - source) : count;
}

// Drops the null bytes before `end`: cuts are made in order.
static int drop_nulls(cleaner *c, size_t *kept_from, size_t *null, size_t end) {
    while (*null < end) {
        if (*null >= *kept_from && drop(c, *kept_from, *null, *null + 1)) return -1;
        *kept_from = *null + 1;
        *null = next(c->source, *null + 1, c->count, 0);
    }
    return 0;
}

int ch_clean(const uint8_t *source, size_t count, ch_clean_text *text) {
    *text = (ch_clean_text){0};
    cleaner c = {source, count, text, 0};
    size_t kept_from = 0;                    // everything before is copied or dropped
    size_t tag = next(source, 0, count, '<');
    size_t null = next(source, 0, count, 0);
    int comments_end = 1, cdata_ends = 1, marks_end = 1;  // so that what has no end is looked for once
    while (tag < count || null < count) {
        if (null < tag) {
            size_t at = null;
            while (at < count && source[at] == 0) at++;
            if (drop(&c, kept_from, null, at)) return -1;
            kept_from = at;
            null = next(source, at, count, 0);
            continue;
        }
        size_t at = tag + 1;
        if (comments_end && count - at >= 3 && memcmp(source + at, "!--", 3) == 0) {
            size_t end = find(source, at + 3, count, "-->");
            comments_end = end < count;
            if (comments_end) at = end;
        } else if (count - at >= 2 && memcmp(source + at, "![", 2) == 0) {
            // Of a section of character data its marks go, of other sections all.
            int is_data = count - at >= 8 && memcmp(source + at, "![CDATA[", 8) == 0;
            size_t open_end = is_data ? at + 8 : marks_end ? next(source, at, count, '>') + 1 : count + 1;
            size_t close = is_data && cdata_ends ? find(source, open_end, count, "]]>") : open_end;
            if (is_data) cdata_ends = cdata_ends && close < count;
            else marks_end = open_end <= count;
            if (is_data ? cdata_ends : marks_end) {
                if (drop(&c, kept_from, tag, open_end)) return -1;
                kept_from = open_end;
                null = next(source, open_end, count, 0);
                if (drop_nulls(&c, &kept_from, &null, close)) return -1;
                at = close;
                if (is_data) {
                    if (drop(&c, kept_from, close, close + 3)) return -1;
                    at = kept_from = close + 3;
                }
            }
        } else if (at < count && is_letter(source[at])) {
            size_t flood, name = at;
            at = tag_end(source, at, count, &flood);
            if (flood && flood < at) {
                if (drop_nulls(&c, &kept_from, &null, flood)) return -1;
                if (drop(&c, kept_from, flood, at)) return -1;
                kept_from = at;
                null = next(source, at, count, 0);
            }
            const char *close = name_is(source + name, count - name, "script")  ? "</script"
                                : name_is(source + name, count - name, "style") ? "</style"
                                                                                : NULL;
            if (close) {
                size_t end = find(source, at, count, close);
                // The parser takes `<script/>` for a whole element, with text behind it.
                if (end < count && end > at + 1 && source[at] == '>' && source[at - 1] != '/') {
                    if (drop_nulls(&c, &kept_from, &null, at)) return -1;
                    if (drop(&c, kept_from, at + 1, end)) return -1;
                    kept_from = end;
                    null = next(source, end, count, 0);
                }
                at = end;
            }
        }
        tag = next(source, at, count, '<');
    }
    if (!text->owned) {
        text->bytes = source;
        text->count = count;
        return 0;
    }
    memcpy(text->owned + text->count, source + kept_from, count - kept_from);
    text->count += count - kept_from;
    text->bytes = text->owned;
    return 0;
}

void ch_clean_free(ch_clean_text *text) {
    free(text->owned);
    free(text->cuts);
    *text = (ch_clean_text){0};
}
