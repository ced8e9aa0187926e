/* SPDX-License-Identifier: MIT
 *
 * Many mails, one connection: when it is kept, what goes over it, and when it ends.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { GOOD = FATES }; /* mails of these numbers are good ones: a step between them */

static unsigned connections, delivered, deferred, posted, wanted;

/* The i-th mail. */
static unsigned good(unsigned i)
{
    return i * GOOD % WORLD_MAILS;
}

static void set(unsigned mails)
{
    world_new();
    w.sim.offered = NULL;
    w.sim.came = NULL;
    connections = delivered = deferred = posted = 0;
    wanted = mails;
    w.sim.relays[0].plain = true;
}

/* Mails are there, as many as there is room for. */
static void fill(void)
{
    while (posted < wanted && world_post(good(posted)) == MOTE_CAUSE_NONE) {
        posted++;
    }
}

static void take_report(void)
{
    const struct mote_result *r = &w.outbox.rcpts[0].result;

    delivered += r->verdict == MOTE_DELIVERED;
    deferred += r->verdict != MOTE_DELIVERED;
    mote_outbox_reported(&w.outbox);
    fill();
}

/* Until nothing is due. */
static void go(void)
{
    uint8_t want;

    fill();
    while ((want = world_poll(0)) != MOTE_IDLE || w.outbox.tidying) {
        if (strlen(w.sim.log) > 600) {
            w.sim.log[0] = 0;
        }
        switch (want) {
        case MOTE_CONNECT:
            connections++;
            w.session_setup.start_ms = w.sim.now_ms;
            sim_connect(&w.sim, &w.outbox.delivery);
            break;
        case MOTE_TALK:
            if (sim_talk(&w.sim, &w.session) == MOTE_WANT_COMMIT) {
                mote_outbox_commit(&w.outbox);
            }
            break;
        case MOTE_REPORT: take_report(); break;
        default: break;
        }
    }
}

static void two_relays(void)
{
    static struct mote_relay relays[2];

    relays[0] = relays[1] = w.relay;
    w.setup.relays = relays;
    w.setup.relay_count = 2;
    w.setup.states = NULL;
    w.sim.relays[1].plain = true;
}

/* ---- It is kept --------------------------------------------------------------------------------------------------- */

static void one_connection(void **state)
{
    set(4);
    go();
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA . MAIL RCPT DATA . MAIL RCPT DATA . MAIL RCPT DATA .]");
    assert_int_equal(delivered, 4);
}

/* The QUIT leaves with the last mail, which is known to be that. */
static void alone(void **state)
{
    set(1);
    go();
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA .]");
    assert_int_equal(world_poll(0), MOTE_IDLE);
}

/* Another one is there, but not due: QUIT leaves with this one. */
static void other_waits(void **state)
{
    set(1);
    w.sim.relays[0].clear.rcpt[0] = "450 later";
    go();
    w.sim.relays[0].clear.rcpt[0] = NULL;
    wanted = 2;
    fill();
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    assert_false(w.session_setup.keep);
    mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_CONNECT);
}

/* One handshake and one EHLO in TLS. */
static void in_tls(void **state)
{
    set(3);
    w.sim.relays[0] = (struct sim_relay){.pipelining = true, .chunking = true};
    go();
    assert_string_equal(w.sim.log, "1[EHLO STARTTLS (tls) EHLO MAIL RCPT BDAT . MAIL RCPT BDAT . MAIL RCPT BDAT .]");
    assert_int_equal(delivered, 3);
}

static void refused_between(void **state)
{
    set(2);
    assert_int_equal(world_post(FATE_NEVER), MOTE_CAUSE_NONE);
    w.sim.relays[0].clear.rcpt[0] = "450 later";
    go();
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT RSET MAIL RCPT RSET MAIL RCPT]");
    assert_int_equal(deferred, 3);
}

/* As many as there are allowed on one; then the next one. */
static void hundred(void **state)
{
    set(250);
    w.outbox.mails_max = MOTE_CONNECTION_MAILS;
    go();
    assert_int_equal(delivered, 250);
    assert_int_equal(connections, 3);
}

