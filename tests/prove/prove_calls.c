/* SPDX-License-Identifier: MIT
 *
 * What the calls that move a conversation do to one in any state.
 */
#include "engine.h"

#include "poll.c"

static struct mote_rcpt rcpts_before[RCPTS];

static struct mote_engine any_engine_kept(void)
{
    struct mote_engine e = any_engine();

    memcpy(rcpts_before, rcpts, sizeof rcpts);
    return e;
}

/* Verdicts there were are as they were (I9), and the others are one of those allowed, a bit each. */
static bool verdicts_are(const struct mote_engine *e, const struct mote_engine *before, unsigned allowed)
{
    bool good = before->result.verdict != MOTE_PENDING ? same(&e->result, &before->result)
                                                       : (allowed >> e->result.verdict & 1) != 0;

    for (unsigned i = 0; i < RCPTS; i++) {
        const struct mote_result *was = &rcpts_before[i].result, *r = &rcpts[i].result;

        good = good && (was->verdict != MOTE_PENDING ? same(r, was) : (allowed >> r->verdict & 1) != 0);
    }
    return good;
}

/* In place of mote_command_pull(), mote_text_pull(): prove_text.c and prove_command.c say what they do. */
size_t any_command_pull(struct mote_engine *e, uint8_t *buf, size_t cap)
{
    size_t n = nondet_size();

    assume(n <= cap);
    e->line_done = any_bool();
    e->out = nondet_u32();
    return n;
}

uint8_t any_text_pull(struct mote_engine *e, uint8_t *buf, size_t cap, size_t *n)
{
    e->line_done = any_bool();
    e->out = nondet_u32();
    e->end_sent = e->line_done && (e->bdat || e->awaiting == MOTE_STEP_END);
    e->commit = !e->line_done && any_bool();
    assume(e->line_done == e->end_sent);
    *n = nondet_size();
    assume(*n <= cap);
    return any_bool() ? MOTE_CAUSE_NONE : any_bool() ? MOTE_CAUSE_TEXT : MOTE_CAUSE_STORAGE;
}

/* A conversation begins sound: with any arguments, right or wrong.
 *
 * bounds: 2 recipients
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * unwind: 12
 * plant: core/smtp/poll.c: s/e->awaiting = MOTE_STEP_HANDSHAKE;/e->awaiting = MOTE_STEP_GREETING;/
 * plant: core/smtp/check.c: s/ || (setup->tls == MOTE_TLS_CLEAR \&\& !setup->opportunistic)//
 * plant: core/smtp/check.c: s/return !setup->opportunistic \&\& no_control/return no_control/
 */
void prove_I10_init(void)
{
    struct mote_engine e;

    any_arguments();
    setup.tls = nondet_u8();
    setup.opportunistic = any_bool();
    mote_engine_init(&e, &setup, &mail, nondet_u32());
    prove(sound(&e));
    if (!e.done) {
        prove(setup.tls <= MOTE_TLS_CLEAR && implies(setup.tls == MOTE_TLS_CLEAR, setup.opportunistic));
        prove(implies(setup.login.user != NULL, !setup.opportunistic));
        prove(e.tls == (setup.tls == MOTE_TLS_IMPLICIT ? MOTE_TLS_TRIED : 0));
    }
}

/* P13, I11: a step has its limit and the attempt its own, whatever the clock shows; what poll wants can be done, and something is always
 * wanted; only time ends a conversation here, and it is deferred, or in doubt once the end may have left.
 *
 * bounds: 2 recipients
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * unwind: 5
 * plant: core/smtp/poll.c: s/if (passed > INT32_MAX)/if (passed > UINT32_MAX - 1)/
 * plant: core/smtp/poll.c: s/step_ms < e->wait_ms/step_ms <= e->wait_ms \&\& step_ms != 5/
 * plant: core/smtp/poll.c: s/e->timer_restart = false;//
 * plant: core/smtp/poll.c: s/return e->replies_due != 0 ? want | MOTE_WANT_RECV : want/return want/
 */
