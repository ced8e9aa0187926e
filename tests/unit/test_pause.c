/* SPDX-License-Identifier: MIT
 *
 * The calls for the pause between two mails: at any other moment they do nothing; QUIT is sent however long the pause was.
 */
#include "rig.h"

static struct rig rig;

static const char offers[] = "250-relay.example.test\r\n250 PIPELINING\r\n";

static void assert_ill_timed(void)
{
    static struct rig before;

    before = rig;
    mote_engine_next(&rig.engine, &rig.mail, 0);
    mote_engine_quit(&rig.engine);
    assert_memory_equal(&before.engine, &rig.engine, sizeof rig.engine);
    assert_memory_equal(before.rcpts, rig.rcpts, sizeof rig.rcpts);
}

static void keep_two(void)
{
    rig_set(&rig);
    rig.setup.keep = true;
    rig.rcpts[1].address = "c@example.test";
    rig.mail.rcpt_count = 2;
}

static void test_next_before_its_time_keeps_the_results(void **state)
{
    (void)state;
    keep_two();
    assert_string_equal(
        rig_open(&rig, offers),
        "MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nRCPT TO:<c@example.test>\r\nDATA\r\n");
    assert_ill_timed();
    rig_hear(&rig, "250 ok\r\n450 4.2.1 later\r\n");
    assert_int_equal(rig.rcpts[0].result.verdict, MOTE_DEFERRED);
    assert_ill_timed();
    rig_hear(&rig, "250 ok\r\n354 go on\r\n");
    rig_hear(&rig, "250 taken\r\n");
    assert_int_equal(rig.rcpts[0].result.verdict, MOTE_DEFERRED);
    assert_int_equal(rig.rcpts[1].result.verdict, MOTE_DELIVERED);
}

/* Who cannot be told of stays unasked. */
static void test_next_before_its_time_asks_nobody_else(void **state)
{
    (void)state;
    keep_two();
    rig.rcpts[1].address = "\303\244@example.test";
    rig_begin(&rig);
    rig_hear(&rig, "220 relay.example.test\r\n");
    assert_string_equal(rig_hear(&rig, "250 relay.example.test\r\n"), "MAIL FROM:<a@example.test>\r\n");
    assert_int_equal(rig.rcpts[1].result.cause, MOTE_CAUSE_NO_SMTPUTF8);
    assert_ill_timed();
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "RCPT TO:<b@example.test>\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "DATA\r\n");
}

/* Until the mail has been delivered. */
static void pause_begins(void)
{
    rig_set(&rig);
    rig.setup.keep = true;
    rig_open(&rig, offers);
    rig_hear(&rig, "250 ok\r\n250 ok\r\n354 go on\r\n");
    rig_hear(&rig, "250 taken\r\n");
    assert_int_equal(mote_engine_poll(&rig.engine, 0), MOTE_WANT_MAIL);
    assert_int_equal(mote_engine_wait_ms(&rig.engine), UINT32_MAX);
}

/* A relay that is about to close is told QUIT at once; one that refuses a mail may take the next. */
static void test_no_pause_behind_a_421(void **state)
{
    static const char *const replies[] = {"450 4.2.1 later\r\n", "421 4.3.2 closing\r\n"};

    (void)state;
    for (unsigned i = 0; i < COUNT(replies); i++) {
        rig_set(&rig);
        rig.setup.keep = true;
        rig_open(&rig, "250 relay.example.test\r\n");
        assert_string_equal(rig_hear(&rig, replies[i]), i == 0 ? "" : "QUIT\r\n");
        assert_int_equal(rig.engine.kept, i == 0);
    }
}

/* A MAIL that is refused behind a mail that was taken is the connection's end, too (P12). */
static void test_no_pause_behind_a_refused_mail(void **state)
{
    static const char *const codes[] = {"452", "530", "550", "554"};

    (void)state;
    for (unsigned i = 0; i < COUNT(codes); i++) {
        char replies[80];

        snprintf(replies, sizeof replies, "%s one is enough\r\n503 no sender\r\n503 no sender\r\n", codes[i]);
        pause_begins();
        memset(&rig.rcpts[0].result, 0, sizeof rig.rcpts[0].result);
        mote_engine_next(&rig.engine, &rig.mail, 0);
        rig_write(&rig);
        assert_string_equal(rig_hear(&rig, replies), "QUIT\r\n");
        assert_int_equal(mote_engine_result(&rig.engine)->verdict, MOTE_DEFERRED);
        assert_int_equal(mote_engine_result(&rig.engine)->cause, MOTE_CAUSE_CLOSED);
    }
}

/* Nothing limits the pause, so nobody need poll in it. */
static void test_quit_behind_a_long_pause(void **state)
{
    static const uint32_t ms[] = {0, 1, 899999, 900000, 86400000, INT32_MAX};

    (void)state;
    for (unsigned i = 0; i < COUNT(ms); i++) {
        char out[16] = {0};

        pause_begins();
        mote_engine_quit(&rig.engine);
        assert_ill_timed();
        assert_int_equal(mote_engine_poll(&rig.engine, ms[i]), MOTE_WANT_SEND);
        assert_int_equal(mote_engine_wait_ms(&rig.engine), MOTE_QUIT_S * 1000);
        assert_ill_timed();
        assert_int_equal(mote_engine_pull(&rig.engine, out, sizeof out), 6);
        assert_string_equal(out, "QUIT\r\n");
        assert_int_equal(mote_engine_poll(&rig.engine, ms[i]), MOTE_DONE);
        assert_int_equal(mote_engine_result(&rig.engine)->verdict, MOTE_DELIVERED);
    }
}

/* A relay that takes no octet of QUIT: 10 s (P13). */
static void test_quit_has_its_time(void **state)
{
    (void)state;
    pause_begins();
    mote_engine_quit(&rig.engine);
    assert_int_equal(mote_engine_poll(&rig.engine, 2000000), MOTE_WANT_SEND);
    assert_int_equal(mote_engine_poll(&rig.engine, 2000000 + 9999), MOTE_WANT_SEND);
    assert_int_equal(mote_engine_poll(&rig.engine, 2000000 + 10000), MOTE_DONE);
    assert_int_equal(mote_engine_result(&rig.engine)->verdict, MOTE_DELIVERED);
    assert_false(mote_engine_suspect(&rig.engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_before_its_time_keeps_the_results),
        cmocka_unit_test(test_next_before_its_time_asks_nobody_else),
        cmocka_unit_test(test_no_pause_behind_a_421),
        cmocka_unit_test(test_no_pause_behind_a_refused_mail),
        cmocka_unit_test(test_quit_behind_a_long_pause),
        cmocka_unit_test(test_quit_has_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
