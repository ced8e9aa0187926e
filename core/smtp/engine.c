/* SPDX-License-Identifier: MIT
 *
 * One SMTP conversation, decided reply by reply: after_reply() is the place, and all that changes a verdict is in this file. It
 * refuses octets that no command explains, and replies that the command cannot have.
 *
 * Two cursors run over the steps: `sending`, the step being written, and `awaiting`, the step whose reply comes next;
 * `replies_due` counts the replies to what is all out. What a reply leads to, by its step and first digit; "-" is
 * MOTE_CAUSE_PROTOCOL, and the end:
 *
 *   step      2xx                           3xx   4xx                5xx
 *   GREETING  EHLO                          -     deferred, QUIT     deferred, QUIT
 *   EHLO      STARTTLS, or AUTH, or MAIL    -     deferred, QUIT     HELO if that will do, else deferred, QUIT
 *   HELO      MAIL                          -     deferred, QUIT     deferred, QUIT
 *   STARTTLS  220: HANDSHAKE, then EHLO     all others: TLS_REFUSED, deferred, QUIT
 *   AUTH      MAIL, when all of it is said  more  deferred, QUIT     deferred, QUIT: LOGIN_REFUSED by login_refused()
 *   MAIL      RCPT                          -     all deferred       all failed
 *   RCPT      RCPT, or DATA, or BDAT        -     this one deferred  this one failed
 *   DATA      -                             text  all deferred       all failed
 *   END       delivered, QUIT               -     all deferred       all failed
 *   RSET      MAIL                          -     deferred, QUIT     deferred, QUIT
 *
 * Where the caller keeps connections (setup->keep), what would be QUIT from MAIL on is a pause: the next mail begins with MAIL,
 * or, behind one that was not delivered, with RSET, in one flight where PIPELINING was offered.
 *
 * But for 421 and 221 (P10, P14: the relay closes), 530 (P8), 552 to RCPT (P10), 500 to 504 where an extension may be why (P16),
 * MAIL behind a mail that was taken (P12: deferred), and a refused RSET with which the whole mail left (P9). In lock-step a refusal
 * leads to QUIT once nobody is left; in a flight the replies to the rest of it are heard first. With PIPELINING and two
 * recipients, the second refused:
 *
 *   out            in              sending  awaiting  replies_due
 *   MAIL                           RCPT 1   MAIL      1
 *   RCPT RCPT                      DATA     MAIL      3
 *   DATA                           none     MAIL      4
 *                  250             none     RCPT 1    3
 *                  250             none     RCPT 2    2
 *                  550             none     DATA      1
 *                  354             TEXT     END       1            END's reply is due from here on
 *   text and dot                   QUIT     END       1
 *   QUIT                           none     END       1
 *                  250             done
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
    make_result(e, verdict, cause);
    set_once(e, &e->result);
    if (e->mail == NULL) { /* it was never begun */
        return;
    }
    struct mote_rcpt *rcpt = e->mail->rcpts;

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

/* P16: was PIPELINING or CHUNKING in use when this went wrong, and is the mail still without a result? Then it is suspect. */
static bool blame_extension(struct mote_engine *e)
{
    bool used = e->extended && e->result.verdict == MOTE_PENDING;

    e->suspect |= used;
    return used;
}

/* P12: MAIL refused behind a mail that was taken, and RSET, may be the connection's end, said another way than by 421. */
static uint8_t refusal_cause(const struct mote_engine *e)
{
    bool ends = !e->reset || e->awaiting == MOTE_STEP_RSET || e->reply.code == 421;

    return e->between && ends ? MOTE_CAUSE_CLOSED : MOTE_CAUSE_REFUSED;
}

/* What a refusal means. Before MAIL it is the relay's trouble, not the mail's (P8), or the connection's; so is 530, which wants TLS
 * or a login first. 552 to RCPT is a 452 (P10). 500 to 504 may be for the extension, but to the final dot (P16). */
