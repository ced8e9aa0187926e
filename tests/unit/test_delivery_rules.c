/* SPDX-License-Identifier: MIT
 *
 * One attempt of one mail, rule by rule: doubt (P9), recipients (P10), relays left alone (P12), ends that are neither,
 * and what the record takes of it. The cases of POLICY.md section 5 are in test_delivery.c.
 */
#include "attempt.h"

#include <string.h>

/* ---- P9 ---------------------------------------------------------------------------------------------------------- */

static void doubt(void **state)
{
    static const char *const ends[] = {sim_close, sim_mute, "what?"};
    static const uint8_t causes[] = {MOTE_CAUSE_LOST, MOTE_CAUSE_TIMEOUT, MOTE_CAUSE_PROTOCOL};

    for (unsigned i = 0; i < 6; i++) {
        bool clear = i >= 3;

        attempt_set(3, 2);
        t.sim.relays[0].plain = clear;
        t.sim.relays[0].clear.end = t.sim.relays[0].tls.end = ends[i % 3];
        t.sim.relays[0].clear.rcpt[1] = t.sim.relays[0].tls.rcpt[1] = "550 no";
        attempt_run(3, NULL);
        assert_string_equal(t.sim.log, clear ? "1[EHLO MAIL RCPT RCPT DATA .]"
                                             : "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA .]");
        assert_result(t.result, MOTE_IN_DOUBT, causes[i % 3]);
        assert_int_equal(t.rcpts[0].result.verdict, MOTE_IN_DOUBT);
        assert_int_equal(t.rcpts[1].result.verdict, MOTE_FAILED);
        assert_false(t.record.tls_failed);
        assert_int_equal(t.record.rcpts_delivered, 0);
        assert_int_equal(t.record.rcpts_failed, 2);
        assert_int_equal(t.record.wait_s, 300);
        t.sim.relays[0].clear.end = t.sim.relays[0].tls.end = NULL;
        attempt_pass(300);
        t.sim.relays[1].plain = clear;
        attempt_run(3, NULL); /* STARTTLS again; the one refused is not asked again */
        assert_string_equal(t.sim.log, clear ? "2[EHLO MAIL RCPT DATA .]" : TLS_2);
        assert_result(t.result, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    }
}

/* Nothing after doubt: no other relay, no cleartext pass of those that failed before, though the attempt is armed. */
static void doubt_ends_all(void **state)
{
    attempt_set(3, 1);
    t.record.tls_failed = true;
    t.record.tls_since_s = 1000;
    t.sim.relays[0].starttls = "454 no";
    t.sim.relays[1].tls.end = sim_close;
    attempt_run(3, NULL);
    assert_string_equal(t.sim.log, TRIED_1 TLS_2);
    assert_result(t.result, MOTE_IN_DOUBT, MOTE_CAUSE_LOST);

    attempt_set(3, 1); /* in the cleartext pass itself */
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    for (unsigned i = 0; i < 3; i++) {
        t.sim.relays[i].starttls = "454 no";
        t.sim.relays[i].clear.end = sim_mute;
    }
    attempt_run(3, NULL);
    assert_string_equal(t.sim.log, TRIED_1 TRIED_2 "3[EHLO STARTTLS]" CLEAR_1);
    assert_result(t.result, MOTE_IN_DOUBT, MOTE_CAUSE_TIMEOUT);
}

/* A refusal of the end is no doubt. */
static void end_refused(void **state)
{
    attempt_set(2, 1);
    t.sim.relays[0].tls.end = "452 full";
    assert_attempt(2, TLS_1 TLS_2, MOTE_DELIVERED, MOTE_CAUSE_NONE);
    attempt_set(2, 1);
    t.sim.relays[0].tls.end = "554 spam";
    assert_attempt(2, TLS_1, MOTE_FAILED, MOTE_CAUSE_REFUSED);
    assert_int_equal(t.record.rcpts_failed, 1);
}

/* ---- P10 --------------------------------------------------------------------------------------------------------- */

static void recipients(void **state)
{
    attempt_set(1, 3);
    t.sim.relays[0].tls.rcpt[1] = "450 later";
    t.sim.relays[0].tls.rcpt[2] = "550 never";
    attempt_run(1, NULL);
    assert_rcpt(0, MOTE_DELIVERED, 250);
    assert_rcpt(1, MOTE_DEFERRED, 450);
    assert_rcpt(2, MOTE_FAILED, 550);
    assert_int_equal(t.record.rcpts_delivered, 1);
    assert_int_equal(t.record.rcpts_failed, 4);
    assert_int_equal(t.record.wait_s, 300);
    attempt_pass(300);
    attempt_run(1, NULL); /* b alone */
    assert_string_equal(t.sim.log, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT]");
    t.sim.relays[0].tls.rcpt[1] = "252 perhaps";
    attempt_run(1, NULL);
    assert_string_equal(t.sim.log, TLS_1);
    assert_int_equal(t.record.rcpts_delivered, 3);
    assert_int_equal(t.record.rcpts_failed, 4);
}

/* The outcome as a whole says DELIVERED or FAILED only when no recipient is left, and the record why one is. */
static void whole_outcome(void **state)
{
    static const char *const replies[] = {"250 ok", "450 later", "550 never"};

    for (unsigned a = 0; a < 3; a++) {
        for (unsigned b = 0; b < 3; b++) {
            bool left = a == 1 || b == 1;

            attempt_set(1, 2);
            t.sim.relays[0].plain = true;
            t.sim.relays[0].clear.rcpt[0] = replies[a];
            t.sim.relays[0].clear.rcpt[1] = replies[b];
            attempt_run(1, NULL);
            assert_int_equal(t.result->verdict, left ? MOTE_DEFERRED : a == 0 || b == 0 ? MOTE_DELIVERED : MOTE_FAILED);
            assert_int_equal(t.record.code, left ? 450 : a == 0 || b == 0 ? 250 : 550);
        }
    }
}

/* 4xx: the next relay is asked, about those that are left alone. */
static void next_relay(void **state)
{
    attempt_set(3, 3);
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    t.sim.relays[0].tls.rcpt[1] = "450 later";
    t.sim.relays[0].tls.rcpt[2] = "550 never";
    t.sim.relays[1].tls.rcpt[1] = "451 later";
    attempt_run(3, NULL);
    assert_string_equal(t.sim.log, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT RCPT]"
                                   "2[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA .]"
                                   "3[EHLO STARTTLS (tls) EHLO MAIL RCPT DATA .]");
    assert_rcpt(0, MOTE_DELIVERED, 250);
    assert_rcpt(1, MOTE_DELIVERED, 250);
    assert_rcpt(2, MOTE_FAILED, 550);
    assert_result(t.result, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* Told 4xx inside TLS, and then TLS broke: in clear that relay is asked about the others only. */
static void busy_in_tls(void **state)
{
    attempt_set(2, 2);
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].tls.rcpt[1] = "450 later";
    t.sim.relays[0].tls.data = sim_close;
    t.sim.relays[1].down = MOTE_CAUSE_CONNECT;
    attempt_run(2, NULL);
    assert_string_equal(t.sim.log, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA]2!" CLEAR_1);
    assert_rcpt(0, MOTE_DELIVERED, 250);
    assert_int_equal(t.rcpts[1].result.verdict, MOTE_DEFERRED);
    assert_int_equal(t.sim.to, 1);

    attempt_set(2, 2); /* another relay may ask about it in clear */
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].tls.rcpt[0] = t.sim.relays[0].tls.rcpt[1] = "450 later";
    t.sim.relays[1].starttls = "454 no";
    attempt_run(2, NULL);
    assert_string_equal(t.sim.log,
                        "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT]" TRIED_2 "2[EHLO MAIL RCPT RCPT DATA .]");

    attempt_set(1, 2); /* the connection was lost before the answer about b: only b is asked about */
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    t.sim.relays[0].tls.rcpt[1] = sim_close;
    attempt_run(1, NULL);
    assert_string_equal(t.sim.log, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT]" CLEAR_1);
    assert_int_equal(t.sim.to, 2);
}

