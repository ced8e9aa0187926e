/* SPDX-License-Identifier: MIT
 *
 * POLICY.md, to be read beside it: facts in, decision out. Nothing here remembers, waits or speaks; nothing here can be
 * turned off.
 */
#include "mailmote_policy.h"
#include "record.h"

/* Constants of POLICY.md section 4, in seconds. */
#ifndef MOTE_TLS_RETRY_S
#define MOTE_TLS_RETRY_S 60
#endif
#ifndef MOTE_RETRY_MIN_S
#define MOTE_RETRY_MIN_S 300
#endif
#ifndef MOTE_RETRY_MAX_S
#define MOTE_RETRY_MAX_S 4000
#endif
#ifndef MOTE_EXPIRY_S
#define MOTE_EXPIRY_S 432000
#endif

enum { OURS_TRIES = 2 };

/* ---- What an outcome means --------------------------------------------------------------------------------------- */

/* Something went wrong on the link or in what was said: no reply was the reason, and neither were we. */
static bool link_failed(const struct mote_result *r)
{
    return r->verdict == MOTE_DEFERRED && r->cause >= MOTE_CAUSE_LOOKUP && r->cause <= MOTE_CAUSE_REPLY_TOO_LONG &&
           r->cause != MOTE_CAUSE_CLOSED;
}

/* P2. Any reply to STARTTLS but 220 counts too: it carries MOTE_CAUSE_TLS_REFUSED. */
bool mote_policy_tls_failure(uint8_t tls, const struct mote_result *r)
{
    return tls == MOTE_TLS_STARTTLS && (r->tls & MOTE_TLS_TRIED) != 0 && link_failed(r);
}

bool mote_policy_unfit(const struct mote_result *r)
{
    return r->verdict == MOTE_DEFERRED &&
           (r->cause == MOTE_CAUSE_NO_8BITMIME || r->cause == MOTE_CAUSE_NO_SMTPUTF8 || r->cause == MOTE_CAUSE_TOO_BIG);
}

bool mote_policy_soon(const struct mote_result *r)
{
    if (r->cause == MOTE_CAUSE_CLOSED) {
        return true;
    }
    return r->verdict == MOTE_DEFERRED && (r->cause == MOTE_CAUSE_NO_ENTROPY || r->cause == MOTE_CAUSE_NO_TIME ||
                                           r->cause == MOTE_CAUSE_NO_NETWORK || r->cause == MOTE_CAUSE_NO_MEMORY);
}

/* P12. What a mail was answered after MAIL is its own, and the relay is there: but for a 421. */
uint8_t mote_policy_relay_news(uint8_t tls, bool verified, bool suspect, const struct mote_result *r)
{
    bool tls_cause = r->cause >= MOTE_CAUSE_TLS_NOT_OFFERED && r->cause <= MOTE_CAUSE_TLS_RECORD;

    if (r->step >= MOTE_STEP_MAIL && r->code != 0 && r->code != 421) {
        return MOTE_RELAY_UP;
    }
    if (r->verdict == MOTE_IN_DOUBT && !suspect &&
        (r->cause == MOTE_CAUSE_TIMEOUT || r->cause == MOTE_CAUSE_DEADLINE || r->cause == MOTE_CAUSE_REFUSED)) {
        return MOTE_RELAY_DOWN; /* it never answers the end, or closes with a 421 */
    }
    if (r->verdict != MOTE_DEFERRED || suspect || r->cause == MOTE_CAUSE_CLOSED || r->cause >= MOTE_CAUSE_ADDRESS ||
        mote_policy_unfit(r)) {
        return MOTE_RELAY_NO_NEWS;
    }
    if (tls_cause || mote_policy_tls_failure(tls, r)) {
        return verified ? MOTE_RELAY_TLS_DOWN : MOTE_RELAY_NO_NEWS;
    }
    if (r->step < MOTE_STEP_MAIL || r->code == 421 || r->cause == MOTE_CAUSE_TIMEOUT ||
        r->cause == MOTE_CAUSE_DEADLINE) {
        return MOTE_RELAY_DOWN;
    }
    return MOTE_RELAY_NO_NEWS;
}

/* ---- Where to go ------------------------------------------------------------------------------------------------- */

/* P5 */
bool mote_policy_armed(bool tls_failed, uint32_t since_s)
{
    return tls_failed && since_s >= MOTE_TLS_RETRY_S;
}

