/* SPDX-License-Identifier: MIT
 *
 * One attempt: whom it may ask, and what it makes of what they say.
 */
#include "prove.h"

#include "delivery.c"

enum { RELAYS = 2, RCPTS = 2 };

struct mote_delivery nondet_delivery(void);
struct mote_relay nondet_relay(void);
struct mote_rcpt nondet_rcpt(void);
struct mote_relay_state nondet_relay_state(void);
void any_setup_tls(void);

static struct mote_relay relays[RELAYS];
static struct mote_relay_state states[RELAYS];
static struct mote_rcpt rcpts[RCPTS];
static struct mote_mail mail;
static struct mote_session session;
static struct mote_session_setup setup;
static struct mote_record record;

static size_t any_arguments(void)
{
    size_t count = nondet_size();

    for (unsigned i = 0; i < RELAYS; i++) {
        relays[i] = nondet_relay();
        relays[i].trust.opportunistic = any_bool();
        relays[i].trust.setup_tls = any_bool() ? NULL : (void *)any_setup_tls;
        relays[i].login = (struct mote_login){.user = any_bool() ? "u" : NULL};
        states[i] = nondet_relay_state();
    }
    for (unsigned i = 0; i < RCPTS; i++) {
        rcpts[i] = nondet_rcpt();
        rcpts[i].excluded = any_bool();
        rcpts[i].in_transaction = any_bool();
    }
    record = any_record();
    mail = (struct mote_mail){.rcpts = rcpts, .rcpt_count = nondet_u8()};
    assume(count <= RELAYS && mail.rcpt_count <= RCPTS);
    return count;
}

/* P5, P6, P7, P12: an attempt asks none that is left alone, and none that is opportunistic with a mail accepted for verified relays; speaks in clear
 * to opportunistic relays with STARTTLS alone, and not at all where the record is not armed; and begins with none where one has no
 * trust, or a login and no proof of who it is.
 *
 * bounds: 2 relays, 2 recipients
 * with: core/outbox/policy.c
 * unwind: 4
 * plant: core/outbox/delivery.c: s/record != NULL \&\& record->verified_only \&\& relay->trust.opportunistic/false/
 * plant: core/outbox/delivery.c: s/relay->trust.opportunistic \&\& relay->tls == MOTE_TLS_STARTTLS/relay->tls == MOTE_TLS_STARTTLS/
 * plant: core/outbox/delivery.c: s/login->user != NULL || login/login/
 * plant: core/outbox/delivery.c: s/record->tls_failed, record->tls_since_s/true, record->tls_since_s/
 */
void prove_P7_plan(void)
{
    struct mote_delivery d;
    size_t count = any_arguments();
    uint32_t now_s = nondet_u32();
    bool with_record = any_bool();

    mote_delivery_init(&d, relays, count, states, &mail, &session, &setup, with_record ? &record : NULL, now_s);
    if (d.step == MOTE_FINISHED) {
        prove(d.result.verdict == MOTE_MISUSE);
        return;
    }
    prove(d.plan.armed == (with_record && record.tls_failed && record.tls_since_s >= 60) && !d.plan.in_doubt);
    prove(d.plan.relays_tls_failed == 0 && !d.plan.accepted_any && d.plan.count == count);
    prove(setup.plain == (with_record && record.plain));
    for (unsigned i = 0; i < RELAYS; i++) {
        bool up = (d.plan.relays_up >> i & 1) != 0, clear = (d.plan.relays_opportunistic >> i & 1) != 0;
        bool barred = with_record && record.verified_only && relays[i].trust.opportunistic;

        prove(up == (i < count && !barred && mote_policy_relay_up(&states[i], now_s)));
        prove(clear == (i < count && !barred && relays[i].trust.opportunistic && relays[i].tls == MOTE_TLS_STARTTLS));
        prove(implies(i < count, relays[i].trust.setup_tls != NULL &&
                                     implies(relays[i].trust.opportunistic, relays[i].login.user == NULL)));
    }
}