/* In clear a relay is not asked when it has told 4xx in TLS to everybody who is left; what then fails there is not about them. */
static void busy_in_tls_to_all(void **state)
{
    attempt_set(2, 2);
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    t.sim.relays[0].tls.rcpt[1] = sim_close;
    t.sim.relays[1].tls.rcpt[0] = "451 later";
    t.sim.relays[1].tls.rcpt[1] = "550 never";
    attempt_run(2, NULL);
    assert_string_equal(t.sim.log,
                        "1[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT]2[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT]");
    assert_rcpt(0, MOTE_DEFERRED, 451);
    assert_rcpt(1, MOTE_FAILED, 550);

    attempt_set(1, 2);
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    t.sim.relays[0].tls.rcpt[1] = sim_close;
    t.setup.start_ms = t.sim.now_ms = t.now_s * 1000;
    mote_record_begin(&t.record);
    mote_delivery_init(&t.delivery, t.relays, 1, NULL, &t.mail, &t.session, &t.setup, &t.record, t.now_s);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_CONNECT);
    sim_connect(&t.sim, &t.delivery);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_TALK);
    sim_talk(&t.sim, &t.session);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_CONNECT);
    mote_delivery_unreachable(&t.delivery, MOTE_CAUSE_CONNECT);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_FINISHED);
    assert_rcpt(0, MOTE_DEFERRED, 450);
    assert_rcpt(1, MOTE_DEFERRED, 0);
    assert_int_equal(t.rcpts[1].result.cause, MOTE_CAUSE_CONNECT);

    attempt_set(1, 2); /* the outcome is that of the one who is left */
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    t.sim.relays[0].tls.rcpt[1] = sim_close;
    t.sim.relays[0].clear.ehlo = "250-relay\r\n250-STARTTLS\r\n250 SIZE 1";
    attempt_run(1, NULL);
    assert_rcpt(0, MOTE_DEFERRED, 450);
    assert_rcpt(1, MOTE_FAILED, 0);
    assert_int_equal(t.rcpts[1].result.cause, MOTE_CAUSE_TOO_BIG);
    assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
}

