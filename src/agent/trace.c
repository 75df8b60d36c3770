/*
 * NAME_NEXT { u32 pid of a sandbox's process, u32 timeout ms, str host name }
 *
 * Containers that join a sandbox get a UTS namespace of their own, with the host name that the sandbox's container was
 * created with. A sandbox from the warm pool was created before its pod's name was known. So this watches for the next
 * container that the engine starts in the sandbox's network namespace, and names it before its first instruction: the
 * kernel's process events tell when runc's init process appears, ptrace stops it at the exec of the container's
 * command. REPLY_OK says that the watch is on; CLOSE { u8 done } follows when the container was named, or at the end
 * of the time.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* runc's name for the process that will become the container's process 1. */
#define INIT_NAME "runc:[2:INIT]"

struct expectation {
    uint32_t id;
    struct stat netns;
    int64_t deadline;
    char *name;
    pid_t tracee; /* 0 until its init process was seen */
    struct expectation *next;
};
static struct expectation *expectations;
static struct watch events = {-1, NULL};

static int netns_of(pid_t pid, struct stat *st) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return stat(path, st);
}

/* Turns the kernel's process events for our socket on or off: off, unless something is awaited. */
static int listen_to_kernel(int sock, enum proc_cn_mcast_op op) {
    struct __attribute__((aligned(NLMSG_ALIGNTO))) {
        struct nlmsghdr header;
        struct __attribute__((packed)) {
            struct cn_msg message;
            enum proc_cn_mcast_op op;
        } body;
    } m;
    memset(&m, 0, sizeof m);
    m.header.nlmsg_len = NLMSG_LENGTH(sizeof m.body);
    m.header.nlmsg_type = NLMSG_DONE;
    m.body.message.id.idx = CN_IDX_PROC;
    m.body.message.id.val = CN_VAL_PROC;
    m.body.message.len = sizeof op;
    m.body.op = op;
    return send(sock, &m, m.header.nlmsg_len, 0) < 0 ? -1 : 0;
}

static void end_expectation(struct expectation *e, int done) {
    unsigned char payload = (unsigned char)done;
    for (struct expectation **p = &expectations; *p; p = &(*p)->next) {
        if (*p != e) continue;
        *p = e->next;
        break;
    }
    send_frame(e->id, CLOSE, &payload, 1);
    free(e->name);
    free(e);
    if (!expectations && events.fd >= 0) {
        listen_to_kernel(events.fd, PROC_CN_MCAST_IGNORE);
        watch_end(&events);
        events.fd = -1;
    }
}

static void init_appeared(pid_t pid) {
    struct stat netns;
    if (netns_of(pid, &netns)) return;
    for (struct expectation *e = expectations; e; e = e->next) {
        if (e->tracee || e->netns.st_ino != netns.st_ino || e->netns.st_dev != netns.st_dev) continue;
        if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC) == 0) e->tracee = pid;
        return;
    }
}

static void events_ready(struct watch *w, uint32_t unused) {
    static char buffer[64 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
    (void)unused;
    for (int rounds = 0; rounds < 16; rounds++) {
        ssize_t n = recv(w->fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n <= 0) return;
        unsigned left = (unsigned)n;
        for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            struct cn_msg *m = NLMSG_DATA(h);
            struct proc_event *e = (void *)m->data;
            if (m->id.idx == CN_IDX_PROC && e->what == PROC_EVENT_COMM &&
                strcmp(e->event_data.comm.comm, INIT_NAME) == 0)
                init_appeared(e->event_data.comm.process_pid);
            if (w->fd < 0) return;
        }
    }
}

void name_next(uint32_t id, struct reader *r) {
    struct stat netns;
    pid_t pid = (pid_t)read_u32(r);
    int64_t deadline = now_ms() + read_u32(r);
    char *name = read_string(r);
    int error = netns_of(pid, &netns) ? errno : 0;
    if (!error && events.fd < 0) {
        struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
        int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR), size = 4 << 20;
        if (sock < 0 || bind(sock, (void *)&address, sizeof address) || listen_to_kernel(sock, PROC_CN_MCAST_LISTEN)) {
            error = errno;
            if (sock >= 0) close(sock);
        } else {
            setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
            events = (struct watch){sock, events_ready};
            watch_start(&events, EPOLLIN);
        }
    }
    if (error) {
        reply_error(id, error, "watch for the next container");
        free(name);
        return;
    }
    struct expectation *e = calloc(1, sizeof *e);
    if (!e) abort();
    *e = (struct expectation){.id = id, .netns = netns, .deadline = deadline, .name = name, .next = expectations};
    expectations = e;
    reply_ok(id);
}

/* Names the container, now that its process stands at the first instruction of its command. */
static int name_container(pid_t pid, const char *name) {
    static int own = -1;
    char path[64];
    if (own < 0) own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/uts", (int)pid);
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWUTS)) {
        if (ns >= 0) close(ns);
        return 0;
    }
    close(ns);
    int done = sethostname(name, strlen(name)) == 0;
    if (setns(own, CLONE_NEWUTS)) abort();
    return done;
}

void trace_reap(void) {
    for (struct expectation *e = expectations, *next; e; e = next) {
        int status;
        next = e->next;
        if (!e->tracee || waitpid(e->tracee, &status, WNOHANG | __WALL) != e->tracee) continue;
        if (!WIFSTOPPED(status)) {
            end_expectation(e, 0); /* it ended before its exec: the start failed */
        } else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
            int done = name_container(e->tracee, e->name);
            ptrace(PTRACE_DETACH, e->tracee, 0, 0);
            end_expectation(e, done);
        } else {
            int in_group = status >> 16 == PTRACE_EVENT_STOP;
            ptrace(PTRACE_CONT, e->tracee, 0, in_group ? 0 : WSTOPSIG(status));
        }
    }
}

int64_t trace_due(int64_t limit) {
    for (struct expectation *e = expectations; e; e = e->next) {
        int64_t left = e->deadline - now_ms();
        if (left < limit) limit = left < 0 ? 0 : left;
    }
    return limit;
}

int name_cancel(uint32_t id) {
    for (struct expectation *e = expectations; e; e = e->next) {
        if (e->id != id) continue;
        e->deadline = 0; /* trace_check ends it in this round */
        return 1;
    }
    return 0;
}

void trace_check(void) {
    for (struct expectation *e = expectations, *next; e; e = next) {
        next = e->next;
        if (now_ms() < e->deadline) continue;
        /* A tracee can only be let go when it is stopped; our end would let it go too, so ask it to stop. */
        if (e->tracee && ptrace(PTRACE_INTERRUPT, e->tracee, 0, 0) == 0) {
            int status;
            if (waitpid(e->tracee, &status, __WALL) == e->tracee && WIFSTOPPED(status))
                ptrace(PTRACE_DETACH, e->tracee, 0, 0);
        }
        end_expectation(e, 0);
    }
}
