/* SPDX-License-Identifier: MIT
 *
 * What the files of this port share. Not for users: they include mailmote_posix.h.
 */
#ifndef MOTE_PORT_POSIX_H
#define MOTE_PORT_POSIX_H

#include "mailmote_posix.h"

#include <sys/socket.h>

/* Addresses of one relay that are tried, at most. */
#define MOTE_POSIX_ADDRESSES 16

/* clock.c: the monotonic millisecond counter of the session, which wraps; and the time of day, 0 = unknown. */
uint32_t mote_posix_now_ms(void);
uint64_t mote_posix_unix_s(void);

/* trace.c: one line to the trace, as who '*'; trace and rest may be NULL. */
void mote_posix_trace_event(const struct mote_trace *trace, const char *text, const char *rest);

/* The trace for the next session; it hears nothing when the caller's trace is NULL. */
struct mote_trace mote_posix_trace_wrap(struct mote_posix_tracer *tracer, const struct mote_session *session,
                                        const struct mote_trace *trace);

/* anchor.c: a certificate as a trust anchor, which points into its octets. False: it is damaged, or BearSSL cannot use it. */
bool mote_posix_anchor(br_x509_trust_anchor *anchor, const unsigned char *der, size_t len);

/* connect.c: returns a connected non-blocking socket, or -1 and why not. start_ms: when the attempt began. */
int mote_posix_connect(const char *host, uint16_t port, uint32_t start_ms, const struct mote_trace *trace,
                       uint8_t *cause);

/* host.c: an address without its port, "192.0.2.7" or "2001:db8::7". False: it is of no such family. */
bool mote_posix_address(const struct sockaddr *address, char text[MOTE_POSIX_LITERAL]);

/* host.c: the address literal of the socket's own end (RFC 5321 4.1.3), "[192.0.2.7]" or "[IPv6:2001:db8::7]"; "" when
 * it has no such address. */
void mote_posix_literal(int fd, char literal[MOTE_POSIX_LITERAL]);

/* pump.c: moves octets until the session is done, or could take another mail (MOTE_WANT_MAIL). At MOTE_WANT_COMMIT commit is asked whether the end of the mail may
 * leave; NULL: it may. The socket stays open. */
void mote_posix_pump(int fd, struct mote_session *session, bool (*commit)(void *ctx), void *ctx);

#endif
