/* SPDX-License-Identifier: MIT
 *
 * One attempt of one mail: walks the places policy.c names, first STARTTLS on every relay, then, armed, in clear to
 * those whose TLS has just failed. It keeps what policy.c must know and decides nothing itself.
 */
#include "mailmote_outbox.h"

#include <string.h>

static unsigned relay_at(const struct mote_delivery *d)
{
    return (unsigned)d->at % d->plan.count;
}

static bool final(const struct mote_rcpt *rcpt)
{
    return rcpt->result.verdict == MOTE_DELIVERED || rcpt->result.verdict == MOTE_FAILED;
}

/* ---- What an attempt begins with --------------------------------------------------------------------------------- */

/* A login for a relay that is not verified, or a relay without trust, is refused before any relay is spoken to (P7). */
static bool relay_good(const struct mote_relay *relay)
{
    bool login = relay->login.user != NULL || relay->login.password != NULL || relay->login.token != NULL;

    return relay->trust.setup_tls != NULL && relay->tls <= MOTE_TLS_IMPLICIT && !(login && relay->trust.opportunistic);
}

/* P12: is the relay's own wait over? */
static bool relay_usable(const struct mote_relay_state *state, uint32_t now_s)
{
    return now_s - state->since_s >= mote_policy_relay_wait_s(state->failures);
}

/* An outcome without a conversation, for every recipient that has no final one. */
static void defer(struct mote_delivery *d, uint8_t verdict, uint8_t cause)
{
    struct mote_rcpt *rcpt = d->mail->rcpts;

    d->result = (struct mote_result){.verdict = verdict, .cause = cause};
    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        if (!final(rcpt) && !rcpt->excluded) {
            rcpt->result = d->result;
        }
    }
}

static void finish(struct mote_delivery *d)
{
    d->step = MOTE_FINISHED;
}

void mote_delivery_init(struct mote_delivery *d, const struct mote_relay *relays, size_t count,
                        struct mote_relay_state *states, struct mote_mail *mail, struct mote_session *session,
                        struct mote_session_setup *setup, bool armed, uint32_t now_s)
{
    bool good = count != 0 && count <= MOTE_RELAYS_MAX;

    memset(d, 0, sizeof *d);
    d->relays = relays;
    d->states = states;
    d->mail = mail;
    d->session = session;
    d->setup = setup;
    d->now_s = now_s;
    d->at = -1;
    d->plan.count = (uint8_t)count;
    d->plan.armed = armed;
    for (size_t i = 0; good && i < count; i++) {
        if (states == NULL || relay_usable(&states[i], now_s)) {
            d->plan.relays_up |= (uint8_t)(1u << i);
        }
        if (relays[i].trust.opportunistic && relays[i].tls == MOTE_TLS_STARTTLS) {
            d->plan.relays_opportunistic |= (uint8_t)(1u << i);
        }
        good = relay_good(&relays[i]);
    }
    for (uint16_t i = 0; i < mail->rcpt_count; i++) {
        mail->rcpts[i].excluded = false;
        mail->rcpts[i].in_transaction = false;
        mail->rcpts[i].deferred_by = 0;
    }
    if (good) {
        defer(d, MOTE_DEFERRED, MOTE_CAUSE_LEFT_ALONE);
    } else {
        defer(d, MOTE_MISUSE, MOTE_CAUSE_TRUST);
        finish(d);
    }
}

/* ---- What a relay made of it ------------------------------------------------------------------------------------- */

static void remember(struct mote_relay_state *state, bool failure, uint32_t now_s)
{
    if (!failure) {
        state->failures = 0;
    } else {
        state->since_s = now_s;
        state->failures = (uint8_t)(state->failures + (state->failures != UINT8_MAX));
    }
}

