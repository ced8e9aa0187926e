/* SPDX-License-Identifier: MIT
 *
 * mailmote on POSIX sockets: one blocking call. For hosts and appliances with an operating system.
 */
#ifndef MAILMOTE_POSIX_H
#define MAILMOTE_POSIX_H

#include "mailmote_outbox.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds since 1970 at which this was built, or earlier. A system clock that shows less was never set: then the time is unknown, and
 * a relay whose certificates' dates need it is not asked (MOTE_CAUSE_NO_TIME), which is not counted against it. */
#ifndef MOTE_BUILT_S
#define MOTE_BUILT_S INT64_C(1767225600) /* 2026-01-01 */
#endif

/* Passes the dialogue on to the caller's trace, and tells what the handshake agreed on. The port's own. */
struct mote_posix_tracer {
    const struct mote_trace *trace;
    const struct mote_session *session;
    bool handshake_told;
};

#define MOTE_POSIX_HOST_NAME 256
#define MOTE_POSIX_LITERAL   64

/* A connection that outlives its mail, about 24 KB. The caller lends it to one attempt after the other: zeros before the first one, and
 * mote_posix_leave() behind the last. All have the same relays, which stay in place as long as it is used. All in it is the port's own. */
struct mote_posix_connection {
    bool open;
    int fd;
    const struct mote_relay *relay; /* it leads, or led, to */
    uint32_t begun_ms;
    uint8_t mails;                      /* that it has been given */
    uint8_t mails_max[MOTE_RELAYS_MAX]; /* as many as each relay takes on one, 0 = not known */
    struct mote_session session;
    struct mote_session_setup setup;
    struct mote_posix_tracer tracer;
    unsigned char buf[MOTE_SESSION_BUF_FULL], entropy[32];
    char name[MOTE_POSIX_HOST_NAME], literal[MOTE_POSIX_LITERAL];
};

/* One attempt of a mail over its relays. The fields up to ctx are the caller's. */
struct mote_posix_attempt {
    const struct mote_relay *relays; /* in order of preference, MOTE_RELAYS_MAX at most */
    size_t relay_count;
    bool partial; /* there are more, which are not known now: nobody fails for what these cannot take (P10) */
    struct mote_relay_state *states;  /* one per relay, or NULL: no relay is left alone (P12) */
    uint32_t now_s;                   /* seconds of a monotonic clock, for states */
    const struct mote_record *record; /* the mail's, where one is kept (P5, P7, P16); NULL: a first attempt */
    struct mote_mail *mail;           /* measured here when its size is 0 */
    /* NULL: the host's own full name, or the address literal of the socket when it has none. */
    const char *helo;
    const struct mote_trace *trace; /* or NULL */
    uint16_t limit_s;               /* for the whole attempt, 1 to MOTE_ATTEMPT_S; 0 = the latter */
    /* After each conversation, and where none came about: what the relay, or the way to it, made of the mail. The mail's
     * recipients are marked for the next relay already, and delivery.relay is that one. Or NULL. */
    void (*conversation_done)(void *ctx, const struct mote_relay *relay, const struct mote_result *result);
    /* The end of the mail is about to leave: stores that it may have been sent. False: that cannot be stored, and it
     * does not leave: the mail is deferred with MOTE_CAUSE_STORAGE (P9). Or NULL. */
    bool (*commit)(void *ctx);
    void *ctx;
    /* Many mails, one connection: the same one for all of them, or NULL. It is kept behind a mail where `more` says that another mail is
     * due, for MOTE_CONNECTION_MAILS mails and MOTE_ATTEMPT_S seconds at most, and used where it leads to the relay that is asked. */
    struct mote_posix_connection *connection;
    bool more;
    struct mote_delivery delivery; /* afterwards: what mote_record_take() needs */
};

/* Looks each relay up, tries every address in turn, talks, closes, until the mail has its verdicts. Blocks:
 * MOTE_ATTEMPT_S seconds at most, or limit_s, and what the system's resolver takes beyond that. Recipients' verdicts are in the
 * mail; the result is that of the last conversation. When there was none, its step is MOTE_STEP_CONNECT: wrong
 * arguments are MOTE_MISUSE before the network is touched, no address and no connection are MOTE_DEFERRED. What this host
 * lacks (a route, an address, a name server that answers, a descriptor, memory) is MOTE_CAUSE_NO_NETWORK or
 * MOTE_CAUSE_NO_MEMORY, and not the relay's failure (P12).
 *
 * Besides 'C' and 'S' the trace hears '*', one line of text without an end of line: what became of each address, and what
 * the handshake agreed on ("TLS 1.2, SUITE, certificate verified"). Takes no heap of its own, and up to 32 KB of stack as
 * measured on x86-64, most of it session and record buffer. SIGPIPE is not raised; time is CLOCK_MONOTONIC and CLOCK_REALTIME,
 * entropy mote_posix_random(). Not for use in signal handlers; several threads may call it at once, each with its own mail. */
struct mote_result mote_posix_attempt(struct mote_posix_attempt *attempt);

/* No other mail follows: QUIT, and the connection is closed and wiped. Nothing happens where none is open. */
void mote_posix_leave(struct mote_posix_connection *connection);

/* The same with one relay, a first attempt, and nothing kept. */
struct mote_result mote_posix_send(const struct mote_relay *relay, struct mote_mail *mail, const char *helo,
                                   const struct mote_trace *trace);

/* The host's own full name ("mote.example.org"), from gethostname and, if that has no dot, from the resolver. False
 * when it has none that a relay would believe (no dot, "localhost", no host name), or gethostname's fills all of cap octets and
 * may be cut: then an address literal is its name. */
bool mote_posix_host_name(char *name, size_t cap);

/* Random octets of the system's, from getrandom(2), or /dev/urandom where the kernel has none. Waits until the generator is
 * seeded, early after boot. False: there is none. */
bool mote_posix_random(void *octets, size_t len);

/* Has a file something to be read, or an end? A pipe that has no writer, or one that writes nothing, is given five seconds. False: it
 * has not, and errno is ETIMEDOUT or what poll() said. */
bool mote_posix_readable(int fd);

/* Reads the certificates of a PEM file as trust anchors into memory the caller lends; it must stay in place as long as
 * they are used. As many octets as the file has are enough. A certificate that is no CA's is trusted as the relay's
 * own. Certificates that are none inside, and those BearSSL cannot use, are passed over. Returns how many, with *anchors pointing to them. 0: errno says
 * why: the file cannot be read (then *anchors is NULL), holds no certificate that can be used, or one whose base64 is damaged or ends early (EINVAL), or memory is
 * short (ENOMEM). Up to 22 KB of stack. */
size_t mote_posix_anchors(const char *file, void *memory, size_t memory_len, const br_x509_trust_anchor **anchors);

#ifdef __cplusplus
}
#endif

#endif
