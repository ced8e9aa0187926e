/* SPDX-License-Identifier: MIT
 *
 * POLICY.md, rule by rule, over all inputs.
 */
#include "prove.h"

#include "policy.c"

/* P2: a TLS failure is a deferral that no reply is the reason of, once STARTTLS was written; never a refusal heard inside TLS,
 * doubt (P9), a relay's good-bye, our own trouble, or implicit TLS.
 *
 * bounds: none
 * plant: core/outbox/policy.c: s/tls == MOTE_TLS_STARTTLS \&\& (r->tls/(r->tls/
 * plant: core/outbox/policy.c: s/MOTE_CAUSE_REPLY_TOO_LONG \&\&/MOTE_CAUSE_REFUSED \&\&/
 */
void prove_P2_tls_failure(void)
{
    struct mote_result r = nondet_result();
    uint8_t tls = nondet_u8();
    bool ours = r.cause >= MOTE_CAUSE_ADDRESS, refused = r.cause >= MOTE_CAUSE_LOGIN_NOT_OFFERED;
    bool unheard = r.cause >= MOTE_CAUSE_LOOKUP && r.cause != MOTE_CAUSE_CLOSED && !refused && !ours;

    prove(mote_policy_tls_failure(tls, &r) ==
          (tls == MOTE_TLS_STARTTLS && (r.tls & MOTE_TLS_TRIED) != 0 && r.verdict == MOTE_DEFERRED && unheard));
}

/* P5: an attempt is armed exactly if an earlier one set the bit and 60 s have passed. And once it is, it stays so as time passes.
 *
 * bounds: none
 * plant: core/outbox/policy.c: s/since_s >= MOTE_TLS_RETRY_S/since_s + 1 >= MOTE_TLS_RETRY_S/
 */
void prove_P5_armed(void)
{
    bool tls_failed = any_bool();
    uint32_t since_s = nondet_u32(), later_s = nondet_u32();

    prove(mote_policy_armed(tls_failed, since_s) == (tls_failed && since_s >= 60));
    assume(later_s >= since_s);
    prove(implies(mote_policy_armed(tls_failed, since_s), mote_policy_armed(tls_failed, later_s)));
}

static bool permitted(const struct mote_plan *plan, int leg)
{
    bool clear = leg >= plan->count;
    unsigned bit = 1u << mote_policy_relay(plan, leg);

    if (!plan->rcpts_left || plan->in_doubt) {
        return false;
    }
    if (!clear) {
        return (plan->relays_up & bit) != 0;
    }
    return plan->armed && !plan->accepted_any && (plan->relays_opportunistic & plan->relays_tls_failed & bit) != 0;
}

static void next_leg(unsigned relays)
{
    struct mote_plan plan = any_plan();
    int leg = nondet_int(), between = nondet_int(), next;

    assume(plan.count <= relays && leg >= -1 && leg < 2 * plan.count);
    next = mote_policy_next(&plan, leg);
    prove(next > leg && next <= 2 * plan.count);
    prove(implies(next < 2 * plan.count, permitted(&plan, next)));
    assume(between > leg && between < next);
    prove(!permitted(&plan, between));
}

/* P3, P5, P7, P9, P12: the next leg is the first one behind that is permitted. So no relay is spoken to in clear but armed, an
 * opportunistic one, behind a failure of its TLS in this attempt, and when nobody took the mail; none that is left alone or barred is
 * asked; nobody is asked after doubt; and none that may be asked is passed over.
 *
 * bounds: 3 relays
 * unwind: 8
 * plant: core/outbox/policy.c: s/plan->relays_tls_failed & plan->relays_opportunistic/plan->relays_tls_failed/
 * plant: core/outbox/policy.c: s/ || plan->in_doubt//
 * plant: core/outbox/policy.c: s/plan->armed \&\& !plan->accepted_any/plan->armed/
 * plant: core/outbox/policy.c: s/leg < plan->count ? plan->relays_up/leg <= plan->count ? plan->relays_up/
 */
