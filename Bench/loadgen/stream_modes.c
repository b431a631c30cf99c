// Streams: delay of events, memory of silent streams, slow readers.
#include "modes.h"

#include "clock.h"
#include "histogram.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    Tally tally;
    bool is_counted;
    int open;                  // streams of this round without an end yet
    uint64_t stamped;          // events of the counted rounds
    Histogram first_token;     // from the moment the stream was due to its first stamped event
    Histogram delay;           // of each later event: from the upstream's stamp to its arrival here
    Histogram gap;             // between two events of a stream
} Streams;

// MARK: timed streams

static void on_stamp(Client *client, Connection *c, int64_t stamp, int64_t now) {
    Streams *streams = client->mode;
    if (!streams->is_counted) return;
    streams->stamped++;
    if (c->last_stamp == 0) {
        histogram_add(&streams->first_token, now - c->intended);
    } else {
        histogram_add(&streams->delay, now - stamp);
        histogram_add(&streams->gap, now - c->last_stamp);
    }
}

static void on_stream_end(Client *client, Connection *c, Outcome outcome, int64_t now) {
    (void)now;
    Streams *streams = client->mode;
    tally_add(&streams->tally, outcome);
    streams->open--;
    if (outcome != OUTCOME_OK || !streams->is_counted) return;
    streams->tally.counted++;
    streams->tally.events += c->response.body.events;
    streams->tally.bytes += c->response.body.bytes;
}

static void run_round(Run *run, Streams *streams) {
    Client *client = &run->client;
    const int64_t start = now_ns(), give_up = start + 30 * NS_PER_S, stagger = (int64_t)(run->stagger * 1e9);
    int sent = 0;
    streams->open = client->count;
    while (streams->open > 0) {
        int64_t now = now_ns();
        if (now > give_up) fail("%d of %d streams did not end within 30 s", streams->open, client->count);
        for (; sent < client->count && start + sent * stagger <= now; sent++)
            client_send(client, &client->connections[sent], 0, start + sent * stagger);
        client_poll(client, sent < client->count ? start + sent * stagger : give_up);
    }
}

void run_sse(Run *run, int count) {
    Client *client = &run->client;
    Streams *streams = calloc(1, sizeof *streams);
    client->hooks = (ClientHooks){.on_answer = on_stream_end, .on_stamp = on_stamp};
    client->mode = streams;
    client_open(client, count);
    run_round(run, streams);
    streams->is_counted = true;
    tally_start(&streams->tally, &run->processes);
    for (int i = 0; i < run->repeats; i++) run_round(run, streams);
    printf("{\"mode\":\"sse\",");
    tally_print(&streams->tally, &run->processes);
    printf(",\"stamped\":%llu,", (unsigned long long)streams->stamped);
    histogram_print(&streams->first_token, "first");
    putchar(',');
    histogram_print(&streams->delay, "delay");
    putchar(',');
    histogram_print(&streams->gap, "gap");
    puts("}");
    client_close(client);
    free(streams);
}

// MARK: silent streams

static int begun_streams(const Client *client) {
    int begun = 0;
    for (int i = 0; i < client->count; i++)
        begun += client->connections[i].is_busy && client->connections[i].response.body.events > 0;
    return begun;
}

static void poll_for(Client *client, int64_t ns) {
    for (int64_t end = now_ns() + ns; now_ns() < end;) client_poll(client, end);
}

void run_idle(Run *run, int count, double hold_seconds) {
    Client *client = &run->client;
    Streams *streams = calloc(1, sizeof *streams);
    client->hooks = (ClientHooks){.on_answer = on_stream_end};
    client->mode = streams;
    const int64_t before = processes_rss_kib(&run->processes);
    client_open(client, count);
    for (int i = 0; i < count; i++) {
        client_send(client, &client->connections[i], 0, 0);
        client_poll(client, 0);   // keeps pace with the server: its accept queue is finite
    }
    for (int64_t give_up = now_ns() + 60 * NS_PER_S; begun_streams(client) < count && now_ns() < give_up;)
        client_poll(client, now_ns() + 50 * NS_PER_MS);
    poll_for(client, (int64_t)(hold_seconds * 1e9));
    const int64_t held = processes_rss_kib(&run->processes);
    printf("{\"mode\":\"idle\",\"streams\":%d,\"alive\":%d,\"rss_before_kib\":%lld,\"rss_held_kib\":%lld,"
           "\"kib_per_stream\":%.2f}\n",
           count, begun_streams(client), (long long)before, (long long)held, (double)(held - before) / count);
    client_close(client);
    free(streams);
}

// MARK: slow readers

void run_slow(Run *run, int count, double seconds) {
    Client *client = &run->client;
    Streams *streams = calloc(1, sizeof *streams);
    client->hooks = (ClientHooks){.on_answer = on_stream_end};
    client->mode = streams;
    client->receive_buffer = 4096;
    const int64_t before = processes_rss_kib(&run->processes);
    client_open(client, count);
    for (int i = 0; i < count; i++) client_send(client, &client->connections[i], 0, 0);

    // Reads by hand: the loop would take everything that has arrived.
    int64_t highest = before, next = now_ns();
    const int64_t end = next + (int64_t)(seconds * 1e9);
    uint64_t bytes = 0;
    int good = 0, gone = 0;
    bool *has_begun = calloc((size_t)count, sizeof *has_begun);
    for (; next < end; next += 100 * NS_PER_MS) {
        struct timespec at = timespec_of(next);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        for (int i = 0; i < count; i++) {
            char buffer[1024];
            ssize_t length = recv(client->connections[i].fd, buffer, sizeof buffer, 0);
            if (length == 0) gone++;
            if (length <= 0) continue;
            bytes += (uint64_t)length;
            if (!has_begun[i]) good += length >= 12 && memcmp(buffer, "HTTP/1.1 200", 12) == 0;
            has_begun[i] = true;
        }
        int64_t rss = processes_rss_kib(&run->processes);
        if (rss > highest) highest = rss;
    }
    printf("{\"mode\":\"slow\",\"readers\":%d,\"alive\":%d,\"bytes\":%llu,\"rss_before_kib\":%lld,"
           "\"rss_highest_kib\":%lld,\"kib_per_reader\":%.2f}\n",
           count, good - gone, (unsigned long long)bytes, (long long)before, (long long)highest,
           (double)(highest - before) / count);
    client_close(client);
    free(has_begun);
    free(streams);
}