static uint8_t refusal_verdict(struct mote_engine *e)
{
    uint16_t code = e->reply.code;
    uint8_t step = e->awaiting;

    if (code < 500 || step < MOTE_STEP_MAIL || refusal_cause(e) == MOTE_CAUSE_CLOSED || code == 530 ||
        (code == 552 && step == MOTE_STEP_RCPT)) {
        return MOTE_DEFERRED;
    }
    if (code <= 504 && (step != MOTE_STEP_END || e->bdat) && blame_extension(e)) {
        return MOTE_DEFERRED;
    }
    return MOTE_FAILED;
}

void mote_engine_fail(struct mote_engine *e, uint8_t cause)
{
    uint8_t verdict = MOTE_DEFERRED;

    if (e->done || e->kept) { /* the mail has its result, and may not be ours any more */
        e->done = true;
        return;
    }
    if (cause == MOTE_CAUSE_LOST && e->between) {
        cause = MOTE_CAUSE_CLOSED;
    }
    if (e->end_sent) {
        verdict = MOTE_IN_DOUBT;
    } else if ((cause >= MOTE_CAUSE_ADDRESS && cause <= MOTE_CAUSE_TEXT) || cause >= MOTE_CAUSE_TOO_MANY) {
        verdict = MOTE_MISUSE;
    }
    if (cause >= MOTE_CAUSE_LOST && cause <= MOTE_CAUSE_REPLY_TOO_LONG && cause != MOTE_CAUSE_CLOSED) {
        blame_extension(e);
    }
    set_all_ours(e, verdict, cause);
    e->done = true;
}

/* ---- Going on ----------------------------------------------------------------------------------------------------- */

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