/* Somebody took the mail: no cleartext pass for the rest (P5). */
static void taken_ends_clear(void **state)
{
    attempt_set(2, 2);
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].starttls = "454 no";
    t.sim.relays[1].tls.rcpt[1] = "450 later";
    attempt_run(2, NULL);
    assert_string_equal(t.sim.log, TRIED_1 "2[EHLO STARTTLS (tls) EHLO MAIL RCPT RCPT DATA .]");
    assert_rcpt(0, MOTE_DELIVERED, 250);
    assert_rcpt(1, MOTE_DEFERRED, 450);
}

/* ---- P12 --------------------------------------------------------------------------------------------------------- */

static void run(void)
{
    memset(&t.rcpts[0].result, 0, sizeof t.rcpts[0].result);
    attempt_run(2, t.states);
}

static void left_alone(void **state)
{
    static const uint32_t waits[] = {300, 300, 600, 1200, 2400, 4000, 4000};

    attempt_set(2, 1);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++) {
        run();
        assert_string_equal(t.sim.log, "1!" TLS_2);
        attempt_pass(waits[i] - 1);
        run();
        assert_string_equal(t.sim.log, TLS_2);
        attempt_pass(1);
    }
    t.sim.relays[0].down = 0;
    run(); /* one success clears it */
    assert_string_equal(t.sim.log, TLS_1);
    assert_int_equal(t.states[0].failures, 0);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    run();
    attempt_pass(300);
    run();
    assert_string_equal(t.sim.log, "1!" TLS_2);
}

/* A TLS failure neither counts against it nor clears it. */
static void tls_is_no_success(void **state)
{
    attempt_set(2, 1);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    run();
    attempt_pass(300);
    t.sim.relays[0].down = 0;
    t.sim.relays[0].starttls = "454 no";
    run();
    assert_string_equal(t.sim.log, TRIED_1 TLS_2);
    assert_int_equal(t.states[0].failures, 1);
}

/* Who stands in front of a mail's recipients is none of them. */
static void its_own_recipients(void **state)
{
    attempt_set(1, 3);
    t.mail.rcpts++;
    t.mail.rcpt_count--;
    t.rcpts[0].result.verdict = t.rcpts[1].result.verdict = MOTE_DELIVERED;
    attempt_run(1, NULL);
    assert_string_equal(t.sim.log, TLS_1);
    assert_int_equal(t.rcpts[2].result.verdict, MOTE_DELIVERED);
}

/* Nor is a relay behind those of the attempt, whatever is known of it. */
static void its_own_relays(void **state)
{
    attempt_set(2, 1);
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    t.states[1] = (struct mote_relay_state){.since_s = t.now_s, .failures = 1};
    attempt_run(1, t.states);
    assert_false(t.record.left_alone);
}