void prove_P5_next_leg(void)
{
    next_leg(3);
}

/* The same for as many relays as there may be.
 *
 * bounds: none
 * unwind: 18
 * slow: a minute
 * plant: core/outbox/policy.c: s/for (leg++; leg < end/for (leg++; leg <= end/
 */
void prove_P5_next_leg_of_8(void)
{
    next_leg(MOTE_RELAYS_MAX);
}

/* P9: each relay has one leg with STARTTLS and one in clear, wherever the attempt begins.
 *
 * bounds: none
 * plant: core/outbox/policy.c: s/(unsigned)leg + plan->first/(unsigned)leg * plan->first/
 */
void prove_P9_round(void)
{
    struct mote_plan plan = any_plan();
    int a = nondet_int(), b = nondet_int();

    assume(a >= 0 && a < 2 * plan.count && b >= 0 && b < 2 * plan.count);
    prove(mote_policy_relay(&plan, a) < plan.count);
    prove((mote_policy_relay(&plan, a) == mote_policy_relay(&plan, b)) == (a % plan.count == b % plan.count));
    prove(implies(a == 0, mote_policy_relay(&plan, a) == plan.first % plan.count));
}

/* P4, P11, P12, P16: the wait, whatever the record, the attempt and the random number were. Retries of TLS come one to two minutes after
 * the first failure; a mail is never due at once, and never later than 4,000 s.
 *
 * bounds: none
 * plant: core/outbox/policy.c: s/MOTE_TLS_RETRY_S - since_s + spread/MOTE_TLS_RETRY_S + spread/
 * plant: core/outbox/policy.c: s/record->attempts == 1/record->attempts <= 1/
 * plant: core/outbox/policy.c: s/spread(random, 2 \* age_s)/spread(random, 3 * age_s)/
 * plant: core/outbox/policy.c: s/record->ours <= OURS_TRIES/record->ours < OURS_TRIES/
 */
void prove_P11_wait(void)
{
    struct mote_record record = any_record();
    bool tls_failure = any_bool(), suspect = any_bool();
    uint32_t wait_s = mote_policy_wait_s(&record, tls_failure, suspect, nondet_u32());
    uint32_t low = record.age_s, high = low, since_s = record.tls_failed ? record.tls_since_s : 0;
    bool first = record.tls_failed ? since_s < 60 : record.attempts == 1;

    if (suspect) {
        low = 60;
        high = 119;
    } else if (tls_failure && first) {
        low = 60 - since_s;
        high = low + 59;
    } else if (record.ours == 1 || record.ours == 2) {
        low = high = 10;
    } else if (record.age_s < 300) {
        low = 300;
        high = 374;
    } else if (record.age_s < 600) {
        high = 3 * record.age_s - 1;
    } else if (record.age_s > 4000) {
        low = high = 4000;
    }
    prove(wait_s >= low && wait_s <= high);
    prove(wait_s >= 1 && wait_s <= 4000);
}

/* P11: five days.
 *
 * bounds: none
 * plant: core/outbox/policy.c: s/age_s >= MOTE_EXPIRY_S/age_s > MOTE_EXPIRY_S/
 */
void prove_P11_expired(void)
{
    uint32_t age_s = nondet_u32();

    prove(mote_policy_expired(age_s) == (age_s >= 5u * 24 * 60 * 60));
}

/* P12: 300 s twice, then doubling, up to 4,000; 60 before them where TLS was what failed first. A success clears it.
 *
 * bounds: any 7 things that happen to a relay, one after the other; the state behind them is the end of all longer rows
 * unwind: 8
 * plant: core/outbox/policy.c: s/<< failures) \/ 4/<< failures) \/ 2/
 * plant: core/outbox/policy.c: s/state->tls = TLS_LATER;/;/
 * plant: core/outbox/policy.c: s/(state->failures != UINT8_MAX)/1/
 */