/* A connection older than an attempt may be is not given another mail. */
static void quarter_of_an_hour(void **state)
{
    set(40);
    w.sim.relays[0].slow_ms = 20000; /* four answers a mail, and two before */
    go();
    assert_int_equal(delivered, 40);
    assert_in_range(connections, 4, 5);
}

/* ---- It is not kept ----------------------------------------------------------------------------------------------- */

/* Where the next mail is not due, or another relay is to be asked, it is left before. */
static void left(void **state)
{
    set(2);
    two_relays();
    w.sim.relays[0].clear.rcpt[0] = "450 later";
    go();
    assert_string_equal(w.sim.log,
                        "1[EHLO MAIL RCPT]2[EHLO MAIL RCPT DATA .]1[EHLO MAIL RCPT]2[EHLO MAIL RCPT DATA .]");
    assert_int_equal(delivered, 2);
}

/* The mail that was to follow is taken back: QUIT, and all is well. */
static void nothing_follows(void **state)
{
    uint8_t id[8];

    set(2);
    fill();
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    sim_connect(&w.sim, &w.outbox.delivery);
    while (sim_talk(&w.sim, &w.session) == MOTE_WANT_COMMIT) {
        mote_outbox_commit(&w.outbox);
    }
    world_id(good(1), id);
    assert_true(mote_outbox_cancel(&w.outbox, id));
    assert_int_equal(world_poll(0), MOTE_REPORT);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_TALK);
    assert_int_equal(world_poll(0), MOTE_TALK);
    assert_int_equal(sim_talk(&w.sim, &w.session), MOTE_DONE);
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA .]");
    assert_int_not_equal(world_poll(0), MOTE_TALK);
}

/* A connection in clear by P5 is for its one mail. */
static void clear_pass(void **state)
{
    set(2);
    w.sim.relays[0] = (struct sim_relay){.starttls = "454 not now"};
    go();
    assert_string_equal(w.sim.log, "1[EHLO STARTTLS]1[EHLO STARTTLS]");
    w.sim.log[0] = 0;
    world_sleep(120);
    go();
    assert_string_equal(w.sim.log, "1[EHLO STARTTLS]1[EHLO MAIL RCPT DATA .]1[EHLO STARTTLS]1[EHLO MAIL RCPT DATA .]");
    assert_int_equal(delivered, 2);
}

/* ---- The relay ends it (P12) --------------------------------------------------------------------------------------- */

/* 421, or nothing, instead of a reply to the next MAIL: 10 s later the rest goes on, and from then on the relay is given as many mails
 * as it takes. It is no failure of the relay, nor of its TLS. */
static void takes_few(void **state)
{
    for (unsigned how = 0; how < 8; how++) {
        uint8_t mails = (uint8_t)(1 + how / 4);
        uint32_t start_ms;

        set(4);
        w.sim.relays[0] = (struct sim_relay){.mails = mails, .rude = how % 2 != 0, .plain = how % 4 < 2};
        start_ms = w.sim.now_ms;
        go();
        assert_int_equal(delivered, mails);
        assert_int_equal(deferred, 1);
        assert_int_equal(w.state.failures | w.state.tls, 0);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 10);
        world_sleep(10);
        wanted = 60;
        go();
        assert_int_equal(delivered, 60);
        assert_int_equal(deferred, 1);
        assert_int_equal(connections, 1 + (60 - mails + mails - 1) / mails);
        assert_in_range(w.sim.now_ms - start_ms, 10000, 11000);
        w.sim.relays[0].mails = 0; /* what it took before is forgotten when the application says that all is new */
        mote_outbox_hurry(&w.outbox);
        connections = 0;
        wanted = 70;
        go();
        assert_int_equal(delivered, 70);
        assert_int_equal(connections, 1);
    }
}

/* Or another refusal of MAIL behind a mail that was taken: the mail it was for is tried on a new connection, and none fails for it. What
 * a relay refuses so may be the mail, or one mail more: that is no number to remember. */
