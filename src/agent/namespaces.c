/*
 * Work in the namespaces of pods. Netlink sockets are kept open, one for each network namespace: closing one waits
 * some 10 ms for the kernel, using it takes microseconds. A socket keeps its namespace alive, so it is given up when
 * the sandbox's process ends (pidfd) or when the daemon says so.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define MAX_ERRORS 4096
#define SOCKET_BUFFER (32 << 20)

static int same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int socket_in(pid_t pid, int family, int type, int protocol) {
    static int own = -1;
    char path[64];
    if (own < 0) own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    if (same_file(path, "/proc/self/ns/net")) {
        errno = ESRCH; /* never the host's: a pause process that has not left it is not ready */
        return -1;
    }
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0) return -1;
    int failed = setns(ns, CLONE_NEWNET);
    int error = errno;
    close(ns);
    if (failed) {
        errno = error;
        return -1;
    }
    int sock = socket(family, type | SOCK_CLOEXEC, protocol);
    error = errno;
    if (setns(own, CLONE_NEWNET)) abort(); /* nothing may go on in a pod's namespace */
    errno = error;
    return sock;
}

int pause_ready(pid_t pid) {
    char path[64], name[32];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, name, sizeof name - 1);
    close(fd);
    if (n <= 0) return -1;
    name[n] = 0;
    return strcmp(name, READY_NAME "\n") == 0;
}

/* --- one open netlink socket for each pod --- */

struct pod {
    struct watch exit; /* its pidfd; fd -1 where the kernel has none */
    pid_t pid;
    int sock;
    struct pod *next;
};
static struct pod *pods;

static void pod_exited(struct watch *w, uint32_t events) {
    (void)events;
    netlink_forget(((struct pod *)w)->pid);
}

static struct pod *pod_of(pid_t pid) {
    for (struct pod *p = pods; p; p = p->next) {
        if (p->pid == pid) return p;
    }
    /* First the pidfd, then the socket: if the process ends in between, the pidfd says so. */
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int sock = socket_in(pid, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    if (sock < 0) {
        int error = errno;
        if (pidfd >= 0) close(pidfd);
        errno = error;
        return NULL;
    }
    int one = 1, size = SOCKET_BUFFER;
    if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
        setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(sock, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
    setsockopt(sock, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    struct pod *p = calloc(1, sizeof *p);
    if (!p) abort();
    *p = (struct pod){.exit = {pidfd, pod_exited}, .pid = pid, .sock = sock, .next = pods};
    pods = p;
    if (pidfd >= 0) watch_start(&p->exit, EPOLLIN);
    return p;
}

void netlink_forget(pid_t pid) {
    for (struct pod **p = &pods; *p; p = &(*p)->next) {
        struct pod *gone = *p;
        if (gone->pid != pid) continue;
        *p = gone->next;
        if (gone->exit.fd >= 0) watch_end(&gone->exit);
        close(gone->sock);
        free(gone);
        return;
    }
}

/* --- NETLINK --- */

struct failures {
    unsigned char *data;
    size_t length, room;
};

static void add_failure(struct failures *f, pid_t pid, int error, uint32_t sequence, const char *text) {
    size_t n = strlen(text);
    if (n > 1000) n = 1000;
    if (f->length + n + 14 > f->room) {
        f->room = f->room * 2 + n + 64;
        f->data = realloc(f->data, f->room);
        if (!f->data) abort();
    }
    unsigned char *at = f->data + f->length;
    put_u32(at, (uint32_t)pid);
    put_u32(at + 4, (uint32_t)error);
    put_u32(at + 8, sequence);
    at[12] = (unsigned char)(n >> 8);
    at[13] = (unsigned char)n;
    memcpy(at + 14, text, n);
    f->length += 14 + n;
}

/* The kernel's own explanation (extended acknowledgement), if it gave one. */
static const char *explanation(const struct nlmsghdr *h, const struct nlmsgerr *e) {
    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS)) return NULL;
    const char *at = (const char *)(e + 1), *end = (const char *)h + h->nlmsg_len;
    if (!(h->nlmsg_flags & NLM_F_CAPPED)) at += e->msg.nlmsg_len - sizeof(struct nlmsghdr);
    while (at + sizeof(struct nlattr) <= end) {
        const struct nlattr *a = (const void *)at;
        if (a->nla_len < sizeof *a || at + a->nla_len > end) return NULL;
        if ((a->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) return at + sizeof *a;
        at += NLMSG_ALIGN(a->nla_len);
    }
    return NULL;
}

static void apply_to(pid_t pid, const unsigned char *batch, size_t length, struct failures *failures) {
    static char answer[256 << 10];
    struct pod *p = pod_of(pid);
    if (!p) {
        add_failure(failures, pid, errno, 0, strerror(errno));
        return;
    }
    while (recv(p->sock, answer, sizeof answer, MSG_DONTWAIT) > 0) continue; /* nothing stale */
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(p->sock, batch, length, 0, (void *)&kernel, sizeof kernel) < 0) {
        add_failure(failures, pid, errno, 0, strerror(errno));
        return;
    }
    /* The kernel works within sendto, so all answers are there now. */
    for (int count = 0;;) {
        ssize_t n = recv(p->sock, answer, sizeof answer, MSG_DONTWAIT);
        if (n <= 0) {
            if (n < 0 && errno != EAGAIN) add_failure(failures, pid, errno, 0, strerror(errno));
            return;
        }
        unsigned left = (unsigned)n;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type != NLMSG_ERROR) continue;
            struct nlmsgerr *e = NLMSG_DATA(h);
            if (!e->error || count++ >= MAX_ERRORS) continue;
            const char *why = explanation(h, e);
            add_failure(failures, pid, -e->error, e->msg.nlmsg_seq, why ? why : strerror(-e->error));
        }
    }
}

