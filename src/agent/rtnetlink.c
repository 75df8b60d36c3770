/* Just enough rtnetlink to plumb a pod: one request, one acknowledgement. */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    struct nlmsghdr header;
    char body[1024];
};

static void *tail(struct request *r) { return (char *)r + NLMSG_ALIGN(r->header.nlmsg_len); }

static void *begin(struct request *r, int type, int flags, size_t size) {
    memset(r, 0, sizeof *r);
    r->header.nlmsg_len = NLMSG_LENGTH(size);
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    r->header.nlmsg_seq = 1;
    return NLMSG_DATA(&r->header);
}

static struct rtattr *add(struct request *r, int type, const void *data, size_t length) {
    struct rtattr *a = tail(r);
    a->rta_type = type;
    a->rta_len = RTA_LENGTH(length);
    if (length) memcpy(RTA_DATA(a), data, length);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
    return a;
}

/* Closes an attribute that holds the ones added since. */
static void end(struct request *r, struct rtattr *a) { a->rta_len = (char *)tail(r) - (char *)a; }

static int transact(int sock, struct request *r) {
    char answer[4096];
    if (send(sock, r, r->header.nlmsg_len, 0) < 0) return -errno;
    ssize_t n = recv(sock, answer, sizeof answer, 0);
    if (n < 0) return -errno;
    struct nlmsghdr *h = (void *)answer;
    if (!NLMSG_OK(h, n) || h->nlmsg_type != NLMSG_ERROR) return -EPROTO;
    return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

int rt_open(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

int rt_make_veth(int sock, const char *host, int bridge, int netns_fd, const unsigned char mac[6]) {
    struct request r;
    struct ifinfomsg *link = begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *link);
    link->ifi_flags = link->ifi_change = IFF_UP;
    add(&r, IFLA_IFNAME, host, strlen(host) + 1);
    add(&r, IFLA_MASTER, &bridge, sizeof bridge);
    struct rtattr *info = add(&r, IFLA_LINKINFO, NULL, 0);
    add(&r, IFLA_INFO_KIND, "veth", 5);
    struct rtattr *data = add(&r, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *peer = add(&r, VETH_INFO_PEER, NULL, 0);
    r.header.nlmsg_len += sizeof(struct ifinfomsg); /* the peer's own header, all zero */
    add(&r, IFLA_IFNAME, "eth0", 5);
    add(&r, IFLA_ADDRESS, mac, 6);
    add(&r, IFLA_NET_NS_FD, &netns_fd, sizeof netns_fd);
    end(&r, peer);
    end(&r, data);
    end(&r, info);
    return transact(sock, &r);
}

int rt_delete_link(int sock, const char *name) {
    struct request r;
    begin(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
    add(&r, IFLA_IFNAME, name, strlen(name) + 1);
    return transact(sock, &r);
}

int rt_link_up(int sock, int index) {
    struct request r;
    struct ifinfomsg *link = begin(&r, RTM_NEWLINK, 0, sizeof *link);
    link->ifi_index = index;
    link->ifi_flags = link->ifi_change = IFF_UP;
    return transact(sock, &r);
}

int rt_add_address(int sock, int index, uint32_t address, int prefix) {
    struct request r;
    struct ifaddrmsg *m = begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
    m->ifa_family = AF_INET;
    m->ifa_prefixlen = prefix;
    m->ifa_index = index;
    add(&r, IFA_LOCAL, &address, 4);
    add(&r, IFA_ADDRESS, &address, 4);
    return transact(sock, &r);
}

static struct rtmsg *begin_route(struct request *r, int type, int flags, int kind) {
    struct rtmsg *m = begin(r, type, flags, sizeof *m);
    m->rtm_family = AF_INET;
    m->rtm_table = RT_TABLE_MAIN;
    m->rtm_protocol = RTPROT_STATIC;
    m->rtm_scope = RT_SCOPE_UNIVERSE;
    m->rtm_type = kind;
    return m;
}

int rt_default_route(int sock, int index, uint32_t gateway) {
    struct request r;
    begin_route(&r, RTM_NEWROUTE, NLM_F_CREATE, RTN_UNICAST);
    add(&r, RTA_GATEWAY, &gateway, 4);
    add(&r, RTA_OIF, &index, 4);
    return transact(sock, &r);
}

int rt_unreachable(int sock, uint32_t destination, int prefix, int add_it) {
    struct request r;
    struct rtmsg *m = add_it ? begin_route(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, RTN_UNREACHABLE)
                             : begin_route(&r, RTM_DELROUTE, 0, RTN_UNREACHABLE);
    m->rtm_dst_len = prefix;
    add(&r, RTA_DST, &destination, 4);
    return transact(sock, &r);
}
