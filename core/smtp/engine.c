/* SPDX-License-Identifier: MIT
 *
 * One SMTP conversation as two cursors over the steps: the step being written, and the step whose reply comes next.
 * Without PIPELINING they move together; with it the first runs ahead as far as RFC 2920 lets it. after_reply() is
 * where the conversation is decided. It refuses octets that no command explains, and whatever comes too late.
 */
#include "core.h"

/* ---- Results ----------------------------------------------------------------------------------------------------- */

/* Makes a result of the reply. */
static void make_result(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    e->reply.verdict = verdict;
    e->reply.cause = cause;
    e->reply.step = e->awaiting;
    e->reply.tls = e->tls;
}

/* Gives it to r, once (I9). */
static void set_once(const struct mote_engine *e, struct mote_result *r)
{
    if (r->verdict == MOTE_PENDING) {
        *r = e->reply;
    }
}

/* A result for the mail and all its recipients that have none. */
static void set_all(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    struct mote_rcpt *rcpt = e->mail->rcpts;

    make_result(e, verdict, cause);
    set_once(e, &e->result);
    for (unsigned n = e->mail->rcpt_count; n != 0; n--, rcpt++) {
        if (rcpt->in_transaction) {
            set_once(e, &rcpt->result);
        }
    }
}

/* The same, and no reply was the reason. */
static void set_all_ours(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    e->reply = (struct mote_result){0};
    set_all(e, verdict, cause);
}

/* P16: PIPELINING or CHUNKING was used, and the mail has no result yet. */
static bool extension_used(const struct mote_engine *e)
{
    return e->extended && e->result.verdict == MOTE_PENDING;
}

/* What a refusal means. Before MAIL it is the relay's trouble, not the mail's (P8); so is "use TLS" in the cleartext pass.
 * 552 to RCPT is a 452 (P10). 500 to 504 may be for the extension, but to the final dot (P16). */
static uint8_t refusal_verdict(struct mote_engine *e)
{
    uint16_t code = e->reply.code;
    uint8_t step = e->awaiting;

    if (code < 500 || step < MOTE_STEP_MAIL || (code == 530 && e->setup->tls == MOTE_TLS_CLEAR) ||
        (code == 552 && step == MOTE_STEP_RCPT)) {
        return MOTE_DEFERRED;
    }
    if (code <= 504 && (step != MOTE_STEP_END || e->bdat) && extension_used(e)) {
        e->suspect = true;
        return MOTE_DEFERRED;
    }
    return MOTE_FAILED;
}

