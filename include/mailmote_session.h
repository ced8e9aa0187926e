/* SPDX-License-Identifier: MIT
 *
 * A session: the engine, BearSSL's TLS 1.0..1.2 client and the check of who the relay is, in one box. Still no I/O:
 * octets for and from the connection pass through one lent buffer, which is also BearSSL's record buffer.
 */
#ifndef MAILMOTE_SESSION_H
#define MAILMOTE_SESSION_H

#include "mailmote.h"

#include <bearssl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Trust: how a relay proves who it is. A relay whose trust was never set is MISUSE. --------------------------- */

struct mote_session;

struct mote_trust {
    void (*setup_tls)(struct mote_session *); /* set by the functions below; NULL = not set */
    const char *name;                         /* the relay's DNS name: SNI, and what a chain is checked against */
    const br_x509_trust_anchor *anchors;
    size_t anchor_count;
    const br_ec_impl *ec; /* of mote_trust_anchors_small() */
    uint8_t pin[32];
    bool opportunistic;
};

/* No check at all: TLS if offered, any certificate (POLICY P1). Encrypts against listeners, not against impostors.
 * Refused together with a login. name is for SNI only; NULL sends none. */
void mote_trust_opportunistic(struct mote_trust *trust, const char *name);

/* A certificate chain to one of the anchors, for exactly this DNS name, with valid dates (TLS 1.2 only). name is
 * required and no IP address: BearSSL does not check those. The anchors are not copied. */
void mote_trust_anchors(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count, const char *name);

/* The same for the smallest image: ChaCha20-Poly1305 with ECDHE on a curve of ec, SHA-256, and no more. ec is BearSSL's
 * code for the curves, as &br_ec_p256_m15, or &br_ec_p256_m31 where a multiplication takes the same time for all
 * operands; every relay has P-256. A relay without ChaCha20 is refused, and a chain signed with SHA-384 or SHA-512, or
 * on a curve that ec has not. */
void mote_trust_anchors_small(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count,
                              const char *name, const br_ec_impl *ec);

/* The relay's public key, known by the SHA-256 of its SubjectPublicKeyInfo (RSA or EC; as in RFC 7469). It decides
 * alone: no CA, no dates, no clock (P15; TLS 1.2 only). name is for SNI only; NULL sends none. */
void mote_trust_pin(struct mote_trust *trust, const uint8_t sha256[32], const char *name);

/* The next octets of a certificate for one of BearSSL's decoders, which must not be given more once it has refused the
 * certificate: it would go on behind the check that failed, and write over what lies behind it. After an error this
 * does nothing; br_x509_decoder_last_error() still tells it. Whatever feeds a decoder does it through this. */
void mote_certificate_push(br_x509_decoder_context *decoder, const void *octets, size_t len);

/* ---- Relay ------------------------------------------------------------------------------------------------------- */

struct mote_relay {
    const char *host; /* name or address, for the port to connect to */
    uint16_t port;    /* 0: 465 for implicit TLS, 587 with a login, else 25 */
    uint8_t tls;      /* MOTE_TLS_STARTTLS or MOTE_TLS_IMPLICIT */
    struct mote_trust trust;
    struct mote_login login;
};

/* The port to connect to. */
uint16_t mote_relay_port(const struct mote_relay *relay);

/* ---- Session ----------------------------------------------------------------------------------------------------- */

/* Buffer sizes in octets. The smallest asks the relay for records of 512 octets (max_fragment_length, RFC 6066) and
 * works with relays that grant it; 4,421 is enough for nearly every relay that does not; the full size is for
 * certainty. */
#define MOTE_SESSION_BUF_MIN  837
#define MOTE_SESSION_BUF_FULL BR_SSL_BUFSIZE_MONO

/* What of the conversation a trace is told. Secrets never reach it. */
struct mote_trace {
    /* who: 'C' what we send, 'S' what the relay sends. step is that of the command being written or answered. Commands
     * come whole or in runs; the text of the mail comes with step MOTE_STEP_END; a login's secrets come as
     * "(credentials)". The octets of the relay are raw: make them harmless before a terminal sees them. May be NULL. */
    void (*octets)(void *ctx, char who, uint8_t step, const char *data, size_t len);
    void *ctx;
};

struct mote_session_setup {
    const char *helo;    /* as in struct mote_engine_setup */
    bool clear;          /* the cleartext pass of POLICY P5; only opportunistic relays */
    bool plain;          /* as in struct mote_engine_setup */
    bool hold;           /* as in struct mote_engine_setup */
    void *buf;           /* record buffer, the session's alone until it is done */
    size_t buf_len;      /* MOTE_SESSION_BUF_MIN .. MOTE_SESSION_BUF_FULL */
    const void *entropy; /* 32 octets from a true random source, fresh for this session; NULL = none: refused */
    uint64_t unix_s;     /* seconds since 1970 UTC for the dates of a chain; 0 = unknown: refused where needed */
    uint32_t start_ms;   /* when the attempt began, on the clock of mote_session_poll() */
    struct mote_trace trace;
};

/* One conversation with one relay. The fields are the session's own. About 7 KB, most of it BearSSL's. */
struct mote_session {
    struct mote_engine engine;
    struct mote_engine_setup engine_setup;
    const struct mote_relay *relay;
    const struct mote_session_setup *setup;
    size_t out_len, out_at; /* clear octets waiting in the buffer */
    uint8_t mode;
    bool login_told; /* the login's line being written was traced */
    br_ssl_client_context client;
    struct mote_x509 {
        const br_x509_class *vtable;
        union {
            br_x509_minimal_context minimal;
            br_x509_decoder_context decoder;
        } u;
        const struct mote_trust *trust;
        const char *wildcard; /* ".com" where "*.com" would match the name */
        uint8_t depth, matched;
        uint8_t cause;
    } x509;
};

/* Begins a session on a fresh connection. Relay, setup, mail and buffer live until it is done. Never fails: wrong
 * arguments are MOTE_DONE with MOTE_MISUSE at the first poll; missing entropy or time is MOTE_DEFERRED with its cause.
 */
void mote_session_init(struct mote_session *session, const struct mote_relay *relay, struct mote_mail *mail,
                       const struct mote_session_setup *setup);

/* What to do next: MOTE_WANT_SEND, MOTE_WANT_RECV, MOTE_WANT_COMMIT, MOTE_DONE (never MOTE_WANT_TLS). MOTE_DONE may
 * come together with MOTE_WANT_SEND: QUIT and close_notify, worth one try, not worth waiting for. */
uint8_t mote_session_poll(struct mote_session *session, uint32_t now_ms);
uint32_t mote_session_wait_ms(const struct mote_session *session);

/* Octets for the connection: where and how many; then acknowledge how many of them were taken. NULL = none now. */
const void *mote_session_send_buf(struct mote_session *session, size_t *len);
void mote_session_send_ack(struct mote_session *session, size_t len);

/* Room for octets from the connection, and how many were put there. NULL = none now. */
void *mote_session_recv_buf(struct mote_session *session, size_t *len);
void mote_session_recv_ack(struct mote_session *session, size_t len);

/* As for the engine. A connection closed or reset by the relay is MOTE_CAUSE_LOST. */
void mote_session_commit(struct mote_session *session);
void mote_session_fail(struct mote_session *session, uint8_t cause);
const struct mote_result *mote_session_result(const struct mote_session *session);

/* Overwrites the session and its buffer with zeros, keys and secrets included. Read the result first. */
void mote_session_wipe(struct mote_session *session);

#ifdef __cplusplus
}
#endif

#endif
