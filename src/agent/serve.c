/*
 * The helper: reads request frames from stdin, answers on stdout (agent.h lists them), ends when stdin does. It runs in
 * the engine's process and network namespaces with SYS_ADMIN, NET_ADMIN and SYS_PTRACE for its own work, and the
 * engine's default capabilities only to hand them on to commands in containers. Never privileged.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAME (64u << 20)

static int epoll_fd;
/* Watches that ended while their round of events was being handled must not be called any more. */
static struct watch *ended[256];
static int ended_count;

int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void watch_start(struct watch *w, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = w};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &e);
}

void watch_change(struct watch *w, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = w};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, w->fd, &e);
}

void watch_end(struct watch *w) {
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    close(w->fd);
    if (ended_count < 256) ended[ended_count++] = w;
}

static void route(uint32_t id, struct reader *r) {
    int add = read_u8(r);
    unsigned char network_order[4];
    uint32_t destination;
    put_u32(network_order, read_u32(r));
    memcpy(&destination, network_order, 4);
    int sock = rt_open();
    int error = -rt_unreachable(sock, destination, read_u8(r), add);
    close(sock);
    if (error && error != (add ? EEXIST : ESRCH)) reply_error(id, error, "%s the service route", add ? "add" : "remove");
    else reply_ok(id);
}

/* Whether the engine could lower a container's OOM score: our parent, its shim, would need SYS_RESOURCE for that. */
static int can_lower_oom_score(void) {
    char path[64], line[256];
    uint64_t bounding = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)getppid());
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "CapBnd:", 7) == 0) bounding = strtoull(line + 7, NULL, 16);
    }
    if (f) fclose(f);
    return (int)(bounding >> CAP_SYS_RESOURCE & 1);
}

static void ping(uint32_t id) {
    unsigned char payload[5];
    put_u32(payload, PROTOCOL_VERSION);
    payload[4] = (unsigned char)can_lower_oom_score();
    send_frame(id, REPLY_OK, payload, sizeof payload);
}

static void handle(uint32_t id, uint8_t type, struct reader *r) {
    switch (type) {
    case PING: ping(id); break;
    case WAIT_READY: wait_ready(id, r); break;
    case NETLINK: netlink_apply(id, r); break;
    case FORGET:
        netlink_forget((pid_t)read_u32(r));
        reply_ok(id);
        break;
    case DIAL: stream_dial(id, r); break;
    case CLOSE:
        if (name_cancel(id)) break;
        /* fall through */
    case DATA:
    case END:
    case CREDIT: stream_frame(id, type, r); break;
    case EXEC: exec_start(id, r); break;
    case ROUTE: route(id, r); break;
    case SET_HOSTNAME: set_hostname(id, r); break;
    case REMOVE_TREE: remove_tree(id, r); break;
    case NAME_NEXT: name_next(id, r); break;
    default: reply_error(id, ENOSYS, "request type %u", type);
    }
}

static void input_ready(struct watch *w, uint32_t events) {
    static unsigned char *data;
    static size_t length, room;
    (void)events;
    if (room - length < 64 * 1024) {
        room = room ? room * 2 : 256 * 1024;
        if (!(data = realloc(data, room))) abort();
    }
    ssize_t n = read(w->fd, data + length, room - length);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) exit(0);
    if (n > 0) length += (size_t)n;
    size_t at = 0;
    while (length - at >= 9) {
        struct reader header = {data + at, data + at + 9, 0};
        uint32_t size = read_u32(&header), id = read_u32(&header);
        if (size < 5 || size > MAX_FRAME) exit(1);
        if (length - at < size + 4) break;
        struct reader payload = {data + at + 9, data + at + 4 + size, 0};
        handle(id, read_u8(&header), &payload);
        at += size + 4;
    }
    memmove(data, data + at, length - at);
    length -= at;
}

static void child_ready(struct watch *w, uint32_t events) {
    struct signalfd_siginfo info;
    (void)events;
    while (read(w->fd, &info, sizeof info) > 0) continue;
    exec_reap();
    trace_reap();
}

static int was_ended(const struct watch *w) {
    for (int i = 0; i < ended_count; i++) {
        if (ended[i] == w) return 1;
    }
    return 0;
}

int serve_main(void) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, _exit); /* process 1 needs a handler to be stoppable at all */
    signal(SIGINT, _exit);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct watch input = {STDIN_FILENO, input_ready};
    struct watch child = {signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC), child_ready};
    watch_start(&input, EPOLLIN);
    watch_start(&child, EPOLLIN);
    for (;;) {
        struct epoll_event events[64];
        int64_t due = trace_due(exec_due(ready_due(60000)));
        int n = epoll_wait(epoll_fd, events, 64, (int)due);
        ended_count = 0;
        for (int i = 0; i < n; i++) {
            struct watch *w = events[i].data.ptr;
            if (!was_ended(w)) w->ready(w, events[i].events);
        }
        ready_check();
        exec_check();
        trace_check();
    }
}
