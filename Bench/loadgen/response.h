/// Reads HTTP/1.1 responses from bytes as they come: status, framing (length, chunked, until close), body.
#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_HEAD = 4096, WINDOW = 4096 };

/// What a body showed so far. Only its last bytes are kept: enough for a whole small answer or the end of a stream.
typedef struct {
    uint64_t bytes;
    uint64_t events;          // blank lines seen, which end an SSE event
    size_t window_length;
    char window[WINDOW];
    bool after_newline;
    bool reads_stamps;        // look for `t=<ns>;`, which the streaming upstream puts into each event
    int stamp_state;
    int64_t stamp;
} Body;

typedef struct {
    enum { IN_HEAD, IN_FIXED, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER, UNTIL_CLOSE, COMPLETE } state;
    int status;
    bool keeps_alive;
    uint64_t left;            // bytes of the body or of the chunk that are still to come
    size_t line_length;
    char line[MAX_HEAD];      // the head, later the chunk-size lines
    Body body;
} Response;

/// Called for each stamp found, in order.
typedef void StampHandler(void *context, int64_t stamp_ns);

void response_reset(Response *r, bool reads_stamps);

/// Takes in bytes up to the end of this response.
/// Returns how many were used, or -1 when they are not HTTP/1.1 as this tool knows it.
long response_feed(Response *r, const char *bytes, size_t length, StampHandler *on_stamp, void *context);

/// Tells that the peer closed. Returns whether that ends the response properly (a body framed by the close).
bool response_closed(Response *r);

/// Whether the kept end of the body contains the text.
bool body_contains(const Body *b, const char *text);

#endif
