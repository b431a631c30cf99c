#include "histogram.h"

#include <stdio.h>

static int bucket_of(uint64_t value) {
    if (value < (1u << HISTOGRAM_BITS)) return (int)value;
    int shift = 63 - __builtin_clzll(value) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (int)(value >> shift);
}

static int64_t upper_end_of(int bucket) {
    if (bucket < (1 << HISTOGRAM_BITS)) return bucket;
    int shift = (bucket >> HISTOGRAM_BITS) - 1;
    int64_t mantissa = bucket - ((int64_t)shift << HISTOGRAM_BITS);
    return ((mantissa + 1) << shift) - 1;
}

void histogram_add(Histogram *h, int64_t ns) {
    const int64_t highest = (INT64_C(1) << HISTOGRAM_MAX_BITS) - 1;
    if (ns < 0) ns = 0;
    if (ns > highest) ns = highest;
    if (ns > h->max) h->max = ns;
    h->counts[bucket_of((uint64_t)ns)]++;
    h->total++;
}

int64_t histogram_at(const Histogram *h, double share) {
    if (h->total == 0) return 0;
    uint64_t wanted = (uint64_t)(share * (double)h->total + 0.999999);
    if (wanted < 1) wanted = 1;
    uint64_t seen = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= wanted) {
            int64_t end = upper_end_of(i);
            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}

void histogram_print(const Histogram *h, const char *name) {
    const struct { const char *label; double share; } marks[] = {{"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}};
    for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++)
        printf("\"%s_%s_us\":%.1f,", name, marks[i].label, (double)histogram_at(h, marks[i].share) / 1e3);
    printf("\"%s_max_us\":%.1f,\"%s_samples\":%llu", name, (double)h->max / 1e3, name, (unsigned long long)h->total);
}
