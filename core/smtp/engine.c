/* SPDX-License-Identifier: MIT
 *
 * One SMTP conversation as two cursors over the steps: the step being written, and the step whose reply comes next.
 * Without PIPELINING they move together; with it the first runs ahead as far as RFC 2920 lets it. after_reply() is
 * where the conversation is decided. It refuses octets that no command explains, and whatever comes too late.
 */
#include "core.h"

/* ---- Verdicts ---------------------------------------------------------------------------------------------------- */

/* Makes the reply an outcome. */
static void outcome(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    e->reply.verdict = verdict;
    e->reply.cause = cause;
    e->reply.step = e->awaiting;
    e->reply.tls = e->tls;
}

/* Gives it to r, once (I9). */
static void judge(const struct mote_engine *e, struct mote_result *r)
{
    if (r->verdict == MOTE_PENDING) {
        *r = e->reply;
    }
}

/* An outcome for all of the mail. */
static void settle(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    struct mote_rcpt *rcpt = e->mail->rcpts;

    outcome(e, verdict, cause);
    judge(e, &e->result);
    for (unsigned n = e->mail->rcpt_count; n != 0; n--, rcpt++) {
        if (rcpt->in_transaction) {
            judge(e, &rcpt->result);
        }
    }
}

/* The same without a reply. */
static void settle_ours(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    e->reply = (struct mote_result){0};
    settle(e, verdict, cause);
}

/* What a 4xx or 5xx means. Before MAIL it is the relay's trouble, not the mail's (P8); so is "use TLS" in the cleartext
 * pass. */
static uint8_t refusal(const struct mote_engine *e)
{
    bool later =
        e->digits[0] < 5 || e->awaiting < MOTE_STEP_MAIL || (e->reply.code == 530 && e->setup->tls == MOTE_TLS_CLEAR);

    return later ? MOTE_DEFERRED : MOTE_FAILED;
}

void mote_engine_fail(struct mote_engine *e, uint8_t cause)
{
    uint8_t verdict = MOTE_DEFERRED;

    if (e->done) {
        return;
    }
    if (cause == MOTE_CAUSE_TEXT) {
        verdict = MOTE_FAILED;
    } else if (cause >= MOTE_CAUSE_ADDRESS && cause <= MOTE_CAUSE_BUFFER) {
        verdict = MOTE_MISUSE;
    }
    settle_ours(e, e->end_sent ? MOTE_IN_DOUBT : verdict, cause);
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

static void quit(struct mote_engine *e)
{
    e->quitting = true;
    begin(e, MOTE_STEP_QUIT);
}

/* An outcome that no reply gave. */
static void stop(struct mote_engine *e, uint8_t verdict, uint8_t cause)
{
    settle_ours(e, verdict, cause);
    quit(e);
}

/* Moves a cursor on from MAIL or from recipient *rcpt; returns the step it is at. */
static uint8_t follow(const struct mote_engine *e, uint8_t step, uint16_t *rcpt)
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
            mote_command_begin(e, follow(e, step, &e->sending_rcpt));
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

/* The way to the mail is free: can the relay take it? The bits of needs stand in offers, four places up. */
static void ready(struct mote_engine *e)
{
    unsigned missing = e->mail->needs & ~((unsigned)e->offers >> 4);

    if (missing != 0) {
        stop(e, MOTE_FAILED, missing == MOTE_NEEDS_8BITMIME ? MOTE_CAUSE_NO_8BITMIME : MOTE_CAUSE_NO_SMTPUTF8);
    } else if (e->size_limit != 0 && e->mail->size > e->size_limit) {
        stop(e, MOTE_FAILED, MOTE_CAUSE_TOO_BIG);
    } else {
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
            stop(e, MOTE_DEFERRED, MOTE_CAUSE_TLS_NOT_OFFERED);
            return;
        }
    }
    if (setup->login.user == NULL) {
        ready(e);
    } else if (mote_command_login(e)) {
        e->awaiting = e->sending = MOTE_STEP_AUTH;
    } else {
        stop(e, MOTE_DEFERRED, MOTE_CAUSE_LOGIN_NOT_OFFERED);
    }
}