/* A relay has come back, whoever is asked behind it. */
static void back_in_front_of_another(void **state)
{
    attempt_set(2, 1);
    t.states[0].failures = 1;
    t.sim.relays[0].tls.rcpt[0] = "450 later";
    attempt_run(2, t.states);
    assert_int_equal(t.result->verdict, MOTE_DELIVERED);
    assert_true(t.delivery.relay_back);
}

static void all_left_alone(void **state)
{
    attempt_set(2, 1);
    t.sim.relays[0].down = t.sim.relays[1].down = MOTE_CAUSE_TIMEOUT;
    run();
    assert_string_equal(t.sim.log, "1!2!");
    t.rcpts[0].excluded = t.rcpts[0].in_transaction = true; /* an attempt before left it out of its last conversation */
    run();
    assert_string_equal(t.sim.log, "");
    assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_LEFT_ALONE);
    assert_result(&t.rcpts[0].result, MOTE_DEFERRED, MOTE_CAUSE_LEFT_ALONE);
    assert_false(t.rcpts[0].in_transaction); /* nor is it offered in any */
    assert_int_equal(t.record.cause, MOTE_CAUSE_LEFT_ALONE);
    assert_false(t.record.tls_failed);
}

/* The attempt's wait ends with the shortest of the relays'. */
static void soonest_of_all_left_alone(void **state)
{
    for (unsigned later = 0; later < 2; later++) {
        attempt_set(2, 1);
        t.states[0] = t.states[1] = (struct mote_relay_state){.since_s = t.now_s, .failures = 1};
        t.states[later].failures = 3;
        attempt_run(2, t.states);
        assert_string_equal(t.sim.log, "");
        assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_LEFT_ALONE);
        assert_int_equal(t.delivery.back_s, mote_policy_relay_wait_s(&t.states[1 - later]));
    }
}

/* What counts against a relay as a whole, and what does not. */
static void site_failures(void **state)
{
    static const struct {
        struct sim_relay relay;
        bool authenticated, counts;
    } cases[] = {
        {{.down = MOTE_CAUSE_LOOKUP}, false, true},
        {{.down = MOTE_CAUSE_TIMEOUT}, false, true},
        {{.greeting = "554 no"}, false, true},
        {{.greeting = "421 busy"}, false, true},
        {{.greeting = sim_close}, false, true},
        {{.greeting = sim_mute}, false, true},
        {{.greeting = "what?"}, false, true},
        {{.clear = {.ehlo = "421 busy"}}, false, true},
        {{.clear = {.ehlo = "500 no", .helo = "500 no"}}, false, true},
        {{.clear = {.ehlo = sim_close}}, false, true},
        {{.plain = true, .clear = {.mail = sim_mute}}, false, true},
        {{.tls = {.auth = "535 no"}}, true, true},
        {{.tls = {.ehlo = "250 relay"}}, true, true},
        {{.starttls = "454 no"}, false, false},
        {{.handshake = SIM_MUTE}, false, false},
        {{.tls = {.ehlo = sim_close}}, false, false},
        {{.plain = true}, true, false},
        {{.tls = {.mail = "451 no"}}, false, false},
        {{.tls = {.mail = "552 no"}}, false, false},
        {{.tls = {.rcpt = {"450 no"}}}, false, false},
        {{.tls = {.end = "452 no"}}, false, false},
        {{.plain = true, .clear = {.data = "451 no"}}, false, false},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        attempt_set(1, 1);
        if (cases[i].authenticated) {
            attempt_authenticated(0);
        }
        t.sim.relays[0] = cases[i].relay;
        attempt_run(1, t.states);
        assert_int_equal(t.states[0].failures, cases[i].counts);
    }
}

static void counts_far(void **state)
{
    attempt_set(2, 1);
    t.sim.relays[0].down = MOTE_CAUSE_CONNECT;
    t.states[0].failures = 250;
    for (unsigned i = 0; i < 10; i++) {
        run();
        attempt_pass(4000);
    }
    assert_int_equal(t.states[0].failures, 255);
}

/* ---- Other ends -------------------------------------------------------------------------------------------------- */

static void aborted(void **state)
{
    attempt_set(3, 1);
    t.record.tls_failed = true;
    t.record.tls_since_s = 60;
    t.sim.relays[0].starttls = "454 no";
    t.sim.relays[1].down = MOTE_CAUSE_ABORTED;
    attempt_run(3, t.states);
    assert_string_equal(t.sim.log, TRIED_1 "2!");
    assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_ABORTED);
    assert_int_equal(t.states[1].failures, 0);
}

