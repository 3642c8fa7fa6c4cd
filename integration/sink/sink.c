/* sink is a Riemann server for tests, on libriemann-client: an implementation of
 * the protocol that nobody here wrote. It prints each event as one line of JSON and acknowledges, or misbehaves as told.
 *
 *   gcc -O1 -o sink sink.c -lriemann-client
 *   sink [ADDRESS:]PORT [--delay MS] [--refuse] [--refuse-service S] [--hangup N] [--silent] [--count]
 *
 * PORT 0 takes a free one. The first line on stderr is "listening ADDRESS:PORT".
 * --delay   answers MS milliseconds late
 * --refuse  answers every message with ok=false; --refuse-service only those with an event of service S
 * --hangup  closes each connection in the middle of an answer once it has brought N events
 * --silent  reads, prints and never answers
 * --count   prints no events, but "count N" when a connection ends
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <riemann/message.h>

#define MAX_FRAME (16u << 20)

static struct { long delay, hangup; int refuse, silent, count; const char *service; } opt;

static void die(const char *what) { perror(what); exit(1); }

/* full moves n bytes, or says that the peer is gone; put is 1 to write. */
static int full(int fd, void *buf, size_t n, int put) {
    for (char *p = buf; n > 0;) {
        ssize_t k = put ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);
        if (k <= 0) return 0;
        p += k;
        n -= k;
    }
    return 1;
}

static void string(FILE *out, const char *s) {
    if (!s) { fputs("null", out); return; }
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p == '"' || *p == '\\') fprintf(out, "\\%c", *p);
        else if (*p < 0x20) fprintf(out, "\\u%04x", *p);
        else fputc(*p, out);
    }
    fputc('"', out);
}

static void field(FILE *out, const char *name, const char *s) {
    fprintf(out, "\"%s\":", name);
    string(out, s);
    fputc(',', out);
}

static void metric(FILE *out, const Event *e) {
    if (e->has_metric_d) fprintf(out, "%.17g", e->metric_d);
    else if (e->has_metric_f) fprintf(out, "%.9g", e->metric_f);
    else if (e->has_metric_sint64) fprintf(out, "%lld", (long long)e->metric_sint64);
    else fputs("null", out);
}

/* print writes one event; the line leaves in one write, so that processes do not mix theirs. */
static void print(const Event *e) {
    char *line;
    size_t n;
    FILE *out = open_memstream(&line, &n);
    fputc('{', out);
    field(out, "host", e->host);
    field(out, "service", e->service);
    field(out, "state", e->state);
    field(out, "description", e->description);
    if (e->has_time) fprintf(out, "\"time\":%lld,", (long long)e->time);
    if (e->has_time_micros) fprintf(out, "\"time_micros\":%lld,", (long long)e->time_micros);
    if (e->has_ttl) fprintf(out, "\"ttl\":%.9g,", e->ttl);
    fputs("\"metric\":", out);
    metric(out, e);
    fputs(",\"tags\":[", out);
    for (size_t i = 0; i < e->n_tags; i++) {
        if (i) fputc(',', out);
        string(out, e->tags[i]);
    }
    fputs("],\"attributes\":{", out);
    for (size_t i = 0; i < e->n_attributes; i++) {
        if (i) fputc(',', out);
        string(out, e->attributes[i]->key);
        fputc(':', out);
        string(out, e->attributes[i]->value);
    }
    fputs("}}\n", out);
    fclose(out);
    if (write(STDOUT_FILENO, line, n) != (ssize_t)n) die("write");
    free(line);
}

static int refused(const Msg *m) {
    if (opt.refuse) return 1;
    for (size_t i = 0; opt.service && i < m->n_events; i++)
        if (m->events[i]->service && !strcmp(m->events[i]->service, opt.service)) return 1;
    return 0;
}

/* answer sends the ack, or half of it. */
static int answer(int fd, int ok, int half) {
    riemann_message_t *reply = riemann_message_new();
    reply->has_ok = 1;
    reply->ok = ok;
    if (!ok) reply->error = strdup("refused as told");
    size_t n = 0;
    uint8_t *frame = riemann_message_to_buffer(reply, &n); /* with its length in front */
    int sent = full(fd, frame, half ? 5 : n, 1);
    free(frame);
    riemann_message_free(reply);
    return sent && !half;
}

/* serve reads frames until the peer goes, and gives the number of events it brought. */
static long serve(int fd) {
    long seen = 0;
    uint32_t head;
    while (full(fd, &head, 4, 0)) {
        uint32_t n = ntohl(head);
        uint8_t *buf = n <= MAX_FRAME ? malloc(n ? n : 1) : NULL;
        if (!buf || !full(fd, buf, n, 0)) { free(buf); break; }
        riemann_message_t *m = riemann_message_from_buffer(buf, n);
        free(buf);
        if (!m) { fprintf(stderr, "undecodable message of %u bytes\n", n); break; }
        int ok = !refused(m);
        for (size_t i = 0; ok && !opt.count && i < m->n_events; i++) print(m->events[i]);
        seen += ok ? m->n_events : 0;
        riemann_message_free(m);
        if (opt.silent) continue;
        if (opt.delay) {
            struct timespec t = { opt.delay / 1000, opt.delay % 1000 * 1000000 };
            nanosleep(&t, NULL);
        }
        if (!answer(fd, ok, opt.hangup && seen >= opt.hangup)) break;
    }
    return seen;
}

static int listener(const char *where) {
    struct sockaddr_in a = { .sin_family = AF_INET };
    char host[64] = "127.0.0.1", shown[64];
    const char *colon = strrchr(where, ':');
    if (colon) snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1) { fprintf(stderr, "not an IPv4 address: %s\n", host); exit(2); }
    a.sin_port = htons(atoi(colon ? colon + 1 : where));
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    socklen_t n = sizeof a;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || listen(fd, 64) || getsockname(fd, (struct sockaddr *)&a, &n)) die("listen");
    inet_ntop(AF_INET, &a.sin_addr, shown, sizeof shown);
    fprintf(stderr, "listening %s:%d\n", shown, ntohs(a.sin_port));
    return fd;
}

int main(int argc, char **argv) {
    const char *where = NULL;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--delay")) opt.delay = atol(value), i++;
        else if (!strcmp(argv[i], "--hangup")) opt.hangup = atol(value), i++;
        else if (!strcmp(argv[i], "--refuse-service")) opt.service = value, i++;
        else if (!strcmp(argv[i], "--refuse")) opt.refuse = 1;
        else if (!strcmp(argv[i], "--silent")) opt.silent = 1;
        else if (!strcmp(argv[i], "--count")) opt.count = 1;
        else if (argv[i][0] != '-' && !where) where = argv[i];
        else { fprintf(stderr, "usage: sink [ADDRESS:]PORT [flags], see sink.c\n"); return 2; }
    }
    if (!where) { fprintf(stderr, "usage: sink [ADDRESS:]PORT [flags], see sink.c\n"); return 2; }
    signal(SIGCHLD, SIG_IGN);
    int fd = listener(where), one = 1;
    for (;;) { /* one process a connection; they end with it, or with the sink's group */
        int peer = accept(fd, NULL, NULL);
        if (peer < 0) continue;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (fork()) { close(peer); continue; }
        close(fd);
        long n = serve(peer);
        if (opt.count) { char line[64]; int k = snprintf(line, sizeof line, "count %ld\n", n); if (write(STDOUT_FILENO, line, k) < 0) die("write"); }
        _exit(0);
    }
}
