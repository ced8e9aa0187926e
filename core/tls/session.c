/* SPDX-License-Identifier: MIT
 *
 * Joins the engine to the connection: in clear through the lent buffer, in TLS through BearSSL, which uses the same
 * buffer for its records. It moves octets until nothing moves; it decides only what a TLS error is called.
 */
#include "../smtp/core.h"
#include "mailmote_session.h"

enum { CLEAR, TLS, CLOSING };

enum { NAME_CAP = 256 }; /* what BearSSL takes of a name, its NUL included */

/* Octets of the relay's between two looks at the time, while they may have BearSSL compute. */
enum { HANDSHAKE_CAP = 256 };

/* ---- The engine's side ------------------------------------------------------------------------------------------- */

#ifdef MOTE_NO_TRACE
static void trace(const struct mote_session *s, char who, uint8_t step, const void *data, size_t len)
{
    (void)s, (void)who, (void)step, (void)data, (void)len;
}
#else
static void trace(const struct mote_session *s, char who, uint8_t step, const void *data, size_t len)
{
    if (s->setup->trace.octets != NULL && len != 0) {
        s->setup->trace.octets(s->setup->trace.ctx, who, step, data, len);
    }
}
#endif

/* A login's first line: its mechanism, and whether credentials follow in it. */
static void trace_login(const struct mote_session *s, const char *line)
{
    size_t n = 0;

    while (line[n] >= ' ') {
        n++;
    }
    trace(s, 'C', MOTE_STEP_AUTH, line, n);
    if (line[n] == M_BASE64[0] && !s->engine.two_step) {
        trace(s, 'C', MOTE_STEP_AUTH, " (credentials)", 14);
    }
    trace(s, 'C', MOTE_STEP_AUTH, "\r\n", 2);
}

/* Lets the engine write to buf, and tells the trace: all but secrets. */
static size_t pull(struct mote_session *s, uint8_t *buf, size_t cap)
{
    struct mote_engine *e = &s->engine;
    uint8_t step = e->sending;
    bool secret = step == MOTE_STEP_AUTH && !e->cancelled;
    size_t n;

    if (secret && *e->command == 'A') {
        trace_login(s, e->command);
        s->login_told = true;
    }
    n = mote_engine_pull(e, buf, cap);
    if (step > MOTE_STEP_RSET) {
        step = step == MOTE_STEP_BDAT ? MOTE_STEP_DATA : MOTE_STEP_END;
    }
    if (!secret) {
        trace(s, 'C', step, buf, n);
    } else if (e->sending != MOTE_STEP_AUTH) {
        trace(s, 'C', step, "(credentials)\r\n", s->login_told ? 0 : 15);
        s->login_told = false;
    }
    return n;
}

static void feed(struct mote_session *s, const void *data, size_t len)
{
    trace(s, 'S', s->engine.awaiting, data, len);
    mote_engine_feed(&s->engine, data, len);
}

/* ---- Beginning --------------------------------------------------------------------------------------------------- */

/* What is wrong with the trust, or MOTE_CAUSE_NONE. Only a chain needs a name and the time. */
static uint8_t misuse(const struct mote_relay *relay, const struct mote_session_setup *setup)
{
    const struct mote_trust *trust = &relay->trust;

    if (trust->setup_tls == NULL || relay->tls > MOTE_TLS_IMPLICIT ||
        (trust->chain && (trust->name == NULL || *trust->name == 0))) {
        return MOTE_CAUSE_TRUST;
    }
    return setup->buf_len < MOTE_SESSION_BUF_MIN ? MOTE_CAUSE_BUFFER : MOTE_CAUSE_NONE;
}

uint16_t mote_relay_port(const struct mote_relay *relay)
{
    if (relay->port != 0) {
        return relay->port;
    }
    if (relay->tls == MOTE_TLS_IMPLICIT) {
        return 465;
    }
    return relay->login.user != NULL || relay->login.token != NULL ? 587 : 25;
}

