#include "processes.h"

#include "clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t clock_ns(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) return -1;
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

// The process's CPU clock rather than the tick counts of /proc/PID/stat: those step by 10 ms, which is more
// than a gateway spends in a whole run at 20 requests/s.
int64_t processes_cpu_ns(const Processes *p) {
    int64_t sum = 0;
    for (int i = 0; i < p->count; i++) {
        clockid_t clock;
        int64_t ns = clock_getcpuclockid(p->ids[i], &clock) == 0 ? clock_ns(clock) : -1;
        if (ns < 0) fail("process %d is gone: its CPU time cannot be read", (int)p->ids[i]);
        sum += ns;
    }
    return sum;
}

int64_t processes_rss_kib(const Processes *p) {
    int64_t sum = 0;
    for (int i = 0; i < p->count; i++) {
        char path[64], line[256];
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)p->ids[i]);
        FILE *file = fopen(path, "r");
        if (!file) fail("cannot open %s: the process is gone or belongs to another user", path);
        long kib = -1;
        while (kib < 0 && fgets(line, sizeof line, file)) sscanf(line, "Rss: %ld kB", &kib);
        fclose(file);
        if (kib < 0) fail("%s has no Rss line", path);
        sum += kib;
    }
    return sum;
}

int64_t own_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("loadgen: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}
