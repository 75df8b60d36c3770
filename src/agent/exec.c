/*
 * Commands in containers (exec probes and hooks) without the engine: about 3 ms instead of 45. The command gets what
 * `docker exec` would give it: the container's namespaces, user, groups, bounding set of capabilities, environment,
 * working directory and no_new_privs; and, where the container has a seccomp filter, a filter of our own that refuses
 * what the engine's default profile refuses to a process without capabilities.
 *
 * EXEC { u32 pid of the container's process 1, u32 timeout ms, str user (as in the image's config), str working
 *        directory, u16 count and u32 supplementary groups, u16 count and str arguments, u16 count and str environment }
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the kubelet keeps of a probe's output. */
#define MAX_OUTPUT (10 * 1024)

struct command {
    pid_t target;
    char *user, *directory;
    char **arguments, **environment;
    gid_t *groups;
    int group_count;
};

struct job {
    struct watch output;
    uint32_t id;
    pid_t starter;  /* enters the namespaces, starts the command as our child, ends */
    pid_t command;  /* 0 until the starter told */
    int pid_pipe;
    int64_t deadline;
    int timed_out;
    unsigned char text[5 + MAX_OUTPUT]; /* the reply: exit code, timed out, output */
    size_t length;
    struct job *next;
};
static struct job *jobs;

extern char **environ;

/* --- in the starter and the command: any failure ends up in the output, with exit code 126 or 127 --- */

static void fail(int code, const char *what, int error) {
    dprintf(STDERR_FILENO, "exec failed: %s: %s\n", what, strerror(error));
    _exit(code);
}

static void enter(pid_t target) {
    static const struct { const char *name; int flag; } kinds[] = {
        {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
        {"net", CLONE_NEWNET},       {"pid", CLONE_NEWPID}, {"mnt", CLONE_NEWNS},
    };
    enum { KINDS = sizeof kinds / sizeof *kinds };
    int fds[KINDS];
    char path[64];
    for (int i = 0; i < KINDS; i++) {
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)target, kinds[i].name);
        fds[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0 && !(i == 0 && errno == ENOENT)) fail(126, "open the container's namespaces", errno);
    }
    for (int i = 0; i < KINDS; i++) {
        if (fds[i] >= 0 && setns(fds[i], kinds[i].flag)) fail(126, kinds[i].name, errno);
    }
}

/* What /proc/<pid>/status of the container's process says it may do at most. */
struct limits {
    uint64_t bounding;
    int no_new_privileges, seccomp;
};

static struct limits limits_of(pid_t target) {
    struct limits l = {0, 1, 2};
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)target);
    FILE *f = fopen(path, "re");
    if (!f) fail(126, "read the container's privileges", errno);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "CapBnd:", 7) == 0) l.bounding = strtoull(line + 7, NULL, 16);
        if (strncmp(line, "NoNewPrivs:", 11) == 0) l.no_new_privileges = atoi(line + 11);
        if (strncmp(line, "Seccomp:", 8) == 0) l.seccomp = atoi(line + 8);
    }
    fclose(f);
    return l;
}

static void install_filter(void) {
    static const unsigned refused[] = {
        SYS_add_key, SYS_keyctl, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_mount, SYS_umount2,
        SYS_pivot_root, SYS_setns, SYS_unshare, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
        SYS_kexec_file_load, SYS_open_by_handle_at, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_acct, SYS_quotactl,
        SYS_syslog, SYS_clock_settime, SYS_settimeofday, SYS_move_pages, SYS_mbind, SYS_set_mempolicy, SYS_vhangup,
        SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_lookup_dcookie, 425, 426, 427 /* io_uring */,
        428, 429, 430, 431, 432, 442 /* the new mount calls */,
#ifdef __x86_64__
        SYS_iopl, SYS_ioperm, SYS_create_module, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl,
#endif
    };
#ifdef __x86_64__
    const unsigned arch = AUDIT_ARCH_X86_64;
#else
    const unsigned arch = AUDIT_ARCH_AARCH64;
#endif
    enum { COUNT = sizeof refused / sizeof *refused, HEAD = 8 };
    struct sock_filter f[HEAD + COUNT + 2];
    int n = 0;
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    /* clone3 takes its flags through memory, where no filter sees them: libc falls back to clone on ENOSYS */
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 435, 0, 1);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
#ifdef __x86_64__
    /* the x32 calls */
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
#endif
    for (int i = 0; i < COUNT; i++)
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i], (unsigned char)(COUNT - i), 0);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {(unsigned short)n, f};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) fail(126, "seccomp", errno);
}

