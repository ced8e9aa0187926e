/* SPDX-License-Identifier: MIT
 *
 * A relay in memory for the session's harness: BearSSL's server and as much SMTP as is needed, with tampering at each
 * layer. It keeps what it heard and said, so that the harness can judge what the client makes of it.
 */
#ifndef RELAY_H
#define RELAY_H

#include "certificates.h"

enum { TAMPERS = 8 };

/* Where an operation tampers. */
enum {
    NOWHERE,
    WIRE,   /* the octet of the relay's stream with this number */
    RECORD, /* the record with this number, before it is encrypted */
    HANDSHAKE /* the same, but one of the handshake messages in it */,
    REPLY,  /* the reply with this number */
    POINT,  /* its half of the key exchange */
    SECRET, /* a point that makes every secret zero, in case the client takes it */
    RELAY,  /* at this step it closes, cuts, or wants another handshake */
    CLOCK,  /* at this step time jumps */
    CALLER, /* at this step the caller gives up, or cannot store that the mail may leave */
    PLACES
};

struct tamper {
    uint8_t where, what, arg;
    uint16_t at;
};

struct relay {
    /* Set before relay_begin(). */
    struct tamper tampers[TAMPERS];
    enum trust_key key;
    struct chain chain;
    uint16_t suite, version_min, version_max; /* 0: BearSSL's choice */
    bool implicit, asks_certificate, fragments;
    uint8_t offers[2], mood; /* before and in TLS; what it refuses */

    /* What was heard, in clear and in TLS; what was said: octets in clear as the client took them, those of the records
     * as they were encrypted. */
    uint8_t heard[2][1 << 15], said[1 << 17];
    size_t heard_len[2], said_len;
    bool zeros; /* SECRET was done */

    /* Its own. */
    br_ssl_server_context tls;
    br_x509_certificate ders[CHAIN_MAX];
    br_x509_minimal_context clients;
    uint8_t io[BR_SSL_BUFSIZE_BIDI];
    bool in_tls, begin_tls, secured, closed;
    uint8_t speech[1 << 15], wire[1 << 16]; /* to say; on its way */
    size_t speech_len, wire_len, wire_at, wire_count;
    unsigned records, replies, login_lines, rcpts;
    char line[2048];
    size_t line_len, chunk;
    bool in_text;
};

void relay_begin(struct relay *r);
void relay_hear(struct relay *r, const uint8_t *octets, size_t len);
void relay_turn(struct relay *r); /* lets it work until it has nothing more to do */
size_t relay_speak(struct relay *r, uint8_t *buf, size_t cap);
void relay_act(struct relay *r, unsigned what, uint8_t arg); /* of a RELAY tamper */

/* ---- judge.c: what the client wrote, and which replies answer it, by the octets alone ----------------------------- */

struct judged {
    bool foreign_in_clear; /* anything but EHLO, HELO, STARTTLS and QUIT before TLS */
    bool mail_in_clear, mail_in_tls;
    bool starttls_offered;    /* in clear */
    bool end;                 /* all of the text was heard, and its end */
    unsigned end_code;        /* the whole reply to it; 0: there is none */
    unsigned rcpts, accepted; /* those who were named, and those the relay took */
    unsigned rcpt_code[RCPTS_MAX];
};
void judge(struct judged *j, const struct relay *r);

/* tamper.c: how it is done. For records, returns the new length, at most room. */
size_t tamper_record(struct relay *r, int *type, uint8_t *data, size_t len, size_t room);
void tamper_wire(struct relay *r, const uint8_t *octets, size_t len);
size_t tamper_reply(struct relay *r, uint8_t *reply, size_t len, size_t room);
void tamper_point(struct relay *r, uint8_t *point, size_t *len, int curve);
void tamper_secret(struct relay *r, uint8_t *secret, size_t len, int curve);

#endif
