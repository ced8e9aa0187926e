/* SPDX-License-Identifier: MIT
 *
 * A connection to a relay, one command at a time.
 */
#ifndef MAILMOTE_HOST_PROBE_LINK_H
#define MAILMOTE_HOST_PROBE_LINK_H

#include "probe.h"

enum { REPLY_MAX = 8192 };

/* What the client of a connection is like. */
struct link_tls {
    const uint16_t *suites;
    size_t suite_count;
    const br_ec_impl *curves;
    bool short_records; /* asks for records of 512 octets */
};

struct link {
    int fd;
    uint32_t start_ms, limit_ms;
    char ehlo[300]; /* the line that says who we are */
    bool secured, in_tls;
    bool heard, closed;    /* the other end has said something; it has hung up */
    bool no_tls;           /* what it said is no record of TLS */
    char reply[REPLY_MAX]; /* the last one, as it came, NUL behind it */
    size_t reply_len;

    /* TLS */
    struct mote_session session; /* its client alone is used */
    br_sslio_context io;
    struct link_x509 {
        const br_x509_class *vtable;
        struct certificates *chain;
        unsigned char *der;
        size_t len, cap;
        bool failed;
    } x509;
    struct certificates chain;
    size_t head, left; /* of the record coming in: octets of its header that came, octets of it to come */
    unsigned char header[5];
    bool encrypted;
    size_t record;            /* the largest that was encrypted, its header included */
    unsigned char hello[512]; /* the beginning of what was not */
    size_t hello_len;
    unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
};

/* Connects to the first address that takes it; the trace is told of each. False: none does. All that is said then has
 * limit_ms. */
bool link_open(struct link *link, const char *host, uint16_t port, uint32_t limit_ms, const struct mote_trace *trace);

/* Reads a reply. Its code, or 0: it did not come, or is none. */
unsigned link_reply(struct link *link);

/* Says a line, and reads the reply. */
unsigned link_ask(struct link *link, const char *line);

/* Any certificate will do. False: there is no TLS; error is BearSSL's. */
bool link_start_tls(struct link *link, const char *name, const struct link_tls *tls, int *error);

/* In the handshake the relay has granted records of 512 octets. */
bool link_granted(const struct link *link);

void link_close(struct link *link);

#endif