/* The mail has its result: QUIT where a command can stand, or a pause; else nothing more but the rest of a QUIT. */
static void hang_up(struct mote_engine *e)
{
    if (e->sending == MOTE_STEP_NONE && e->replies_due == 0 && !e->quitting) {
        e->kept = e->setup->keep && e->awaiting >= MOTE_STEP_MAIL && e->awaiting <= MOTE_STEP_END &&
                  e->reply.code != 421 && e->result.cause != MOTE_CAUSE_CLOSED;
        if (!e->kept) {
            e->quitting = true;
            begin(e, MOTE_STEP_QUIT);
        }
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

/* ---- Replies ----------------------------------------------------------------------------------------------------- */

/* The way to the mail is free, if the relay can take it as it is (P10). */
static void ready(struct mote_engine *e)
{
    uint8_t cause = mote_check_offers(e);

    if (cause != MOTE_CAUSE_NONE) {
        give_up(e, cause);
        return;
    }
    if (e->setup->plain) {
        e->offers = (uint16_t)(e->offers & ~(OFFER_PIPELINING | OFFER_CHUNKING));
    }
    e->extended = (e->offers & OFFER_PIPELINING) != 0;
    e->bdat = (e->offers & OFFER_CHUNKING) != 0 && e->mail->size != 0; /* an empty chunk has no last octet to hold */
    begin(e, e->reset ? MOTE_STEP_RSET : MOTE_STEP_MAIL);
}

/* Between two mails, and the caller has not said which way to go on. */
static bool pauses(const struct mote_engine *e)
{
    return e->kept && e->sending == MOTE_STEP_NONE;
}

void mote_engine_next(struct mote_engine *e, struct mote_mail *mail, uint32_t start_ms)
{
    uint8_t cause;
    bool ended = e->done && e->mail != NULL;

    if (!pauses(e) && !ended) {
        return;
    }
    cause = mote_check(e->setup, mail);
    e->mail = mail;
    e->start_ms = start_ms;
    e->reset = e->result.verdict != MOTE_DELIVERED;
    e->between = e->timer_restart = true;
    e->done = e->kept = e->committed = e->empty = e->end_sent = e->suspect = false;
    e->accepted = e->awaiting_rcpt = e->sending_rcpt = 0;
    e->offset = 0;
    memset(&e->body, 0, sizeof e->body);
    memset(&e->result, 0, sizeof e->result);
    e->awaiting = ended ? MOTE_STEP_MAIL : MOTE_STEP_EHLO; /* where it is told what the relay cannot carry */
    if (cause != MOTE_CAUSE_NONE || ended) {
        mote_engine_fail(e, cause != MOTE_CAUSE_NONE ? cause : MOTE_CAUSE_LOST);
    } else {
        ready(e);
    }
}

void mote_engine_quit(struct mote_engine *e)
{
    if (pauses(e)) { /* the pause goes on until poll: QUIT's time begins there */
        e->quitting = e->timer_restart = true;
        begin(e, MOTE_STEP_QUIT);
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

/* Are user and secret what AUTH is refused for? Up to 504 it is the command or its mechanism; 530 and 538 want something else
 * first (RFC 4954 4, 6). */
static bool login_refused(uint16_t code)
{
    return code > 504 && code != 530 && code != 538;
}

/* A reply that refuses, or one the command cannot have. */
static void after_refusal(struct mote_engine *e, unsigned class)
{
    uint8_t cause = refusal_cause(e);

    if (e->awaiting == MOTE_STEP_STARTTLS) {
        cause = MOTE_CAUSE_TLS_REFUSED;
    } else if (class < 4) {
        mote_engine_fail(e, MOTE_CAUSE_PROTOCOL);
        return;
    } else if (e->awaiting == MOTE_STEP_AUTH && login_refused(e->reply.code)) {
        cause = MOTE_CAUSE_LOGIN_REFUSED;
    }
    /* The end of the mail has left, and its reply is lost (P9): to a 421 behind a recipient that was accepted, and where RSET
     * is refused, which does not keep the relay from taking what follows it. */
    if (e->end_sent &&
        (e->awaiting == MOTE_STEP_RSET ? e->reply.code != 421 : e->accepted != 0 && e->awaiting == MOTE_STEP_RCPT)) {
        set_all(e, MOTE_IN_DOUBT, cause);
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
    uint8_t step = e->awaiting, next;
    struct mote_result *r = &e->mail->rcpts[e->awaiting_rcpt].result;

    if (class == 2) {
        e->accepted = (uint16_t)(e->accepted + (step == MOTE_STEP_RCPT && r->verdict == MOTE_PENDING));
    } else if (step == MOTE_STEP_MAIL) {
        set_all(e, refusal_verdict(e), refusal_cause(e));
    } else {
        make_result(e, refusal_verdict(e), MOTE_CAUSE_REFUSED);
        set_once(e, r);
    }
    e->between = false;
    next = e->awaiting = mote_next_asked(e, step, &e->awaiting_rcpt);
    if (next != MOTE_STEP_RCPT && e->accepted == 0) {
        set_once(e, &e->result); /* nobody takes it: the last refusal, this one, stands for the mail */
    }
    if (next == MOTE_STEP_BDAT) {
        e->awaiting = MOTE_STEP_END; /* which has the reply to BDAT */
        e->extended = true;
    }
    if (e->replies_due != 0 || e->sending != MOTE_STEP_NONE) {
        return; /* the flight goes on */
    }
    if (e->result.verdict != MOTE_PENDING) {
        hang_up(e);
    } else {
        e->sending_rcpt = e->awaiting_rcpt;
        mote_command_begin(e, next);
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
    uint8_t cause;

    e->reply.code = 421;
    cause = refusal_cause(e);
    if (cause == MOTE_CAUSE_REFUSED) {
        blame_extension(e);
    }
    if (e->end_sent) {
        set_all(e, MOTE_IN_DOUBT, cause);
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
    case MOTE_STEP_RSET:
        if (class == 2) {
            e->awaiting = MOTE_STEP_MAIL;
            if (e->sending == MOTE_STEP_NONE && e->replies_due == 0) {
                mote_command_begin(e, MOTE_STEP_MAIL);
            }
            return;
        }
        break;
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
