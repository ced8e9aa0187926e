/* SPDX-License-Identifier: MIT
 *
 * A conversation in any state: what is true of it between any two calls, and everything else at random. Each call is proved to keep
 * that true, so it is true of every conversation, however long.
 */
#ifndef PROVE_ENGINE_H
#define PROVE_ENGINE_H

#include "prove.h"

#include "core.h"

enum { RCPTS = 2, TEXT_CAP = 4 };

struct mote_engine nondet_engine(void);
struct mote_engine_setup nondet_engine_setup(void);
struct mote_mail nondet_mail(void);
struct mote_rcpt nondet_rcpt(void);

static struct mote_engine_setup setup;
static struct mote_mail mail;
static struct mote_rcpt rcpts[RCPTS];
static char texts[RCPTS + 1][TEXT_CAP]; /* of replies */

static size_t any_read(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t n = nondet_size();

    for (size_t i = 0; i < cap && i < n; i++) {
        ((uint8_t *)buf)[i] = nondet_u8();
    }
    return n;
}

/* An address that any relay takes, one that needs SMTPUTF8, and one that is none. */
static const char *any_address(void)
{
    return any_bool() ? "a@b" : any_bool() ? "\303@b" : "a";
}

static void any_arguments(void)
{
    setup = nondet_engine_setup();
    setup.opportunistic = any_bool();
    setup.hold = any_bool();
    setup.keep = any_bool();
    setup.plain = any_bool();
    setup.helo = "a";
    setup.login = (struct mote_login){0};
    if (any_bool()) {
        setup.login.user = "u";
        setup.login.password = "p";
    }
    mail = nondet_mail();
    mail.from = any_address();
    mail.rcpts = rcpts;
    mail.read = any_read;
    mail.reply_text = any_bool() ? texts[RCPTS] : NULL;
    for (unsigned i = 0; i < RCPTS; i++) {
        rcpts[i] = nondet_rcpt();
        rcpts[i].address = any_address();
        rcpts[i].reply_text = any_bool() ? texts[i] : NULL;
        rcpts[i].excluded = any_bool();
        rcpts[i].in_transaction = any_bool();
        assume(rcpts[i].reply_text_cap <= TEXT_CAP);
    }
    /* what mote_check() lets pass: P7 */
    assume(setup.tls <= MOTE_TLS_CLEAR && implies(setup.tls == MOTE_TLS_CLEAR, setup.opportunistic));
    assume(implies(setup.login.user != NULL, !setup.opportunistic));
    assume(mail.rcpt_count >= 1 && mail.rcpt_count <= RCPTS && mail.reply_text_cap <= TEXT_CAP);
}

static bool secured(const struct mote_engine *e)
{
    return (e->tls & MOTE_TLS_SECURED) != 0;
}

/* A step that shows something of the mail. */
static bool of_mail(uint8_t step)
{
    return (step >= MOTE_STEP_MAIL && step <= MOTE_STEP_END) || step >= MOTE_STEP_RSET;
}

/* Who has which result: all have one once the mail has; before that, those have none whose reply has not come, and those were accepted who
 * still have none behind it. */
static bool recipients_sound(const struct mote_engine *e)
{
    bool pending = e->result.verdict == MOTE_PENDING,
         none = e->awaiting < MOTE_STEP_RCPT || e->awaiting == MOTE_STEP_RSET;
    unsigned accepted = 0, asked = 0;

    for (unsigned i = 0; i < mail.rcpt_count; i++) {
        bool waits = rcpts[i].result.verdict == MOTE_PENDING;
        bool heard = !none && !(e->awaiting == MOTE_STEP_RCPT && i >= e->awaiting_rcpt);

        if (rcpts[i].in_transaction && (pending ? !heard && !waits : waits)) {
            return false;
        }
        asked += rcpts[i].in_transaction;
        accepted += rcpts[i].in_transaction && heard && waits;
    }
    return (asked != 0 || e->awaiting == MOTE_STEP_QUIT) && implies(pending, accepted == e->accepted) &&
           implies(pending && !none && e->awaiting != MOTE_STEP_RCPT, accepted != 0) &&
           implies(none, e->accepted == 0) && implies(e->awaiting == MOTE_STEP_QUIT, !pending) &&
           implies(e->awaiting == MOTE_STEP_RCPT,
                   e->awaiting_rcpt < mail.rcpt_count && rcpts[e->awaiting_rcpt].in_transaction);
}