/* `user`, `user:group`, by name or number, looked up in the container's own /etc/passwd and /etc/group. */
static void become(const struct command *c, const struct limits *l) {
    char *name = strdup(*c->user ? c->user : "0"), *group = strchr(name, ':'), *end;
    if (group) *group++ = 0;
    uid_t uid = (uid_t)strtoul(name, &end, 10);
    struct passwd *pw = *end ? getpwnam(name) : getpwuid(uid);
    if (*end && !pw) fail(126, name, ENOENT);
    gid_t gid = 0;
    if (pw) uid = pw->pw_uid, gid = pw->pw_gid;
    if (group && *group) {
        gid = (gid_t)strtoul(group, &end, 10);
        struct group *gr = *end ? getgrnam(group) : NULL;
        if (*end && !gr) fail(126, group, ENOENT);
        if (gr) gid = gr->gr_gid;
    }
    gid_t groups[256];
    int count = 128;
    if (!pw || (group && *group) || getgrouplist(pw->pw_name, gid, groups, &count) < 0) {
        groups[0] = gid;
        count = 1;
    }
    for (int i = 0; i < c->group_count && count < 256; i++) groups[count++] = c->groups[i];
    if (!getenv("HOME")) setenv("HOME", pw && *pw->pw_dir ? pw->pw_dir : "/", 1);

    for (int i = 0; i < 64; i++) {
        if (!(l->bounding >> i & 1)) prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    if (setgroups((size_t)count, groups) || setgid(gid)) fail(126, "set the groups", errno);
    if (l->seccomp == 2) install_filter(); /* needs SYS_ADMIN, so before that goes; everything after is allowed by it */
    if (setuid(uid)) fail(126, "set the user", errno);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    syscall(SYS_capget, &header, caps);
    for (int i = 0; i < 2; i++) {
        caps[i].permitted &= (uint32_t)(l->bounding >> 32 * i);
        caps[i].effective = caps[i].permitted;
        caps[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, caps)) fail(126, "set the capabilities", errno);
    if (l->no_new_privileges) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    free(name);
}

static void run_command(const struct command *c, const struct limits *l) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    setsid();
    close(STDIN_FILENO);
    if (open("/dev/null", O_RDONLY) < 0) errno = 0; /* an image without /dev/null gets a closed stdin */
    environ = c->environment;
    become(c, l);
    if (*c->directory && chdir(c->directory)) fail(126, c->directory, errno);
    execvp(c->arguments[0], c->arguments);
    fail(errno == ENOENT ? 127 : 126, c->arguments[0], errno);
}

static void start(const struct command *c, int output, int pid_pipe) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    struct limits l = limits_of(c->target);
    enter(c->target);
    /* A child of the agent itself, in the container's process namespace; its id as the agent sees it comes back. */
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (pid < 0) fail(126, "clone", errno);
    if (pid == 0) run_command(c, &l);
    if (write(pid_pipe, &pid, sizeof pid) < 0) _exit(126);
    _exit(0);
}

/* --- in the agent --- */

static void finish(struct job *job, int code) {
    for (struct job **p = &jobs; *p; p = &(*p)->next) {
        if (*p != job) continue;
        *p = job->next;
        break;
    }
    if (job->output.fd >= 0) {
        job->output.ready(&job->output, 0); /* the rest of the output */
        if (job->output.fd >= 0) watch_end(&job->output);
    }
    close(job->pid_pipe);
    put_u32(job->text, (uint32_t)code);
    job->text[4] = (unsigned char)job->timed_out;
    send_frame(job->id, REPLY_OK, job->text, 5 + job->length);
    free(job);
}