void prove_P13_poll(void)
{
    static const uint16_t limits[] = {30, 300, 300, 300, 120, 120, 300, 300, 300, 120, 600, 10, 300, 180, 180};
    struct mote_engine e = any_engine_kept(), before = e;
    uint32_t now_ms = nondet_u32(), since_ms = e.timer_restart ? now_ms : e.since_ms;
    uint32_t start_ms = e.kept ? now_ms : e.start_ms, passed = now_ms - since_ms, all = now_ms - start_ms;
    uint8_t step = e.sending > MOTE_STEP_RSET ? e.sending : e.awaiting;
    uint8_t want = mote_engine_poll(&e, now_ms);
    bool late = passed <= INT32_MAX && passed >= limits[step] * 1000u, over = all <= INT32_MAX && all >= 900000;

    prove(sound(&e));
    prove(!e.timer_restart && verdicts_are(&e, &before, 1 << MOTE_PENDING | 1 << MOTE_DEFERRED | 1 << MOTE_IN_DOUBT));
    prove((want == MOTE_DONE) == e.done);
    if (before.done) {
        return;
    }
    if (e.kept && e.sending == MOTE_STEP_NONE) {
        prove(want == MOTE_WANT_MAIL && e.wait_ms == UINT32_MAX);
        return;
    }
    prove(e.done == (late || over));
    prove(e.wait_ms <= 900000 && e.wait_ms <= limits[step] * 1000u);
    if (e.done) {
        prove(implies(before.result.verdict == MOTE_PENDING,
                      e.result.verdict == (e.end_sent ? MOTE_IN_DOUBT : MOTE_DEFERRED) &&
                          e.result.cause == (over ? MOTE_CAUSE_DEADLINE : MOTE_CAUSE_TIMEOUT)));
        return;
    }
    prove(implies(passed <= INT32_MAX, e.wait_ms <= limits[step] * 1000u - passed));
    prove((want == MOTE_WANT_TLS) == (e.awaiting == MOTE_STEP_HANDSHAKE));
    prove(want != 0 && want < MOTE_DONE);
    prove(((want & MOTE_WANT_RECV) != 0) == (e.replies_due != 0));
    prove(implies(want != MOTE_WANT_TLS,
                  ((want & (MOTE_WANT_SEND | MOTE_WANT_COMMIT)) != 0) == (e.sending != MOTE_STEP_NONE)));
}

/* I3, I5, I9: whatever leaves, a sound conversation stays so, no verdict changes, and none comes of writing but for a text that cannot be
 * sent. When a step is all out, the next one is that of the table in poll.c.
 *
 * bounds: 2 recipients
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * replace: mote_command_pull:any_command_pull
 * replace: mote_text_pull:any_text_pull
 * unwind: 5
 * plant: core/smtp/poll.c: s/if (pipelining \&\& !e->setup->keep)/if (pipelining)/
 * plant: core/smtp/poll.c: s/e->replies_due++;//
 * plant: core/smtp/poll.c: s/case MOTE_STEP_STARTTLS: e->tls = MOTE_TLS_TRIED; break;//
 */
void prove_I9_pull(void)
{
    uint8_t buf[4];
    struct mote_engine e = any_engine_kept(), before = e;
    size_t cap = nondet_size(), n;

    assume(cap <= sizeof buf);
    assume(implies(e.commit, e.sending == MOTE_STEP_TEXT));
    n = mote_engine_pull(&e, buf, cap);
    prove(n <= cap && sound(&e));
    prove(verdicts_are(&e, &before, 1 << MOTE_PENDING | 1 << MOTE_DEFERRED | 1 << MOTE_MISUSE | 1 << MOTE_IN_DOUBT));
    prove(implies(before.sending != MOTE_STEP_TEXT, verdicts_are(&e, &before, 1 << MOTE_PENDING)));
    prove(implies(e.commit, e.sending == MOTE_STEP_TEXT || e.done));
    prove(implies(before.sending == MOTE_STEP_STARTTLS && e.sending == MOTE_STEP_NONE && !before.done,
                  e.tls == MOTE_TLS_TRIED));
}

/* I4: whoever gives up, and why: no mail is deferred whose end may have left, none fails or is delivered, and no verdict changes.
 *
 * bounds: 2 recipients
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * unwind: 5
 * plant: core/smtp/engine.c: s/verdict = MOTE_IN_DOUBT;/verdict = MOTE_DEFERRED;/
 * plant: core/smtp/engine.c: s/    set_all_ours(e, verdict, cause);/    e->result.verdict = verdict;/
 */