void netlink_apply(uint32_t id, struct reader *r) {
    uint32_t count = read_u32(r);
    if (r->bad || count > (size_t)(r->end - r->at) / 4) {
        reply_error(id, EINVAL, "netlink request");
        return;
    }
    struct reader pids = {r->at, r->at + count * 4, 0};
    struct failures failures = {0};
    for (uint32_t i = 0; i < count; i++)
        apply_to((pid_t)read_u32(&pids), r->at + count * 4, (size_t)(r->end - r->at) - count * 4, &failures);
    send_frame(id, REPLY_OK, failures.data, failures.length);
    free(failures.data);
}

/* --- WAIT_READY: looks every millisecond, only while somebody waits --- */

struct waiter {
    uint32_t id;
    pid_t pid;
    int64_t deadline;
    struct waiter *next;
};
static struct waiter *waiters;

void wait_ready(uint32_t id, struct reader *r) {
    struct waiter *w = malloc(sizeof *w);
    if (!w) abort();
    w->id = id;
    w->pid = (pid_t)read_u32(r);
    w->deadline = now_ms() + read_u32(r);
    w->next = waiters;
    waiters = w;
    ready_check();
}

int64_t ready_due(int64_t limit) { return waiters && limit > 1 ? 1 : limit; }

void ready_check(void) {
    for (struct waiter **at = &waiters; *at;) {
        struct waiter *w = *at;
        int state = pause_ready(w->pid);
        if (state == 0 && now_ms() < w->deadline) {
            at = &w->next;
            continue;
        }
        if (state == 1) reply_ok(w->id);
        else reply_error(w->id, state < 0 ? ESRCH : ETIMEDOUT, "wait for the sandbox process %d", (int)w->pid);
        *at = w->next;
        free(w);
    }
}

/* --- small jobs in a child, because they leave the agent's own namespaces --- */

static int in_namespace(pid_t pid, const char *kind, int flag, int (*work)(const char *), const char *argument) {
    char path[64];
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
        int ns = open(path, O_RDONLY | O_CLOEXEC);
        if (ns < 0 || setns(ns, flag)) _exit(errno);
        _exit(work(argument));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int do_set_hostname(const char *name) { return sethostname(name, strlen(name)) ? errno : 0; }

void set_hostname(uint32_t id, struct reader *r) {
    pid_t pid = (pid_t)read_u32(r);
    char *name = read_string(r);
    int error = in_namespace(pid, "uts", CLONE_NEWUTS, do_set_hostname, name);
    if (error) reply_error(id, error, "set the host name of process %d", (int)pid);
    else reply_ok(id);
    free(name);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
    (void)st, (void)flag, (void)ftw;
    return remove(path) && errno != ENOENT ? errno : 0;
}

static int do_remove_tree(const char *path) {
    int error = nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return error < 0 ? (errno == ENOENT ? 0 : errno) : error;
}

void remove_tree(uint32_t id, struct reader *r) {
    char *path = read_string(r);
    int error = in_namespace(1, "mnt", CLONE_NEWNS, do_remove_tree, path);
    if (error) reply_error(id, error, "remove %s", path);
    else reply_ok(id);
    free(path);
}