/* P3, P9, P10: what a relay said is kept: its failure of TLS arms only where it is opportunistic, a doubt ends the attempt's asking, a 4xx
 * inside TLS and what it cannot carry are remembered of it and of no other; and in clear nobody is asked who was told to come later,
 * nor anybody whose verdict is final.
 *
 * bounds: 2 relays, 2 recipients
 * with: core/outbox/policy.c
 * unwind: 4
 * plant: core/outbox/delivery.c: s/d->arming |= d->relay->trust.opportunistic/d->arming = true/
 * plant: core/outbox/delivery.c: s/rcpt->deferred_by |= d->bit/rcpt->deferred_by = d->bit/
 * plant: core/outbox/delivery.c: s/d->plan.in_doubt = true;//
 * plant: core/outbox/delivery.c: s/any |= !final(rcpt) \&\& !rcpt->excluded/any |= !final(rcpt)/
 * plant: core/outbox/delivery.c: s/any |= !final(rcpt) \&\& !rcpt/any |= !final(rcpt) || !rcpt/
 * plant: core/outbox/delivery.c: s/bool any = false;/bool any = true;/
 */
void prove_P10_take_result(void)
{
    struct mote_delivery d = {.relays = relays, .states = states, .mail = &mail};
    size_t count = any_arguments();
    struct mote_rcpt before[RCPTS];
    bool armed_by, any = false, clear = any_bool(), chosen;

    d.at = nondet_u8();
    d.arming = any_bool();
    d.result = nondet_result();
    assume(d.at < count);
    d.relay = &relays[d.at];
    d.bit = (uint8_t)(1u << d.at);
    d.plan.count = (uint8_t)count;
    armed_by = relays[d.at].trust.opportunistic && mote_policy_tls_failure(relays[d.at].tls, &d.result);
    armed_by |= d.arming;
    memcpy(before, rcpts, sizeof rcpts);
    mark_recipients(&d);
    take_result(&d, any_bool());
    prove(d.arming == armed_by);
    prove(implies(d.result.verdict == MOTE_IN_DOUBT, d.plan.in_doubt));
    prove((d.plan.relays_tls_failed & ~d.bit) == 0);
    for (unsigned i = 0; i < mail.rcpt_count; i++) {
        const struct mote_result *r = &rcpts[i].result;
        bool later =
            rcpts[i].in_transaction && r->verdict == MOTE_DEFERRED && r->code != 0 && (r->tls & MOTE_TLS_SECURED) != 0;

        prove(rcpts[i].deferred_by == (before[i].deferred_by | (later ? d.bit : 0)));
        prove((rcpts[i].unfit & ~d.bit) == (before[i].unfit & ~d.bit) &&
              (rcpts[i].unfit & before[i].unfit) == before[i].unfit);
        prove(implies(rcpts[i].in_transaction && r->verdict == MOTE_DELIVERED, d.plan.accepted_any));
    }
    chosen = choose(&d, clear);
    for (unsigned i = 0; i < mail.rcpt_count; i++) {
        prove(rcpts[i].excluded == (clear && (rcpts[i].deferred_by & d.bit) != 0));
        any = any || (!final(&rcpts[i]) && !rcpts[i].excluded);
    }
    prove(chosen == any);
}

/* In place of the session: its result is what stands there, and what it is asked to do is counted. */
static unsigned nexts, quits;

const struct mote_result *mote_session_result(const struct mote_session *s)
{
    return &s->engine.result;
}

void mote_session_next(struct mote_session *s, struct mote_mail *m)
{
    nexts++;
}

void mote_session_quit(struct mote_session *s)
{
    quits++;
}

static bool clear_leg(const struct mote_delivery *d)
{
    return d->leg >= d->plan.count;
}

/* No relay's TLS has failed in this attempt whose leg with STARTTLS is still to come, or is this one. */
static bool legs_sound(const struct mote_delivery *d)
{
    bool good = true;

    for (int leg = 0; leg < RELAYS; leg++) {
        bool to_come = leg >= d->leg && leg < d->plan.count;

        good = good && !(to_come && (d->plan.relays_tls_failed >> mote_policy_relay(&d->plan, leg) & 1) != 0);
    }
    return good;
}

/* A connection that waits for another mail is none of a relay whose TLS has failed in this attempt. */
static bool kept_sound(const struct mote_delivery *d)
{
    unsigned of = session.relay == &relays[1];

    return !d->kept || (d->plan.relays_tls_failed >> of & 1) == 0;
}