/* A reply that refuses, or one the command cannot have. */
static void refused(struct mote_engine *e)
{
    uint8_t cause = MOTE_CAUSE_REFUSED;

    if (e->awaiting == MOTE_STEP_STARTTLS) {
        cause = MOTE_CAUSE_TLS_REFUSED;
    } else if (e->digits[0] < 4) {
        mote_engine_fail(e, MOTE_CAUSE_PROTOCOL);
        return;
    } else if (e->awaiting == MOTE_STEP_AUTH) {
        cause = MOTE_CAUSE_LOGIN_REFUSED;
    }
    settle(e, refusal(e), cause);
    quit(e);
}

/* A 334 asks for the rest of the login; when there is none, "*" ends it (RFC 4954 4). */
static void after_auth(struct mote_engine *e, unsigned class)
{
    bool more = *e->command != 0, cancelled = e->cancelled;

    if (class == 2 && !more && !cancelled) {
        ready(e);
    } else if (class == 3 && more) {
        e->sending = MOTE_STEP_AUTH;
        mote_command_resume(e);
    } else if (class == 3 && !cancelled) {
        e->cancelled = true;
        begin(e, MOTE_STEP_AUTH);
    } else {
        refused(e);
    }
}

/* Replies to MAIL and RCPT: on to the next reply and, in lock-step, to the next command. */
static void after_envelope(struct mote_engine *e, unsigned class)
{
    uint8_t step = e->awaiting;
    struct mote_result *r = &e->mail->rcpts[e->awaiting_rcpt].result;

    if (class == 2) {
        if (step == MOTE_STEP_RCPT && r->verdict == MOTE_PENDING) {
            e->accepted++;
        }
    } else if (step == MOTE_STEP_MAIL) {
        settle(e, refusal(e), MOTE_CAUSE_REFUSED);
    } else {
        outcome(e, refusal(e), MOTE_CAUSE_REFUSED);
        judge(e, r);
        e->last_refusal = e->reply;
    }
    e->awaiting = follow(e, step, &e->awaiting_rcpt);
    if (e->awaiting != MOTE_STEP_RCPT && e->accepted == 0 && e->result.verdict == MOTE_PENDING) {
        e->result = e->last_refusal; /* nobody takes it: the last refusal stands for the mail */
    }
    if (e->replies_due == 0 && e->sending == MOTE_STEP_NONE) {
        if (e->result.verdict != MOTE_PENDING) {
            quit(e);
        } else {
            mote_command_begin(e, follow(e, step, &e->sending_rcpt));
        }
    }
    if (e->awaiting == MOTE_STEP_BDAT) {
        e->awaiting = MOTE_STEP_END;
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

/* The verdict on the mail: 2xx once all of it is out, 4xx or 5xx perhaps before (I1). */
static void after_end(struct mote_engine *e, unsigned class)
{
    settle(e, class == 2 ? MOTE_DELIVERED : refusal(e), class == 2 ? MOTE_CAUSE_NONE : MOTE_CAUSE_REFUSED);
    if (!e->end_sent) {
        e->done = true;
    } else if (!e->quitting) {
        quit(e);
    } else if (e->sending == MOTE_STEP_NONE) {
        e->done = true;
    }
}

/* EHLO refused: HELO will do where neither TLS nor a login is needed. */
static bool helo_will_do(const struct mote_engine *e)
{
    return e->setup->login.user == NULL && (e->setup->opportunistic || (e->tls & MOTE_TLS_SECURED) != 0);
}

static void after_reply(struct mote_engine *e)
{
    unsigned class = e->digits[0];

    e->replies_due--;
    e->timer_restart = true;
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
        if (class > 3 || (class == 2 && e->sending != MOTE_STEP_TEXT)) {
            after_end(e, class);
            return;
        }
        break;
    default:
        if (class != 3) {
            after_envelope(e, class);
            return;
        }
        break;
    }
    refused(e);
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