void prove_P12_relay_wait(void)
{
    static const uint16_t waits_s[] = {0, 300, 300, 600, 1200, 2400, 4000, 4000};
    struct mote_relay_state state = {0}, full = {.failures = UINT8_MAX};
    unsigned failures = 0;
    bool tls = false, tls_now = false;

    for (unsigned i = 0; i < 7; i++) {
        uint8_t news = nondet_u8();
        uint32_t now_s = nondet_u32(), later_s = nondet_u32();
        struct mote_relay_state before = state;

        assume(news <= MOTE_RELAY_TLS_DOWN);
        mote_policy_relay_note(&state, news, now_s);
        if (news == MOTE_RELAY_NO_NEWS) {
            prove(state.since_s == before.since_s && state.failures == before.failures && state.tls == before.tls);
        } else if (news == MOTE_RELAY_UP) {
            failures = 0;
            tls = tls_now = false;
        } else {
            tls_now = news == MOTE_RELAY_TLS_DOWN && !tls;
            tls |= tls_now;
            failures += !tls_now;
            prove(state.since_s == now_s);
        }
        prove(mote_policy_relay_wait_s(&state) == (tls_now ? 60 : waits_s[failures]));
        prove(mote_policy_relay_up(&state, later_s) ==
              (later_s - state.since_s >= (tls_now ? 60u : waits_s[failures])));
    }
    mote_policy_relay_note(&full, MOTE_RELAY_DOWN, 0);
    prove(full.failures == UINT8_MAX && mote_policy_relay_wait_s(&full) == 4000);
}

/* P12: what an outcome says of its relay. A reply to the mail says that it is there, unless it is 421; nothing counts against it that is a
 * mail's own, an extension's or ours, and no opportunistic relay's TLS; a verified one's does, and 421, and silence.
 *
 * bounds: none
 * plant: core/outbox/policy.c: s/return verified ? MOTE_RELAY_TLS_DOWN : MOTE_RELAY_NO_NEWS/return MOTE_RELAY_TLS_DOWN/
 * plant: core/outbox/policy.c: s/r->verdict != MOTE_DEFERRED || suspect ||/r->verdict != MOTE_DEFERRED ||/
 * plant: core/outbox/policy.c: s/r->code != 0 \&\& r->code != 421/r->code != 0/
 */
void prove_P12_relay_news(void)
{
    struct mote_result r = nondet_result();
    uint8_t tls = nondet_u8();
    bool verified = any_bool(), suspect = any_bool();
    uint8_t news = mote_policy_relay_news(tls, verified, suspect, &r);
    bool answered = r.step >= MOTE_STEP_MAIL && r.code != 0 && r.code != 421;
    bool deferred = r.verdict == MOTE_DEFERRED && !suspect && !answered;

    prove(answered == (news == MOTE_RELAY_UP));
    if (suspect || r.verdict == MOTE_MISUSE || r.cause == MOTE_CAUSE_CLOSED || r.cause >= MOTE_CAUSE_ADDRESS) {
        prove(answered || news == MOTE_RELAY_NO_NEWS);
    }
    if (news == MOTE_RELAY_TLS_DOWN) {
        prove(verified && deferred && r.cause >= MOTE_CAUSE_LOOKUP && r.cause < MOTE_CAUSE_NO_8BITMIME);
    }
    if (deferred && !verified && mote_policy_tls_failure(tls, &r)) {
        prove(news == MOTE_RELAY_NO_NEWS);
    }
    if (deferred && verified && (r.cause >= MOTE_CAUSE_TLS_NOT_OFFERED && r.cause <= MOTE_CAUSE_TLS_RECORD)) {
        prove(news == MOTE_RELAY_TLS_DOWN);
    }
    if ((deferred || (r.verdict == MOTE_IN_DOUBT && !suspect && !answered)) && r.code == 421 &&
        r.cause == MOTE_CAUSE_REFUSED) {
        prove(news == MOTE_RELAY_DOWN);
    }
    if (deferred && r.cause == MOTE_CAUSE_CONNECT && r.step == MOTE_STEP_CONNECT && r.tls == 0) {
        prove(news == MOTE_RELAY_DOWN);
    }
}