/* P6: the next mail begins with STARTTLS, whatever the one before it did, and is armed by its own record alone.
 *
 * bounds: 2 relays, 2 recipients
 * with: core/outbox/policy.c
 * unwind: 6
 * plant: core/outbox/delivery.c: s/    memset(d, 0, sizeof \*d);//
 * plant: core/outbox/delivery.c: s/d->setup->clear = leg >= count;//
 * plant: core/outbox/delivery.c: s/mote_policy_armed(record->tls_failed,/mote_policy_armed(true,/
 */
void prove_P6_next_mail(void)
{
    struct mote_delivery d = nondet_delivery(); /* of the mail before */
    size_t count = any_arguments();
    bool with_record = any_bool();
    uint8_t step;

    setup.clear = any_bool();
    session.relay = &relays[any_bool()];
    mote_delivery_init(&d, relays, count, states, &mail, &session, &setup, with_record ? &record : NULL, nondet_u32());
    prove(implies(d.step != MOTE_FINISHED, legs_sound(&d)) && kept_sound(&d));
    prove(!d.arming && !d.tls_failed && !d.suspect);
    step = mote_delivery_next(&d);
    prove(step == MOTE_CONNECT || step == MOTE_FINISHED);
    prove(implies(step == MOTE_CONNECT, !setup.clear && !clear_leg(&d)));
    prove(implies(d.plan.armed, with_record && record.tls_failed && record.tls_since_s >= 60));
}

/* P6, P5: whatever came of a leg: a connection that is kept is used for the mail's next one where it is of that relay, and never for one
 * in clear; and that what failed arms the fallback only if it was TLS, behind STARTTLS: no refusal, and nothing before it.
 *
 * bounds: 2 relays, 2 recipients
 * with: core/outbox/policy.c
 * unwind: 6
 * plant: core/outbox/delivery.c: s/d->kept = !d->session->engine.done;/d->kept = true;/
 * plant: core/outbox/delivery.c: s/bool there = d->session->relay == d->relay;/bool there = true;/
 * plant: core/outbox/policy.c: s/ \&\& (r->tls & MOTE_TLS_TRIED) != 0//
 * plant: core/outbox/policy.c: s/r->cause <= MOTE_CAUSE_REPLY_TOO_LONG/r->cause <= MOTE_CAUSE_REFUSED/
 */
void prove_P6_kept(void)
{
    struct mote_delivery d = nondet_delivery();
    size_t count = any_arguments();
    const struct mote_result *r = &session.engine.result;
    bool armed_before = d.arming = any_bool(), talks = any_bool(), there;

    d.relays = relays;
    d.states = states;
    d.mail = &mail;
    d.session = &session;
    d.setup = &setup;
    d.plan = any_plan();
    d.kept = false;
    assume(count >= 1 && d.plan.count == count && d.at < count && d.leg >= 0 && d.leg < 2 * (int)count);
    assume(d.at == mote_policy_relay(&d.plan, d.leg));
    d.relay = &relays[d.at];
    d.bit = (uint8_t)(1u << d.at);
    d.step = talks ? MOTE_TALK : MOTE_CONNECT;
    session.engine.result = nondet_result();
    session.engine.suspect = any_bool();
    session.engine.kept = any_bool();
    session.engine.done = !session.engine.kept;
    session.relay = d.relay;
    assume(legs_sound(&d));
    /* engine.h: what a conversation that pauses has ended with; session.c: none in clear by P5 does */
    assume(implies(session.engine.kept, r->cause == MOTE_CAUSE_NONE || r->cause == MOTE_CAUSE_REFUSED));
    assume(implies(session.engine.kept, !clear_leg(&d)));
    if (!talks) {
        mote_delivery_unreachable(&d, nondet_u8());
        prove(d.arming == armed_before);
        return;
    }
    mote_delivery_next(&d);
    prove(implies(d.step == MOTE_CONNECT, legs_sound(&d)) && kept_sound(&d));
    prove(implies((r->tls & MOTE_TLS_TRIED) == 0 || r->cause == MOTE_CAUSE_REFUSED ||
                      r->cause == MOTE_CAUSE_LOGIN_REFUSED || r->cause == MOTE_CAUSE_CLOSED,
                  d.arming == armed_before));
    if (d.step != MOTE_CONNECT || !d.kept) {
        return;
    }
    prove(setup.clear == clear_leg(&d));
    there = mote_delivery_resume(&d);
    prove(!d.kept && there == (session.relay == d.relay) && nexts == there && quits == !there);
    prove(implies(there, !setup.clear));
}
