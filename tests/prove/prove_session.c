/* SPDX-License-Identifier: MIT
 *
 * What a connection begins as.
 */
#include "prove.h"

#include "session.c"

struct mote_relay nondet_relay(void);
struct mote_session_setup nondet_session_setup(void);

/* In place of mote_engine_init() and _next(): prove_calls.c says what they do. */
void any_engine_begins(struct mote_engine *e, const struct mote_engine_setup *setup, struct mote_mail *mail,
                       uint32_t start_ms)
{
}

void any_engine_next(struct mote_engine *e, struct mote_mail *mail, uint32_t start_ms)
{
}

/* P5, P6: a connection begins as its relay wants it, or in clear by P5, whatever the session did before; one in clear by P5 is for its one
 * mail, and so is a further mail's where it would be in clear by then.
 *
 * bounds: none
 * with: core/smtp/engine.c
 * replace: mote_engine_init:any_engine_begins
 * replace: mote_engine_next:any_engine_next
 * unwind: 5
 * slow: not by itself, but with the others of its kind
 * plant: core/tls/session.c: s/s->setup->keep \&\& !s->setup->clear/s->setup->keep/
 * plant: core/tls/session.c: s/setup->clear ? MOTE_TLS_CLEAR : relay->tls/relay->tls/
 * plant: core/tls/session.c: s/= relay->trust.opportunistic;/= true;/
 */
void prove_P6_session(void)
{
    static struct mote_session session; /* of a connection before */
    struct mote_session_setup setup = nondet_session_setup();
    struct mote_relay relay = nondet_relay();
    struct mote_mail mail;

    setup.clear = any_bool();
    setup.keep = any_bool();
    setup.hold = any_bool();
    setup.plain = any_bool();
    relay.trust.opportunistic = any_bool();
    relay.trust.chain = any_bool();
    relay.trust.name = any_bool() ? "a" : NULL;
    session.engine_setup.tls = nondet_u8();
    session.engine_setup.keep = any_bool();
    mote_session_init(&session, &relay, &mail, &setup);
    prove(session.engine_setup.tls == (setup.clear ? MOTE_TLS_CLEAR : relay.tls));
    prove(session.engine_setup.opportunistic == relay.trust.opportunistic);
    prove(session.engine_setup.keep == (setup.keep && !setup.clear) && session.mode == CLEAR);
    setup.clear = any_bool();
    setup.keep = any_bool();
    mote_session_next(&session, &mail);
    prove(session.engine_setup.keep == (setup.keep && !setup.clear));
}