/* P10: who was told to come later inside TLS is not asked about in clear. */
static void mark_recipients(struct mote_delivery *d, uint8_t bit)
{
    struct mote_rcpt *rcpt = d->mail->rcpts;

    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        const struct mote_result *r = &rcpt->result;

        if (rcpt->in_transaction && r->verdict == MOTE_DELIVERED) {
            d->plan.accepted_any = true;
        }
        if (rcpt->in_transaction && r->verdict == MOTE_DEFERRED && r->code != 0 && (r->tls & MOTE_TLS_SECURED) != 0) {
            rcpt->deferred_by |= bit;
        }
    }
}

/* Takes the result of the place the attempt is at. */
static void conclude(struct mote_delivery *d, const struct mote_result *r)
{
    unsigned i = relay_at(d);
    uint8_t tls = d->relays[i].tls, bit = (uint8_t)(1u << i);
    bool site = mote_policy_site_failure(tls, r);

    d->result = *r;
    if (mote_policy_tls_failure(tls, r)) {
        d->plan.relays_tls_failed |= bit;
        d->tls_failed = true;
    }
    if (d->states != NULL && (site || r->step >= MOTE_STEP_MAIL)) {
        remember(&d->states[i], site, d->now_s);
    }
    if (r->verdict == MOTE_IN_DOUBT) {
        d->plan.in_doubt = true;
    }
    if (r->verdict == MOTE_MISUSE || r->cause == MOTE_CAUSE_ABORTED || r->cause == MOTE_CAUSE_DEADLINE) {
        finish(d);
    }
}

void mote_delivery_unreachable(struct mote_delivery *d, uint8_t cause)
{
    if (d->step == MOTE_CONNECT) {
        struct mote_result r;

        defer(d, MOTE_DEFERRED, cause);
        r = d->result;
        d->step = 0;
        conclude(d, &r);
    }
}

void mote_delivery_connected(struct mote_delivery *d)
{
    if (d->step == MOTE_CONNECT) {
        mote_session_init(d->session, d->relay, d->mail, d->setup);
        d->step = MOTE_TALK;
    }
}

/* ---- Where to go ------------------------------------------------------------------------------------------------- */

/* Marks whom to leave out at this place; false when nobody is left. */
static bool choose(struct mote_delivery *d, bool clear)
{
    struct mote_rcpt *rcpt = d->mail->rcpts;
    bool any = false;

    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        rcpt->excluded = clear && (rcpt->deferred_by >> relay_at(d) & 1) != 0;
        any |= !final(rcpt) && !rcpt->excluded;
    }
    return any;
}

/* The last recipient that is left, or NULL. */
static const struct mote_rcpt *any_open(const struct mote_delivery *d)
{
    const struct mote_rcpt *open = NULL;

    for (uint16_t i = 0; i < d->mail->rcpt_count; i++) {
        if (!final(&d->mail->rcpts[i])) {
            open = &d->mail->rcpts[i];
        }
    }
    return open;
}

uint8_t mote_delivery_next(struct mote_delivery *d)
{
    if (d->step == MOTE_TALK) {
        if (!d->session->engine.done) {
            return MOTE_TALK;
        }
        d->step = 0;
        mark_recipients(d, (uint8_t)(1u << relay_at(d)));
        conclude(d, mote_session_result(d->session));
    }
    while (d->step == 0) {
        const struct mote_rcpt *open = any_open(d);
        bool clear;

        d->plan.rcpts_left = open != NULL;
        d->at = (int8_t)mote_policy_next(&d->plan, d->at);
        clear = d->at >= d->plan.count;
        if (d->at == 2 * d->plan.count) {
            if (open != NULL && d->result.verdict != MOTE_IN_DOUBT) {
                d->result = open->result;
            }
            finish(d);
        } else if (choose(d, clear)) {
            d->relay = &d->relays[relay_at(d)];
            d->setup->clear = clear;
            d->step = MOTE_CONNECT;
        }
    }
    return d->step;
}

const struct mote_result *mote_delivery_result(const struct mote_delivery *d)
{
    return &d->result;
}
