/*
 * Process 1 of a sandbox. With --bridge it first plumbs a network namespace of its own: it was started in the host's
 * network (which is cheap for the engine) with SYS_ADMIN, NET_ADMIN and SETPCAP, and gives all of them up before it
 * says that it is ready. Containers join with `container:<this>`: the engine resolves /proc/<pid>/ns/net then.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SYSCTLS 64

struct options {
    const char *bridge, *veth, *address, *gateway;
    const char *sysctls[MAX_SYSCTLS];
    int sysctl_count;
};

static void die(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, strerror(error < 0 ? -error : error));
    exit(1);
}

static int parse(int argc, char **argv, struct options *o) {
    for (int i = 0; i < argc; i += 2) {
        if (i + 1 == argc) return -1;
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--bridge") == 0) o->bridge = value;
        else if (strcmp(name, "--veth") == 0) o->veth = value;
        else if (strcmp(name, "--address") == 0) o->address = value;
        else if (strcmp(name, "--gateway") == 0) o->gateway = value;
        else if (strcmp(name, "--sysctl") == 0 && o->sysctl_count < MAX_SYSCTLS) o->sysctls[o->sysctl_count++] = value;
        else return -1;
    }
    return o->bridge ? (o->veth && o->address && o->gateway ? 0 : -1) : (o->sysctl_count ? -1 : 0);
}

/* Writes `name=value` (dots become slashes) below a proc file system that shows the new namespace. */
static void write_sysctl(const char *assignment) {
    char path[512];
    const char *equals = strchr(assignment, '=');
    if (!equals || (size_t)(equals - assignment) > sizeof path - 32) die(assignment, EINVAL);
    int length = snprintf(path, sizeof path, "/proc-new/sys/%.*s", (int)(equals - assignment), assignment);
    for (int i = (int)strlen("/proc-new/sys/"); i < length; i++) {
        if (path[i] == '.') path[i] = '/';
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, equals + 1, strlen(equals + 1)) < 0) die(assignment, errno);
    close(fd);
}

static void write_sysctls(const struct options *o) {
    /* The engine mounts /proc/sys read-only; a mount of our own is writable, and gone before any container runs. */
    mkdir("/proc-new", 0700);
    if (mount("proc", "/proc-new", "proc", 0, NULL)) die("mount proc", errno);
    write_sysctl("net.ipv4.ip_unprivileged_port_start=0");
    write_sysctl("net.ipv4.ping_group_range=0 2147483647");
    for (int i = 0; i < o->sysctl_count; i++) write_sysctl(o->sysctls[i]);
    umount2("/proc-new", MNT_DETACH);
}

static void plumb(const struct options *o) {
    char text[64];
    struct in_addr address, gateway;
    int prefix = 0, error;
    snprintf(text, sizeof text, "%s", o->address);
    char *slash = strchr(text, '/');
    if (!slash) die(o->address, EINVAL);
    *slash = 0;
    prefix = atoi(slash + 1);
    if (!inet_aton(text, &address)) die(o->address, EINVAL);
    if (!inet_aton(o->gateway, &gateway)) die(o->gateway, EINVAL);

    int host = rt_open();
    int bridge = (int)if_nametoindex(o->bridge);
    if (!bridge) die(o->bridge, errno);
    if (unshare(CLONE_NEWNET)) die("unshare the network namespace", errno);
    int self = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    /* The address decides the MAC, as with the engine's own containers: no stale ARP when an address comes back. */
    unsigned char mac[6] = {0x02, 0x42};
    memcpy(mac + 2, &address, 4);
    error = rt_make_veth(host, o->veth, bridge, self, mac);
    if (error == -EEXIST) { /* of a sandbox with this address that something still holds */
        rt_delete_link(host, o->veth);
        error = rt_make_veth(host, o->veth, bridge, self, mac);
    }
    if (error) die("make the veth pair", error);

    int sock = rt_open();
    int eth0 = (int)if_nametoindex("eth0"), lo = (int)if_nametoindex("lo");
    if ((error = rt_link_up(sock, lo))) die("lo up", error);
    if ((error = rt_link_up(sock, eth0))) die("eth0 up", error);
    if ((error = rt_add_address(sock, eth0, address.s_addr, prefix))) die("add the address", error);
    if ((error = rt_default_route(sock, eth0, gateway.s_addr))) die("add the default route", error);
    write_sysctls(o);
    close(sock);
    close(host);
    close(self);
}

static void drop_privileges(void) {
    for (int c = 0; c < 64; c++) prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    if (syscall(SYS_capset, &header, none)) die("drop capabilities", errno);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int pause_main(int argc, char **argv) {
    struct options options = {0};
    if (parse(argc, argv, &options)) {
        fputs("pause: bad arguments\n", stderr);
        return 2;
    }
    /* Blocked before anything else, so that no signal is lost; process 1 gets only signals that it asks for. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    if (options.bridge) plumb(&options);
    drop_privileges();
    prctl(PR_SET_NAME, READY_NAME, 0, 0, 0);
    for (;;) {
        int signal = 0;
        if (sigwait(&signals, &signal) == 0 && signal != SIGCHLD) return 0;
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    }
}
