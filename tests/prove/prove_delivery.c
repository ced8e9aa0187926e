/* SPDX-License-Identifier: MIT
 *
 * One attempt: whom it may ask, and what it makes of what they say.
 */
#include "prove.h"

#include "delivery.c"

enum { RELAYS = 2, RCPTS = 2 };

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