/* P13: one deadline for all relays. Each of them is silent for five minutes. */
static void deadline(void **state)
{
    attempt_set(5, 1);
    for (unsigned i = 0; i < 5; i++) {
        t.sim.relays[i].greeting = sim_mute;
    }
    attempt_run(5, NULL);
    assert_string_equal(t.sim.log, "1[]2[]3[]");
    assert_result(t.result, MOTE_DEFERRED, MOTE_CAUSE_DEADLINE);
    assert_int_equal(t.sim.now_ms, t.now_s * 1000 + 900000);
    t.sim.relays[4].greeting = NULL;
    attempt_run(5, NULL);
    assert_string_equal(t.sim.log, "4[]5[EHLO STARTTLS (tls) EHLO MAIL RCPT DATA .]");
    assert_int_equal(t.record.first, 0);
}

/* P13: the next attempt begins behind the relay where the time went, and goes round. */
static void behind_the_slowest(void **state)
{
    static const struct sim_relay silent = {.greeting = sim_mute}, quick = {.down = MOTE_CAUSE_CONNECT},
                                  good = {.mails = 0}, late = {.greeting = "554 no", .slow_ms = 80000},
                                  slow = {.slow_ms = 10000}, all = {.greeting = "554 no", .slow_ms = 120000},
                                  never = {.down = MOTE_CAUSE_DEADLINE},
                                  doubt = {.plain = true, .clear = {.end = sim_mute}};
    const struct {
        struct sim_relay relays[3];
        const char *log;
        unsigned count;
        uint8_t from, first;
    } cases[] = {
        {{silent, good}, "1[]", 2, 0, 1},
        {{good, silent}, "2[]", 2, 1, 2},
        {{silent, good}, "1[]", 2, 2, 1}, /* it has gone round; there may have been more of them */
        {{quick, silent, good}, "1!2[]", 3, 0, 2},
        {{good, quick, silent}, "2!3[]", 3, 1, 3},
        {{late, slow}, "1[]2[EHLO STARTTLS (tls) EHLO", 2, 0, 1}, /* what was left is not enough for a good one */
        {{all, never}, "1[]2!", 2, 0, 1},
        {{late, doubt, good}, "1[]2[EHLO MAIL RCPT DATA .]", 3, 0, 2}, /* P9 is before it */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        attempt_set(cases[i].count, 1);
        t.limit_s = 120;
        t.record.first = cases[i].from;
        memcpy(t.sim.relays, cases[i].relays, sizeof cases[i].relays);
        attempt_run(cases[i].count, t.states);
        assert_int_equal(strncmp(t.sim.log, cases[i].log, strlen(cases[i].log)), 0);
        assert_int_equal(t.result->cause, MOTE_CAUSE_DEADLINE);
        assert_int_equal(t.record.first, cases[i].first);
        if (t.result->verdict == MOTE_DEFERRED) {
            memset(t.states, 0, sizeof t.states);
            t.sim.relays[cases[i].first % cases[i].count].down = 0;
            assert_int_equal((attempt_run(cases[i].count, t.states), t.result->verdict), MOTE_DELIVERED);
        }
    }
}

/* P13: an attempt that ends for our own trouble keeps that place, and one in which the relays have said no does not. */
static void behind_own_trouble(void **state)
{
    static const uint8_t causes[] = {MOTE_CAUSE_ABORTED,    MOTE_CAUSE_NO_NETWORK, MOTE_CAUSE_NO_MEMORY,
                                     MOTE_CAUSE_NO_ENTROPY, MOTE_CAUSE_NO_TIME,    MOTE_CAUSE_STORAGE,
                                     MOTE_CAUSE_CLOSED,     MOTE_CAUSE_CONNECT};

    for (size_t i = 0; i < sizeof causes; i++) {
        attempt_set(2, 1);
        t.record.first = 1;
        t.sim.relays[0].down = t.sim.relays[1].down = causes[i];
        attempt_run(2, NULL);
        assert_result(t.result, MOTE_DEFERRED, causes[i]);
        assert_int_equal(t.record.first, causes[i] != MOTE_CAUSE_CONNECT);
    }
}

