#define _GNU_SOURCE
#include "csystem.h"
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>

ptrdiff_t csystem_find(const void *haystack, size_t length, const void *needle, size_t needle_length) {
    const char *found = memmem(haystack, length, needle, needle_length);
    return found == NULL ? -1 : found - (const char *)haystack;
}

int csystem_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int csystem_accept(int listener, struct sockaddr_storage *peer, socklen_t *peer_length) {
    return accept4(listener, (struct sockaddr *)peer, peer_length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static _Thread_local const void *thread_value;

const void *csystem_thread_value(void) { return thread_value; }

void csystem_set_thread_value(const void *value) { thread_value = value; }

void csystem_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void csystem_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

void csystem_hide_memory(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

void csystem_limit_heaps(int count) { mallopt(M_ARENA_MAX, count); }

void csystem_trim_heap(void) { malloc_trim(0); }

int csystem_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int csystem_spawn_close_from(void *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
