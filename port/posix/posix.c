/* SPDX-License-Identifier: MIT
 *
 * One attempt of a mail over its relays: check, look up, connect, talk, close, as delivery asks. The octets are moved
 * in pump.c, the socket is made in connect.c.
 *
 * It never looks into what is said: it knows sockets, time and entropy, and no SMTP.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENTROPY_LEN 32

static void wipe(void *octets, size_t len)
{
    volatile unsigned char *at = octets;

    while (len-- > 0) {
        *at++ = 0;
    }
}

/* ---- An attempt -------------------------------------------------------------------------------------------------- */

/* What lives as long as an attempt. */
struct conversation {
    struct mote_posix_attempt *attempt;
    struct mote_session session;
    struct mote_session_setup setup;
    struct mote_posix_tracer tracer;
    uint32_t begun_ms; /* setup.start_ms is earlier where the attempt has less time */
    unsigned char buf[MOTE_SESSION_BUF_FULL], entropy[ENTROPY_LEN];
    char name[MOTE_POSIX_HOST_NAME], literal[MOTE_POSIX_LITERAL];
};

/* Wrong arguments are found before the network is touched, in a dry run: a session that is begun, asked and dropped. Where
 * this host has no name, any valid literal passes for the one that the connection will tell. */
static bool arguments_good(struct conversation *c)
{
    c->setup.helo = c->name[0] != 0 ? c->name : "[127.0.0.1]";
    mote_session_init(&c->session, c->attempt->delivery.relay, c->attempt->mail, &c->setup);
    return (mote_session_poll(&c->session, c->setup.start_ms) & MOTE_DONE) == 0;
}

/* Which of the relays is spoken to, where that is a question. */
static void tell_relay(const struct conversation *c, const struct mote_relay *relay)
{
    char text[300];
    bool bracket = relay->host != NULL && strchr(relay->host, ':') != NULL;

    if (!c->setup.clear && c->attempt->relay_count < 2) {
        return;
    }
    snprintf(text, sizeof text, bracket ? "relay [%s]:%u" : "relay %s:%u", relay->host != NULL ? relay->host : "",
             (unsigned)mote_relay_port(relay));
    mote_posix_trace_event(c->attempt->trace, text, c->setup.clear ? " in clear, as TLS has failed again" : NULL);
}

/* What is left alone is left alone from now on, not from when the attempt began. */
static void pass_time(struct conversation *c)
{
    c->attempt->delivery.now_s = c->attempt->now_s + (mote_posix_now_ms() - c->begun_ms) / 1000;
}

/* Connects to the relay the delivery names, and talks until there is a verdict. */
static struct mote_result talk(struct conversation *c)
{
    struct mote_delivery *delivery = &c->attempt->delivery;
    const struct mote_relay *relay = delivery->relay;
    uint8_t cause = MOTE_CAUSE_LOOKUP;
    int fd = -1;

    c->setup.unix_s = mote_posix_unix_s();
    c->setup.entropy = mote_posix_random(c->entropy, sizeof c->entropy) ? c->entropy : NULL;
    tell_relay(c, relay);
    if (!arguments_good(c)) {
        mote_delivery_connected(delivery);
        return *mote_session_result(&c->session);
    }
    if (relay->host != NULL && relay->host[0] != 0) {
        fd = mote_posix_connect(relay->host, mote_relay_port(relay), c->setup.start_ms, c->attempt->trace, &cause);
    }
    if (fd < 0) {
        pass_time(c);
        mote_delivery_unreachable(delivery, cause);
        return (struct mote_result){.verdict = MOTE_DEFERRED, .cause = cause};
    }
    if (c->name[0] == 0) {
        mote_posix_literal(fd, c->literal);
        c->setup.helo = c->literal;
    }
    c->setup.trace = mote_posix_trace_wrap(&c->tracer, &c->session, c->attempt->trace);
    mote_delivery_connected(delivery);
    mote_posix_pump(fd, &c->session, c->attempt->commit, c->attempt->ctx);
    pass_time(c);
    close(fd);
    return *mote_session_result(&c->session);
}

static void set_name(struct conversation *c, const char *helo)
{
    if (helo == NULL) {
        if (!mote_posix_host_name(c->name, sizeof c->name)) {
            c->name[0] = 0;
        }
    } else if (snprintf(c->name, sizeof c->name, "%s", helo) == 0 || strlen(helo) >= sizeof c->name) {
        c->name[0] = '?'; /* no name at all, or too long for one: the dry run refuses it, as MISUSE */
        c->name[1] = 0;
    }
}

struct mote_result mote_posix_attempt(struct mote_posix_attempt *attempt)
{
    struct conversation c = {.attempt = attempt};
    struct mote_delivery *delivery = &attempt->delivery;

    c.setup.buf = c.buf;
    c.setup.buf_len = sizeof c.buf;
    c.setup.hold = attempt->commit != NULL;
    c.begun_ms = c.setup.start_ms = mote_posix_now_ms();
    if (attempt->limit_s != 0 && attempt->limit_s < MOTE_ATTEMPT_S) {
        c.setup.start_ms -= (MOTE_ATTEMPT_S - attempt->limit_s) * UINT32_C(1000);
    }
    set_name(&c, attempt->helo);
    /* What it finds wrong with the text, the engine says before any relay is connected to. */
    if (attempt->mail->size == 0) {
        mote_mail_measure(attempt->mail);
    }
    mote_delivery_init(delivery, attempt->relays, attempt->relay_count, attempt->states, attempt->mail, &c.session,
                       &c.setup, attempt->record, attempt->now_s);
    while (mote_delivery_next(delivery) == MOTE_CONNECT) {
        const struct mote_relay *relay = delivery->relay;
        struct mote_result result = talk(&c);

        mote_delivery_next(delivery);
        if (attempt->conversation_done != NULL) {
            attempt->conversation_done(attempt->ctx, relay, &result);
        }
    }
    mote_session_wipe(&c.session);
    wipe(&c, sizeof c);
    return *mote_delivery_result(delivery);
}

struct mote_result mote_posix_send(const struct mote_relay *relay, struct mote_mail *mail, const char *helo,
                                   const struct mote_trace *trace)
{
    struct mote_posix_attempt attempt = {.relays = relay, .relay_count = 1, .mail = mail, .helo = helo, .trace = trace};

    return mote_posix_attempt(&attempt);
}