/* What may be another from mail to mail. A connection in clear by P5 is for its one mail. */
static void set_mail(struct mote_session *s)
{
    s->engine_setup.hold = s->setup->hold;
    s->engine_setup.plain = s->setup->plain;
    s->engine_setup.keep = s->setup->keep && !s->setup->clear;
}

void mote_session_init(struct mote_session *s, const struct mote_relay *relay, struct mote_mail *mail,
                       const struct mote_session_setup *setup)
{
    struct mote_engine_setup *engine_setup = &s->engine_setup;
    uint8_t cause = misuse(relay, setup);

    memset(s, 0, sizeof *s);
    s->relay = relay;
    s->setup = setup;
    engine_setup->helo = setup->helo;
    engine_setup->login = relay->login;
    engine_setup->tls = setup->clear ? MOTE_TLS_CLEAR : relay->tls;
    engine_setup->opportunistic = relay->trust.opportunistic;
    set_mail(s);
    mote_engine_init(&s->engine, engine_setup, mail, setup->start_ms);
    if (cause != MOTE_CAUSE_NONE) {
        mote_engine_fail(&s->engine, cause);
    } else if (!setup->clear && setup->entropy == NULL) {
        mote_engine_fail(&s->engine, MOTE_CAUSE_NO_ENTROPY);
    } else if (relay->trust.chain && setup->unix_s == 0) {
        mote_engine_fail(&s->engine, MOTE_CAUSE_NO_TIME);
    }
}

void mote_session_next(struct mote_session *s, struct mote_mail *mail)
{
    if (s->setup != NULL) {
        set_mail(s);
        mote_engine_next(&s->engine, mail, s->setup->start_ms);
    }
}

void mote_session_quit(struct mote_session *s)
{
    mote_engine_quit(&s->engine);
}

/* The buffer goes to BearSSL. Whatever the relay sent before is used up: the engine fails on octets after the 220. On its
 * way to BearSSL, which copies it, the name loses the dot that may end it: certificates have none (RFC 5280), nor has
 * server_name (RFC 6066). */
