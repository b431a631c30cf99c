/// What a counted part of a run used and gave.
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "client.h"
#include "processes.h"

typedef struct {
    int64_t time, cpu, own_cpu;            // at the start of the counted part (ns)
    uint64_t outcomes[OUTCOME_COUNT];      // of the whole run: a failure while warming up is a failure too
    uint64_t counted;                      // good answers of the counted part
    uint64_t events, bytes;                // of these answers
} Tally;

void tally_start(Tally *tally, const Processes *processes);

/// Counts one outcome; ends the run when more than 1,000 went wrong.
void tally_add(Tally *tally, Outcome outcome);

/// Prints `"ok":…,"errors":…,"seconds":…,"per_second":…,"cpu_us_per_request":…,…` (no braces).
void tally_print(const Tally *tally, const Processes *processes);

#endif
