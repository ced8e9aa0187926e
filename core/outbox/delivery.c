/* SPDX-License-Identifier: MIT
 *
 * One attempt of one mail: walks the legs policy.c names, first STARTTLS on every relay, then, armed, in clear to
 * those whose TLS has just failed. It keeps what policy.c must know and decides nothing itself.
 */
#include "mailmote_outbox.h"

#include <string.h>

static bool final(const struct mote_rcpt *rcpt)
{
    return rcpt->result.verdict == MOTE_DELIVERED || rcpt->result.verdict == MOTE_FAILED;
}

/* ---- What an attempt begins with --------------------------------------------------------------------------------- */

/* A relay without trust, or a login for one that is not verified, is refused before any relay is spoken to (P7). */
static uint8_t relay_cause(const struct mote_relay *relay)
{
    const struct mote_login *login = &relay->login;

    if (relay->trust.setup_tls == NULL || relay->tls > MOTE_TLS_IMPLICIT) {
        return MOTE_CAUSE_TRUST;
    }
    if (relay->trust.opportunistic && (login->user != NULL || login->password != NULL || login->token != NULL)) {
        return MOTE_CAUSE_LOGIN;
    }
    return MOTE_CAUSE_NONE;
}

bool mote_relays_verified(const struct mote_relay *relays, size_t count)
{
    while (count != 0 && !relays->trust.opportunistic) {
        relays++;
        count--;
    }
    return count == 0;
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

/* Is there a recipient without a final verdict? */
static bool any_left(const struct mote_delivery *d)
{
    const struct mote_rcpt *rcpt = d->mail->rcpts;

    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        if (!final(rcpt)) {
            return true;
        }
    }
    return false;
}

static void finish(struct mote_delivery *d)
{
    d->step = MOTE_FINISHED;
}

/* Relay i: may it be asked (P7, P12), and in clear (P5)? */
static void plan_relay(struct mote_delivery *d, unsigned i, const struct mote_record *record)
{
    const struct mote_relay *relay = &d->relays[i];
    uint8_t bit = (uint8_t)(1u << i);

    if (record != NULL && record->verified_only && relay->trust.opportunistic) {
        return;
    }
    if (d->states == NULL || mote_policy_relay_up(&d->states[i], d->now_s)) {
        d->plan.relays_up |= bit;
    } else {
        uint32_t back_s = d->states[i].since_s + mote_policy_relay_wait_s(&d->states[i]) - d->now_s;

        d->back_s = !d->left_alone || back_s < d->back_s ? back_s : d->back_s;
        d->left_alone = true;
    }
    if (relay->trust.opportunistic && relay->tls == MOTE_TLS_STARTTLS) {
        d->plan.relays_opportunistic |= bit;
    }
}

/* What is wrong with relays or recipients, or MOTE_CAUSE_NONE. */
static uint8_t misuse(const struct mote_delivery *d, size_t count, const struct mote_record *record)
{
    if (count - 1 >= MOTE_RELAYS_MAX) {
        return MOTE_CAUSE_SETUP;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t cause = relay_cause(&d->relays[i]);

        if (cause != MOTE_CAUSE_NONE) {
            return cause;
        }
    }
    if (d->mail->rcpts == NULL) {
        return MOTE_CAUSE_ADDRESS;
    }
    if (record != NULL && d->mail->rcpt_count > MOTE_RECORD_RCPTS) {
        return MOTE_CAUSE_TOO_MANY;
    }
    return any_left(d) ? MOTE_CAUSE_NONE : MOTE_CAUSE_NOBODY;
}

void mote_delivery_init(struct mote_delivery *d, const struct mote_relay *relays, size_t count,
                        struct mote_relay_state *states, struct mote_mail *mail, struct mote_session *session,
                        struct mote_session_setup *setup, const struct mote_record *record, uint32_t now_s)
{
    struct mote_rcpt *rcpt = mail->rcpts;
    uint8_t cause;

    memset(d, 0, sizeof *d);
    d->relays = relays;
    d->states = states;
    d->mail = mail;
    d->session = session;
    d->setup = setup;
    d->now_s = d->since_s = now_s;
    d->leg = -1;
    if (rcpt == NULL) {
        mail->rcpt_count = 0;
    }
    for (unsigned n = mail->rcpt_count; n != 0; n--, rcpt++) {
        rcpt->excluded = false;
        rcpt->in_transaction = false;
        rcpt->deferred_by = 0;
        rcpt->unfit = 0;
    }
    cause = misuse(d, count, record);
    if (cause != MOTE_CAUSE_NONE) {
        defer(d, MOTE_MISUSE, cause);
        finish(d);
        return;
    }
    d->plan.count = (uint8_t)count;
    d->all = (uint16_t)((1u << count) - 1);
    d->plan.first = record != NULL ? record->first : 0;
    setup->plain = record != NULL && record->plain;
    d->plan.armed = record != NULL && mote_policy_armed(record->tls_failed, record->tls_since_s);
    for (unsigned i = 0; i < count; i++) {
        plan_relay(d, i, record);
    }
    defer(d, MOTE_DEFERRED, d->left_alone ? MOTE_CAUSE_LEFT_ALONE : MOTE_CAUSE_BARRED); /* if nobody is asked */
}

/* ---- What a relay made of it ------------------------------------------------------------------------------------- */

