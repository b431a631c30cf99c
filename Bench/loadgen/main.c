// loadgen: an HTTP/1.1 load generator for loopback, bounded in count and time, honest about coordinated omission.
#define _GNU_SOURCE
#include "modes.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static const char usage[] =
    "usage: loadgen [options] MODE …           prints one line of JSON\n"
    "  open RATE SECONDS          open loop at RATE requests/s, latency from the moment a request was due\n"
    "  saturate COUNT SECONDS     COUNT connections, each always with one request out\n"
    "  sse COUNT                  COUNT timed streams at once: delay of first token and of events\n"
    "  idle COUNT SECONDS         COUNT silent streams held open: memory\n"
    "  slow COUNT SECONDS         COUNT readers of 10 KiB/s each: memory\n"
    "  start COMMAND …            from exec to the first answer\n"
    "options:\n"
    "  --port N                   of the server on 127.0.0.1 (required)\n"
    "  --path P                   default /; a POST when there is a body\n"
    "  --header 'Name: value'     may be repeated\n"
    "  --body FILE                request body, sent as JSON\n"
    "  --expect TEXT              every answer must contain it near its end\n"
    "  --least-events N           every answer must have so many SSE events\n"
    "  --pid N                    process whose CPU time and memory to report; may be repeated\n"
    "  --warmup SECONDS           open, saturate: not counted (default 0.5)\n"
    "  --connections N            open: connections opened beforehand (default 64)\n"
    "  --repeats N                sse: counted rounds (default 5)\n"
    "  --stagger-us N             sse: between the starts of two streams (default 0)\n";

enum { MOST_CONNECTIONS = 20000, MOST_SECONDS = 120, MOST_RATE = 50000 };

static double number(const char *text, double least, double most) {
    char *end;
    double value = strtod(text ? text : "", &end);
    if (!text || *text == 0 || *end != 0 || !(value >= least && value <= most))
        fail("'%s' is not a number from %g to %g; 'loadgen --help' shows what goes where", text ? text : "", least,
             most);
    return value;
}

/// The bytes of the file with a NUL behind them.
static char *contents(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    if (!file || getdelim(&bytes, &(size_t){0}, EOF, file) < 0) fail("cannot read %s", path);
    *length = strlen(bytes);
    fclose(file);
    return bytes;
}

static void make_request(Client *client, const char *path, const char *headers, const char *body_file) {
    char *body = NULL, *request = NULL;
    size_t body_length = 0;
    if (body_file) body = contents(body_file, &body_length);
    int length = body_file
        ? asprintf(&request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s", path, ntohs(client->address.sin_port), headers, body_length, body)
        : asprintf(&request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", path, ntohs(client->address.sin_port),
                   headers);
    if (length < 0) fail("out of memory");
    free(body);
    client->request = request;
    client->request_length = (size_t)length;
}

static void append_header(char **headers, const char *line) {
    char *longer;
    if (asprintf(&longer, "%s%s\r\n", *headers, line) < 0) fail("out of memory");
    free(*headers);
    *headers = longer;
}

/// Fills in the run; returns the index of the mode's name in `argv`.
static int read_options(Run *run, int argc, char *argv[]) {
    static const struct option options[] = {
        {"port", 1, 0, 'p'},    {"path", 1, 0, 'u'},    {"header", 1, 0, 'H'},      {"body", 1, 0, 'b'},
        {"expect", 1, 0, 'e'},  {"pid", 1, 0, 'P'},     {"least-events", 1, 0, 'l'}, {"warmup", 1, 0, 'w'},
        {"repeats", 1, 0, 'r'}, {"help", 0, 0, 'h'},    {"connections", 1, 0, 'c'}, {"stagger-us", 1, 0, 's'}, {0}};
    const char *path = "/", *body = NULL;
    char *headers = strdup("");
    run->client.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    run->warmup = 0.5;
    run->connections = 64;
    run->repeats = 5;
    for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) switch (c) {
        case 'p': run->client.address.sin_port = htons((uint16_t)number(optarg, 1, 65535)); break;
        case 'u': path = optarg; break;
        case 'H': append_header(&headers, optarg); break;
        case 'b': body = optarg; break;
        case 'e': run->client.expected = optarg; break;
        case 'l': run->client.least_events = (uint64_t)number(optarg, 0, 1e9); break;
        case 'P':
            if (run->processes.count == MAX_PROCESSES) fail("at most %d processes", MAX_PROCESSES);
            run->processes.ids[run->processes.count++] = (pid_t)number(optarg, 1, 1e9);
            break;
        case 'w': run->warmup = number(optarg, 0, 10); break;
        case 'c': run->connections = (int)number(optarg, 1, MOST_CONNECTIONS); break;
        case 'r': run->repeats = (int)number(optarg, 1, 100); break;
        case 's': run->stagger = number(optarg, 0, 1e6) / 1e6; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    if (run->client.address.sin_port == 0) fail("--port is required; 'loadgen --help' lists the options");
    make_request(&run->client, path, headers, body);
    free(headers);
    return optind;
}

int main(int argc, char *argv[]) {
    static Run run;
    char **words = argv + read_options(&run, argc, argv);
    const char *mode = words[0] ? words[0] : "";
    setvbuf(stdout, NULL, _IOFBF, 0);
    if (strcmp(mode, "start") == 0 && words[1]) {
        run_start(&run, words + 1);
        return 0;
    }
    prctl(PR_SET_TIMERSLACK, 1UL);   // the default of 50 µs would be added to every latency
    if (strcmp(mode, "sse") == 0)
        run_sse(&run, (int)number(words[1], 1, MOST_CONNECTIONS));
    else if (strcmp(mode, "open") == 0)
        run_open(&run, number(words[1], 1, MOST_RATE), number(words[1] ? words[2] : NULL, 0.1, MOST_SECONDS));
    else if (strcmp(mode, "saturate") == 0 || strcmp(mode, "idle") == 0 || strcmp(mode, "slow") == 0) {
        int count = (int)number(words[1], 1, MOST_CONNECTIONS);
        double seconds = number(words[1] ? words[2] : NULL, 0.1, MOST_SECONDS);
        if (mode[0] == 'i')
            run_idle(&run, count, seconds);
        else if (mode[1] == 'l')
            run_slow(&run, count, seconds);
        else
            run_saturate(&run, count, seconds);
    } else {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}