/* The place of a step among those of a mail, whose replies come in this order. */
static unsigned place(const struct mote_engine *e, uint8_t step, unsigned rcpt)
{
    unsigned at = step == MOTE_STEP_RSET ? 0 : 1;

    for (unsigned i = 0; step != MOTE_STEP_RSET && step != MOTE_STEP_MAIL && i < mail.rcpt_count; i++) {
        at += rcpts[i].in_transaction && (step != MOTE_STEP_RCPT || i < rcpt);
    }
    at += step != MOTE_STEP_RSET && step != MOTE_STEP_MAIL;
    return at + (step == MOTE_STEP_END && !e->bdat);
}

/* How the two cursors stand to each other: as many replies are due as there are steps between them. */
static bool cursors_sound(const struct mote_engine *e)
{
    bool pipelining = (e->offers & OFFER_PIPELINING) != 0;
    unsigned at, end = place(e, MOTE_STEP_END, 0) + 1;

    if (e->kept) {
        return e->replies_due == 0 && e->result.verdict != MOTE_PENDING &&
               (e->sending == MOTE_STEP_NONE ? of_mail(e->awaiting)
                                             : e->awaiting == MOTE_STEP_QUIT && e->sending == MOTE_STEP_QUIT);
    }
    if (e->awaiting == MOTE_STEP_QUIT) {
        return e->sending == MOTE_STEP_QUIT;
    }
    if (e->awaiting < MOTE_STEP_MAIL) {
        return e->sending == MOTE_STEP_NONE ? e->replies_due == (e->awaiting != MOTE_STEP_HANDSHAKE)
                                            : e->sending == e->awaiting && e->replies_due == 0;
    }
    if (e->bdat ? e->awaiting == MOTE_STEP_DATA || e->sending == MOTE_STEP_DATA
                : e->sending == MOTE_STEP_BDAT || (e->end_sent && e->awaiting != MOTE_STEP_END)) {
        return false;
    }
    at = place(e, e->awaiting, e->awaiting_rcpt);
    switch (e->sending) {
    case MOTE_STEP_TEXT: return e->replies_due == end - at && (e->bdat || e->awaiting == MOTE_STEP_END);
    case MOTE_STEP_QUIT: return e->replies_due == end - at && e->end_sent && pipelining && !setup.keep;
    case MOTE_STEP_NONE:
        if (e->end_sent) {
            return e->replies_due == end - at;
        }
        if (pipelining) {
            return !e->bdat && e->awaiting != MOTE_STEP_END && e->replies_due == place(e, MOTE_STEP_DATA, 0) + 1 - at;
        }
        return e->replies_due == 1 && e->awaiting != MOTE_STEP_END;
    default:
        return of_mail(e->sending) && !e->end_sent && place(e, e->sending, e->sending_rcpt) == at + e->replies_due &&
               (pipelining || e->replies_due == 0) &&
               (e->sending != MOTE_STEP_RCPT ||
                (e->sending_rcpt < mail.rcpt_count && rcpts[e->sending_rcpt].in_transaction));
    }
}

/* P6: a mail that has its result while the relay is still spoken to was taken or refused: no TLS has failed it. */
static bool result_sound(const struct mote_engine *e)
{
    return e->result.verdict == MOTE_PENDING || !of_mail(e->awaiting) || e->result.cause == MOTE_CAUSE_NONE ||
           e->result.cause == MOTE_CAUSE_REFUSED || e->result.cause == MOTE_CAUSE_CLOSED;
}