unsigned mote_policy_relay(const struct mote_plan *plan, int leg)
{
    return ((unsigned)leg + plan->first) % plan->count;
}

/* P3: STARTTLS on every relay. P5: then, armed and if nobody took the mail, in clear to those whose TLS has just
 * failed. P9: nothing after doubt. */
int mote_policy_next(const struct mote_plan *plan, int leg)
{
    bool clear_pass = plan->armed && !plan->accepted_any;
    unsigned in_clear = clear_pass ? plan->relays_tls_failed & plan->relays_opportunistic : 0;
    int end = 2 * plan->count;

    if (!plan->rcpts_left || plan->in_doubt) {
        return end;
    }
    for (leg++; leg < end; leg++) {
        unsigned relays = leg < plan->count ? plan->relays_up : in_clear;

        if ((relays >> mote_policy_relay(plan, leg) & 1) != 0) {
            break;
        }
    }
    return leg;
}

/* ---- When -------------------------------------------------------------------------------------------------------- */

/* 0..more seconds at random, evenly. */
static uint32_t spread(uint32_t random, uint32_t more)
{
    return (uint32_t)((uint64_t)random * more >> 32);
}

/* P11: the age, clamped; random by up to a quarter, then once over a whole doubling, which spreads a fleet evenly. Waits
 * that double exactly keep it so. */
static uint32_t retry_wait_s(uint32_t age_s, uint32_t random)
{
    if (age_s < MOTE_RETRY_MIN_S) {
        return MOTE_RETRY_MIN_S + spread(random, MOTE_RETRY_MIN_S / 4);
    }
    if (age_s < 2 * MOTE_RETRY_MIN_S) {
        return age_s + spread(random, 2 * age_s);
    }
    return age_s < MOTE_RETRY_MAX_S ? age_s : MOTE_RETRY_MAX_S;
}

uint32_t mote_policy_wait_s(const struct mote_record *record, bool tls_failure, bool suspect, uint32_t random)
{
    uint32_t since_s = record->tls_failed ? record->tls_since_s : 0;
    bool first = record->tls_failed ? !mote_policy_armed(true, since_s) : record->attempts == 1;

    if (suspect) { /* P16 */
        return MOTE_TLS_RETRY_S + spread(random, MOTE_TLS_RETRY_S);
    }
    if (tls_failure && first) { /* P4 */
        return MOTE_TLS_RETRY_S - since_s + spread(random, MOTE_TLS_RETRY_S);
    }
    if (record->ours != 0 && record->ours <= OURS_TRIES) { /* P12 */
        return MOTE_OURS_S;
    }
    return retry_wait_s(record->age_s, random);
}

/* P11 */
bool mote_policy_expired(uint32_t age_s)
{
    return age_s >= MOTE_EXPIRY_S;
}

/* ---- Relays left alone (P12) ------------------------------------------------------------------------------------- */

enum { TLS_NONE, TLS_FIRST, TLS_LATER };

/* What a mail waits that fails each time, without what is random: the least wait twice, then it doubles. */
uint32_t mote_policy_relay_wait_s(const struct mote_relay_state *state)
{
    unsigned failures = state->failures < 16 ? state->failures : 16;

    if (state->tls == TLS_FIRST) {
        return MOTE_TLS_RETRY_S;
    }
    return failures == 0 ? 0 : retry_wait_s(((uint32_t)MOTE_RETRY_MIN_S << failures) / 4, 0);
}

bool mote_policy_relay_up(const struct mote_relay_state *state, uint32_t now_s)
{
    return now_s - state->since_s >= mote_policy_relay_wait_s(state);
}

void mote_policy_relay_note(struct mote_relay_state *state, uint8_t news, uint32_t now_s)
{
    if (news == MOTE_RELAY_NO_NEWS) {
        return;
    }
    if (news == MOTE_RELAY_UP) {
        *state = (struct mote_relay_state){0};
        return;
    }
    state->since_s = now_s;
    if (news == MOTE_RELAY_TLS_DOWN && state->tls == TLS_NONE) {
        state->tls = TLS_FIRST; /* so that P4 finds it; not in the doubling */
        return;
    }
    if (state->tls == TLS_FIRST) {
        state->tls = TLS_LATER;
    }
    state->failures = (uint8_t)(state->failures + (state->failures != UINT8_MAX));
}