void mote_engine_fail(struct mote_engine *e, uint8_t cause)
{
    uint8_t verdict = MOTE_DEFERRED;

    if (e->done) {
        return;
    }
    if (e->end_sent) {
        verdict = MOTE_IN_DOUBT;
    } else if ((cause >= MOTE_CAUSE_ADDRESS && cause <= MOTE_CAUSE_TEXT) || cause >= MOTE_CAUSE_TOO_MANY) {
        verdict = MOTE_MISUSE;
    }
    if (cause >= MOTE_CAUSE_LOST && cause <= MOTE_CAUSE_REPLY_TOO_LONG) {
        e->suspect |= extension_used(e);
    }
    set_all_ours(e, verdict, cause);
    e->done = true;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* A command that is alone on the wire. */
static void begin(struct mote_engine *e, uint8_t step)
{
    e->awaiting = step;
    mote_command_begin(e, step);
}

/* EHLO or HELO: what was offered before is forgotten (I8). */
static void greet(struct mote_engine *e, uint8_t step)
{
    e->offers = 0;
    e->size_limit = 0;
    begin(e, step);
}

/* The conversation has its result: QUIT where a command can stand, else nothing more but the rest of a QUIT. */
static void hang_up(struct mote_engine *e)
{
    if (e->sending == MOTE_STEP_NONE && e->replies_due == 0 && !e->quitting) {
        e->quitting = true;
        begin(e, MOTE_STEP_QUIT);
    } else if (e->sending != MOTE_STEP_QUIT) {
        e->done = true;
    } else {
        e->awaiting = MOTE_STEP_QUIT;
    }
}

/* What the relay offers will not do. */
static void give_up(struct mote_engine *e, uint8_t cause)
{
    set_all_ours(e, MOTE_DEFERRED, cause);
    hang_up(e);
}

/* Moves a cursor on from MAIL or from RCPT, which is at recipient *rcpt: to the next one that is asked, or behind them all.
 * Returns the step it is at then. */
static uint8_t advance(const struct mote_engine *e, uint8_t step, uint16_t *rcpt)
{
    unsigned i = step == MOTE_STEP_MAIL ? 0 : *rcpt + 1u;

    while (i < e->mail->rcpt_count && !e->mail->rcpts[i].in_transaction) {
        i++;
    }
    *rcpt = (uint16_t)i;
    return i < e->mail->rcpt_count ? MOTE_STEP_RCPT : e->bdat ? MOTE_STEP_BDAT : MOTE_STEP_DATA;
}

/* A step is all out. */
static void written(struct mote_engine *e)
{
    uint8_t step = e->sending;

    e->sending = MOTE_STEP_NONE;
    if (step == MOTE_STEP_QUIT) {
        if (e->result.verdict != MOTE_PENDING) {
            e->done = true;
        }
        return;
    }
    if (step == MOTE_STEP_BDAT) {
        mote_command_begin(e, MOTE_STEP_TEXT);
    } else if ((e->offers & OFFER_PIPELINING) != 0) {
        if (step == MOTE_STEP_TEXT) {
            e->quitting = true;
            mote_command_begin(e, MOTE_STEP_QUIT);
        } else if (step == MOTE_STEP_MAIL || step == MOTE_STEP_RCPT) {
            mote_command_begin(e, advance(e, step, &e->sending_rcpt));
        }
    }
    if (step == MOTE_STEP_STARTTLS) {
        e->tls = MOTE_TLS_TRIED;
    }
    if (step != MOTE_STEP_TEXT) {
        e->replies_due++;
    }
}

size_t mote_engine_pull(struct mote_engine *e, void *buf, size_t cap)
{
    bool text = e->sending == MOTE_STEP_TEXT;
    uint8_t cause = MOTE_CAUSE_NONE;
    size_t n = 0;

    if (e->done || e->commit || e->sending == MOTE_STEP_NONE) {
        return 0;
    }
    e->timer_restart = true;
    if (text) {
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

/* ---- Hearing ----------------------------------------------------------------------------------------------------- */

/* The way to the mail is free: can the relay take it as it is (P10)? */
static void ready(struct mote_engine *e)
{
    unsigned missing = e->mail->needs & ~OFFERED_NEEDS(e->offers);

    e->reply = (struct mote_result){0};
    make_result(e, MOTE_DEFERRED, MOTE_CAUSE_NO_SMTPUTF8);
    if ((missing & MOTE_NEEDS_8BITMIME) != 0) {
        give_up(e, MOTE_CAUSE_NO_8BITMIME);
    } else if (e->size_limit != 0 && e->mail->size > e->size_limit) {
        give_up(e, MOTE_CAUSE_TOO_BIG);
    } else if (missing != 0 && !mote_leave_out_utf8(e->mail, &e->reply)) {
        give_up(e, MOTE_CAUSE_NO_SMTPUTF8);
    } else {
        if (e->setup->plain) {
            e->offers = (uint16_t)(e->offers & ~(OFFER_PIPELINING | OFFER_CHUNKING));
        }
        e->extended = (e->offers & OFFER_PIPELINING) != 0;
        /* An empty chunk would have no last octet to be careful with. */
        e->bdat = (e->offers & OFFER_CHUNKING) != 0 && e->mail->size != 0;
        begin(e, MOTE_STEP_MAIL);
    }
}

static void after_ehlo(struct mote_engine *e)
{
    const struct mote_engine_setup *setup = e->setup;

    if ((e->tls & MOTE_TLS_SECURED) == 0 && setup->tls == MOTE_TLS_STARTTLS) {
        if ((e->offers & OFFER_STARTTLS) != 0) {
            begin(e, MOTE_STEP_STARTTLS);
            return;
        }
        if (!setup->opportunistic) {
            give_up(e, MOTE_CAUSE_TLS_NOT_OFFERED);
            return;
        }
    }
    if (setup->login.user == NULL) {
        ready(e);
    } else if (mote_command_login(e)) {
        e->awaiting = e->sending = MOTE_STEP_AUTH;
    } else {
        give_up(e, MOTE_CAUSE_LOGIN_NOT_OFFERED);
    }
}

/* A reply that refuses, or one the command cannot have. */
static void after_refusal(struct mote_engine *e, unsigned class)
{
    uint8_t cause = MOTE_CAUSE_REFUSED;

    if (e->awaiting == MOTE_STEP_STARTTLS) {
        cause = MOTE_CAUSE_TLS_REFUSED;
    } else if (class < 4) {
        mote_engine_fail(e, MOTE_CAUSE_PROTOCOL);
        return;
    } else if (e->awaiting == MOTE_STEP_AUTH && class == 5) {
        cause = MOTE_CAUSE_LOGIN_REFUSED;
    }
    set_all(e, refusal_verdict(e), cause);
    hang_up(e);
}

/* A 334 asks for the rest of the login; when there is none, what ends it is said (RFC 4954 4, RFC 7628 3.2.3). */
static void after_auth(struct mote_engine *e, unsigned class)
{
    bool more = mote_command_more(e), cancelled = e->cancelled;

    if (class == 2 && !more && !cancelled) {
        ready(e);
    } else if (class == 3 && !cancelled) {
        e->sending = MOTE_STEP_AUTH;
        e->cancelled = !more;
        mote_command_resume(e);
    } else {
        after_refusal(e, class);
    }
}

/* A reply to MAIL or RCPT: on to the next reply and, in lock-step, to the next command. */
static void after_envelope(struct mote_engine *e, unsigned class)
{
    uint8_t step = e->awaiting;
    struct mote_result *r = &e->mail->rcpts[e->awaiting_rcpt].result;

    if (class == 2) {
        e->accepted = (uint16_t)(e->accepted + (step == MOTE_STEP_RCPT && r->verdict == MOTE_PENDING));
    } else if (step == MOTE_STEP_MAIL) {
        set_all(e, refusal_verdict(e), MOTE_CAUSE_REFUSED);
    } else {
        make_result(e, refusal_verdict(e), MOTE_CAUSE_REFUSED);
        set_once(e, r);
    }
    e->awaiting = advance(e, step, &e->awaiting_rcpt);
    if (e->awaiting != MOTE_STEP_RCPT && e->accepted == 0) {
        set_once(e, &e->result); /* nobody takes it: the last refusal, this one, stands for the mail */
    }
    if (e->awaiting == MOTE_STEP_BDAT) {
        e->awaiting = MOTE_STEP_END; /* which has the reply to BDAT */
        e->extended = true;
    }
    if (e->replies_due != 0 || e->sending != MOTE_STEP_NONE) {
        return; /* the flight goes on */
    }
    if (e->result.verdict != MOTE_PENDING) {
        hang_up(e);
    } else {
        mote_command_begin(e, advance(e, step, &e->sending_rcpt));
    }
}

/* A 3xx to DATA. When nobody takes the mail, an empty one is sent, which RFC 2920 3.1 asks for. */
static void after_data(struct mote_engine *e)
{
    e->empty = e->result.verdict != MOTE_PENDING;
    mote_command_begin(e, MOTE_STEP_TEXT);
    e->awaiting = MOTE_STEP_END;
    e->replies_due++;
}

/* EHLO refused: HELO will do where neither TLS nor a login is needed. */
static bool helo_will_do(const struct mote_engine *e)
{
    return e->setup->login.user == NULL && (e->setup->opportunistic || (e->tls & MOTE_TLS_SECURED) != 0);
}

/* A 221 that no QUIT asked for (P14) counts as 421. With the end of the mail out it is QUIT's, and another reply was lost. */
static unsigned lost_reply(struct mote_engine *e)
{
    e->reply.code = 421;
    e->suspect |= extension_used(e);
    if (e->end_sent) {
        set_all(e, MOTE_IN_DOUBT, MOTE_CAUSE_REFUSED);
    }
    return 4;
}

static void after_reply(struct mote_engine *e)
{
    unsigned class = e->digits[0];

    e->replies_due--;
    e->timer_restart = true;
    if (e->reply.code == 221) {
        class = lost_reply(e);
    }
    switch (e->awaiting) {
    case MOTE_STEP_GREETING:
        if (class == 2) {
            greet(e, MOTE_STEP_EHLO);
            return;
        }
        break;
    case MOTE_STEP_EHLO:
        if (class == 2) {
            after_ehlo(e);
            return;
        }
        if (class == 5 && helo_will_do(e)) {
            greet(e, MOTE_STEP_HELO);
            return;
        }
        break;
    case MOTE_STEP_HELO:
        if (class == 2) {
            ready(e);
            return;
        }
        break;
    case MOTE_STEP_STARTTLS:
        if (e->reply.code == 220) {
            e->awaiting = MOTE_STEP_HANDSHAKE;
            return;
        }
        break;
    case MOTE_STEP_AUTH: after_auth(e, class); return;
    case MOTE_STEP_DATA:
        if (class == 3) {
            after_data(e);
            return;
        }
        break;
    case MOTE_STEP_END:
        if (class == 2 && e->sending != MOTE_STEP_TEXT) { /* all of it is out (I1) */
            set_all(e, MOTE_DELIVERED, MOTE_CAUSE_NONE);
            hang_up(e);
            return;
        }
        break;
    case MOTE_STEP_MAIL:
    case MOTE_STEP_RCPT:
        if (class != 3 && e->reply.code != 421) { /* which is the relay's trouble, not the mail's (P10) */
            after_envelope(e, class);
            return;
        }
        break;
    default: break;
    }
    after_refusal(e, class);
}

void mote_engine_feed(struct mote_engine *e, const void *data, size_t len)
{
    const uint8_t *in = data;

    for (; len != 0 && !e->done; len--) {
        if (e->replies_due == 0) {
            mote_engine_fail(e, MOTE_CAUSE_UNEXPECTED);
        } else {
            uint8_t cause = mote_reply_octet(e, *in++);

            if (cause == REPLY_WHOLE) {
                after_reply(e);
            } else if (cause != REPLY_GOES_ON) {
                mote_engine_fail(e, cause);
            }
        }
    }
}

void mote_engine_secured(struct mote_engine *e)
{
    if (e->awaiting != MOTE_STEP_HANDSHAKE) {
        return;
    }
    e->tls |= MOTE_TLS_SECURED;
    e->timer_restart = true;
    if (e->setup->tls == MOTE_TLS_IMPLICIT) {
        e->awaiting = MOTE_STEP_GREETING;
        e->replies_due = 1;
    } else {
        greet(e, MOTE_STEP_EHLO);
    }
}
