/* SPDX-License-Identifier: MIT
 *
 * A bench for delivery: a mail, its record, and relays from sim.h, attempt after attempt.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

extern struct attempt {
    struct sim sim;
    struct mote_relay relays[SIM_RELAYS];
    struct mote_relay_state states[SIM_RELAYS];
    struct mote_mail mail;
    struct mote_rcpt rcpts[3];
    struct mote_session session;
    struct mote_session_setup setup;
    struct mote_delivery delivery;
    struct mote_record record;
    const struct mote_result *result;
    uint32_t now_s;
    uint16_t limit_s; /* of an attempt, 0 = 900 */
    uint16_t others;  /* bits of relays that there are besides */
    unsigned char buf[MOTE_SESSION_BUF_FULL];
} t;

/* So many opportunistic relays and recipients a, b, c. */
void attempt_set(unsigned relays, unsigned rcpts);

/* Makes it a relay that must prove itself, with a login. */
void attempt_authenticated(unsigned relay);

/* An attempt over the first of the relays; the record takes its outcome. */
void attempt_run(unsigned relays, struct mote_relay_state *states);

/* Time passes. */
void attempt_pass(uint32_t seconds);

#define assert_result(result_, verdict_, cause_)                                                                       \
    do {                                                                                                               \
        assert_string_equal(mote_verdict_name((result_)->verdict), mote_verdict_name(verdict_));                       \
        assert_string_equal(mote_cause_name((result_)->cause), mote_cause_name(cause_));                               \
    } while (0)

/* An attempt: what was said, and what came of it. */
#define assert_attempt(relays, log_, verdict_, cause_)                                                                 \
    do {                                                                                                               \
        attempt_run(relays, NULL);                                                                                     \
        assert_string_equal(t.sim.log, log_);                                                                          \
        assert_result(t.result, verdict_, cause_);                                                                     \
    } while (0)

#define assert_rcpt(i, verdict_, code_)                                                                                \
    do {                                                                                                               \
        assert_string_equal(mote_verdict_name(t.rcpts[i].result.verdict), mote_verdict_name(verdict_));                \
        assert_int_equal(t.rcpts[i].result.code, code_);                                                               \
    } while (0)

/* What is said when all goes well, and when STARTTLS is all that is said. */
#define CLEAR_1 "1[EHLO MAIL RCPT DATA .]"
#define TLS_1   "1[EHLO STARTTLS (tls) EHLO MAIL RCPT DATA .]"
#define TLS_2   "2[EHLO STARTTLS (tls) EHLO MAIL RCPT DATA .]"
#define TRIED_1 "1[EHLO STARTTLS]"
#define TRIED_2 "2[EHLO STARTTLS]"

#endif
