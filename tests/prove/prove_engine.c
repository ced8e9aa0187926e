/* SPDX-License-Identifier: MIT
 *
 * What a reply may lead to, from any state of a conversation.
 */
#include "engine.h"

#include "engine.c"

/* In place of mote_command_login(): a login begins, or there is none in common. */
bool any_login(struct mote_engine *e)
{
    e->command = login_rest;
    return any_bool();
}

/* A whole reply, as mote_reply_octet() leaves it. */
static void any_reply(struct mote_engine *e)
{
    e->reply = nondet_result();
    assume(e->reply.code >= 200 && e->reply.code <= 599 && e->digits[0] == e->reply.code / 100);
    assume(e->reply.verdict == 0 && e->reply.cause == 0);
    assume(!e->done && e->replies_due != 0);
}

/* From any state any reply leads to a sound one. I1: DELIVERED comes of a 2xx to the end of a mail that has left whole. I4: once it may have
 * left, a deferral is a complete refusal, and a 421 to a recipient one only where nobody was accepted. I9: no verdict
 * changes. P8, P10: FAILED comes of a 5xx to the mail or a recipient, not of 530, nor of 552 to RCPT. P12: nor of one to MAIL
 * behind a mail that was taken, where the connection may be why. I8: a greeting forgets what was offered. With it, by what is sound: I2, I10.
 *
 * bounds: 2 recipients
 * with: core/smtp/command.c core/smtp/check.c core/smtp/text.c
 * replace: mote_command_login:any_login
 * unwind: 5
 * plant: core/smtp/engine.c: s/class == 2 \&\& e->sending != MOTE_STEP_TEXT/class == 2/
 * plant: core/smtp/engine.c: s/r->verdict == MOTE_PENDING/r->verdict != MOTE_DELIVERED/
 * plant: core/smtp/engine.c: s/(code == 552 \&\& step == MOTE_STEP_RCPT)/false/
 * plant: core/smtp/engine.c: s/code == 530 ||/false ||/
 * plant: core/smtp/engine.c: s/step < MOTE_STEP_MAIL || refusal_cause/refusal_cause/
 * plant: core/smtp/engine.c: s/refusal_cause(e) == MOTE_CAUSE_CLOSED ||//
 * plant: core/smtp/engine.c: s/if (!setup->opportunistic) {/if (false) {/
 * plant: core/smtp/engine.c: s/    e->offers = 0;//
 * plant: core/smtp/engine.c: s/class = lost_reply(e);//
 * plant: core/smtp/engine.c: s/e->accepted != 0 \&\& e->awaiting == MOTE_STEP_RCPT/false/
 */
void prove_I1_after_reply(void)
{
    struct mote_engine e = any_engine(), before;
    struct mote_rcpt rcpts_before[RCPTS];
    bool refused, end;

    any_reply(&e);
    before = e;
    memcpy(rcpts_before, rcpts, sizeof rcpts);
    after_reply(&e);
    prove(sound(&e));
    refused = e.reply.code >= 400;
    end = before.awaiting == MOTE_STEP_END && before.sending != MOTE_STEP_TEXT && before.end_sent &&
          before.digits[0] == 2;
    for (unsigned i = 0; i <= RCPTS; i++) {
        const struct mote_result *r = i < RCPTS ? &rcpts[i].result : &e.result;
        const struct mote_result *was = i < RCPTS ? &rcpts_before[i].result : &before.result;
        bool about = before.awaiting >= MOTE_STEP_MAIL && before.awaiting <= MOTE_STEP_END;

        prove(implies(was->verdict != MOTE_PENDING, same(r, was)));
        if (was->verdict == MOTE_PENDING) {
            prove(implies(r->verdict == MOTE_DELIVERED, end && before.reply.code != 221));
            prove(implies(r->verdict == MOTE_DEFERRED && before.end_sent, refused && r->code == e.reply.code));
            prove(implies(r->verdict == MOTE_DEFERRED && before.end_sent && before.awaiting == MOTE_STEP_RCPT &&
                              r->code == 421,
                          before.accepted == 0));
            prove(implies(r->verdict == MOTE_FAILED, about && before.reply.code >= 500 && r->step == before.awaiting));
            prove(implies(r->verdict == MOTE_FAILED, r->code != 530));
            prove(implies(r->verdict == MOTE_FAILED,
                          !before.between || before.reset || before.awaiting > MOTE_STEP_MAIL));
            prove(implies(r->verdict == MOTE_FAILED && r->code == 552, before.awaiting != MOTE_STEP_RCPT));
            prove(implies(r->verdict == MOTE_IN_DOUBT, before.end_sent));
            prove(r->verdict != MOTE_MISUSE);
        }
    }
    prove(implies(!e.done && e.sending == MOTE_STEP_EHLO && before.sending != MOTE_STEP_EHLO,
                  e.offers == 0 && e.size_limit == 0));
}
