/* SPDX-License-Identifier: MIT
 *
 * What the files of this port share. Not for users: they include mailmote_posix.h.
 */
#ifndef MOTE_PORT_POSIX_H
#define MOTE_PORT_POSIX_H

#include "mailmote_posix.h"

/* Addresses of one relay that are tried, at most. */
#define MOTE_POSIX_ADDRESSES 16

/* The monotonic millisecond counter of the session. It wraps. */
uint32_t mote_posix_now_ms(void);

/* ear.c: one line to the trace, as who '*'; trace and rest may be NULL. */
void mote_posix_tell(const struct mote_trace *trace, const char *text, const char *rest);

/* Stands between a session and the caller's trace, to tell of the handshake when it is done. */
struct mote_posix_ear {
    const struct mote_trace *trace;
    const struct mote_session *session;
    bool told;
};

struct mote_trace mote_posix_listen(struct mote_posix_ear *ear, const struct mote_session *session,
                                    const struct mote_trace *trace);

/* connect.c: returns a connected non-blocking socket, or -1 and why not. start_ms: when the attempt began. */
int mote_posix_connect(const char *host, uint16_t port, uint32_t start_ms, const struct mote_trace *trace,
                       uint8_t *cause);

/* host.c: the address literal of the socket's own end (RFC 5321 4.1.3), "[192.0.2.7]" or "[IPv6:2001:db8::7]"; "" when
 * it has no such address. */
#define MOTE_POSIX_LITERAL 64
void mote_posix_literal(int fd, char literal[MOTE_POSIX_LITERAL]);

/* pump.c: moves octets until the session is done; commit is called at MOTE_WANT_COMMIT. The socket stays open. */
void mote_posix_pump(int fd, struct mote_session *session, void (*commit)(void *ctx), void *ctx);

#endif
