/* SPDX-License-Identifier: MIT
 *
 * What one relay's trouble means for the other relays, for the mail's record, and for when it is asked again.
 */
#include "attempt.h"

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
        cmocka_unit_test(p4_thins_out),
        cmocka_unit_test(p7_bound),
        cmocka_unit_test(p12_once),
        cmocka_unit_test(p12_tls),
        cmocka_unit_test(p12_ours),
        cmocka_unit_test(recipients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