/* P12: a relay fails once at most in an attempt: what leads to its second leg, TLS of an opportunistic one, is no news. */
static void note_relay(struct mote_delivery *d, bool suspect)
{
    const struct mote_relay *relay = d->relay;
    bool no_reply = d->result.verdict == MOTE_IN_DOUBT && d->result.code == 0;
    bool never_dialled = d->result.cause == MOTE_CAUSE_DEADLINE && d->now_s == d->since_s;
    bool excused = suspect || never_dialled || (no_reply && d->plan.count == 1); /* whom else to ask? */
    uint8_t news = mote_policy_relay_news(relay->tls, !relay->trust.opportunistic, excused, &d->result);
    struct mote_relay_state *state;

    if (d->states == NULL) {
        return;
    }
    state = &d->states[d->at];
    if (news == MOTE_RELAY_UP) {
        d->relay_back |= (state->failures | state->tls) != 0;
    }
    mote_policy_relay_note(state, news, d->now_s);
}

/* P10: who was told to come later inside TLS is not asked about in clear, and for whom the relay cannot carry the mail as
 * it is, another may. */
static void mark_recipients(struct mote_delivery *d)
{
    struct mote_rcpt *rcpt = d->mail->rcpts;

    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        const struct mote_result *r = &rcpt->result;

        if (rcpt->in_transaction && r->verdict == MOTE_DELIVERED) {
            d->plan.accepted_any = true;
        }
        if (rcpt->in_transaction && r->verdict == MOTE_DEFERRED && r->code != 0 && (r->tls & MOTE_TLS_SECURED) != 0) {
            rcpt->deferred_by |= d->bit;
        }
        if (!rcpt->excluded && mote_policy_unfit(r)) {
            rcpt->unfit |= d->bit;
        }
    }
}

/* Takes the result of the leg the attempt is at. */
static void take_result(struct mote_delivery *d, bool suspect)
{
    const struct mote_result *r = &d->result;

    d->suspect |= suspect;
    if (mote_policy_tls_failure(d->relay->tls, r)) {
        d->plan.relays_tls_failed |= d->bit;
        d->tls_failed = true;
        d->arming |= d->relay->trust.opportunistic;
    }
    if (r->cause == MOTE_CAUSE_CLOSED) { /* 421, or none; 503 is never about a sender */
        d->closed |= r->code <= 421 || r->code == 503;
    }
    note_relay(d, suspect);
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
        d->step = 0;
        defer(d, MOTE_DEFERRED, cause);
        take_result(d, false);
    }
}

void mote_delivery_fail(struct mote_delivery *d, uint8_t cause)
{
    defer(d, MOTE_DEFERRED, cause);
    finish(d);
}

void mote_delivery_connected(struct mote_delivery *d)
{
    if (d->step == MOTE_CONNECT) {
        mote_session_init(d->session, d->relay, d->mail, d->setup);
        d->step = MOTE_TALK;
    }
}

bool mote_delivery_resume(struct mote_delivery *d)
{
    bool there = d->session->relay == d->relay; /* not in the pass in clear: whose TLS has failed is not kept */

    d->kept = false;
    if (there) {
        mote_session_next(d->session, d->mail);
        d->step = MOTE_TALK;
    } else {
        mote_session_quit(d->session);
    }
    return there;
}

/* ---- Where to go ------------------------------------------------------------------------------------------------- */

/* Marks whom to leave out on this leg; false when nobody is left. */
static bool choose(struct mote_delivery *d, bool clear)
{
    struct mote_rcpt *rcpt = d->mail->rcpts;
    uint8_t bit = clear ? d->bit : 0;
    bool any = false;

    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        rcpt->excluded = (rcpt->deferred_by & bit) != 0;
        any |= !final(rcpt) && !rcpt->excluded;
    }
    return any;
}

/* P10: a recipient for whom every relay that there is has said so has failed. The result is that of a recipient who is left, where one is. */
static void sum_up(struct mote_delivery *d)
{
    struct mote_rcpt *rcpt = d->mail->rcpts;
    bool left = false;

    for (unsigned n = d->mail->rcpt_count; n != 0; n--, rcpt++) {
        if (final(rcpt)) {
            continue;
        }
        if (rcpt->unfit == d->all) {
            rcpt->result.verdict = MOTE_FAILED;
        } else {
            left = true;
        }
        if (!left || rcpt->result.verdict != MOTE_FAILED) {
            d->result = rcpt->result;
        }
    }
}

uint8_t mote_delivery_next(struct mote_delivery *d)
{
    if (d->now_s - d->since_s >= d->most_s) {
        d->most_s = d->now_s - d->since_s;
        d->slowest = d->at;
    }
    if (d->step == MOTE_TALK) {
        if (!d->session->engine.done && !d->session->engine.kept) {
            return MOTE_TALK;
        }
        d->step = 0;
        d->kept = !d->session->engine.done;
        d->result = *mote_session_result(d->session);
        mark_recipients(d);
        take_result(d, mote_engine_suspect(&d->session->engine));
    }
    while (d->step == 0) {
        int leg, count = d->plan.count;

        d->plan.rcpts_left = any_left(d);
        leg = mote_policy_next(&d->plan, d->leg);
        d->leg = (int8_t)leg;
        if (leg == 2 * count) {
            if (!d->plan.in_doubt) {
                sum_up(d);
            }
            finish(d);
            break;
        }
        d->at = (uint8_t)mote_policy_relay(&d->plan, leg);
        d->bit = (uint8_t)(1u << d->at);
        if (choose(d, leg >= count)) {
            d->since_s = d->now_s;
            d->relay = &d->relays[d->at];
            d->setup->clear = leg >= count;
            d->step = MOTE_CONNECT;
        }
    }
    return d->step;
}
