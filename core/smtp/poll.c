/* SPDX-License-Identifier: MIT
 *
 * A conversation begins, and time passes for it: every step has its limit, and the attempt has one (POLICY P13). It
 * refuses wrong arguments before an octet is written, and knows no clock: the time is an argument, and may wrap.
 */
#include "core.h"

#define LIMIT(name, line, limit) limit,
static const uint16_t limits_s[] = {MOTE_STEPS(LIMIT)};

void mote_engine_init(struct mote_engine *e, const struct mote_engine_setup *setup, struct mote_mail *mail,
                      uint32_t start_ms)
{
    uint8_t cause = mote_check(setup, mail);

    memset(e, 0, sizeof *e);
    e->setup = setup;
    e->mail = mail;
    e->start_ms = start_ms;
    e->timer_restart = true;
    if (setup->tls == MOTE_TLS_IMPLICIT) {
        e->tls = MOTE_TLS_TRIED;
        e->awaiting = MOTE_STEP_HANDSHAKE;
    } else {
        e->awaiting = MOTE_STEP_GREETING;
        e->replies_due = 1;
    }
    if (cause != MOTE_CAUSE_NONE) {
        mote_engine_fail(e, cause);
    }
}

/* What is left of a limit that began at since_ms. The counter may have wrapped; a now that is before since_ms is taken for it. */
static uint32_t left_ms(uint32_t now_ms, uint32_t since_ms, uint32_t limit_s)
{
    uint32_t passed = now_ms - since_ms, limit = limit_s * 1000;

    if (passed > INT32_MAX) {
        return limit;
    }
    return passed < limit ? limit - passed : 0;
}

uint8_t mote_engine_poll(struct mote_engine *e, uint32_t now_ms)
{
    uint8_t want = 0, cause = MOTE_CAUSE_DEADLINE;
    uint32_t step_ms;

    if (e->timer_restart) {
        e->timer_restart = false;
        e->since_ms = now_ms;
    }
    e->wait_ms = left_ms(now_ms, e->start_ms, MOTE_ATTEMPT_S);
    step_ms = left_ms(now_ms, e->since_ms, limits_s[e->sending > MOTE_STEP_QUIT ? e->sending : e->awaiting]);
    if (step_ms < e->wait_ms) {
        e->wait_ms = step_ms;
        cause = MOTE_CAUSE_TIMEOUT;
    }
    if (e->wait_ms == 0) {
        mote_engine_fail(e, cause);
    }
    if (e->done) {
        return MOTE_DONE;
    }
    if (e->awaiting == MOTE_STEP_HANDSHAKE) {
        return MOTE_WANT_TLS;
    }
    if (e->sending != MOTE_STEP_NONE) {
        want = e->commit ? MOTE_WANT_COMMIT : MOTE_WANT_SEND;
    }
    return e->replies_due != 0 ? want | MOTE_WANT_RECV : want;
}

void mote_engine_commit(struct mote_engine *e)
{
    e->committed = e->commit;
    e->commit = false;
}
