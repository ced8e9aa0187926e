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

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void wipe(void *octets, size_t len)
{
    volatile unsigned char *at = octets;

    while (len-- > 0) {
        *at++ = 0;
    }
}

/* ---- A connection ------------------------------------------------------------------------------------------------ */

static void close_it(struct mote_posix_connection *c)
{
    close(c->fd);
    c->open = false;
    mote_session_wipe(&c->session);
    wipe(c->buf, sizeof c->buf);
    wipe(c->entropy, sizeof c->entropy);
}

/* Has the relay nothing to say, and not gone? Whatever it says between two mails is its good-bye. */
static bool quiet(const struct mote_posix_connection *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLIN};

    return poll(&fd, 1, 0) == 0;
}

void mote_posix_leave(struct mote_posix_connection *c)
{
    if (c->open) {
        mote_session_quit(&c->session);
        mote_posix_pump(c->fd, &c->session, NULL, NULL);
        close_it(c);
    }
}

/* ---- An attempt -------------------------------------------------------------------------------------------------- */

/* What lives as long as an attempt. */
struct conversation {
    struct mote_posix_attempt *attempt;
    struct mote_posix_connection *connection;
    uint32_t start_ms; /* the session's is earlier where the attempt has less time */
};

/* P12: as many mails as the connection's relay takes on one, 0 = not known. */
static uint8_t *mails_max(const struct conversation *c)
{
    return &c->connection->mails_max[c->connection->relay - c->attempt->relays];
}

/* Does the connection take another mail behind so many? */
static bool lasts(const struct conversation *c, unsigned mails)
{
    unsigned most = *mails_max(c);

    return mails < (most != 0 ? most : MOTE_CONNECTION_MAILS) &&
           mote_posix_now_ms() - c->connection->begun_ms < MOTE_ATTEMPT_S * UINT32_C(1000);
}

/* Wrong arguments are found before the network is touched, in a dry run: a session that is begun, asked and dropped. Where
 * this host has no name, any valid literal passes for the one that the connection will tell. */
static bool arguments_good(struct conversation *c)
{
    struct mote_posix_connection *connection = c->connection;

    connection->setup.helo = connection->name[0] != 0 ? connection->name : "[127.0.0.1]";
    mote_session_init(&connection->session, c->attempt->delivery.relay, c->attempt->mail, &connection->setup);
    return (mote_session_poll(&connection->session, connection->setup.start_ms) & MOTE_DONE) == 0;
}

/* Which of the relays is spoken to, where that is a question. */
static void tell_relay(const struct conversation *c, const struct mote_relay *relay)
{
    char text[300];
    bool clear = c->connection->setup.clear, bracket = relay->host != NULL && strchr(relay->host, ':') != NULL;

    if (!clear && c->attempt->relay_count < 2) {
        return;
    }
    snprintf(text, sizeof text, bracket ? "relay [%s]:%u" : "relay %s:%u", relay->host != NULL ? relay->host : "",
             (unsigned)mote_relay_port(relay));
    mote_posix_trace_event(c->attempt->trace, text, clear ? " in clear, as TLS has failed again" : NULL);
}

/* What is left alone is left alone from now on, not from when the attempt began. */
static void pass_time(struct conversation *c)
{
    c->attempt->delivery.now_s = c->attempt->now_s + (mote_posix_now_ms() - c->start_ms) / 1000;
}

/* The session has the mail: until its verdict. */
static struct mote_result talk(struct conversation *c)
{
    struct mote_posix_connection *connection = c->connection;
    struct mote_delivery *delivery = &c->attempt->delivery;
    struct mote_result result;
    bool closed = delivery->closed;

    connection->mails++;
    mote_posix_pump(connection->fd, &connection->session, c->attempt->commit, c->attempt->ctx);
    pass_time(c);
    result = *mote_session_result(&connection->session);
    mote_delivery_next(delivery);
    if (!delivery->kept) {
        close_it(connection);
    }
    if (delivery->closed && !closed) {
        *mails_max(c) = (uint8_t)(connection->mails - 1u);
    }
    return result;
}

/* Connects to the relay the delivery names, and talks. */
static struct mote_result call(struct conversation *c)
{
    struct mote_posix_connection *connection = c->connection;
    struct mote_delivery *delivery = &c->attempt->delivery;
    const struct mote_relay *relay = delivery->relay;
    uint8_t cause = MOTE_CAUSE_LOOKUP;

