#pragma once
// Linux calls that Swift's Glibc module leaves out (epoll, eventfd, accept4, memmem), behind one header.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/// `memmem` with its position as an offset; -1 when the needle is absent.
ptrdiff_t csystem_find(const void *haystack, size_t length, const void *needle, size_t needle_length);
/// A TCP socket with SOCK_NONBLOCK | SOCK_CLOEXEC. The constants are an enum here, whose owner among the C modules
/// differs between debug and release builds, so Swift code does not name them.
int csystem_stream_socket(int family);
/// `accept4` with SOCK_NONBLOCK | SOCK_CLOEXEC.
int csystem_accept(int listener, struct sockaddr_storage *peer, socklen_t *peer_length);
/// One pointer per thread, NULL until it is set: Swift has no thread-local variables.
const void *csystem_thread_value(void);
void csystem_set_thread_value(const void *value);
/// Names the calling thread for `top` and debuggers; names above 15 bytes are ignored by the system.
void csystem_name_thread(const char *name);
/// SIGPIPE set to SIG_IGN, a macro that Swift cannot read.
void csystem_ignore_broken_pipes(void);
/// No core dumps and no attaching debugger of the same user: the memory holds secrets.
void csystem_hide_memory(void);
/// At most so many heaps: glibc's own rule of eight per core keeps freed memory many times over.
void csystem_limit_heaps(int count);
/// Returns freed memory to the system. Holds the heaps' locks for a few milliseconds.
void csystem_trim_heap(void);
/// A pipe whose ends no program inherits.
int csystem_pipe(int ends[2]);
/// A step of `posix_spawn`, whose file actions these are: the child inherits no descriptor from this number on.
int csystem_spawn_close_from(void *actions, int first);