static void start_tls(struct mote_session *s)
{
    const struct mote_session_setup *setup = s->setup;
    br_ssl_engine_context *eng = &s->client.eng;
    size_t len = setup->buf_len < MOTE_SESSION_BUF_FULL ? setup->buf_len : MOTE_SESSION_BUF_FULL;
    const char *name = s->relay->trust.name;
    size_t name_len = name != NULL ? strlen(name) : 0;

    s->mode = TLS;
    s->relay->trust.setup_tls(s);
    br_ssl_engine_set_buffer(eng, setup->buf, len, 0);
    br_ssl_engine_inject_entropy(eng, setup->entropy, 32);
    if (name_len > 1 && name_len <= NAME_CAP && name[name_len - 1] == '.') {
        name = memcpy(setup->buf, name, name_len);
        ((char *)setup->buf)[name_len - 1] = 0;
    }
    br_ssl_client_reset(&s->client, name, 0);
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

static uint8_t certificate_cause(int error)
{
    switch (error) {
    case BR_ERR_X509_EXPIRED: return MOTE_CAUSE_CERT_DATE;
    case BR_ERR_X509_BAD_SERVER_NAME: return MOTE_CAUSE_CERT_NAME;
    case BR_ERR_X509_NOT_TRUSTED:
    case BR_ERR_X509_DN_MISMATCH: return MOTE_CAUSE_CERT_UNTRUSTED;
    default: return MOTE_CAUSE_CERT_INVALID;
    }
}

/* What BearSSL's last error is called here; 0 is a close_notify. */
static uint8_t tls_cause(const struct mote_session *s)
{
    int error = br_ssl_engine_last_error(&s->client.eng);
    bool secured = (s->engine.tls & MOTE_TLS_SECURED) != 0;

    if (s->x509.cause != MOTE_CAUSE_NONE) {
        return s->x509.cause;
    }
    if (error >= BR_ERR_X509_OK && error < BR_ERR_RECV_FATAL_ALERT) {
        return certificate_cause(error);
    }
    switch (error) {
    case BR_ERR_OK: return MOTE_CAUSE_LOST;
    case BR_ERR_UNSUPPORTED_VERSION:
    case BR_ERR_BAD_CIPHER_SUITE:
    case BR_ERR_RECV_FATAL_ALERT + BR_ALERT_HANDSHAKE_FAILURE:
    case BR_ERR_RECV_FATAL_ALERT + BR_ALERT_PROTOCOL_VERSION:
    case BR_ERR_RECV_FATAL_ALERT + BR_ALERT_INSUFFICIENT_SECURITY:
        return secured ? MOTE_CAUSE_TLS_RECORD : MOTE_CAUSE_TLS_NO_COMMON;
    default: return secured ? MOTE_CAUSE_TLS_RECORD : MOTE_CAUSE_TLS_HANDSHAKE;
    }
}

/* Decrypted octets to the engine. */
static bool tls_hear(struct mote_session *s)
{
    br_ssl_engine_context *eng = &s->client.eng;
    size_t len;
    const uint8_t *data = br_ssl_engine_recvapp_buf(eng, &len);

    if (data == NULL) {
        return false;
    }
    feed(s, data, len);
    br_ssl_engine_recvapp_ack(eng, len);
    return true;
}

/* The engine's octets into a record. Each record is filled as far as it goes, then all leaves: one flight. */
static bool tls_write(struct mote_session *s)
{
    br_ssl_engine_context *eng = &s->client.eng;
    size_t len, n;
    uint8_t *buf = br_ssl_engine_sendapp_buf(eng, &len);

    if (buf == NULL) {
        return false;
    }
    n = pull(s, buf, len);
    if (n == 0) {
        br_ssl_engine_flush(eng, 0);
        return false;
    }
    br_ssl_engine_sendapp_ack(eng, n);
    return true;
}

/* Moves what can be moved between engine and BearSSL. */
static void tls_pump(struct mote_session *s, uint32_t now_ms)
{
    br_ssl_engine_context *eng = &s->client.eng;
    unsigned state;

    do {
        mote_engine_poll(&s->engine, now_ms);
        state = br_ssl_engine_current_state(eng);
        if ((state & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)) != 0) {
            mote_engine_secured(&s->engine);
        }
    } while (!s->engine.done && (tls_hear(s) || tls_write(s)));
    if (state == BR_SSL_CLOSED) {
        mote_engine_fail(&s->engine, tls_cause(s));
    }
}

/* Says close_notify behind what is still to be sent. BearSSL 0.6 wants received octets acknowledged first. */
static void tls_close(struct mote_session *s)
{
    br_ssl_engine_context *eng = &s->client.eng;
    size_t len;

    while (br_ssl_engine_recvapp_buf(eng, &len) != NULL) {
        br_ssl_engine_recvapp_ack(eng, len);
    }
    br_ssl_engine_close(eng);
    s->mode = CLOSING;
}

/* ---- The connection's side --------------------------------------------------------------------------------------- */

/* In clear the first half of the buffer is for sending, the second for receiving: a refusal is heard while the mail
 * still leaves. */
static size_t clear_half(const struct mote_session *s)
{
    return s->setup->buf_len / 2;
}

static void clear_pump(struct mote_session *s)
{
    uint8_t *buf = s->setup->buf;
    size_t n = 1;

    if (s->out_at == s->out_len) {
        s->out_at = s->out_len = 0;
    }
    while (n != 0 && s->out_len < clear_half(s)) {
        n = pull(s, buf + s->out_len, clear_half(s) - s->out_len);
        s->out_len += n;
    }
}

