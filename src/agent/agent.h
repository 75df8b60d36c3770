/*
 * mk's one native piece: a single static binary with two modes, `pause` and `serve`.
 *
 *   pause   process 1 of a pod's sandbox. Holds the pod's namespaces, reaps orphans, ends at once on TERM or INT.
 *   serve   one long-lived helper on each engine. Enters the namespaces of pods for the daemon, which talks to it in
 *           frames over its stdin and stdout (see serve.c).
 *
 * Nothing here allocates per packet or keeps state that the daemon could not rebuild.
 */
#ifndef MK_AGENT_H
#define MK_AGENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Name (comm) that a pause process takes when its sandbox is ready for containers; the helper waits for it. */
#define READY_NAME "mk-pause"

/* --- rtnetlink.c: links, addresses, routes. All return 0 or a negative errno. --- */

/* Makes a veth pair: `host` enslaved to the bridge and up, its peer `eth0` in the namespace behind netns_fd. */
int rt_make_veth(int sock, const char *host, int bridge, int netns_fd, const unsigned char mac[6]);
int rt_delete_link(int sock, const char *name);
int rt_link_up(int sock, int index);
int rt_add_address(int sock, int index, uint32_t address, int prefix);
int rt_default_route(int sock, int index, uint32_t gateway);
/* Adds or removes `unreachable destination/prefix` in the main table. */
int rt_unreachable(int sock, uint32_t destination, int prefix, int add);
int rt_open(void);

/* --- pause.c, serve.c --- */
int pause_main(int argc, char **argv);
int serve_main(void);

/* --- frame.c: framing on stdin and stdout; integers are big endian. --- */

/*
 * A frame: u32 length of what follows, u32 request id, u8 type, payload. A request is answered with REPLY_OK or
 * REPLY_ERROR under its id. DIAL's id then names the stream until either side sends CLOSE or both have sent EOF.
 */
enum frame_type {
    PING = 1,       /* -> REPLY_OK { u32 protocol version, u8 the engine can lower OOM scores } */
    WAIT_READY = 2, /* { u32 pid, u32 timeout ms } -> REPLY_OK when that pause process has plumbed itself */
    NETLINK = 3,    /* { u32 count, u32 pids[count], bytes } -> REPLY_OK { for each failure: u32 pid, u32 errno, u32 seq, str } */
    FORGET = 4,     /* { u32 pid } lets go of the namespace of that process -> REPLY_OK */
    DIAL = 5,       /* { u32 pid, u16 port } -> REPLY_OK when connected to 127.0.0.1 or ::1 there */
    DATA = 6,       /* { bytes } both ways, never more than the receiver granted */
    END = 7,        /* no more DATA from this side */
    CLOSE = 8,      /* the stream is gone, both ways */
    CREDIT = 9,     /* { u32 bytes } the receiver took so many bytes: send on */
    EXEC = 10,      /* see exec.c -> REPLY_OK { i32 exit code, u8 timed out, bytes output } */
    ROUTE = 11,     /* { u8 add, u32 address, u8 prefix } unreachable route in the agent's own (the host's) namespace */
    SET_HOSTNAME = 12, /* { u32 pid, str } in that process's UTS namespace -> REPLY_OK */
    REMOVE_TREE = 13,  /* { str } deletes a directory of the host -> REPLY_OK */
    NAME_NEXT = 14,    /* { u32 pid, u32 timeout ms, str } see trace.c -> REPLY_OK { u8 done } */
    REPLY_OK = 64,
    REPLY_ERROR = 65 /* { u32 errno, bytes text } */
};

#define PROTOCOL_VERSION 1
/* Bytes of a stream that may be on their way in one direction. */
#define STREAM_WINDOW (256 * 1024)

/* A reader over a payload. After a read past the end, `bad` is set and every read gives 0. */
struct reader {
    const unsigned char *at, *end;
    int bad;
};
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
/* u16 length and bytes; a malloc'ed, NUL-terminated copy, never NULL. */
char *read_string(struct reader *r);

void send_frame(uint32_t id, uint8_t type, const void *payload, size_t length);
void reply_ok(uint32_t id);
/* `what` is a printf format; the text of the errno is appended. */
void reply_error(uint32_t id, int error, const char *what, ...) __attribute__((format(printf, 3, 4)));
void put_u32(unsigned char *at, uint32_t value);

/* --- serve.c: the event loop --- */
struct watch {
    int fd;
    void (*ready)(struct watch *self, uint32_t epoll_events);
};
/* `events` as in epoll_ctl. The watch must live until watch_end. */
void watch_start(struct watch *w, uint32_t events);
void watch_change(struct watch *w, uint32_t events);
/* Stops watching and closes the descriptor. */
void watch_end(struct watch *w);
int64_t now_ms(void);

/* --- namespaces.c --- */
/* Opens a socket in the network namespace of pid; -1 with errno. Refuses (ESRCH) the host's own namespace. */
int socket_in(pid_t pid, int family, int type, int protocol);
/* Whether pid is a pause process that is ready: 1, 0, or -1 when it is gone. */
int pause_ready(pid_t pid);
void netlink_apply(uint32_t id, struct reader *request);
void netlink_forget(pid_t pid);
void wait_ready(uint32_t id, struct reader *request);
/* Ms until something here is due, at most `limit`; then does what is due. */
int64_t ready_due(int64_t limit);
void ready_check(void);
void set_hostname(uint32_t id, struct reader *request);
void remove_tree(uint32_t id, struct reader *request);

/* --- stream.c --- */
void stream_dial(uint32_t id, struct reader *request);
/* DATA, END, CLOSE, CREDIT from the daemon. */
void stream_frame(uint32_t id, uint8_t type, struct reader *payload);

/* --- exec.c --- */
void exec_start(uint32_t id, struct reader *request);
void exec_reap(void);
int64_t exec_due(int64_t limit);
void exec_check(void);

/* --- trace.c --- */
void name_next(uint32_t id, struct reader *request);
/* The daemon no longer waits. 0 if id names no watch. */
int name_cancel(uint32_t id);
/* Called for every child or tracee that changed state and is not exec's. */
void trace_reap(void);
int64_t trace_due(int64_t limit);
void trace_check(void);

#endif
