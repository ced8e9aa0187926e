/* SPDX-License-Identifier: MIT
 *
 * One attempt of one mail over its relays, against POLICY.md: the cases of its section 5 row by row over two and three
 * attempts, then rule by rule. Who was told what is read in the log of sim.h.
 */
#include "attempt.h"
#include "tls_peer.h"

#include <stdio.h>
#include <string.h>

/* ---- Section 5 --------------------------------------------------------------------------------------------------- */

static void row_good(void **state)
{
    attempt_set(1, 1);
    assert_attempt(1, TLS_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    assert_rcpt(0, MOTE_DELIVERED, 250);
    assert_int_equal(t.result->tls, MOTE_TLS_TRIED | MOTE_TLS_SECURED);
    assert_int_equal(t.record.rcpts_delivered, 1);
    assert_false(t.record.tls_failed);
}

static void row_not_offered(void **state)
{
    attempt_set(1, 1);
    t.sim.relays[0].plain = true;
    assert_attempt(1, CLEAR_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    attempt_set(2, 1);
    t.sim.relays[0].plain = true; /* P1: no search for a better one */
    assert_attempt(2, CLEAR_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    attempt_set(1, 1);
    t.sim.relays[0].clear.ehlo = "502 what?";
    assert_attempt(1, "1[EHLO HELO MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* Ways for TLS to fail, each with what is said then. */
static const struct failure {
    const char *starttls;
    uint8_t handshake;
    const char *ehlo, *mail, *rcpt, *data; /* inside TLS */
    const char *said;
    uint8_t cause;
} failures[] = {
    {"454 not now", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"501 no", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"554 no", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"503 no", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"250 ok", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"354 go on", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"421 bye", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_REFUSED},
    {"what?", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_PROTOCOL},
    {sim_close, 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_LOST},
    {sim_mute, 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TIMEOUT},
    {"220 go\r\n250 injected", 0, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_UNEXPECTED},
    {NULL, SIM_CLOSE, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_LOST},
    {NULL, SIM_MUTE, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TIMEOUT},
    {NULL, SIM_GARBAGE, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_NO_COMMON},
    {NULL, SIM_ALERT, NULL, NULL, NULL, NULL, "EHLO STARTTLS", MOTE_CAUSE_TLS_NO_COMMON},
    {NULL, 0, sim_close, NULL, NULL, NULL, "EHLO STARTTLS (tls) EHLO", MOTE_CAUSE_LOST},
    {NULL, 0, "garbled", NULL, NULL, NULL, "EHLO STARTTLS (tls) EHLO", MOTE_CAUSE_PROTOCOL},
    {NULL, 0, NULL, sim_close, NULL, NULL, "EHLO STARTTLS (tls) EHLO MAIL", MOTE_CAUSE_LOST},
    {NULL, 0, NULL, NULL, sim_close, NULL, "EHLO STARTTLS (tls) EHLO MAIL RCPT", MOTE_CAUSE_LOST},
    {NULL, 0, NULL, NULL, NULL, sim_close, "EHLO STARTTLS (tls) EHLO MAIL RCPT DATA", MOTE_CAUSE_LOST},
    {NULL, 0, NULL, NULL, NULL, sim_mute, "EHLO STARTTLS (tls) EHLO MAIL RCPT DATA", MOTE_CAUSE_TIMEOUT},
};

enum { FAILURES = sizeof failures / sizeof *failures };

static void spoil(unsigned relay, const struct failure *f)
{
    struct sim_relay *r = &t.sim.relays[relay];

    r->starttls = f->starttls;
    r->handshake = f->handshake;
    r->tls.ehlo = f->ehlo;
    r->tls.mail = f->mail;
    r->tls.rcpt[0] = f->rcpt;
    r->tls.data = f->data;
}

/* 454/501/554; 220, then close, garbage, alert or silence; session lost at EHLO, MAIL, RCPT or DATA; and forced too
 * early. */
static void row_broken(void **state)
{
    char log[200];

    for (unsigned i = 0; i < FAILURES; i++) {
        attempt_set(1, 1);
        spoil(0, &failures[i]);
        snprintf(log, sizeof log, "1[%s]", failures[i].said);
        assert_attempt(1, log, MOTE_DEFERRED, failures[i].cause);
        assert_true(t.record.tls_failed);
        assert_int_equal(t.record.wait_s, 60); /* P4 */
        if (i % 4 == 0) {
            attempt_pass(59); /* forced: P5 */
            assert_attempt(1, log, MOTE_DEFERRED, failures[i].cause);
            assert_int_equal(t.record.tls_since_s, 59);
            attempt_pass(1);
        } else {
            attempt_pass(60);
        }
        snprintf(log, sizeof log, "1[%s]" CLEAR_1, failures[i].said);
        assert_attempt(1, log, MOTE_DELIVERED, MOTE_CAUSE_NONE);
        assert_rcpt(0, MOTE_DELIVERED, 250);
    }
}

static void row_second_good(void **state)
{
    attempt_set(2, 1);
    spoil(0, &failures[0]);
    assert_attempt(2, TRIED_1 TLS_2, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

static void row_both_broken(void **state)
{
    attempt_set(2, 1);
    spoil(0, &failures[11]);
    spoil(1, &failures[0]);
    assert_attempt(2, TRIED_1 TRIED_2, MOTE_DEFERRED, MOTE_CAUSE_TLS_REFUSED);
    attempt_pass(60);
    assert_attempt(2, TRIED_1 TRIED_2 CLEAR_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);

    attempt_set(3, 1); /* the first does not take it in clear either; the third was never tried in vain */
    spoil(0, &failures[0]);
    spoil(1, &failures[0]);
    t.sim.relays[0].clear.mail = "530 use TLS";
    t.sim.relays[2].greeting = "421 busy";
    assert_attempt(3, TRIED_1 TRIED_2 "3[]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
    attempt_pass(60);
    assert_attempt(3, TRIED_1 TRIED_2 "3[]1[EHLO MAIL]2[EHLO MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

static void row_repaired(void **state)
{
    attempt_set(1, 1);
    spoil(0, &failures[13]);
    assert_attempt(1, TRIED_1, MOTE_DEFERRED, MOTE_CAUSE_TLS_NO_COMMON);
    attempt_pass(60);
    spoil(0, &(struct failure){0});
    assert_attempt(1, TLS_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

static void row_down_first(void **state)
{
    attempt_set(1, 1);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    assert_attempt(1, "1!", MOTE_DEFERRED, MOTE_CAUSE_CONNECT);
    assert_false(t.record.tls_failed); /* P6 */
    assert_int_equal(t.record.wait_s, 300);
    attempt_pass(300);
    t.sim.relays[0].down = 0;
    spoil(0, &failures[0]);
    assert_attempt(1, TRIED_1, MOTE_DEFERRED, MOTE_CAUSE_TLS_REFUSED);
    attempt_pass(60);
    assert_attempt(1, TRIED_1 CLEAR_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* P5: only relays whose TLS failed in this very attempt are spoken to in clear. */
static void row_other_now(void **state)
{
    attempt_set(2, 1);
    spoil(0, &failures[0]);
    t.sim.relays[1].down = MOTE_CAUSE_LOOKUP;
    assert_attempt(2, TRIED_1 "2!", MOTE_DEFERRED, MOTE_CAUSE_LOOKUP);
    assert_true(t.record.tls_failed);
    attempt_pass(60);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    assert_attempt(2, "1!2!", MOTE_DEFERRED, MOTE_CAUSE_LOOKUP);
    attempt_pass(300);
    t.sim.relays[0].greeting = "554 no";
    t.sim.relays[0].down = 0;
    assert_attempt(2, "1[]2!", MOTE_DEFERRED, MOTE_CAUSE_LOOKUP);
    attempt_pass(300);
    t.sim.relays[0].greeting = NULL;
    spoil(0, &(struct failure){.mail = "451 later"});
    assert_attempt(2, "1[EHLO STARTTLS (tls) EHLO MAIL]2!", MOTE_DEFERRED, MOTE_CAUSE_LOOKUP);
    spoil(0, &failures[0]);
    assert_attempt(2, TRIED_1 "2!" CLEAR_1, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

static void row_530(void **state)
{
    attempt_set(1, 1);
    spoil(0, &failures[0]);
    t.sim.relays[0].clear.mail = "530 5.7.0 use TLS";
    assert_attempt(1, TRIED_1, MOTE_DEFERRED, MOTE_CAUSE_TLS_REFUSED);
    attempt_pass(60);
    assert_attempt(1, TRIED_1 "1[EHLO MAIL]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
    assert_rcpt(0, MOTE_DEFERRED, 530);
    t.sim.relays[0].clear.mail = NULL;
    t.sim.relays[0].clear.rcpt[0] = "530 5.7.0 use TLS";
    assert_attempt(1, TRIED_1 "1[EHLO MAIL RCPT]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
    t.sim.relays[0].clear.rcpt[0] = "550 unknown";
    assert_attempt(1, TRIED_1 "1[EHLO MAIL RCPT]", MOTE_FAILED, MOTE_CAUSE_REFUSED);
}

/* P8: the relay's own trouble */
static void row_greeting(void **state)
{
    attempt_set(2, 1);
    t.sim.relays[0].greeting = "554 go away";
    assert_attempt(2, "1[]" TLS_2, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    attempt_set(2, 1);
    t.sim.relays[0].clear.ehlo = t.sim.relays[0].clear.helo = "550 go away";
    t.sim.relays[1].greeting = "421 busy";
    assert_attempt(2, "1[EHLO HELO]2[]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
    assert_false(t.record.tls_failed);
}

/* ---- P7: authenticated relays ------------------------------------------------------------------------------------ */

static void never_clear(void **state)
{
    char log[200];

    for (unsigned i = 0; i < FAILURES; i++) {
        if (failures[i].mail != NULL || failures[i].rcpt != NULL || failures[i].data != NULL ||
            failures[i].ehlo != NULL) {
            continue; /* these log in before */
        }
        attempt_set(1, 1);
        attempt_authenticated(0);
        spoil(0, &failures[i]);
        snprintf(log, sizeof log, "1[%s]", failures[i].said);
        for (unsigned n = 0; n < 4; n++) {
            assert_attempt(1, log, MOTE_DEFERRED, failures[i].cause);
            attempt_pass(4000);
        }
        mote_trust_pin(&t.relays[0].trust, tls_peer_pin, NULL);
        memset(&t.relays[0].login, 0, sizeof t.relays[0].login);
        assert_attempt(1, log, MOTE_DEFERRED, failures[i].cause); /* trust is enough */
    }
    attempt_set(1, 1);
    attempt_authenticated(0);
    t.sim.relays[0].plain = true;
    for (unsigned n = 0; n < 3; n++) {
        assert_attempt(1, "1[EHLO]", MOTE_DEFERRED, MOTE_CAUSE_TLS_NOT_OFFERED);
        attempt_pass(4000);
    }
    t.sim.relays[0].clear.ehlo = "502 what?"; /* no way round by HELO */
    assert_attempt(1, "1[EHLO]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
}

static void trusted_good(void **state)
{
    attempt_set(1, 1);
    attempt_authenticated(0);
    assert_attempt(1, "1[EHLO STARTTLS (tls) EHLO AUTH MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* A good handshake of the wrong relay; a login that is refused or not offered. */
static void trusted_wrong(void **state)
{
    uint8_t pin[32] = {1};

    attempt_set(1, 1);
    attempt_authenticated(0);
    mote_trust_pin(&t.relays[0].trust, pin, NULL);
    assert_attempt(1, TRIED_1, MOTE_DEFERRED, MOTE_CAUSE_CERT_PIN);
    attempt_pass(60);
    assert_attempt(1, TRIED_1, MOTE_DEFERRED, MOTE_CAUSE_CERT_PIN);
    attempt_set(1, 1);
    attempt_authenticated(0);
    t.sim.relays[0].tls.ehlo = "250 relay";
    assert_attempt(1, "1[EHLO STARTTLS (tls) EHLO]", MOTE_DEFERRED, MOTE_CAUSE_LOGIN_NOT_OFFERED);
    assert_false(t.record.tls_failed);
    t.sim.relays[0].tls.ehlo = NULL;
    t.sim.relays[0].tls.auth = "535 no";
    assert_attempt(1, "1[EHLO STARTTLS (tls) EHLO AUTH]", MOTE_DEFERRED, MOTE_CAUSE_LOGIN_REFUSED);
    assert_false(t.record.tls_failed);
}

static void implicit(void **state)
{
    for (uint8_t how = SIM_CLOSE; how <= SIM_ALERT; how++) {
        for (unsigned trusted = 0; trusted < 2; trusted++) {
            attempt_set(1, 1);
            t.relays[0].tls = MOTE_TLS_IMPLICIT;
            t.sim.relays[0].implicit = true;
            t.sim.relays[0].handshake = how;
            if (trusted) {
                attempt_authenticated(0);
            }
            for (unsigned n = 0; n < 3; n++) {
                attempt_run(1, NULL);
                assert_string_equal(t.sim.log, "1[]");
                assert_int_equal(t.result->verdict, MOTE_DEFERRED);
                assert_false(t.record.tls_failed); /* there is no STARTTLS to fail */
                attempt_pass(4000);
            }
        }
    }
    t.sim.relays[0].handshake = SIM_GOOD;
    assert_attempt(1, "1[(tls) EHLO AUTH MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* An opportunistic relay beside one with credentials: only the first may hear the mail in clear. */
static void mixed(void **state)
{
    attempt_set(2, 1);
    attempt_authenticated(0);
    spoil(0, &failures[0]);
    spoil(1, &failures[1]);
    assert_attempt(2, TRIED_1 TRIED_2, MOTE_DEFERRED, MOTE_CAUSE_TLS_REFUSED);
    attempt_pass(60);
    assert_attempt(2, TRIED_1 TRIED_2 "2[EHLO MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* At the first next(), whatever the other relays are; nothing is said. */
static void misuse(void **state)
{
    for (unsigned bad = 0; bad < 3; bad++) {
        for (unsigned how = 0; how < 6; how++) {
            attempt_set(3, 2);
            switch (how) {
            case 0: t.relays[bad].login.user = "u"; break;
            case 1: t.relays[bad].login.password = "p"; break;
            case 2: t.relays[bad].login.token = "t"; break;
            case 3: memset(&t.relays[bad].trust, 0, sizeof t.relays[bad].trust); break;
            case 4: t.relays[bad].tls = MOTE_TLS_CLEAR; break;
            default: t.relays[bad].tls = 77; break;
            }
            assert_attempt(3, "", MOTE_MISUSE, how < 3 ? MOTE_CAUSE_LOGIN : MOTE_CAUSE_TRUST);
            assert_rcpt(0, MOTE_MISUSE, 0);
            assert_rcpt(1, MOTE_MISUSE, 0);
            assert_int_equal(t.record.rcpts_delivered | t.record.rcpts_failed, 0);
        }
    }
}

/* A caller who lends no recipients. */
static void no_recipients(void **state)
{
    struct mote_rcpt *rcpts;

    attempt_set(1, 2);
    rcpts = t.mail.rcpts;
    t.mail.rcpts = NULL;
    assert_attempt(1, "", MOTE_MISUSE, MOTE_CAUSE_ADDRESS);
    t.mail.rcpts = rcpts;
}

/* As many as a record has room for, and one more. */
static void recipient_count(void **state)
{
    struct mote_rcpt rcpts[MOTE_RECORD_RCPTS + 1] = {0};

    attempt_set(1, 1);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    t.mail.rcpts = rcpts;
    t.mail.rcpt_count = MOTE_RECORD_RCPTS;
    assert_attempt(1, "1!", MOTE_DEFERRED, MOTE_CAUSE_CONNECT);
    t.mail.rcpt_count++;
    assert_attempt(1, "", MOTE_MISUSE, MOTE_CAUSE_TOO_MANY);
}

static void relay_count(void **state)
{
    attempt_set(9, 1);
    for (unsigned i = 0; i < 8; i++) {
        t.sim.relays[i].down = MOTE_CAUSE_CONNECT;
    }
    assert_attempt(0, "", MOTE_MISUSE, MOTE_CAUSE_SETUP);
    assert_attempt(9, "", MOTE_MISUSE, MOTE_CAUSE_SETUP);
    assert_attempt(8, "1!2!3!4!5!6!7!8!", MOTE_DEFERRED, MOTE_CAUSE_CONNECT);
    for (unsigned i = 0; i < 8; i++) {
        t.sim.relays[i].down = 0;
        spoil(i, &failures[0]);
        t.sim.relays[i].clear.mail = "451 no";
    }
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[7].clear.mail = NULL;
    attempt_run(8, NULL);
    assert_string_equal(t.sim.log + strlen(t.sim.log) - 36, "7[EHLO MAIL]8[EHLO MAIL RCPT DATA .]");
    assert_result(t.result, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_good),        cmocka_unit_test(row_not_offered), cmocka_unit_test(row_broken),
        cmocka_unit_test(row_second_good), cmocka_unit_test(row_both_broken), cmocka_unit_test(row_repaired),
        cmocka_unit_test(row_down_first),  cmocka_unit_test(row_other_now),   cmocka_unit_test(row_530),
        cmocka_unit_test(row_greeting),    cmocka_unit_test(never_clear),     cmocka_unit_test(trusted_good),
        cmocka_unit_test(trusted_wrong),   cmocka_unit_test(implicit),        cmocka_unit_test(mixed),
        cmocka_unit_test(misuse),          cmocka_unit_test(no_recipients),   cmocka_unit_test(relay_count),
        cmocka_unit_test(recipient_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
