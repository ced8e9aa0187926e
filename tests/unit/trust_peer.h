/* SPDX-License-Identifier: MIT
 *
 * A relay in memory: BearSSL's server, with as much SMTP as a session needs, talking to a mote_session without a socket.
 */
#ifndef TRUST_PEER_H
#define TRUST_PEER_H

#include "mailmote_session.h"
#include "trust_cert.h"

enum { PEER_CHAIN = 3 };

struct trust_peer {
    /* Set by the test before trust_talk(). */
    struct trust_cert chain[PEER_CHAIN]; /* as sent; unused: len 0 */
    uint8_t key;                         /* enum trust_key, of the first of them */
    uint16_t version_min, version_max;   /* 0: TLS 1.0 to 1.2 */
    uint16_t suites[4];                  /* none: BearSSL's choice */
    bool asks, insists;                  /* for a client certificate */
    bool fragments;                      /* breaks its grant of max_fragment_length: records as large as they come */
    const char *offers;                  /* the answer to EHLO inside TLS; NULL: no offers */
    const char *clear_offers;            /* and before it; NULL: STARTTLS */
    bool implicit;
    const struct trust_octets *raw; /* sent in place of the first certificate; NULL: none */
    bool no_chain;                  /* no certificate is sent */
    size_t piece;                   /* the client is given so many octets at a time; 0: as many as it takes */
    uint16_t record;      /* octets in a record, where the client asks for nothing shorter; 0: as BearSSL has it */
    const br_ec_impl *ec; /* for its curves; NULL: BearSSL's, with all of them */
    bool sha1;            /* signs its key exchange over SHA-1 */
    bool grants_nothing;  /* passes over max_fragment_length */
    bool refuses_token;   /* says what is wrong with it first (RFC 7628 3.2.3) */
    bool renegotiates;    /* answers the first command in TLS with another handshake */
    int forced;           /* a curve to take, whatever the client offers, with ChaCha20 and an EC key; 0: none */

    /* Seen by the relay. */
    char heard[8192]; /* lines of the client, in clear and in TLS, without the mail's text */
    size_t heard_len;
    char wire[1 << 15]; /* octets as they came, before TLS */
    size_t wire_len;
    char server_name[256];
    unsigned version, suite;
    bool secured, mails; /* handshake done; it took a mail */
    unsigned fragment;   /* octets the client lets a record hold */
    size_t record_max;   /* of the longest record it sent after the handshake */

    /* Its own. */
    br_ssl_server_context tls;
    br_x509_certificate ders[PEER_CHAIN];
    const br_ssl_server_policy_class *chooser;
    br_ssl_server_policy_class policy;
    br_x509_minimal_context clients;
    unsigned char io[BR_SSL_BUFSIZE_BIDI];
    char say[1 << 15];
    size_t say_len;
    char line[1024];
    size_t line_len;
    size_t chunk;      /* octets of BDAT to come */
    unsigned in_login; /* lines of the login to come */
    bool in_tls, in_data, going;
};

/* Runs both until nothing moves. */
void trust_talk(struct mote_session *session, struct trust_peer *peer);

/* A mail on its way to the relay. */
struct trust_bench {
    struct mote_relay relay;
    struct mote_session_setup setup;
    struct mote_mail mail;
    struct mote_rcpt rcpt;
    struct mote_session session;
    struct trust_peer peer;
    char trace[1 << 17]; /* all the session told */
    size_t trace_len;
    uint8_t buf[MOTE_SESSION_BUF_FULL];
};

enum { BENCH_NOW = 1767225600 }; /* 2026-01-01 00:00:00 UTC */

/* Good but for the trust, which is not set, and the relay's certificate, which is missing. */
void trust_bench_set(struct trust_bench *bench);

/* A certificate for the relay, by spec; it is the next of its chain. The first one's key is the relay's. */
void trust_bench_certify(struct trust_bench *bench, const struct trust_spec *spec);

/* The same with a trust that leaf, signed by the "Test CA" with the key P_256_CA, deserves; its chain is leaf alone. */
enum trust_kind { OPPORTUNISTIC, ANCHORS, PIN, KINDS, ANCHORS_SMALL = KINDS, ALL_KINDS };
void trust_bench_kind(struct trust_bench *bench, enum trust_kind kind, const struct trust_spec *leaf);

/* Runs it. Returns the cause; the verdict is asserted to be DELIVERED in TLS without one, else DEFERRED in the handshake, and no
 * command of the mail heard. */
uint8_t trust_bench_run(struct trust_bench *bench);

#endif
