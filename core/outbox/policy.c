/* SPDX-License-Identifier: MIT
 *
 * POLICY.md, to be read beside it: facts in, decision out. Nothing here remembers, waits or speaks; nothing here can be
 * turned off.
 */
#include "mailmote_policy.h"

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

/* Something went wrong on the wire: no reply was the reason, and neither were we. */
static bool wire_failed(const struct mote_result *r)
{
    return r->verdict == MOTE_DEFERRED && r->cause >= MOTE_CAUSE_LOOKUP && r->cause <= MOTE_CAUSE_REPLY_TOO_LONG;
}

/* P2. Any reply to STARTTLS but 220 counts too: it carries MOTE_CAUSE_TLS_REFUSED. */
bool mote_policy_tls_failure(uint8_t tls, const struct mote_result *r)
{
    return tls == MOTE_TLS_STARTTLS && (r->tls & MOTE_TLS_TRIED) != 0 && wire_failed(r);
}

/* P12. What a mail was answered after MAIL is its own. */
bool mote_policy_site_failure(uint8_t tls, const struct mote_result *r)
{
    if (r->verdict != MOTE_DEFERRED || mote_policy_tls_failure(tls, r)) {
        return false;
    }
    if (r->cause >= MOTE_CAUSE_TLS_NOT_OFFERED && r->cause <= MOTE_CAUSE_TLS_RECORD) {
        return false;
    }
    return r->cause == MOTE_CAUSE_TIMEOUT || r->cause == MOTE_CAUSE_DEADLINE ||
           (r->step < MOTE_STEP_MAIL && r->cause < MOTE_CAUSE_ADDRESS);
}

/* P5 */
bool mote_policy_armed(bool tls_failed, uint32_t since_s)
{
    return tls_failed && since_s >= MOTE_TLS_RETRY_S;
}

/* P3: STARTTLS on every relay. P5: then, armed and if nobody took the mail, in clear to those whose TLS has just
 * failed. P9: nothing after doubt. */
int mote_policy_next(const struct mote_plan *plan, int at)
{
    int end = 2 * plan->count;

    if (!plan->rcpts_left || plan->in_doubt) {
        return end;
    }
    for (at++; at < end; at++) {
        bool clear = at >= plan->count;
        unsigned bit = 1u << (clear ? at - plan->count : at);

        if (clear ? plan->armed && !plan->accepted_any &&
                        (plan->relays_tls_failed & plan->relays_opportunistic & bit) != 0
                  : (plan->relays_up & bit) != 0) {
            break;
        }
    }
    return at;
}

/* P4; P11: the age, clamped; random by up to a quarter, then once over a whole doubling, which spreads a fleet evenly.
 * Waits that double exactly keep it so. */
uint32_t mote_policy_wait_s(bool tls_failure, uint32_t age_s, uint32_t random)
{
    uint32_t wait = age_s, more = 0;

    if (tls_failure) {
        return MOTE_TLS_RETRY_S;
    }
    if (age_s < MOTE_RETRY_MIN_S) {
        wait = MOTE_RETRY_MIN_S;
        more = MOTE_RETRY_MIN_S / 4;
    } else if (age_s < 2 * MOTE_RETRY_MIN_S) {
        more = 2 * age_s;
    } else if (age_s > MOTE_RETRY_MAX_S) {
        wait = MOTE_RETRY_MAX_S;
    }
    return wait + (uint32_t)((uint64_t)random * more >> 32);
}

/* P12: what a mail waits that fails each time, without what is random: the least wait twice, then it doubles. */
uint32_t mote_policy_relay_wait_s(unsigned failures)
{
    if (failures == 0) {
        return 0;
    }
    failures = failures < 16 ? failures : 16;
    return mote_policy_wait_s(false, ((uint32_t)MOTE_RETRY_MIN_S << failures) / 4, 0);
}

/* P11 */
bool mote_policy_expired(uint32_t age_s)
{
    return age_s >= MOTE_EXPIRY_S;
}
