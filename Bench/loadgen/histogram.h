/// Counts durations in log-linear buckets: 128 per power of two, so a reported value is at most 0.8 % high.
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7,
    HISTOGRAM_MAX_BITS = 42,
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS
};

typedef struct {
    uint64_t total;
    int64_t max;
    uint64_t counts[HISTOGRAM_BUCKETS];
} Histogram;

/// - ns: negative counts as 0; above 2^42 ns (73 minutes) counts as that.
void histogram_add(Histogram *h, int64_t ns);

/// The upper end, in ns, of the bucket that holds the given share (0...1) of all values; 0 when empty.
int64_t histogram_at(const Histogram *h, double share);

/// Prints `"NAME_p50_us":…,"NAME_p90_us":…,"NAME_p99_us":…,"NAME_max_us":…,"NAME_samples":…` to stdout.
void histogram_print(const Histogram *h, const char *name);

#endif