/* P6: what comes of TLS is said of it only once STARTTLS is out. */
static bool tls_sound(const struct mote_engine *e)
{
    bool tried = (e->tls & MOTE_TLS_TRIED) != 0;

    if (setup.tls != MOTE_TLS_STARTTLS) {
        return tried == (setup.tls == MOTE_TLS_IMPLICIT);
    }
    return secured(e) ? tried
                      : tried == (e->awaiting == MOTE_STEP_HANDSHAKE ||
                                  (e->awaiting == MOTE_STEP_STARTTLS && e->sending == MOTE_STEP_NONE)) ||
                            e->awaiting == MOTE_STEP_QUIT;
}

/* What is true between any two calls. */
static bool sound(const struct mote_engine *e)
{
    bool helo = e->awaiting == MOTE_STEP_HELO;
    bool mails = of_mail(e->awaiting) || of_mail(e->sending) || e->kept || helo;

    if (e->awaiting < MOTE_STEP_GREETING || e->awaiting > MOTE_STEP_RSET || e->sending > MOTE_STEP_TEXT ||
        e->sending == MOTE_STEP_GREETING || e->sending == MOTE_STEP_HANDSHAKE || e->sending == MOTE_STEP_END) {
        return false;
    }
    return e->done ? e->result.verdict != MOTE_PENDING :
                   /* I10: in clear only by P1 and P5; I2: a login in TLS only */
               implies(mails, secured(e) || setup.opportunistic) &&
                   implies(e->awaiting == MOTE_STEP_AUTH, secured(e)) && implies(helo, setup.login.user == NULL) &&
                   implies(setup.tls == MOTE_TLS_IMPLICIT, secured(e) || e->awaiting == MOTE_STEP_HANDSHAKE) &&
                   implies(e->awaiting == MOTE_STEP_STARTTLS, setup.tls == MOTE_TLS_STARTTLS && !secured(e)) &&
                   implies(e->awaiting == MOTE_STEP_HANDSHAKE, setup.tls != MOTE_TLS_CLEAR && !secured(e)) &&
                   implies(e->end_sent, of_mail(e->awaiting) || e->awaiting == MOTE_STEP_QUIT) &&
                   implies(e->awaiting < MOTE_STEP_MAIL || e->awaiting == MOTE_STEP_RSET,
                           e->result.verdict == MOTE_PENDING) &&
                   implies(e->awaiting == MOTE_STEP_RSET || (e->reset && e->awaiting < MOTE_STEP_MAIL), e->between) &&
                   implies(e->awaiting <= MOTE_STEP_MAIL || e->awaiting == MOTE_STEP_RSET, e->awaiting_rcpt == 0) &&
                   tls_sound(e) && result_sound(e) && recipients_sound(e) && cursors_sound(e);
}

static const char login_rest[] = {MARK_USER, 0, '*', 0};

static struct mote_engine any_engine(void)
{
    struct mote_engine e = nondet_engine();

    any_arguments();
    e.setup = &setup;
    e.mail = &mail;
    e.command = any_bool() ? login_rest : login_rest + 1;
    e.insert = "";
    e.reply_at = e.reply_end = NULL;
    e.end_sent = any_bool();
    e.suspect = any_bool();
    e.extended = any_bool();
    e.cancelled = any_bool();
    e.committed = any_bool();
    e.empty = any_bool();
    e.digit = any_bool();
    e.line_done = any_bool();
    e.two_step = any_bool();
    e.commit = any_bool();
    e.done = any_bool();
    e.kept = any_bool();
    e.bdat = any_bool();
    e.between = any_bool();
    e.timer_restart = any_bool();
    e.quitting = any_bool();
    e.base64 = any_bool();
    e.body.cr = any_bool();
    e.reset = any_bool();
    e.reply_more = any_bool();
    assume(sound(&e));
    return e;
}

static bool same(const struct mote_result *a, const struct mote_result *b)
{
    return a->verdict == b->verdict && a->cause == b->cause && a->step == b->step && a->tls == b->tls &&
           a->code == b->code && a->subject == b->subject && a->detail == b->detail;
}

#endif
