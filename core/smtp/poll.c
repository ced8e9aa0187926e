/* SPDX-License-Identifier: MIT
 *
 * What moves a conversation from outside, but for the relay: it begins, its octets leave, time passes. Every step has its
 * limit, and the attempt has one (POLICY P13). It refuses wrong arguments before an octet is written, and knows no clock: the
 * time is an argument, and may wrap.
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
    uint8_t step = e->sending > MOTE_STEP_RSET ? e->sending : e->awaiting; /* chunk and text have their own limit */
    uint32_t step_ms;

    if (e->mail == NULL) {
        mote_engine_fail(e, MOTE_CAUSE_SETUP);
    }
    if (e->timer_restart) {
        e->timer_restart = false;
        e->since_ms = now_ms;
    }
    if (e->kept && !e->done) {
        e->start_ms = now_ms; /* of what ends the pause, were it QUIT */
        if (e->sending == MOTE_STEP_NONE) {
            e->wait_ms = UINT32_MAX;
            return MOTE_WANT_MAIL;
        }
    }
    e->wait_ms = left_ms(now_ms, e->start_ms, MOTE_ATTEMPT_S);
    step_ms = left_ms(now_ms, e->since_ms, limits_s[step]);
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

/* A step is all out. What is written next without waiting, and whether a reply is due:
 *
 *   MAIL, RCPT   the next of them, DATA or BDAT, with PIPELINING     yes
 *   RSET         MAIL, with PIPELINING                               yes
 *   BDAT         the chunk                                           yes: END's
 *   TEXT         QUIT, with PIPELINING                               no: it was counted with BDAT, or when DATA was answered
 *   QUIT         nothing: done, unless the reply to END is due       no
 *   others       nothing                                             yes
 */
static void written(struct mote_engine *e)
{
    bool pipelining = (e->offers & OFFER_PIPELINING) != 0;
    uint8_t step = e->sending;

    e->sending = MOTE_STEP_NONE;
    switch (step) {
    case MOTE_STEP_QUIT: e->done = e->result.verdict != MOTE_PENDING; return;
    case MOTE_STEP_TEXT:
        if (pipelining && !e->setup->keep) {
            e->quitting = true;
            mote_command_begin(e, MOTE_STEP_QUIT);
        }
        return;
    case MOTE_STEP_BDAT: mote_command_begin(e, MOTE_STEP_TEXT); break;
    case MOTE_STEP_STARTTLS: e->tls = MOTE_TLS_TRIED; break;
    case MOTE_STEP_RSET:
        if (pipelining) {
            mote_command_begin(e, MOTE_STEP_MAIL);
        }
        break;
    case MOTE_STEP_MAIL:
    case MOTE_STEP_RCPT:
        if (pipelining) {
            mote_command_begin(e, mote_next_asked(e, step, &e->sending_rcpt));
        }
        break;
    default: break;
    }
    e->replies_due++;
}

size_t mote_engine_pull(struct mote_engine *e, void *buf, size_t cap)
{
    uint8_t cause = MOTE_CAUSE_NONE;
    size_t n = 0;

    if (e->done || e->commit || e->sending == MOTE_STEP_NONE) {
        return 0;
    }
    e->timer_restart = true;
    if (e->sending == MOTE_STEP_TEXT) {
        cause = mote_text_pull(e, buf, cap, &n);
    } else {
        n = mote_command_pull(e, buf, cap);
    }
    if (cause != MOTE_CAUSE_NONE) {
        mote_engine_fail(e, cause);
        return 0;
    }
    if (e->out == 0 && e->line_done) {
        written(e);
    }
    return n;
}
