/* SPDX-License-Identifier: MIT
 *
 * What one relay's trouble means for the other relays, for the mail's record, and for when it is asked again.
 */
#include "attempt.h"
#include "tls_peer.h"

#include <string.h>

/* Its certificate is not the pinned one any more: a handshake that never works. */
static void break_for_good(unsigned relay)
{
    t.sim.relays[relay].handshake = SIM_ALERT;
}

/* P3: what a verified relay's TLS does arms nothing; the first failure of an opportunistic one's does not go in clear. */
static void p3_verified_arms_nothing(void **state)
{
    attempt_set(2, 1);
    attempt_authenticated(0);
    break_for_good(0);
    t.sim.relays[1].tls.rcpt[0] = "451 later";
    attempt_run(2, NULL);
    assert_false(t.record.tls_failed);
    assert_in_range(t.record.wait_s, 60, 119); /* P4: the mail's first attempt */
    attempt_pass(61);
    t.sim.relays[1].starttls = "454 no TLS now";
    assert_attempt(2, "1[EHLO STARTTLS]" TRIED_2, MOTE_DEFERRED, MOTE_CAUSE_TLS_REFUSED);
    assert_true(t.record.tls_failed);
    assert_int_equal(t.record.tls_since_s, 0);
    assert_in_range(t.record.wait_s, 60, 119); /* P4: may arm something */
    attempt_pass(60);
    assert_attempt(2, "1[EHLO STARTTLS]" TRIED_2 "2[EHLO MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* P3: an opportunistic relay's failure arms, whoever fails behind it. */
static void p3_any_opportunistic(void **state)
{
    for (unsigned verified = 0; verified < 2; verified++) {
        attempt_set(2, 1);
        attempt_authenticated(verified);
        t.sim.relays[0].starttls = t.sim.relays[1].starttls = "454 no TLS now";
        assert_attempt(2, TRIED_1 TRIED_2, MOTE_DEFERRED, MOTE_CAUSE_TLS_REFUSED);
        assert_true(t.record.tls_failed);
    }
}

/* P10: told 4xx inside TLS by two relays, neither is asked about it in clear. */
static void p10_busy_twice(void **state)
{
    attempt_set(2, 2);
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    for (unsigned i = 0; i < 2; i++) {
        t.sim.relays[i].tls.rcpt[1] = "450 later";
        t.sim.relays[i].tls.data = sim_close;
        t.sim.relays[i].clear.rcpt[0] = i == 0 ? "450 later" : NULL;
    }
    attempt_run(2, NULL);
    assert_string_equal(t.sim.log, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA]"
                                   "2[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA]"
                                   "1[EHLO MAIL RCPT]2[EHLO MAIL RCPT DATA .]");
    assert_int_equal(t.sim.to, 1);
}

/* P4: a relay whose TLS is broken for good sees a mail's attempts thin out. */
static void p4_thins_out(void **state)
{
    unsigned attempts = 0;

    attempt_set(1, 1);
    attempt_authenticated(0);
    break_for_good(0);
    while (t.record.age_s < 432000) {
        attempt_run(1, NULL);
        assert_int_equal(t.result->verdict, MOTE_DEFERRED);
        assert_true(t.record.wait_s >= (attempts == 0 ? 60u : 300u));
        attempts++;
        attempt_pass(t.record.wait_s);
    }
    assert_in_range(attempts, 100, 120);
}

/* P7: a mail accepted for verified relays leaves by no other, whatever is configured later. */
static void p7_bound(void **state)
{
    attempt_set(2, 1);
    assert_false(mote_relays_verified(t.relays, 2));
    t.record.verified_only = true;
    t.record.tls_failed = true; /* and armed */
    t.record.tls_since_s = 1000;
    assert_attempt(2, "", MOTE_DEFERRED, MOTE_CAUSE_BARRED);
    assert_rcpt(0, MOTE_DEFERRED, 0);
    attempt_authenticated(1);
    assert_false(mote_relays_verified(t.relays, 2));
    assert_true(mote_relays_verified(t.relays + 1, 1));
    t.relays[1].login.user = NULL;
    t.relays[1].login.password = NULL;
    assert_attempt(2, TLS_2, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    assert_true(t.record.verified_only);
}

/* P12: a relay counts once in an attempt, though both passes fail at it. */
static void p12_once(void **state)
{
    attempt_set(1, 1);
    t.sim.relays[0].starttls = "454 no";
    attempt_run(1, t.states);
    assert_int_equal(t.states[0].failures, 0); /* the TLS of an opportunistic relay: P4 and P5 go on with it */
    attempt_pass(60);
    t.sim.relays[0].clear.mail = "421 4.3.2 closing";
    attempt_run(1, t.states);
    assert_int_equal(t.states[0].failures, 1);
    attempt_pass(299);
    assert_attempt(1, TRIED_1 "1[EHLO MAIL]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
    attempt_run(1, t.states);
    assert_string_equal(t.sim.log, "");
    assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_LEFT_ALONE);
    assert_true(t.record.left_alone);
    attempt_pass(1);
    t.sim.relays[0].clear.mail = NULL;
    attempt_run(1, t.states);
    assert_int_equal(t.result->verdict, MOTE_DELIVERED);
    assert_true(t.delivery.relay_back);
    assert_false(t.record.left_alone);
    assert_int_equal(t.states[0].failures, 0);
}

/* P12: a 421 counts behind a recipient who was accepted as well, where the mail is in doubt, and nobody else can be asked. */
static void p12_421_in_doubt(void **state)
{
    for (unsigned relays = 1; relays < 3; relays++) {
        attempt_set(relays, 2);
        t.sim.relays[0].plain = t.sim.relays[0].pipelining = t.sim.relays[0].chunking = true;
        t.sim.relays[0].clear.rcpt[1] = "421 4.3.2 closing";
        attempt_run(relays, t.states);
        assert_int_equal(t.result->verdict, MOTE_IN_DOUBT);
        assert_int_equal(t.states[0].failures, 1);
    }
}

/* P12: a verified relay's TLS: 60, 300, 300, 600 s. */
static void p12_tls(void **state)
{
    static const uint32_t waits[] = {60, 300, 300, 600, 1200};

    attempt_set(1, 1);
    attempt_authenticated(0);
    break_for_good(0);
    for (unsigned i = 0; i < 5; i++) {
        attempt_run(1, t.states);
        assert_string_equal(t.sim.log, "1[EHLO STARTTLS]");
        attempt_pass(waits[i] - 1);
        attempt_run(1, t.states);
        assert_string_equal(t.sim.log, "");
        attempt_pass(1);
    }
}

/* P12: our own trouble is nobody's failure; the mail tries again after 10 s, twice. */
static void p12_ours(void **state)
{
    static const uint8_t causes[] = {MOTE_CAUSE_NO_NETWORK, MOTE_CAUSE_NO_MEMORY};
    static const uint32_t waits[] = {10, 10, 300, 300};

    for (unsigned c = 0; c < 2; c++) {
        attempt_set(1, 1);
        t.sim.relays[0].down = causes[c];
        for (unsigned i = 0; i < 4; i++) {
            attempt_run(1, t.states);
            assert_result(t.result, MOTE_DEFERRED, causes[c]);
            assert_int_equal(t.record.wait_s, waits[i]);
            assert_int_equal(t.states[0].failures, 0);
        }
        t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
        attempt_run(1, t.states);
        assert_int_equal(t.record.ours, 0);
        assert_int_equal(t.states[0].failures, 1);
    }
}

/* P9: nobody is offered to another relay in an attempt in doubt, those who were told to come later included. */
static void p9_nobody_elsewhere(void **state)
{
    attempt_set(3, 3);
    t.sim.relays[0].tls.rcpt[1] = "450 later";
    t.sim.relays[0].tls.end = sim_close;
    t.sim.relays[0].tls.rcpt[2] = "452 later";
    assert_attempt(3, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT RCPT DATA .]", MOTE_IN_DOUBT, MOTE_CAUSE_LOST);
    assert_int_equal(t.rcpts[0].result.verdict, MOTE_IN_DOUBT);
    assert_rcpt(1, MOTE_DEFERRED, 450);
    assert_rcpt(2, MOTE_DEFERRED, 452);
    t.sim.relays[0].tls = (struct sim_answers){0};
    attempt_pass(300);
    assert_attempt(3, "2[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* P9: behind a doubt the next relay is asked first, and it goes round, also where the configuration has lost relays; an attempt that
 * asks nobody changes nothing. P12: a relay that does not answer the end is left alone, if there is another one. */
static void p9_another_first(void **state)
{
    attempt_set(3, 1);
    for (unsigned i = 0; i < 3; i++) {
        t.sim.relays[i].plain = true;
        t.sim.relays[i].clear.end = sim_mute;
    }
    for (unsigned i = 0; i < 6; i++) {
        static const char *const logs[] = {CLEAR_1, "2[EHLO MAIL RCPT DATA .]", "3[EHLO MAIL RCPT DATA .]"};

        assert_attempt(3, logs[i % 3], MOTE_IN_DOUBT, MOTE_CAUSE_TIMEOUT);
        assert_int_equal(t.record.first, i % 3 + 1);
        attempt_pass(4000);
    }
    assert_attempt(1, CLEAR_1, MOTE_IN_DOUBT, MOTE_CAUSE_TIMEOUT);
    assert_attempt(2, "2[EHLO MAIL RCPT DATA .]", MOTE_IN_DOUBT, MOTE_CAUSE_TIMEOUT);
    t.sim.relays[1].down = t.sim.relays[2].down = MOTE_CAUSE_CONNECT;
    assert_attempt(3, "3!1[EHLO MAIL RCPT DATA .]", MOTE_IN_DOUBT, MOTE_CAUSE_TIMEOUT);
    t.sim.relays[0].clear.end = "450 later";
    assert_attempt(3, "2!3!1[EHLO MAIL RCPT DATA .]", MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
    assert_int_equal(t.record.first, 0);

    attempt_set(2, 1);
    t.sim.relays[0].tls.end = sim_mute;
    attempt_run(2, t.states);
    assert_int_equal(t.states[0].failures, 1);
    attempt_pass(600);
    t.states[1] = (struct mote_relay_state){.since_s = t.now_s, .failures = 1};
    attempt_run(2, t.states);
    assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_LEFT_ALONE);
    assert_int_equal(t.record.first, 1);
    attempt_set(1, 1);
    t.sim.relays[0].tls.end = sim_mute;
    attempt_run(1, t.states);
    assert_int_equal(t.states[0].failures, 0);
}

/* ---- What a relay cannot carry (P10) ------------------------------------------------------------------------------- */

static const char small[] = "250-relay\r\n250 SIZE 10";

static void set_small(unsigned relays)
{
    attempt_set(relays, 1);
    for (unsigned i = 0; i < relays; i++) {
        t.sim.relays[i].plain = true;
    }
}

/* It is passed over; the mail has failed when every relay has said so in one attempt. */
static void p10_unfit(void **state)
{
    set_small(2);
    t.sim.relays[0].clear.ehlo = small;
    assert_attempt(2, "1[EHLO]2[EHLO MAIL RCPT DATA .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
    set_small(2);
    t.sim.relays[0].clear.ehlo = t.sim.relays[1].clear.ehlo = small;
    assert_attempt(2, "1[EHLO]2[EHLO]", MOTE_FAILED, MOTE_CAUSE_TOO_BIG);
    assert_rcpt(0, MOTE_FAILED, 0);
    assert_int_equal(t.record.rcpts_failed, 1);
    set_small(MOTE_RELAYS_MAX);
    for (unsigned i = 0; i < MOTE_RELAYS_MAX; i++) {
        t.sim.relays[i].clear.ehlo = small;
    }
    attempt_run(MOTE_RELAYS_MAX, NULL);
    assert_rcpt(0, MOTE_FAILED, 0);
}

/* One that is not among them has not said so. */
static void p10_unfit_of_some(void **state)
{
    set_small(2);
    t.sim.relays[0].clear.ehlo = t.sim.relays[1].clear.ehlo = small;
    t.others = 1u << MOTE_RELAYS_MAX;
    assert_attempt(2, "1[EHLO]2[EHLO]", MOTE_DEFERRED, MOTE_CAUSE_TOO_BIG);
    assert_int_equal(t.record.rcpts_failed, 0);
}

/* What a relay could not carry is asked again in the next attempt. */
static void p10_unfit_once(void **state)
{
    set_small(2);
    t.sim.relays[0].clear.ehlo = small;
    t.sim.relays[1].down = MOTE_CAUSE_CONNECT;
    assert_attempt(2, "1[EHLO]2!", MOTE_DEFERRED, MOTE_CAUSE_CONNECT);
    t.sim.relays[0].clear.ehlo = NULL;
    t.sim.relays[0].clear.rcpt[0] = "450 later";
    t.sim.relays[1].down = 0;
    t.sim.relays[1].clear.ehlo = small;
    attempt_pass(t.record.wait_s);
    assert_attempt(2, "1[EHLO MAIL RCPT]2[EHLO]", MOTE_DEFERRED, MOTE_CAUSE_TOO_BIG);
    assert_int_equal(t.record.rcpts_failed, 0);
}

/* One that is down, broke off, is left alone or barred has not said so, whichever of them it is. */
static void p10_not_said(void **state)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned other = i % 2;

        set_small(2);
        t.sim.relays[1 - other].clear.ehlo = small;
        if (i / 2 == 0) {
            t.sim.relays[other].down = MOTE_CAUSE_CONNECT;
        } else if (i / 2 == 1) {
            t.sim.relays[other].greeting = sim_close;
        } else if (i / 2 == 2) {
            t.states[other] = (struct mote_relay_state){.since_s = t.now_s, .failures = 1};
        } else {
            mote_trust_pin(&t.relays[1 - other].trust, tls_peer_pin, tls_peer_name);
            t.sim.relays[1 - other].plain = false;
            t.sim.relays[1 - other].tls.ehlo = small;
            t.record.verified_only = true;
        }
        attempt_run(2, t.states);
        assert_int_equal(t.result->verdict, MOTE_DEFERRED);
        assert_int_equal(t.rcpts[0].result.verdict, MOTE_DEFERRED);
        assert_int_equal(t.record.rcpts_failed, 0);
        assert_int_equal(t.record.wait_s, 300);
        assert_int_equal(t.states[1 - other].failures, 0); /* P12: nor does it speak against the relay */
    }
}

/* A recipient that needs SMTPUTF8 is alone in that. */
static void p10_utf8(void **state)
{
    static const char utf8[] = "250-relay\r\n250-8BITMIME\r\n250 SMTPUTF8";

    for (unsigned has = 0; has < 2; has++) {
        attempt_set(2, 2);
        t.rcpts[1].address = "b\xc3\xa4@example.test";
        assert_int_equal(mote_mail_measure(&t.mail), MOTE_CAUSE_NONE);
        t.sim.relays[0].plain = t.sim.relays[1].plain = true;
        t.sim.relays[1].clear.ehlo = has ? utf8 : NULL;
        attempt_run(2, NULL);
        assert_string_equal(t.sim.log, has ? CLEAR_1 "2[EHLO MAIL RCPT DATA .]" : CLEAR_1 "2[EHLO]");
        assert_rcpt(0, MOTE_DELIVERED, 250);
        assert_rcpt(1, has ? MOTE_DELIVERED : MOTE_FAILED, has ? 250 : 0);
        assert_int_equal(t.record.rcpts_failed, has ? 0 : 2);
    }
}

/* ---- Plain speech (P16) -------------------------------------------------------------------------------------------- */

static const struct broken {
    bool pipelining, chunking, first_only;
    uint8_t verdict;
    struct sim_answers answers;
} extensions[] = {
    {false, true, false, MOTE_DEFERRED, {.bdat = "500 what?"}},
    {true, true, false, MOTE_DEFERRED, {.bdat = "502 not here"}},
    {false, true, false, MOTE_IN_DOUBT, {.bdat = sim_mute}},
    {false, true, false, MOTE_IN_DOUBT, {.bdat = sim_close}},
    {true, false, true, MOTE_DEFERRED, {0}},
    {true, true, true, MOTE_IN_DOUBT, {0}},
    {true, false, false, MOTE_DEFERRED, {.mail = "503 not now"}},
    {true, false, false, MOTE_DEFERRED, {.data = sim_close}},
};

static void set_broken(const struct broken *b)
{
    struct sim_relay *r = &t.sim.relays[0];

    attempt_set(2, 1);
    r->plain = true;
    r->pipelining = b->pipelining;
    r->chunking = b->chunking;
    r->first_only = b->first_only;
    r->clear = b->answers;
    t.sim.relays[1].down = MOTE_CAUSE_CONNECT;
    t.record.attempts = 5; /* and old: P4 and P11 have nothing to say */
    t.record.age_s = 100000;
}

/* Extensions are taken at their word once; from the next attempt on the mail is sent in plain speech. */
static void p16(void **state)
{
    for (unsigned i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        set_broken(&extensions[i]);
        attempt_run(2, t.states);
        assert_int_equal(t.result->verdict, extensions[i].verdict);
        assert_int_equal(t.record.rcpts_failed, 0);
        assert_true(t.record.plain);
        assert_false(t.record.tls_failed);
        assert_in_range(t.record.wait_s, 60, 119);
        assert_int_equal(t.states[0].failures, 0); /* P12: no failure of the relay */
        attempt_pass(60);
        t.sim.relays[0].clear.mail = t.sim.relays[0].clear.data = NULL;
        attempt_run(2, t.states);
        assert_string_equal(t.sim.log, extensions[i].verdict == MOTE_IN_DOUBT ? "2!1[EHLO MAIL RCPT DATA .]" : CLEAR_1);
        assert_int_equal(t.result->verdict, MOTE_DELIVERED);
    }
}

/* Once: in plain speech codes mean what they say, and waits are P11's. */
static void p16_once(void **state)
{
    set_broken(&extensions[0]);
    attempt_run(2, NULL);
    attempt_pass(60);
    t.sim.relays[0].clear.data = sim_close;
    attempt_run(2, NULL);
    assert_int_equal(t.result->verdict, MOTE_DEFERRED);
    assert_int_equal(t.record.wait_s, 4000);
    t.sim.relays[0].clear.data = "502 not here";
    assert_attempt(2, "1[EHLO MAIL RCPT DATA]", MOTE_FAILED, MOTE_CAUSE_REFUSED);
}

/* The next relay is asked in the same attempt, and may be talked to in flights. */
static void p16_next_relay(void **state)
{
    set_broken(&extensions[0]);
    t.sim.relays[1] = (struct sim_relay){.plain = true, .pipelining = true, .chunking = true};
    assert_attempt(2, "1[EHLO MAIL RCPT BDAT .]2[EHLO MAIL RCPT BDAT .]", MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* Misuse has words of its own, and nobody is connected to. */
static void recipients(void **state)
{
    static struct mote_rcpt many[MOTE_RECORD_RCPTS + 1];

    attempt_set(1, 1);
    attempt_run(1, NULL);
    assert_int_equal(t.result->verdict, MOTE_DELIVERED);
    assert_attempt(1, "", MOTE_MISUSE, MOTE_CAUSE_NOBODY); /* the same recipients again */
    attempt_set(1, 1);
    for (unsigned i = 0; i <= MOTE_RECORD_RCPTS; i++) {
        many[i] = (struct mote_rcpt){.address = t.rcpts[0].address};
    }
    t.mail.rcpts = many;
    t.mail.rcpt_count = MOTE_RECORD_RCPTS + 1;
    assert_attempt(1, "", MOTE_MISUSE, MOTE_CAUSE_TOO_MANY);
    assert_int_equal(t.record.rcpts_delivered | t.record.rcpts_failed, 0);
    for (unsigned i = 0; i <= MOTE_RECORD_RCPTS; i++) {
        many[i].result.verdict = MOTE_DELIVERED;
    }
    mote_record_verdicts(&t.record, &t.mail);
    assert_int_equal(t.record.rcpts_delivered, UINT32_MAX); /* and the 33rd is nobody else */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p3_verified_arms_nothing),
        cmocka_unit_test(p3_any_opportunistic),
        cmocka_unit_test(p10_busy_twice),
        cmocka_unit_test(p4_thins_out),
        cmocka_unit_test(p7_bound),
        cmocka_unit_test(p12_once),
        cmocka_unit_test(p12_421_in_doubt),
        cmocka_unit_test(p12_tls),
        cmocka_unit_test(p12_ours),
        cmocka_unit_test(p9_nobody_elsewhere),
        cmocka_unit_test(p9_another_first),
        cmocka_unit_test(p10_unfit),
        cmocka_unit_test(p10_unfit_of_some),
        cmocka_unit_test(p10_unfit_once),
        cmocka_unit_test(p10_not_said),
        cmocka_unit_test(p10_utf8),
        cmocka_unit_test(p16),
        cmocka_unit_test(p16_once),
        cmocka_unit_test(p16_next_relay),
        cmocka_unit_test(recipients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
