#include "agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const unsigned char *take(struct reader *r, size_t n) {
    if (r->bad || (size_t)(r->end - r->at) < n) {
        r->bad = 1;
        return NULL;
    }
    r->at += n;
    return r->at - n;
}

uint8_t read_u8(struct reader *r) {
    const unsigned char *p = take(r, 1);
    return p ? p[0] : 0;
}

uint16_t read_u16(struct reader *r) {
    const unsigned char *p = take(r, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t read_u32(struct reader *r) {
    const unsigned char *p = take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

char *read_string(struct reader *r) {
    size_t length = read_u16(r);
    const unsigned char *p = take(r, length);
    if (!p) length = 0;
    char *text = malloc(length + 1);
    if (!text) abort();
    if (p) memcpy(text, p, length);
    text[length] = 0;
    return text;
}

void put_u32(unsigned char *at, uint32_t value) {
    at[0] = (unsigned char)(value >> 24);
    at[1] = (unsigned char)(value >> 16);
    at[2] = (unsigned char)(value >> 8);
    at[3] = (unsigned char)value;
}

void send_frame(uint32_t id, uint8_t type, const void *payload, size_t length) {
    unsigned char header[9];
    put_u32(header, (uint32_t)(length + 5));
    put_u32(header + 4, id);
    header[8] = type;
    struct iovec parts[2] = {{header, sizeof header}, {(void *)payload, length}};
    int first = 0;
    while (first < 2) {
        ssize_t n = writev(STDOUT_FILENO, parts + first, 2 - first);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) exit(0); /* the daemon has gone */
        while (first < 2 && (size_t)n >= parts[first].iov_len) n -= (ssize_t)parts[first++].iov_len;
        if (first < 2) {
            parts[first].iov_base = (char *)parts[first].iov_base + n;
            parts[first].iov_len -= (size_t)n;
        }
    }
}

void reply_ok(uint32_t id) { send_frame(id, REPLY_OK, NULL, 0); }

void reply_error(uint32_t id, int error, const char *what, ...) {
    unsigned char payload[512];
    put_u32(payload, (uint32_t)error);
    va_list arguments;
    va_start(arguments, what);
    char *text = (char *)payload + 4;
    int n = vsnprintf(text, 300, what, arguments);
    va_end(arguments);
    if (n > 299) n = 299;
    n += snprintf(text + n, 200, ": %s", strerror(error));
    send_frame(id, REPLY_ERROR, payload, 4 + (size_t)n);
}
