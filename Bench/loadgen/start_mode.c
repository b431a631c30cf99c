// From exec to the first whole answer.
#define _GNU_SOURCE
#include "modes.h"

#include "clock.h"
#include "tally.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t launch(char *const command[]) {
    pid_t child = fork();
    if (child < 0) fail("fork: %s", strerror(errno));
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);   // stdout of this tool is the result line
        execvp(command[0], command);
        _exit(127);
    }
    return child;
}

/// One request on a connection of its own. Returns whether a 200 came within 50 ms.
static bool is_answered(const Client *client) {
    char answer[4096];
    const struct timeval limit = {.tv_usec = 50000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    bool good = connect(fd, (const struct sockaddr *)&client->address, sizeof client->address) == 0
        && send(fd, client->request, client->request_length, MSG_NOSIGNAL) == (ssize_t)client->request_length
        && recv(fd, answer, sizeof answer, 0) >= 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
    close(fd);
    return good;
}

void run_start(Run *run, char *const command[]) {
    const int64_t begin = now_ns(), give_up = begin + 10 * NS_PER_S;
    const pid_t child = launch(command);
    const struct timespec pause = timespec_of(100 * NS_PER_US);
    bool good = false;
    int status;
    while (!(good = is_answered(&run->client)) && now_ns() < give_up) {
        if (waitpid(child, &status, WNOHANG) == child) fail("%s ended before it answered", command[0]);
        nanosleep(&pause, NULL);
    }
    const int64_t ready = now_ns();
    kill(child, SIGTERM);
    for (int64_t limit = now_ns() + 10 * NS_PER_S; waitpid(child, &status, WNOHANG) == 0;) {
        if (now_ns() > limit) kill(child, SIGKILL);
        nanosleep(&pause, NULL);
    }
    if (!good) fail("%s did not answer within 10 s", command[0]);
    printf("{\"mode\":\"start\",\"first_answer_ms\":%.2f,\"stop_ms\":%.2f,\"exit\":%d}\n",
           (double)(ready - begin) / 1e6, (double)(now_ns() - ready) / 1e6,
           WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}