static void output_ready(struct watch *w, uint32_t events) {
    struct job *job = (struct job *)w;
    char surplus[4096];
    (void)events;
    for (;;) {
        size_t room = MAX_OUTPUT - job->length;
        ssize_t n = room ? read(w->fd, job->text + 5 + job->length, room) : read(w->fd, surplus, sizeof surplus);
        if (n < 0) return;
        if (n == 0) {
            watch_end(w);
            w->fd = -1;
            return;
        }
        if (room) job->length += (size_t)n;
    }
}

static char **read_strings(struct reader *r) {
    size_t count = read_u16(r);
    char **all = calloc(count + 1, sizeof *all);
    if (!all) abort();
    for (size_t i = 0; i < count; i++) all[i] = read_string(r);
    return all;
}

static void free_strings(char **all) {
    for (char **s = all; *s; s++) free(*s);
    free(all);
}

void exec_start(uint32_t id, struct reader *r) {
    struct command c = {.target = (pid_t)read_u32(r)};
    int64_t timeout = read_u32(r);
    c.user = read_string(r);
    c.directory = read_string(r);
    gid_t groups[64];
    int count = read_u16(r);
    for (int i = 0; i < count; i++) {
        gid_t gid = read_u32(r);
        if (i < 64) groups[c.group_count++] = gid;
    }
    c.groups = groups;
    c.arguments = read_strings(r);
    c.environment = read_strings(r);
    int output[2], pid_pipe[2];
    if (r->bad || !c.arguments[0]) reply_error(id, EINVAL, "exec request");
    else if (pipe2(output, O_CLOEXEC) || pipe2(pid_pipe, O_CLOEXEC)) reply_error(id, errno, "exec");
    else {
        pid_t starter = fork();
        if (starter == 0) start(&c, output[1], pid_pipe[1]);
        close(output[1]);
        close(pid_pipe[1]);
        fcntl(output[0], F_SETFL, O_NONBLOCK);
        struct job *job = calloc(1, sizeof *job);
        if (!job) abort();
        job->output = (struct watch){output[0], output_ready};
        job->id = id;
        job->starter = starter;
        job->pid_pipe = pid_pipe[0];
        job->deadline = now_ms() + timeout;
        job->next = jobs;
        jobs = job;
        watch_start(&job->output, EPOLLIN);
    }
    free(c.user);
    free(c.directory);
    free_strings(c.arguments);
    free_strings(c.environment);
}

static int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

void exec_reap(void) {
    int status;
    for (struct job *job = jobs, *next; job; job = next) {
        next = job->next;
        if (!job->command && waitpid(job->starter, &status, WNOHANG) == job->starter) {
            pid_t pid = 0;
            if (read(job->pid_pipe, &pid, sizeof pid) != sizeof pid) {
                finish(job, job->timed_out ? 137 : code_of(status)); /* it could not enter: the output says why */
                continue;
            }
            job->command = pid;
            if (job->timed_out) kill(-pid, SIGKILL), kill(pid, SIGKILL);
        }
        if (job->command && waitpid(job->command, &status, WNOHANG) == job->command) finish(job, code_of(status));
    }
}

int64_t exec_due(int64_t limit) {
    for (struct job *job = jobs; job; job = job->next) {
        int64_t left = job->deadline - now_ms();
        if (!job->timed_out && left < limit) limit = left < 0 ? 0 : left;
    }
    return limit;
}

void exec_check(void) {
    for (struct job *job = jobs; job; job = job->next) {
        if (job->timed_out || now_ms() < job->deadline) continue;
        job->timed_out = 1;
        if (job->command) {
            kill(-job->command, SIGKILL); /* its session, and itself should it have had no time to make one */
            kill(job->command, SIGKILL);
        } else {
            kill(job->starter, SIGKILL);
        }
    }
}
