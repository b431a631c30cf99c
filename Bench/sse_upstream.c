// sse_upstream: a canned OpenAI upstream whose streams keep time. One thread, one epoll set, loopback only.
//
// POST /…/chat/completions with "stream":true gives a role chunk, COUNT content chunks INTERVAL apart, a finish
// chunk, a usage chunk and [DONE]; without it, one JSON answer. Every timed content chunk carries
// `t=<CLOCK_MONOTONIC ns>;`.
// An interval of 0 sends as fast as the reader takes it; `--hold` stops for ever after the first content chunk.
#define _GNU_SOURCE
#include "loadgen/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_REQUEST = 16384, STAMP_DIGITS = 20, BLOCK_CHUNKS = 64, MOST_CHUNKS = 1000000 };

/// A response is opening + `chunk_count` equal-sized content chunks + closing, and is addressed by byte offset.
static struct {
    char opening[1024], chunk[512], closing[1024], plain[4096];
    char block[BLOCK_CHUNKS * 512];     // content chunks in a row, for interval 0
    size_t opening_length, chunk_length, closing_length, plain_length;
    size_t stamp_at;                    // offset of the digits in `chunk`
    long chunk_count;
    int64_t interval;                   // ns
    bool holds;
} canned = {.chunk_count = 50, .interval = 2 * NS_PER_MS};

typedef struct Connection {
    int fd;
    bool is_streaming, waits_for_room;
    size_t request_length;
    uint64_t offset, limit;             // bytes of the response that are sent, and that may be sent by now
    int64_t stamp, due;                 // of the current chunk; when the next one is due
    struct Connection *earlier, *later; // the streams with a due time, in its order
    char request[MAX_REQUEST];
} Connection;

static int epoll;
static Connection *first_due, *last_due;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "sse_upstream: %s: %s\n", what, strerror(errno));
    exit(1);
}

// MARK: canned answers

