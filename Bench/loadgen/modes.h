/// The ways to load a server. Each runs to its end and prints one JSON object on one line to stdout.
#ifndef BENCH_MODES_H
#define BENCH_MODES_H

#include "client.h"
#include "processes.h"

typedef struct {
    Client client;
    Processes processes;      // whose CPU time and memory are reported
    double warmup;            // seconds (open, saturate) before anything is counted
    int connections;          // open: how many are opened beforehand
    int repeats;              // sse: recorded rounds, after one that is not
    double stagger;           // sse: seconds between the starts of two streams of a round
} Run;

/// Open loop: requests are due at a fixed rate whatever the server does, and latency counts from the moment a request
/// was due, so that a stall is charged to every request it delayed.
void run_open(Run *run, double rate, double seconds);

/// Closed loop: each connection sends its next request as soon as it has the answer to the last.
void run_saturate(Run *run, int connections, double seconds);

/// Rounds of streams whose events carry the time they left the upstream: delay of the first token and of each event.
void run_sse(Run *run, int streams);

/// Streams that have begun and are then silent: memory per stream.
void run_idle(Run *run, int streams, double hold_seconds);

/// Readers that take 1 KiB per 100 ms of an endless answer: memory, which back-pressure must bound.
void run_slow(Run *run, int readers, double seconds);

/// Starts the command and asks until the first whole answer; then ends the command with SIGTERM.
void run_start(Run *run, char *const command[]);

#endif
