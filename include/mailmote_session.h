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
    const uint8_t (*pins)[32];
    size_t pin_count;
    uint8_t pin[32]; /* where pins is NULL */
    bool opportunistic;
    bool chain;                                  /* one is checked: a name and the time are needed */
    void (*setup_modern)(struct mote_session *); /* of mote_trust_cbc() */
    /* What computes with public keys; the functions below choose BearSSL's. See mote_watchdog(). */
    const br_ec_impl *ec;
    br_rsa_pkcs1_vrfy rsa_verify;
    br_rsa_public rsa_encrypt; /* opportunistic only */
};

/* No check at all: TLS if offered, any certificate (POLICY P1). Encrypts against listeners, not against impostors.
 * Refused together with a login. name is for SNI only; NULL sends none. */
void mote_trust_opportunistic(struct mote_trust *trust, const char *name);

/* A certificate chain to one of the anchors, for exactly this DNS name, with valid dates (TLS 1.2 only). name is
 * required and no IP address: BearSSL does not check those; a dot at its end is dropped. A relay's certificate that lists
 * purposes (extendedKeyUsage) must list servers among them, or any. The anchors are not copied. */
void mote_trust_anchors(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count, const char *name);

/* The same for the smallest image: ChaCha20-Poly1305 with ECDHE on a curve of ec, SHA-256, and no more. ec is BearSSL's
 * code for the curves, as &br_ec_p256_m15, or &br_ec_p256_m31 where a multiplication takes the same time for all
 * operands; every relay has P-256. A relay without ChaCha20 is refused, and a chain signed with SHA-384 or SHA-512, or
 * on a curve that ec has not. Of ec no other curves are used than P-256 and P-384; built with -DMOTE_P256_ALONE no trust uses
 * P-384. With -DMOTE_SMALL_GCM AES-128-GCM is there as well, 3.6 KB on a Cortex-M3: relays without ChaCha20 need it. */
void mote_trust_anchors_small(struct mote_trust *trust, const br_x509_trust_anchor *anchors, size_t count,
                              const char *name, const br_ec_impl *ec);

/* The relay's public key, known by the SHA-256 of its SubjectPublicKeyInfo (RSA or EC; as in RFC 7469). It decides
 * alone: no CA, no dates, no clock (P15; TLS 1.2 only). name is for SNI only; NULL sends none. */
void mote_trust_pin(struct mote_trust *trust, const uint8_t sha256[32], const char *name);

/* The same with several, any of which will do: the key in use and the one that comes next, so that a relay can change its key.
 * The pins are not copied. NULL is no trust (MISUSE); a count of 0 is a trust that no key meets. */
void mote_trust_pins(struct mote_trust *trust, const uint8_t (*pins)[32], size_t count, const char *name);

/* The same for the smallest image, with ciphers and curves as in mote_trust_anchors_small(): no certificate's signature is computed,
 * and no clock is needed. */
void mote_trust_pins_small(struct mote_trust *trust, const uint8_t (*pins)[32], size_t count, const char *name,
                           const br_ec_impl *ec);

/* A chain as for mote_trust_anchors(), to a key that is pinned, the relay's own or that of a CA in the chain: for exactly this
 * name, and each certificate up to the pinned one has valid dates and is signed by the next. Of the pinned one itself only the key is known: its dates, which whoever
 * sends it can write, are looked at and prove nothing. Those behind it are not looked at.
 * The time is needed. The relay must send the pinned certificate, so pin the CA that signs the relay's rather than a root,
 * which most relays leave out (as TLSA 2 1 1, RFC 7671 5.2.1). Pins: as for mote_trust_pins(). */
void mote_trust_pinned_chain(struct mote_trust *trust, const uint8_t (*pins)[32], size_t count, const char *name);

/* What mote_trust_anchors(), mote_trust_pin() and mote_trust_opportunistic() compute with: X25519 (unless it was built with
 * -DMOTE_X25519=0), P-256 and P-384. A certificate or pin with a key on P-521 is refused as MOTE_CAUSE_CERT_INVALID: no CA
 * issues them. So is, for every kind of trust, an RSA key with an exponent of more than 32 bits: it would keep a small CPU
 * busy for seconds. */
extern const br_ec_impl mote_curves;

/* For relays that have nothing newer, as Exchange on Windows Server 2012 R2: the trust, verified as it is, also takes
 * ECDHE with CBC (SHA-256, SHA-384, then SHA-1), as the last choice. It links what these need. Call it behind the
 * function that set the trust. Opportunistic relays have these suites anyway. */
void mote_trust_cbc(struct mote_trust *trust);

/* For a device with a watchdog. BearSSL does not pause in a computation with a public key, and which key and curve it is
 * the relay chooses, verified or not. `make instructions` prints what the longest one takes with its relays. The longest there
 * can be is a signature on P-384, on a Cortex-M3 about five times one on P-256; RSA of 4,096 bits, the most there is, takes
 * less. feed is called before each of them. This is the last call on a trust, and in port/watchdog, which is linked only
 * where it is called. BearSSL hands no context to such code: so one feed serves the whole program, and relays that compute
 * with other code than the first one (see mote_trust_anchors_small(), mote_trust_cbc()) are left as they are, and false is
 * returned; so it is where feed is NULL. */
bool mote_watchdog(struct mote_trust *trust, void (*feed)(void));

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

/* Octets of the record buffer. An encrypted record of the relay's must fit, or the session ends with MOTE_CAUSE_TLS_RECORD.
 * The text in such a record is at most 21 octets shorter than the buffer with ChaCha20-Poly1305, 325 with CBC. What is
 * not encrypted, as the relay's certificates, passes through a buffer of any size. `mailmote probe' measures a relay. Four sizes:
 *   837      asks the relay for records of 512 octets (max_fragment_length, RFC 6066). Works as well with a relay that
 *            does not grant them, as long as its replies fit; the one to EHLO is the longest
 *   1,360    asks for records of 1,024, takes replies of 1,339 from all others, and leaves in one segment of Ethernet
 *   4,421    holds what nearly every relay sends
 *   FULL     holds every record there can be */