/// Appends one SSE event as one chunk of the chunked coding.
static void append_event(char *to, size_t room, const char *format, ...) {
    char event[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(event, sizeof event, format, arguments);
    va_end(arguments);
    size_t used = strlen(to);
    snprintf(to + used, room - used, "%x\r\ndata: %s\n\n\r\n", length + 8, event);
}

#define CHUNK(delta, finish) \
    "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000," \
    "\"model\":\"bench-model\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"logprobs\":null," \
    "\"finish_reason\":" finish "}]}"
#define USAGE "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":50,\"total_tokens\":59}"

static void make_answers(void) {
    strcpy(canned.opening, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n");
    append_event(canned.opening, sizeof canned.opening, CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
    append_event(canned.chunk, sizeof canned.chunk, CHUNK("{\"content\":\"t=%0*d; five more words here \"}", "null"),
                 STAMP_DIGITS, 0);
    append_event(canned.closing, sizeof canned.closing, CHUNK("{}", "\"stop\""));
    append_event(canned.closing, sizeof canned.closing,
                 "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
                 "\"model\":\"bench-model\",\"choices\":[]," USAGE "}");
    append_event(canned.closing, sizeof canned.closing, "[DONE]");
    strcat(canned.closing, "0\r\n\r\n");
    canned.opening_length = strlen(canned.opening);
    canned.chunk_length = strlen(canned.chunk);
    canned.closing_length = strlen(canned.closing);
    canned.stamp_at = (size_t)(strstr(canned.chunk, "t=0") + 2 - canned.chunk);
    for (int i = 0; i < BLOCK_CHUNKS; i++)
        memcpy(canned.block + (size_t)i * canned.chunk_length, canned.chunk, canned.chunk_length);

    const char *body = "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1760000000,"
                       "\"model\":\"bench-model\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                       "\"content\":\"A canned answer.\"},\"finish_reason\":\"stop\"}]," USAGE "}";
    canned.plain_length = (size_t)snprintf(canned.plain, sizeof canned.plain,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
}

static uint64_t content_end(void) {
    return canned.opening_length + (uint64_t)canned.chunk_count * canned.chunk_length;
}

// MARK: the queue of due streams

static void dequeue(Connection *c) {
    if (c->due == 0) return;
    *(c->earlier ? &c->earlier->later : &first_due) = c->later;
    *(c->later ? &c->later->earlier : &last_due) = c->earlier;
    c->earlier = c->later = NULL;
    c->due = 0;
}

/// All streams have one interval, so the place is nearly always at the end.
static void enqueue(Connection *c, int64_t due) {
    Connection *before = last_due;
    while (before && before->due > due) before = before->earlier;
    c->due = due;
    c->earlier = before;
    c->later = before ? before->later : first_due;
    *(c->earlier ? &c->earlier->later : &first_due) = c;
    *(c->later ? &c->later->earlier : &last_due) = c;
}

// MARK: connections

static void watch(Connection *c, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->fd, &event) != 0) fail("epoll_ctl");
}

static void drop(Connection *c) {
    dequeue(c);
    close(c->fd);
    free(c);
}

/// Points at the bytes of the response from `offset` on; at most three pieces, none past the limit.
static int pieces(const Connection *c, struct iovec out[3]) {
    uint64_t at = c->offset, opening = canned.opening_length, end = content_end();
    int count = 0;
    if (at < c->limit && at < opening) {
        out[count++] = (struct iovec){canned.opening + at, opening - at};
        at = opening;
    }
    if (at < c->limit && at < end) {
        size_t row = canned.interval ? canned.chunk_length : canned.chunk_length * BLOCK_CHUNKS;
        size_t start = (at - opening) % row, length = row - start;
        uint64_t most = (c->limit < end ? c->limit : end) - at;
        if (length > most) length = most;
        out[count++] = (struct iovec){(canned.interval ? canned.chunk : canned.block) + start, length};
        at += length;
    }
    if (at < c->limit && at >= end)
        out[count++] = (struct iovec){canned.closing + (at - end), canned.closing_length - (at - end)};
    return count;
}

/// Sends what may be sent. Returns false when the peer is gone.
static bool push(Connection *c) {
    char digits[STAMP_DIGITS + 1];
    snprintf(digits, sizeof digits, "%0*lld", STAMP_DIGITS, (long long)c->stamp);
    memcpy(canned.chunk + canned.stamp_at, digits, STAMP_DIGITS);
    while (c->offset < c->limit) {
        struct iovec vectors[3];
        ssize_t sent = writev(c->fd, vectors, pieces(c, vectors));
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0) return false;
        c->offset += (uint64_t)sent;
    }
    bool waits = c->offset < c->limit;
    if (waits != c->waits_for_room) watch(c, EPOLL_CTL_MOD, EPOLLIN | (waits ? EPOLLOUT : 0));
    c->waits_for_room = waits;
    if (c->offset == content_end() + canned.closing_length) {
        c->is_streaming = false;
        dequeue(c);
    }
    return true;
}

static bool begin_stream(Connection *c) {
    uint64_t whole = content_end() + canned.closing_length;
    c->is_streaming = true;
    c->offset = 0;
    c->stamp = now_ns();
    c->limit = canned.interval || canned.holds ? canned.opening_length + canned.chunk_length : whole;
    if (canned.interval && !canned.holds) enqueue(c, c->stamp + canned.interval);
    return push(c);
}

/// The next chunk of a timed stream; the closing goes with the last one.
static bool step(Connection *c) {
    int64_t next = c->due + canned.interval;
    dequeue(c);
    enqueue(c, next);
    if (c->offset < c->limit) return true;   // the reader is behind; this turn is skipped
    c->stamp = now_ns();
    c->limit += canned.chunk_length;
    if (c->limit >= content_end()) c->limit = content_end() + canned.closing_length;
    return push(c);
}

/// Answers the request if it is whole. Returns false when the connection cannot go on.
static bool answer(Connection *c) {
    c->request[c->request_length] = 0;
    char *body = strstr(c->request, "\r\n\r\n"), *field = strcasestr(c->request, "\r\ncontent-length:");
    if (!body) return c->request_length < MAX_REQUEST - 1;
    body += 4;
    size_t expected = field && field < body ? strtoul(field + 17, NULL, 10) : 0;
    if (c->request_length < (size_t)(body - c->request) + expected) return c->request_length < MAX_REQUEST - 1;
    bool streams = strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true");
    c->request_length = 0;
    if (streams) return begin_stream(c);
    return write(c->fd, canned.plain, canned.plain_length) == (ssize_t)canned.plain_length;
}

static bool receive(Connection *c) {
    ssize_t length = recv(c->fd, c->request + c->request_length, MAX_REQUEST - 1 - c->request_length, 0);
    if (length < 0 && errno == EAGAIN) return true;
    if (length <= 0 || c->is_streaming) return false;   // gone, or a request before the last answer's end
    c->request_length += (size_t)length;
    return answer(c);
}

static void accept_all(int listener) {
    const int on = 1;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        Connection *c = calloc(1, sizeof *c);
        if (!c) fail("calloc");
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

// MARK: start

static int listen_on(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) fail("listen");
    return fd;
}

static void serve(int listener) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll_ctl");
    for (;;) {
        struct timespec wait = timespec_of(first_due ? first_due->due - now_ns() : 0);
        int count = epoll_pwait2(epoll, events, 256, first_due ? &wait : NULL, NULL);
        for (int i = 0; i < count; i++) {
            Connection *c = events[i].data.ptr;
            if (!c)
                accept_all(listener);
            else if (!(events[i].events & EPOLLIN ? receive(c) : true) || !(c->waits_for_room ? push(c) : true))
                drop(c);
        }
        while (first_due && first_due->due <= now_ns()) {
            Connection *c = first_due;
            if (!step(c)) drop(c);
        }
    }
}

int main(int argc, char *argv[]) {
    static const struct option options[] = {
        {"port", 1, 0, 'p'}, {"chunks", 1, 0, 'c'}, {"interval-us", 1, 0, 'i'}, {"hold", 0, 0, 'h'}, {0}};
    long port = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
        case 'p': port = atol(optarg); break;
        case 'c': canned.chunk_count = atol(optarg); break;
        case 'i': canned.interval = atol(optarg) * NS_PER_US; break;
        case 'h': canned.holds = true; break;
        default: port = -1;
        }
    if (port < 1 || port > 65535 || canned.chunk_count < 2 || canned.chunk_count > MOST_CHUNKS || canned.interval < 0) {
        fputs("usage: sse_upstream --port N [--chunks COUNT] [--interval-us N] [--hold]\n", stderr);
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1UL);   // chunks leave when they are due, not up to 50 µs later
    prctl(PR_SET_PDEATHSIG, 15);     // ends with the benchmark, however that ends
    make_answers();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    serve(listen_on((uint16_t)port));
}
