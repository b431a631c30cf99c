/// A set of keep-alive connections to one server, all sending the same request, on one epoll loop.
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "response.h"
#include <netinet/in.h>

typedef struct Client Client;

typedef struct {
    int fd;                   // -1: not connected; the next request connects again
    bool is_busy;             // a request is out
    int64_t intended, sent;   // when the request was due, and when it left (ns)
    int64_t last_stamp;       // when the last stamp arrived (ns); 0 before the first
    uint64_t number;          // of the request, from 0
    Response response;
} Connection;

/// What can happen to a request; the first one is success.
typedef enum { OUTCOME_OK, OUTCOME_STATUS, OUTCOME_BODY, OUTCOME_BROKEN, OUTCOME_COUNT } Outcome;
extern const char *const outcome_names[OUTCOME_COUNT];

typedef struct {
    /// A whole answer, or the end of hope for one; the connection is free again.
    void (*on_answer)(Client *client, Connection *connection, Outcome outcome, int64_t now);
    /// One stamped event of a stream; may be NULL.
    void (*on_stamp)(Client *client, Connection *connection, int64_t stamp, int64_t now);
} ClientHooks;

struct Client {
    int epoll;
    struct sockaddr_in address;
    const char *request;
    size_t request_length;
    const char *expected;      // text that each body must contain near its end; NULL: not checked
    uint64_t least_events;     // SSE events that each body must have
    int receive_buffer;        // SO_RCVBUF for new connections; 0: the system's
    ClientHooks hooks;
    void *mode;                // the state of the running mode
    int count;
    Connection *connections;
    int64_t now;               // when the bytes being handled were read
};

/// Opens all connections, or ends the run.
void client_open(Client *client, int count);

/// Sends the request on a free connection. `intended` is when it was due.
void client_send(Client *client, Connection *connection, uint64_t number, int64_t intended);

/// Handles what arrives until the deadline (ns) or until something was handled.
void client_poll(Client *client, int64_t deadline);

void client_close(Client *client);

#endif
