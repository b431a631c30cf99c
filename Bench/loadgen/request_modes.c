// Open and closed loop of single requests.
#include "modes.h"

#include "clock.h"
#include "histogram.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    Tally tally;
    Histogram latency;
    uint64_t first_counted;    // number of the first request that counts; UINT64_MAX: none yet
    int64_t end;               // saturate: no new request after this (ns)
    uint64_t answered;
    int free_count, free_head;
    Connection **free;         // open: a ring, so that all connections take turns
} Load;

static void count(Load *load, Connection *c, Outcome outcome, int64_t latency) {
    tally_add(&load->tally, outcome);
    load->answered++;
    if (outcome != OUTCOME_OK || c->number < load->first_counted) return;
    load->tally.counted++;
    load->tally.events += c->response.body.events;
    load->tally.bytes += c->response.body.bytes;
    histogram_add(&load->latency, latency);
}

static void print(const Run *run, const Load *load, const char *mode) {
    printf("{\"mode\":\"%s\",", mode);
    tally_print(&load->tally, &run->processes);
    putchar(',');
    histogram_print(&load->latency, "latency");
    puts("}");
}

// MARK: open loop

static void free_connection(Client *client, Connection *c) {
    Load *load = client->mode;
    load->free[(load->free_head + load->free_count++) % client->count] = c;
}

static void on_open_answer(Client *client, Connection *c, Outcome outcome, int64_t now) {
    count(client->mode, c, outcome, now - c->intended);
    free_connection(client, c);
}

/// Sends what is due and not yet sent, as far as connections are free. Returns the number sent in all.
static uint64_t send_due(Client *client, Load *load, uint64_t sent, uint64_t due, int64_t start, double period) {
    while (sent < due && load->free_count > 0) {
        Connection *c = load->free[load->free_head];
        load->free_head = (load->free_head + 1) % client->count;
        load->free_count--;
        client_send(client, c, sent, start + (int64_t)((double)sent * period));
        sent++;
    }
    return sent;
}

void run_open(Run *run, double rate, double seconds) {
    Client *client = &run->client;
    Load *load = calloc(1, sizeof *load);
    load->free = calloc((size_t)run->connections, sizeof *load->free);
    client->hooks = (ClientHooks){.on_answer = on_open_answer};
    client->mode = load;
    client_open(client, run->connections);
    for (int i = 0; i < client->count; i++) free_connection(client, &client->connections[i]);

    const double period = 1e9 / rate;
    const uint64_t total = (uint64_t)(rate * (run->warmup + seconds));
    load->first_counted = (uint64_t)(rate * run->warmup);
    const int64_t start = now_ns() + 10 * NS_PER_MS;
    const int64_t give_up = start + (int64_t)((double)total * period) + 5 * NS_PER_S;
    uint64_t due = 0, sent = 0;
    while (load->answered < total && now_ns() < give_up) {
        while (due < total && start + (int64_t)((double)due * period) <= now_ns()) {
            if (due == load->first_counted) tally_start(&load->tally, &run->processes);
            due++;
        }
        sent = send_due(client, load, sent, due, start, period);
        client_poll(client, due < total ? start + (int64_t)((double)due * period) : give_up);
    }
    // What was due and never answered must not vanish from the account.
    for (uint64_t i = load->answered; i < total; i++) load->tally.outcomes[OUTCOME_BROKEN]++;
    print(run, load, "open");
    client_close(client);
    free(load->free);
    free(load);
}

// MARK: closed loop

static void on_saturate_answer(Client *client, Connection *c, Outcome outcome, int64_t now) {
    Load *load = client->mode;
    count(load, c, outcome, now - c->sent);
    if (now < load->end) client_send(client, c, c->number + 1, now);
}

void run_saturate(Run *run, int connections, double seconds) {
    Client *client = &run->client;
    Load *load = calloc(1, sizeof *load);
    client->hooks = (ClientHooks){.on_answer = on_saturate_answer};
    client->mode = load;
    load->first_counted = UINT64_MAX;
    client_open(client, connections);

    const int64_t begin = now_ns() + (int64_t)(run->warmup * 1e9);
    load->end = begin + (int64_t)(seconds * 1e9);
    for (int i = 0; i < connections; i++) client_send(client, &client->connections[i], 0, 0);
    while (now_ns() < begin) client_poll(client, begin);
    tally_start(&load->tally, &run->processes);
    load->first_counted = 0;
    while (now_ns() < load->end) client_poll(client, load->end);
    print(run, load, "saturate");
    client_close(client);
    free(load);
}
