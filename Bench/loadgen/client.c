#define _GNU_SOURCE
#include "client.h"

#include "clock.h"
#include "processes.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const outcome_names[OUTCOME_COUNT] = {"ok", "status", "body", "broken"};

/// Connects (at most 2 s), then makes the socket non-blocking: on loopback this is one round through the kernel,
/// and all timed connections are open before the clock starts.
static bool connect_to(Client *client, Connection *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket: %s (raise 'ulimit -n')", strerror(errno));
    const int on = 1;
    const struct timeval limit = {.tv_sec = 2};
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (client->receive_buffer)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &client->receive_buffer, sizeof client->receive_buffer);
    if (connect(c->fd, (struct sockaddr *)&client->address, sizeof client->address) != 0) {
        close(c->fd);
        c->fd = -1;
        return false;
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
    return true;
}

static void disconnect(Connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void finish(Client *client, Connection *c, Outcome outcome) {
    static int shown = 0;
    if (outcome != OUTCOME_OK && shown++ < 3) {
        const Body *body = &c->response.body;
        int length = body->window_length < 400 ? (int)body->window_length : 400;
        fprintf(stderr, "loadgen: bad answer (%s): status %d, %llu body bytes, %llu events, ending: %.*s\n",
                outcome_names[outcome], c->response.status, (unsigned long long)body->bytes,
                (unsigned long long)body->events, length, body->window + body->window_length - length);
    }
    if (outcome == OUTCOME_BROKEN || !c->response.keeps_alive) disconnect(c);
    c->is_busy = false;
    client->hooks.on_answer(client, c, outcome, client->now);
}

static Outcome judge(const Client *client, const Response *r) {
    if (r->status != 200) return OUTCOME_STATUS;
    if (client->expected && !body_contains(&r->body, client->expected)) return OUTCOME_BODY;
    return r->body.events < client->least_events ? OUTCOME_BODY : OUTCOME_OK;
}

typedef struct { Client *client; Connection *connection; } StampContext;

static void pass_stamp(void *context, int64_t stamp) {
    StampContext *at = context;
    at->client->hooks.on_stamp(at->client, at->connection, stamp, at->client->now);
    at->connection->last_stamp = at->client->now;
}

static void receive(Client *client, Connection *c) {
    static char buffer[128 * 1024];
    ssize_t length = recv(c->fd, buffer, sizeof buffer, 0);
    client->now = now_ns();
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) {
        bool whole = length == 0 && c->is_busy && response_closed(&c->response);
        if (!c->is_busy)
            disconnect(c);   // an idle connection that the server gave up
        else
            finish(client, c, whole ? judge(client, &c->response) : OUTCOME_BROKEN);
        return;
    }
    StampContext context = {client, c};
    long used = c->is_busy ? response_feed(&c->response, buffer, (size_t)length, pass_stamp, &context) : 0;
    bool is_whole = c->is_busy && c->response.state == COMPLETE;
    if (used == length && !is_whole) return;
    if (used == length) {
        finish(client, c, judge(client, &c->response));
    } else if (c->is_busy) {
        finish(client, c, OUTCOME_BROKEN);   // not HTTP, or bytes that nobody asked for behind the answer
    } else {
        disconnect(c);
    }
}

void client_open(Client *client, int count) {
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->connections = calloc((size_t)count, sizeof *client->connections);
    if (client->epoll < 0 || !client->connections) fail("no resources for %d connections", count);
    client->count = count;
    for (int i = 0; i < count; i++)
        if (!connect_to(client, &client->connections[i]))
            fail("connection %d of %d to port %d: %s", i + 1, count, ntohs(client->address.sin_port), strerror(errno));
}

void client_send(Client *client, Connection *c, uint64_t number, int64_t intended) {
    c->number = number;
    c->intended = intended;
    c->last_stamp = 0;
    response_reset(&c->response, client->hooks.on_stamp != NULL);
    c->is_busy = true;
    c->sent = client->now = now_ns();
    bool is_connected = c->fd >= 0 || connect_to(client, c);
    // One small request at a time fits into an empty socket buffer, so a short write is a fault.
    ssize_t length = is_connected ? send(c->fd, client->request, client->request_length, MSG_NOSIGNAL) : -1;
    if (length != (ssize_t)client->request_length) finish(client, c, OUTCOME_BROKEN);
}

void client_poll(Client *client, int64_t deadline) {
    struct epoll_event events[256];
    struct timespec timeout = timespec_of(deadline - now_ns());
    int count = epoll_pwait2(client->epoll, events, sizeof events / sizeof *events, &timeout, NULL);
    if (count < 0 && errno != EINTR) fail("epoll_pwait2: %s", strerror(errno));
    for (int i = 0; i < count; i++) receive(client, events[i].data.ptr);
}

void client_close(Client *client) {
    for (int i = 0; i < client->count; i++) disconnect(&client->connections[i]);
    free(client->connections);
    close(client->epoll);
}