void prove_I4_fail(void)
{
    struct mote_engine e = any_engine_kept(), before = e;
    uint8_t cause = nondet_u8();

    mote_engine_fail(&e, cause);
    prove(e.done && sound(&e));
    prove(verdicts_are(&e, &before,
                       1 << MOTE_PENDING | 1 << (e.end_sent ? MOTE_IN_DOUBT : MOTE_DEFERRED) |
                           (e.end_sent ? 0 : 1 << MOTE_MISUSE)));
    prove(implies(before.kept, same(&e.result, &before.result)));
    prove(implies(before.result.verdict == MOTE_PENDING && !before.done,
                  e.result.cause == cause || e.result.cause == MOTE_CAUSE_CLOSED));
}

/* I8: TLS stands: what was offered before is forgotten, and it is greeted again; at any other moment nothing happens.
 *
 * bounds: 2 recipients
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * unwind: 5
 * plant: core/smtp/engine.c: /MOTE_TLS_SECURED;/,/}/s/e->timer_restart = true;//
 * plant: core/smtp/engine.c: s/if (e->awaiting != MOTE_STEP_HANDSHAKE)/if (e->awaiting < MOTE_STEP_HANDSHAKE)/
 * plant: core/smtp/engine.c: s/    e->offers = 0;//
 */
void prove_I8_secured(void)
{
    struct mote_engine e = any_engine_kept(), before = e;

    assume(!e.done);
    mote_engine_secured(&e);
    prove(sound(&e) && verdicts_are(&e, &before, 1 << MOTE_PENDING));
    if (before.awaiting != MOTE_STEP_HANDSHAKE) {
        prove(e.tls == before.tls && e.awaiting == before.awaiting && e.sending == before.sending);
    } else if (setup.tls != MOTE_TLS_IMPLICIT) {
        prove(e.offers == 0 && e.size_limit == 0 && e.sending == MOTE_STEP_EHLO && secured(&e));
    } else {
        prove(e.awaiting == MOTE_STEP_GREETING && e.replies_due == 1 && secured(&e) && e.timer_restart);
    }
}

/* P6, I9: another mail on the connection, at a pause or when it is gone: it begins sound, with no verdict of the one before; and at any other
 * moment nothing happens. QUIT likewise.
 *
 * bounds: 2 recipients
 * with: core/smtp/engine.c core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * unwind: 12
 * plant: core/smtp/engine.c: s/e->accepted = e->awaiting_rcpt = e->sending_rcpt = 0;//
 * plant: core/smtp/engine.c: s/e->empty = e->end_sent = /e->empty = /
 * plant: core/smtp/engine.c: s/return e->kept \&\& e->sending == MOTE_STEP_NONE/return e->sending == MOTE_STEP_NONE/
 */
void prove_I9_next(void)
{
    struct mote_engine e = any_engine_kept(), before = e;
    bool pauses = e.kept && e.sending == MOTE_STEP_NONE, quit = any_bool();
    struct mote_mail other = mail;

    if (quit) {
        mote_engine_quit(&e);
        prove(sound(&e) && verdicts_are(&e, &before, 1 << MOTE_PENDING));
        prove(e.sending == (pauses && !before.done ? MOTE_STEP_QUIT : before.sending) || before.done);
        return;
    }
    if (pauses || e.done) { /* the new mail's recipients are others */
        for (unsigned i = 0; i < RCPTS; i++) {
            rcpts[i].result = nondet_result();
            rcpts[i].excluded = any_bool();
        }
    }
    mote_engine_next(&e, &other, nondet_u32());
    mail = other;
    prove(sound(&e));
    if (!pauses && !before.done) {
        prove(verdicts_are(&e, &before, 1 << MOTE_PENDING) && e.mail == &mail);
    } else if (!e.done) {
        prove(e.mail == &other && !e.end_sent && e.accepted == 0 && e.result.verdict != MOTE_DELIVERED);
        prove(e.awaiting == MOTE_STEP_QUIT ||
              e.sending == (before.result.verdict == MOTE_DELIVERED ? MOTE_STEP_MAIL : MOTE_STEP_RSET));
    }
}
