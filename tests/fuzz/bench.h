/* SPDX-License-Identifier: MIT
 *
 * The client's side of the session's harness, and what of it the input draws.
 */
#ifndef BENCH_H
#define BENCH_H

#include "relay.h"

#include "mailmote_session.h"

enum { OPPORTUNISTIC, PIN, WRONG_PIN, ANCHORS, ANCHORS_SMALL, KINDS };
enum { SETTINGS = 24, HEAD = SETTINGS + TAMPERS * 5, TEXT_LONG = 3000 };

/* Bits of the flags. */
enum { IMPLICIT = 1, CLEAR = 2, HOLD = 4, PLAIN = 8, ASKS = 16, FRAGMENTS = 32, RESIGN = 64, NO_TRACE = 128 };

#define PASSWORD "pass word 4711"
#define TOKEN    "token.4711"

struct bench {
    struct mote_relay relay;
    struct mote_session_setup setup;
    struct mote_mail mail;
    struct mote_rcpt rcpts[3];
    struct mote_session *session;
    void (*setup_tls)(struct mote_session *);
    char texts[2][100];
    uint8_t *buf;
    char trace[1 << 17];
    size_t trace_len, text_len;
    unsigned split[2]; /* of what is sent and received */
    unsigned kind, certificate, steps;
    bool own_chain, committed;
    uint32_t now_ms;
};
extern struct bench bench;
extern struct relay peer;

/* Draws it all, the relay's part too. A head of HEAD octets, where each says one thing: settings, then the tampering;
 * then the chain, if it is not one of those stored. */
void bench_set(const uint8_t *data, size_t size);

#endif