static void refuses_the_next(void **state)
{
    static const char *const enough[] = {"452 4.5.3 enough", "530 5.7.0 enough", "550 5.5.1 enough",
                                         "554 5.5.1 enough"};

    for (unsigned how = 0; how < 8; how++) {
        set(3);
        w.sim.relays[0] = (struct sim_relay){.mails = 1, .enough = enough[how / 2], .plain = how % 2 != 0};
        for (unsigned i = 0; i < 3; i++) {
            go();
            world_sleep(10);
        }
        assert_int_equal(delivered, 3);
        assert_int_equal(w.state.failures | w.state.tls, 0);
    }
}

/* The first of two mails has its report, and nobody has looked at it. */
static void reach_report(void)
{
    set(2);
    fill();
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    sim_connect(&w.sim, &w.outbox.delivery);
    while (sim_talk(&w.sim, &w.session) == MOTE_WANT_COMMIT) {
        mote_outbox_commit(&w.outbox);
    }
    assert_int_equal(world_poll(0), MOTE_REPORT);
}

/* It ends it while a report waits to be seen: the next mail does not notice, and goes on a new one. */
static void ends_meanwhile(void **state)
{
    reach_report();
    mote_session_fail(&w.session, MOTE_CAUSE_LOST);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_IDLE);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 10);
    world_sleep(10);
    go();
    assert_int_equal(delivered, 1);
    assert_int_equal(deferred, 0);
}

/* A relay ends its connection, and the mail goes to another one, whose connection is kept: it is left with QUIT, and the first relay gets
 * as many at a time as it took. */
static void closed_then_another(void **state)
{
    set(5);
    two_relays();
    w.sim.relays[0].mails = 3;
    w.sim.relays[0].rude = true;
    go();
    assert_int_equal(delivered, 4);
    assert_string_equal(w.sim.log,
                        "1[EHLO MAIL RCPT DATA . MAIL RCPT DATA . MAIL RCPT DATA .]2[EHLO MAIL RCPT DATA .]");
    assert_true(w.session.engine.done);
    assert_int_equal(w.outbox.mails_max, 3);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 10);
    world_sleep(10);
    connections = 0;
    wanted = 16;
    go();
    assert_int_equal(delivered, 16);
    assert_int_equal(connections, 4);
}

/* The report is looked at hours later: nobody knows what became of the connection, and it is left. */
static void report_late(void **state)
{
    reach_report();
    world_sleep(3 * 3600);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_TALK); /* QUIT */
    assert_true(w.outbox.leaving);
    go();
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA .]1[EHLO MAIL RCPT DATA .]");
    assert_int_equal(delivered, 1);
}

/* Nothing of a mail's end had left: another relay is asked in the same attempt. */
static void another_relay(void **state)
{
    set(2);
    two_relays();
    w.sim.relays[0] = (struct sim_relay){.mails = 1, .rude = true, .pipelining = true, .chunking = true, .plain = true};
    go();
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT BDAT .]2[EHLO MAIL RCPT DATA .]");
    assert_int_equal(delivered, 2);
}

/* What a relay took at a time is no longer known when no mail is left. */
static void restarted(void **state)
{
    set(2);
    w.sim.relays[0].mails = 1;
    go();
    world_sleep(10);
    go();
    assert_int_equal(delivered, 2);
    w.sim.relays[0].mails = 0;
    connections = 0;
    wanted += 20;
    go();
    assert_int_equal(delivered, 22);
    assert_int_equal(connections, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection),      cmocka_unit_test(alone),
        cmocka_unit_test(other_waits),         cmocka_unit_test(in_tls),
        cmocka_unit_test(refused_between),     cmocka_unit_test(hundred),
        cmocka_unit_test(quarter_of_an_hour),  cmocka_unit_test(left),
        cmocka_unit_test(nothing_follows),     cmocka_unit_test(clear_pass),
        cmocka_unit_test(takes_few),           cmocka_unit_test(refuses_the_next),
        cmocka_unit_test(ends_meanwhile),      cmocka_unit_test(another_relay),
        cmocka_unit_test(closed_then_another), cmocka_unit_test(report_late),
        cmocka_unit_test(restarted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
