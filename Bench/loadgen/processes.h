/// CPU time and memory of the processes under measurement, and of this one.
#ifndef BENCH_PROCESSES_H
#define BENCH_PROCESSES_H

#include <stdint.h>
#include <sys/types.h>

enum { MAX_PROCESSES = 64 };

typedef struct {
    int count;
    pid_t ids[MAX_PROCESSES];
} Processes;

/// User + system time of all threads of all the processes, in ns.
/// A process that is gone ends the run: its time is lost.
int64_t processes_cpu_ns(const Processes *p);

/// Resident set of all the processes, in KiB, exact (smaps_rollup); pages they share are counted for each.
int64_t processes_rss_kib(const Processes *p);

/// User + system time of the load generator itself, in ns.
int64_t own_cpu_ns(void);

/// Ends the run with a message on stderr; a benchmark never goes on after something it cannot explain.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