/* P12: whose time ended while it was dialled has failed; who was never dialled has not. */
static void dialled_in_time(void **state)
{
    for (unsigned dialled_s = 0; dialled_s < 2; dialled_s++) {
        attempt_set(2, 1);
        mote_delivery_init(&t.delivery, t.relays, 2, t.states, &t.mail, &t.session, &t.setup, &t.record, t.now_s);
        assert_int_equal(mote_delivery_next(&t.delivery), MOTE_CONNECT);
        t.delivery.now_s += dialled_s;
        mote_delivery_unreachable(&t.delivery, MOTE_CAUSE_DEADLINE);
        assert_int_equal(mote_delivery_next(&t.delivery), MOTE_FINISHED);
        assert_int_equal(t.states[0].failures, dialled_s);
    }
}

/* The calls of another step do nothing. Without a record the first relay is asked first. */
static void calls_out_of_turn(void **state)
{
    attempt_set(2, 1);
    mote_delivery_init(&t.delivery, t.relays, 2, NULL, &t.mail, &t.session, &t.setup, NULL, 0);
    mote_delivery_connected(&t.delivery);
    mote_delivery_unreachable(&t.delivery, MOTE_CAUSE_CONNECT);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_CONNECT);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_CONNECT);
    sim_connect(&t.sim, &t.delivery);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_TALK);
    mote_delivery_connected(&t.delivery);
    mote_delivery_unreachable(&t.delivery, MOTE_CAUSE_CONNECT);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_TALK);
    sim_talk(&t.sim, &t.session);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_FINISHED);
    assert_int_equal(mote_delivery_next(&t.delivery), MOTE_FINISHED);
    assert_result(mote_delivery_result(&t.delivery), MOTE_DELIVERED, MOTE_CAUSE_NONE);
    assert_string_equal(t.sim.log, TLS_1);
}

/* ---- Record ------------------------------------------------------------------------------------------------------ */

static void record_take(void **state)
{
    struct mote_record *r = &t.record;

    attempt_set(1, 3);
    r->sent = true;
    r->attempts = UINT16_MAX - 1;
    t.sim.relays[0].starttls = "454 4.7.0 no";
    attempt_run(1, NULL);
    assert_int_equal(r->attempts, UINT16_MAX);
    assert_false(r->sent);
    assert_int_equal(r->cause, MOTE_CAUSE_TLS_REFUSED);
    assert_int_equal(r->code, 454);
    assert_true(r->tls_failed);
    assert_int_equal(r->tls_since_s, 0);
    attempt_pass(70);
    assert_int_equal(r->tls_since_s, 70);
    t.sim.relays[0].starttls = NULL;
    t.sim.relays[0].tls.rcpt[1] = "450 later";
    t.sim.relays[0].tls.rcpt[2] = "550 never";
    attempt_run(1, NULL);
    assert_int_equal(r->attempts, UINT16_MAX); /* it does not begin anew */
    assert_true(r->tls_failed);                /* nor is this forgotten */
    assert_int_equal(r->tls_since_s, 70);
    assert_int_equal(r->rcpts_delivered, 1);
    assert_int_equal(r->rcpts_failed, 4);
    r->age_s = 400; /* P11 */
    r->tls_since_s = 60;
    mote_record_take(r, &t.delivery, UINT32_MAX / 2 + 1);
    assert_int_equal(r->wait_s, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubt),
        cmocka_unit_test(doubt_ends_all),
        cmocka_unit_test(end_refused),
        cmocka_unit_test(recipients),
        cmocka_unit_test(whole_outcome),
        cmocka_unit_test(next_relay),
        cmocka_unit_test(busy_in_tls),
        cmocka_unit_test(busy_in_tls_to_all),
        cmocka_unit_test(taken_ends_clear),
        cmocka_unit_test(left_alone),
        cmocka_unit_test(its_own_recipients),
        cmocka_unit_test(its_own_relays),
        cmocka_unit_test(back_in_front_of_another),
        cmocka_unit_test(all_left_alone),
        cmocka_unit_test(soonest_of_all_left_alone),
        cmocka_unit_test(tls_is_no_success),
        cmocka_unit_test(site_failures),
        cmocka_unit_test(counts_far),
        cmocka_unit_test(aborted),
        cmocka_unit_test(deadline),
        cmocka_unit_test(behind_the_slowest),
        cmocka_unit_test(behind_own_trouble),
        cmocka_unit_test(dialled_in_time),
        cmocka_unit_test(calls_out_of_turn),
        cmocka_unit_test(record_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