uint8_t mote_session_poll(struct mote_session *s, uint32_t now_ms)
{
    struct mote_engine *e = &s->engine;
    uint8_t want = mote_engine_poll(e, now_ms);
    size_t len;

    s->heard = false;
    if (e->done) {
        /* what is written is left to leave */
    } else if (s->mode == CLEAR && want != MOTE_WANT_TLS) {
        clear_pump(s);
    } else {
        if (s->mode == CLEAR) {
            start_tls(s);
        }
        tls_pump(s, now_ms);
    }
    if (e->done && s->mode == TLS) {
        tls_close(s);
    }
    want = mote_engine_poll(e, now_ms) & (MOTE_WANT_COMMIT | MOTE_WANT_MAIL | MOTE_DONE);
    if (e->done && !e->quitting) {
        s->out_at = s->out_len = 0;
    }
    if (mote_session_send_buf(s, &len) != NULL) {
        want |= MOTE_WANT_SEND;
    }
    if (mote_session_recv_buf(s, &len) != NULL) {
        want |= MOTE_WANT_RECV;
    }
    return want;
}

uint32_t mote_session_wait_ms(const struct mote_session *s)
{
    return mote_engine_wait_ms(&s->engine);
}

const void *mote_session_send_buf(struct mote_session *s, size_t *len)
{
    if (s->mode != CLEAR) {
        return br_ssl_engine_sendrec_buf(&s->client.eng, len);
    }
    *len = s->out_len - s->out_at;
    return *len != 0 ? (const uint8_t *)s->setup->buf + s->out_at : NULL;
}

void mote_session_send_ack(struct mote_session *s, size_t len)
{
    s->engine.timer_restart |= len != 0;
    if (s->mode != CLEAR) {
        br_ssl_engine_sendrec_ack(&s->client.eng, len);
    } else {
        s->out_at += len;
    }
}

/* Not in clear. */
static bool in_handshake(const struct mote_session *s)
{
    return (s->engine.tls & MOTE_TLS_SECURED) == 0;
}

static void *tls_recv_buf(struct mote_session *s, size_t *len)
{
    void *buf = br_ssl_engine_recvrec_buf(&s->client.eng, len);

    if (in_handshake(s) && *len > HANDSHAKE_CAP) {
        *len = HANDSHAKE_CAP;
    }
    return buf;
}

void *mote_session_recv_buf(struct mote_session *s, size_t *len)
{
    if (s->engine.done || s->heard || s->setup == NULL) {
        return NULL;
    }
    if (s->mode != CLEAR) {
        return tls_recv_buf(s, len);
    }
    /* While the end of a flight waits to be sent, nothing can be an answer to it. */
    if (s->out_at < s->out_len && s->engine.sending != MOTE_STEP_TEXT) {
        return NULL;
    }
    *len = s->setup->buf_len - clear_half(s);
    return (uint8_t *)s->setup->buf + clear_half(s);
}

void mote_session_recv_ack(struct mote_session *s, size_t len)
{
    if (s->mode != CLEAR) {
        br_ssl_engine_recvrec_ack(&s->client.eng, len);
        s->heard = len != 0 && in_handshake(s);
    } else {
        feed(s, (uint8_t *)s->setup->buf + clear_half(s), len);
    }
}

void mote_session_commit(struct mote_session *s)
{
    mote_engine_commit(&s->engine);
}

void mote_session_fail(struct mote_session *s, uint8_t cause)
{
    mote_engine_fail(&s->engine, cause);
}

const struct mote_result *mote_session_result(const struct mote_session *s)
{
    return mote_engine_result(&s->engine);
}

static void wipe(volatile uint8_t *octets, size_t len)
{
    while (len-- != 0) {
        *octets++ = 0;
    }
}

void mote_session_wipe(struct mote_session *s)
{
    if (s->setup != NULL) {
        wipe(s->setup->buf, s->setup->buf_len);
    }
    wipe((volatile uint8_t *)s, sizeof *s);
}
