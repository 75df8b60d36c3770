/*
 * Streams: TCP connections made inside a pod's network namespace and relayed to the daemon. Either side sends at most
 * STREAM_WINDOW bytes ahead of what the other has taken, so one stalled client never blocks the pipe that all share.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream {
    struct watch watch;
    uint32_t id, events;
    pid_t pid;
    uint16_t port;
    int family, connected;
    int read_done;   /* the pod's side sent its end */
    int write_done;  /* the daemon's side sent its end; passed on when `pending` is empty */
    uint32_t credit; /* bytes that we may still send to the daemon */
    unsigned char *pending; /* from the daemon, for the pod: a ring of STREAM_WINDOW bytes */
    size_t start, length;
    struct stream *next;
};
static struct stream *streams;

static void drop(struct stream *s) {
    for (struct stream **p = &streams; *p; p = &(*p)->next) {
        if (*p != s) continue;
        *p = s->next;
        break;
    }
    if (s->watch.fd >= 0) watch_end(&s->watch);
    free(s->pending);
    free(s);
}

static void update(struct stream *s) {
    uint32_t events = 0;
    if (!s->connected || s->length) events |= EPOLLOUT;
    if (s->connected && !s->read_done && s->credit) events |= EPOLLIN;
    if (events != s->events) watch_change(&s->watch, events);
    s->events = events;
}

static void stream_ready(struct watch *w, uint32_t events);

/* Starts to connect; 0, or an errno when that failed at once. */
static int connect_to(struct stream *s, int family) {
    int fd = socket_in(s->pid, family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return errno;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(s->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int failed = family == AF_INET ? connect(fd, (void *)&v4, sizeof v4) : connect(fd, (void *)&v6, sizeof v6);
    if (failed && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return error;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->family = family;
    s->watch = (struct watch){fd, stream_ready};
    s->events = EPOLLOUT;
    watch_start(&s->watch, s->events);
    return 0;
}

/* IPv4 loopback refused: perhaps it listens on ::1 only. Reports the first error if not. */
static void refused(struct stream *s, int error) {
    if (s->watch.fd >= 0) watch_end(&s->watch);
    s->watch.fd = -1;
    if (s->family == AF_INET && error == ECONNREFUSED && connect_to(s, AF_INET6) == 0) return;
    /* After an attempt over IPv6 the first, IPv4's, error is the one to tell: it was "refused" too. */
    reply_error(s->id, s->family == AF_INET6 ? ECONNREFUSED : error, "dial tcp4 127.0.0.1:%u", s->port);
    drop(s);
}

void stream_dial(uint32_t id, struct reader *r) {
    struct stream *s = calloc(1, sizeof *s);
    if (!s || !(s->pending = malloc(STREAM_WINDOW))) abort();
    s->id = id;
    s->pid = (pid_t)read_u32(r);
    s->port = read_u16(r);
    s->credit = STREAM_WINDOW;
    s->watch.fd = -1;
    s->family = AF_INET;
    s->next = streams;
    streams = s;
    int error = connect_to(s, AF_INET);
    if (error) refused(s, error);
}

static void finish_if_done(struct stream *s) {
    if (s->read_done && s->write_done && !s->length) drop(s);
    else update(s);
}

static void abort_stream(struct stream *s) {
    send_frame(s->id, CLOSE, NULL, 0);
    drop(s);
}

/* Gives pending bytes to the pod; 0 if the stream is gone after it. */
static int flush_pending(struct stream *s) {
    size_t taken = 0;
    while (s->length) {
        size_t run = s->start + s->length > STREAM_WINDOW ? STREAM_WINDOW - s->start : s->length;
        ssize_t n = send(s->watch.fd, s->pending + s->start, run, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {
            abort_stream(s);
            return 0;
        }
        s->start = (s->start + (size_t)n) % STREAM_WINDOW;
        s->length -= (size_t)n;
        taken += (size_t)n;
    }
    if (taken) {
        unsigned char credit[4];
        put_u32(credit, (uint32_t)taken);
        send_frame(s->id, CREDIT, credit, sizeof credit);
    }
    if (!s->length && s->write_done) shutdown(s->watch.fd, SHUT_WR);
    return 1;
}

static void connected(struct stream *s) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        refused(s, error);
        return;
    }
    s->connected = 1;
    reply_ok(s->id);
    update(s);
}

static void stream_ready(struct watch *w, uint32_t events) {
    static unsigned char buffer[32 * 1024];
    struct stream *s = (struct stream *)w;
    if (!s->connected) {
        connected(s);
        return;
    }
    if ((events & EPOLLOUT) && !flush_pending(s)) return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !s->read_done && s->credit) {
        ssize_t n = recv(w->fd, buffer, s->credit < sizeof buffer ? s->credit : sizeof buffer, 0);
        if (n < 0 && errno != EAGAIN) {
            abort_stream(s);
            return;
        }
        if (n > 0) {
            s->credit -= (uint32_t)n;
            send_frame(s->id, DATA, buffer, (size_t)n);
        } else if (n == 0) {
            s->read_done = 1;
            send_frame(s->id, END, NULL, 0);
        }
    } else if ((events & (EPOLLHUP | EPOLLERR)) && s->read_done) {
        abort_stream(s); /* both directions are over; nothing more can be delivered */
        return;
    }
    finish_if_done(s);
}

void stream_frame(uint32_t id, uint8_t type, struct reader *r) {
    struct stream *s = streams;
    while (s && s->id != id) s = s->next;
    if (!s) return; /* it ended here while the frame was on its way */
    if (type == CLOSE) {
        drop(s);
        return;
    }
    if (type == CREDIT) s->credit += read_u32(r);
    if (type == END) s->write_done = 1;
    if (type == DATA) {
        size_t n = (size_t)(r->end - r->at);
        if (n > STREAM_WINDOW - s->length) {
            abort_stream(s); /* more than was granted */
            return;
        }
        for (size_t i = 0; i < n;) {
            size_t to = (s->start + s->length) % STREAM_WINDOW;
            size_t run = STREAM_WINDOW - to < n - i ? STREAM_WINDOW - to : n - i;
            memcpy(s->pending + to, r->at + i, run);
            s->length += run;
            i += run;
        }
    }
    if (s->connected && type != CREDIT && !flush_pending(s)) return;
    finish_if_done(s);
}
