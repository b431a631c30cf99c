#include "tally.h"

#include "clock.h"
#include <stdio.h>

void tally_start(Tally *tally, const Processes *processes) {
    tally->cpu = processes_cpu_ns(processes);
    tally->own_cpu = own_cpu_ns();
    tally->time = now_ns();
}

void tally_add(Tally *tally, Outcome outcome) {
    tally->outcomes[outcome]++;
    if (outcome != OUTCOME_OK && tally->outcomes[outcome] > 1000)
        fail("more than 1,000 bad answers (%s)", outcome_names[outcome]);
}

void tally_print(const Tally *tally, const Processes *processes) {
    double seconds = (double)(now_ns() - tally->time) / 1e9;
    double cpu = (double)(processes_cpu_ns(processes) - tally->cpu);
    double own_cpu = (double)(own_cpu_ns() - tally->own_cpu);
    double requests = tally->counted ? (double)tally->counted : 1;
    uint64_t errors = 0;
    for (int i = OUTCOME_OK + 1; i < OUTCOME_COUNT; i++) errors += tally->outcomes[i];
    printf("\"ok\":%llu,\"errors\":%llu,\"counted\":%llu,\"events\":%llu,\"bytes\":%llu,\"seconds\":%.3f,",
           (unsigned long long)tally->outcomes[OUTCOME_OK], (unsigned long long)errors,
           (unsigned long long)tally->counted, (unsigned long long)tally->events, (unsigned long long)tally->bytes,
           seconds);
    printf("\"per_second\":%.1f,\"events_per_second\":%.1f,\"cpu_us_per_request\":%.2f,\"cpu_share\":%.3f,",
           (double)tally->counted / seconds, (double)tally->events / seconds, cpu / requests / 1e3,
           cpu / 1e9 / seconds);
    printf("\"loadgen_cpu_share\":%.3f,\"rss_kib\":%lld", own_cpu / 1e9 / seconds,
           (long long)processes_rss_kib(processes));
}