#define MOTE_SESSION_BUF_MIN  837
#define MOTE_SESSION_BUF_FULL BR_SSL_BUFSIZE_MONO

/* What of the conversation a trace is told. Secrets never reach it. With -DMOTE_NO_TRACE it is told nothing. */
struct mote_trace {
    /* who: 'C' what we send, 'S' what the relay sends. step is that of the command being written or answered. One call
     * carries a part of a line, a line, or several; the text of the mail comes with step MOTE_STEP_END; a login's secrets
     * come as "(credentials)". The octets of the relay are raw: make them harmless before a terminal sees them. It must
     * not call mailmote. Not called any more once the session is done. May be NULL. */
    void (*octets)(void *ctx, char who, uint8_t step, const char *data, size_t len);
    void *ctx;
};

struct mote_session_setup {
    const char *helo;    /* as in struct mote_engine_setup */
    bool clear;          /* the cleartext pass of POLICY P5; only opportunistic relays */
    bool plain;          /* as in struct mote_engine_setup */
    bool hold;           /* as in struct mote_engine_setup */
    bool keep;           /* as in struct mote_engine_setup; without effect where clear */
    void *buf;           /* record buffer, the session's alone until it is wiped */
    size_t buf_len;      /* MOTE_SESSION_BUF_MIN .. MOTE_SESSION_BUF_FULL */
    const void *entropy; /* 32 octets from a true random source, fresh for this session, read when the handshake begins
                          * (behind the 220 to STARTTLS) and never again; NULL = none: refused */
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
    bool heard;      /* octets of a handshake, since the last poll */
    br_ssl_client_context client;
    br_ec_impl ec; /* the trust's, without the curves that are too slow for it */
    struct mote_x509 {
        const br_x509_class *vtable;
        const struct mote_trust *trust;
        const char *wildcard, *next; /* ".com" where "*.com" would match the name; how far it has */
        uint32_t last;               /* four octets of the relay's certificate */
        uint16_t left;               /* octets of its list of purposes */
        uint16_t unfit;              /* such lists without servers in them */
        uint8_t length_octets, depth;
        bool wide; /* it is for a whole top-level domain */
        uint8_t cause;
        struct mote_pinned { /* of mote_trust_pinned_chain() */
            br_sha256_context hash;
            uint32_t left; /* octets of the element at hand */
            uint8_t element, part;
            bool found;
        } pinned;
        union {
            br_x509_minimal_context minimal;
            br_x509_decoder_context decoder;
        } u;
    } x509;
};

/* Begins a session on a fresh connection. The mail is read, and its verdicts are written, until MOTE_DONE. Relay, setup, buffer, and
 * what they point to (but for entropy) are used until mote_session_wipe(): behind MOTE_DONE the buffer may hold QUIT and
 * close_notify, and it is wiped as well. Never fails: wrong arguments are MOTE_DONE with MOTE_MISUSE at the first poll;
 * missing entropy or time is MOTE_DEFERRED with its cause. */
void mote_session_init(struct mote_session *session, const struct mote_relay *relay, struct mote_mail *mail,
                       const struct mote_session_setup *setup);

/* What to do next: MOTE_WANT_SEND, MOTE_WANT_RECV, MOTE_WANT_COMMIT, MOTE_WANT_MAIL, MOTE_DONE (never MOTE_WANT_TLS). MOTE_DONE may
 * come together with MOTE_WANT_SEND: QUIT and close_notify, worth one try, not worth waiting for. A session of zeros, never begun or wiped, is
 * MOTE_DONE, MOTE_MISUSE with MOTE_CAUSE_SETUP. */
uint8_t mote_session_poll(struct mote_session *session, uint32_t now_ms);
uint32_t mote_session_wait_ms(const struct mote_session *session);

/* Octets for the connection: where and how many; then acknowledge how many of them were taken. NULL = none now; then
 * len says nothing. The pointer is good until the next call for this session but mote_session_wait_ms(). */
const void *mote_session_send_buf(struct mote_session *session, size_t *len);
void mote_session_send_ack(struct mote_session *session, size_t len);

/* Room for octets from the connection; then acknowledge how many were put there. NULL, and pointer: likewise. In a handshake
 * there is room for a few hundred octets, once between two polls: a long chain has us compute with many keys, and the time
 * limits are looked at in between. */
void *mote_session_recv_buf(struct mote_session *session, size_t *len);
void mote_session_recv_ack(struct mote_session *session, size_t len);

/* At MOTE_WANT_MAIL, as for the engine: the next mail over the same connection, in the same TLS session and login. The setup's keep,
 * hold, plain and start_ms are read again. Or no other. */
void mote_session_next(struct mote_session *session, struct mote_mail *mail);
void mote_session_quit(struct mote_session *session);

/* As for the engine. A connection closed or reset by the relay is MOTE_CAUSE_LOST. The result is a part of the session: it is good
 * until the session is wiped, or begins anew. */
void mote_session_commit(struct mote_session *session);
void mote_session_fail(struct mote_session *session, uint8_t cause);
const struct mote_result *mote_session_result(const struct mote_session *session);

/* Overwrites the session and its buffer with zeros, keys and secrets included. Read the result first, or have it read:
 * mote_outbox_poll() and mote_delivery_next() do so when they are called behind MOTE_DONE. */
void mote_session_wipe(struct mote_session *session);

#ifdef __cplusplus
}
#endif

#endif
