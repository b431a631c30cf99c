#define _GNU_SOURCE
#include "response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void response_reset(Response *r, bool reads_stamps) {
    r->state = IN_HEAD;
    r->status = 0;
    r->left = r->line_length = 0;
    r->body.bytes = r->body.events = r->body.window_length = 0;
    r->body.after_newline = false;
    r->body.reads_stamps = reads_stamps;
    r->body.stamp_state = 0;
}

// MARK: body

static void keep_window(Body *b, const char *bytes, size_t length) {
    if (length >= WINDOW) {
        memcpy(b->window, bytes + length - WINDOW, WINDOW);
        b->window_length = WINDOW;
        return;
    }
    if (b->window_length + length > WINDOW) {
        size_t kept = WINDOW - length;
        memmove(b->window, b->window + b->window_length - kept, kept);
        b->window_length = kept;
    }
    memcpy(b->window + b->window_length, bytes, length);
    b->window_length += length;
}

static void count_events(Body *b, const char *bytes, size_t length) {
    const char *at = bytes, *end = bytes + length;
    if (b->after_newline && length > 0 && *at == '\n') {
        b->events++;
        at++;
    }
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (++at == end) break;
        if (*at == '\n') {
            b->events++;
            at++;
        }
    }
    b->after_newline = length > 0 && end[-1] == '\n';
}

static void find_stamps(Body *b, const char *bytes, size_t length, StampHandler *on_stamp, void *context) {
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (b->stamp_state == 2 && c >= '0' && c <= '9') {
            b->stamp = b->stamp * 10 + (c - '0');
        } else if (b->stamp_state == 2 && c == ';') {
            b->stamp_state = 0;
            on_stamp(context, b->stamp);
        } else if (b->stamp_state == 1 && c == '=') {
            b->stamp_state = 2;
            b->stamp = 0;
        } else {
            b->stamp_state = c == 't';
        }
    }
}

static void take_body(Body *b, const char *bytes, size_t length, StampHandler *on_stamp, void *context) {
    b->bytes += length;
    keep_window(b, bytes, length);
    count_events(b, bytes, length);
    if (b->reads_stamps) find_stamps(b, bytes, length, on_stamp, context);
}

bool body_contains(const Body *b, const char *text) {
    return memmem(b->window, b->window_length, text, strlen(text)) != NULL;
}

// MARK: head and framing

static const char *field(const Response *r, const char *name) {
    size_t length = strlen(name);
    for (const char *at = strstr(r->line, "\r\n"); at && at[2] != '\r'; at = strstr(at + 2, "\r\n"))
        if (strncasecmp(at + 2, name, length) == 0 && at[2 + length] == ':') {
            const char *value = at + 3 + length;
            return value + strspn(value, " \t");
        }
    return NULL;
}

/// The head is whole in `line` (with a closing NUL): sets status and framing.
static bool read_head(Response *r) {
    if (strncmp(r->line, "HTTP/1.1 ", 9) != 0) return false;
    r->status = atoi(r->line + 9);
    const char *connection = field(r, "connection");
    r->keeps_alive = !(connection && strncasecmp(connection, "close", 5) == 0);
    const char *length = field(r, "content-length"), *coding = field(r, "transfer-encoding");
    if (coding && strncasecmp(coding, "chunked", 7) == 0) {
        r->state = IN_CHUNK_SIZE;
    } else if (length) {
        r->left = strtoull(length, NULL, 10);
        r->state = r->left ? IN_FIXED : COMPLETE;
    } else {
        r->state = UNTIL_CLOSE;
    }
    r->line_length = 0;
    return true;
}

/// Appends bytes to `line` until it ends with `ending`, and then sets `whole`.
/// Returns the bytes used, or -1 when the line grows too long.
static long collect(Response *r, const char *bytes, size_t length, const char *ending, bool *whole) {
    size_t wanted = strlen(ending);
    *whole = false;
    for (size_t i = 0; i < length; i++) {
        if (r->line_length + 1 >= MAX_HEAD) return -1;
        r->line[r->line_length++] = bytes[i];
        if (bytes[i] == '\n' && r->line_length >= wanted
            && memcmp(r->line + r->line_length - wanted, ending, wanted) == 0) {
            r->line[r->line_length] = 0;
            *whole = true;
            return (long)i + 1;
        }
    }
    return (long)length;
}

/// A line that belongs to the chunked coding is whole in `line`.
static bool read_chunk_line(Response *r) {
    char *end;
    switch (r->state) {
    case IN_CHUNK_SIZE:
        r->left = strtoull(r->line, &end, 16);
        if (end == r->line) return false;
        r->state = r->left ? IN_CHUNK : IN_TRAILER;
        break;
    case IN_CHUNK_END:
        if (r->line_length != 2) return false;
        r->state = IN_CHUNK_SIZE;
        break;
    default:
        if (r->line_length == 2) r->state = COMPLETE;   // the empty line after the last chunk and its trailers
    }
    r->line_length = 0;
    return true;
}

long response_feed(Response *r, const char *bytes, size_t length, StampHandler *on_stamp, void *context) {
    size_t used = 0;
    while (used < length && r->state != COMPLETE) {
        const char *at = bytes + used;
        size_t available = length - used;
        if (r->state == IN_FIXED || r->state == IN_CHUNK || r->state == UNTIL_CLOSE) {
            size_t part = r->state != UNTIL_CLOSE && r->left < available ? (size_t)r->left : available;
            take_body(&r->body, at, part, on_stamp, context);
            used += part;
            if (r->state != UNTIL_CLOSE && (r->left -= part) == 0)
                r->state = r->state == IN_FIXED ? COMPLETE : IN_CHUNK_END;
            continue;
        }
        bool whole;
        long taken = collect(r, at, available, r->state == IN_HEAD ? "\r\n\r\n" : "\r\n", &whole);
        if (taken < 0) return -1;
        used += (size_t)taken;
        if (whole && !(r->state == IN_HEAD ? read_head(r) : read_chunk_line(r))) return -1;
    }
    return (long)used;
}

bool response_closed(Response *r) {
    if (r->state != UNTIL_CLOSE) return false;
    r->keeps_alive = false;
    r->state = COMPLETE;
    return true;
}