    connection->relay = relay;
    connection->mails = 0;
    connection->begun_ms = mote_posix_now_ms();
    connection->setup.keep = c->attempt->more && lasts(c, 1);
    connection->setup.unix_s = mote_posix_unix_s();
    connection->setup.entropy =
        mote_posix_random(connection->entropy, sizeof connection->entropy) ? connection->entropy : NULL;
    tell_relay(c, relay);
    if (!arguments_good(c)) {
        mote_delivery_connected(delivery);
        mote_delivery_next(delivery);
        return *mote_session_result(&connection->session);
    }
    connection->fd = -1;
    if (relay->host != NULL && relay->host[0] != 0) {
        connection->fd = mote_posix_connect(relay->host, mote_relay_port(relay), connection->setup.start_ms,
                                            c->attempt->trace, &cause);
    }
    if (connection->fd < 0) {
        pass_time(c);
        mote_delivery_unreachable(delivery, cause);
        mote_delivery_next(delivery);
        return (struct mote_result){.verdict = MOTE_DEFERRED, .cause = cause};
    }
    connection->open = true;
    if (connection->name[0] == 0) {
        mote_posix_literal(connection->fd, connection->literal);
        connection->setup.helo = connection->literal;
    }
    connection->setup.trace = mote_posix_trace_wrap(&connection->tracer, &connection->session, c->attempt->trace);
    mote_delivery_connected(delivery);
    return talk(c);
}

/* The connection of the mail before: to be used, or left where it leads to another relay, has had its mails, or ends. */
static bool use(struct conversation *c)
{
    struct mote_posix_connection *connection = c->connection;

    if (connection->open && !quiet(connection)) {
        *mails_max(c) = connection->mails;
        mote_session_fail(&connection->session, MOTE_CAUSE_LOST);
        close_it(connection);
    }
    if (connection->open && !lasts(c, connection->mails)) {
        mote_posix_leave(connection);
    }
    connection->setup.keep = connection->open && c->attempt->more && lasts(c, connection->mails + 1u);
    if (connection->open && !mote_delivery_resume(&c->attempt->delivery)) {
        mote_posix_pump(connection->fd, &connection->session, NULL, NULL);
        close_it(connection);
    }
    return connection->open;
}

static void set_name(struct mote_posix_connection *c, const char *helo)
{
    if (helo == NULL) {
        if (!mote_posix_host_name(c->name, sizeof c->name)) {
            c->name[0] = 0;
        }
    } else if (snprintf(c->name, sizeof c->name, "%s", helo) == 0 || strlen(helo) >= sizeof c->name) {
        c->name[0] = '?'; /* no name at all, or too long for one: the dry run refuses it, as MISUSE */
    }
}

/* All the attempt goes by; what a connection that is kept has of it stays. */
static void begin(struct conversation *c)
{
    struct mote_posix_attempt *attempt = c->attempt;
    struct mote_posix_connection *connection = c->connection;

    c->start_ms = connection->setup.start_ms = mote_posix_now_ms();
    if (attempt->limit_s != 0 && attempt->limit_s < MOTE_ATTEMPT_S) {
        connection->setup.start_ms -= (MOTE_ATTEMPT_S - attempt->limit_s) * UINT32_C(1000);
    }
    connection->setup.buf = connection->buf;
    connection->setup.buf_len = sizeof connection->buf;
    connection->setup.hold = attempt->commit != NULL;
    if (connection->open) {
        connection->tracer.trace = attempt->trace;
    } else {
        set_name(connection, attempt->helo);
    }
    /* What it finds wrong with the text, the engine says before any relay is connected to. */
    if (attempt->mail->size == 0) {
        mote_mail_measure(attempt->mail);
    }
    mote_delivery_init(&attempt->delivery, attempt->relays, attempt->relay_count, attempt->states, attempt->mail,
                       &connection->session, &connection->setup, attempt->record, attempt->now_s);
    attempt->delivery.all |= attempt->partial ? 1u << MOTE_RELAYS_MAX : 0;
}

static struct mote_result run(struct conversation *c)
{
    struct mote_posix_attempt *attempt = c->attempt;
    struct mote_delivery *delivery = &attempt->delivery;

    begin(c);
    while (mote_delivery_next(delivery) == MOTE_CONNECT) {
        const struct mote_relay *relay = delivery->relay;
        struct mote_result result = use(c) ? talk(c) : call(c);

        if (attempt->conversation_done != NULL) {
            attempt->conversation_done(attempt->ctx, relay, &result);
        }
    }
    c->connection->tracer.trace = NULL; /* it is the caller's */
    return *mote_delivery_result(delivery);
}

struct mote_result mote_posix_attempt(struct mote_posix_attempt *attempt)
{
    struct mote_result result;

    if (attempt->connection != NULL) {
        result = run(&(struct conversation){.attempt = attempt, .connection = attempt->connection});
    } else {
        struct mote_posix_connection connection = {0};

        attempt->more = false;
        result = run(&(struct conversation){.attempt = attempt, .connection = &connection});
        mote_session_wipe(&connection.session);
        wipe(&connection, sizeof connection);
    }
    return result;
}

struct mote_result mote_posix_send(const struct mote_relay *relay, struct mote_mail *mail, const char *helo,
                                   const struct mote_trace *trace)
{
    struct mote_posix_attempt attempt = {.relays = relay, .relay_count = 1, .mail = mail, .helo = helo, .trace = trace};

    return mote_posix_attempt(&attempt);
}
