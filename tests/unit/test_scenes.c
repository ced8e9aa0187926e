/* SPDX-License-Identifier: MIT
 *
 * What becomes of alerts over hours and days, in scenes that once went wrong: the device of week.h with relays that do one
 * thing, and nothing at random but what the policy draws.
 */
#include "week.h"

#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { HOUR = 3600, DAY = 86400 };

/* The relay is in this mood until then, and good afterwards; UINT32_MAX: for good. */
static void set_mood(unsigned relay, uint32_t until_s, uint8_t mood, uint8_t tls)
{
    week.weather[relay].count = 0;
    weather_add(&week.weather[relay], until_s, mood, tls);
    if (until_s != UINT32_MAX) {
        weather_add(&week.weather[relay], UINT32_MAX, MOOD_GOOD, MOOD_TLS_GOOD);
    }
}

static unsigned seconds(uint64_t from_ms, uint64_t to_ms)
{
    assert_true(to_ms >= from_ms);
    return (unsigned)((to_ms - from_ms) / 1000);
}

/* ---- One mail's trouble is not another's (P18) --------------------------------------------------------------------- */

static void refuse_a(unsigned number, unsigned relay, struct sim_relay *sim)
{
    if (relay == 1) {
        sim->clear.rcpt[0] = "450 4.2.1 later";
    }
}

/* Each attempt takes two minutes: the first relay hangs, and the second does not want one of the recipients yet. */
static void two_old_mails(void **state)
{
    unsigned alert;

    week_set(2, 1);
    week_verified(0);
    set_mood(0, UINT32_MAX, MOOD_GOOD, MOOD_TLS_HANGS);
    week.prepare = refuse_a;
    week_post(1);
    week_post(1);
    for (unsigned i = 1; i < 40; i++) {
        week_go(i * 1000);
        alert = week_post(2);
        week_go(i * 1000 + 2 * 120 + 2);
        assert_int_equal(week.mails[alert].where, ENDED);
    }
    assert_true(week.mails[0].attempts < 30 && week.mails[1].attempts < 30);
}

static unsigned hang_below;

static void hang_at_end(unsigned number, unsigned relay, struct sim_relay *sim)
{
    if (number < hang_below) {
        sim->clear.end = sim_mute;
    }
}

/* Six mails whose end is never answered: 10 minutes each. A fresh alert waits for the one at work, or, if they are as
 * fresh, for each of them once. */
static void six_in_doubt(void **state)
{
    for (unsigned old = 0; old < 2; old++) {
        unsigned alert;

        week_set(1, 1);
        hang_below = 6;
        week.prepare = hang_at_end;
        for (unsigned i = 0; i < 6; i++) {
            week_post(1);
        }
        week_go(old ? 5 * HOUR : 1);
        alert = week_post(2);
        week_go(week_s() + (old ? 602 : 3602));
        assert_int_equal(week.mails[alert].where, ENDED);
        assert_int_equal(week.mails[alert].copies[1], 1);
    }
}

/* ---- A verified relay whose certificate has expired (P4, P12) -------------------------------------------------------- */

/* Five days: 113 connections are what P11 gives a mail, and eight mails together no more, because P12 leaves the relay alone. */
static void expired_certificate(void **state)
{
    for (unsigned mails = 1; mails <= WEEK_SLOTS; mails += WEEK_SLOTS - 1) {
        uint32_t last_s = 0;

        week_set(1, mails);
        week_verified(0);
        set_mood(0, UINT32_MAX, MOOD_GOOD, MOOD_TLS_ALERT);
        for (unsigned i = 0; i < mails; i++) {
            week_post(1);
        }
        week_go(HOUR);
        assert_in_range(week.connections, 4, 8);
        last_s = week.connections;
        week_go(2 * DAY);
        assert_in_range(week.connections - last_s, 30, 2 * DAY / 4000 + 4);
        week_end();
        assert_in_range(week.connections, 90, 116);
        for (unsigned i = 0; i < mails; i++) {
            assert_int_equal(week.mails[i].failed, 1);
            assert_in_range(week.mails[i].attempts, 90 / mails, 116);
            assert_in_range(week.time_ms / 1000, 5 * DAY, 5 * DAY + 2 * 4000 + 1);
        }
    }
}

/* ---- A reset in each attempt (P17) ----------------------------------------------------------------------------------- */

static void crash_loop(void **state)
{
    week_set(1, 3);
    week.quiet_s = week.crashes_to_s = UINT32_MAX - 1;
    week_post(1);
    week_end();
    assert_in_range(week.mails[0].attempts, 100, 116);
    assert_in_range(week.mails[0].copies[0], 10,
                    week.mails[0].attempts); /* some resets come before the relay has it, */
    assert_in_range(week.resets, 100, 250);  /* some before the attempt is stored */
    assert_int_equal(week.mails[0].where, ENDED);
    assert_in_range(week.time_ms / 1000, 5 * DAY, 5 * DAY + 4001 * week.resets); /* each may forget a wait */
}

/* ---- A relay is back after a long outage (P12) ----------------------------------------------------------------------- */

enum { OUTAGE_S = 11 * HOUR };

/* Posts some mails while it is down, and an alert a minute before it is back. Returns how late the alert is; *behind_s: behind the
 * first mail that came in. */
static unsigned back(uint32_t seed, unsigned older, unsigned *behind_s)
{
    uint64_t first_ms = UINT64_MAX;
    unsigned alert;

    week_set(1, seed);
    set_mood(0, OUTAGE_S, MOOD_DOWN, MOOD_TLS_GOOD);
    for (unsigned i = 0; i < older; i++) {
        week_go(i * HOUR + seed % HOUR + 1);
        week_post(1);
    }
    week_go(OUTAGE_S - 60);
    alert = week_post(1);
    week_end();
    for (unsigned i = 0; i <= older; i++) {
        assert_int_equal(week.mails[i].copies[0], 1);
        first_ms = week.mails[i].came_ms < first_ms ? week.mails[i].came_ms : first_ms;
    }
    *behind_s = seconds(first_ms, week.mails[alert].came_ms);
    return seconds(OUTAGE_S * UINT64_C(1000), week.mails[alert].came_ms);
}

/* The first mail that comes in brings the alert with it. */
static void long_outage(void **state)
{
    for (unsigned older = 0; older < WEEK_SLOTS; older++) {
        unsigned sum = 0, worst = 0;

        for (uint32_t seed = 1; seed <= 30; seed++) {
            unsigned behind_s, late_s = back(seed * 977, older, &behind_s);

            sum += late_s;
            worst = late_s > worst ? late_s : worst;
            assert_true(behind_s <= 2 * WEEK_SLOTS + 1);
        }
        print_message("%u older mails: the alert is %u s late on the mean, %u s at worst\n", older, sum / 30, worst);
        assert_true(worst <= 4000 + 60);
    }
}

/* ---- Extensions that do not work (P16) ------------------------------------------------------------------------------- */

static void broken_extensions(void **state)
{
    for (uint8_t mood = MOOD_BDAT_500; mood <= MOOD_FIRST_ONLY; mood++) {
        week_set(1, mood);
        week.weather[0].pipelining = week.weather[0].chunking = true;
        set_mood(0, UINT32_MAX, mood, MOOD_TLS_GOOD);
        week_post(3);
        week_go(mood_hangs_s(&week.weather[0].spells[0]) + 121);
        assert_int_equal(week.mails[0].where, ENDED);
        assert_int_equal(week.mails[0].failed, 0);
        assert_int_equal(week.connections, 2);
        assert_in_range(week.mails[0].copies[0], 1, mood_doubts(mood) ? 2 : 1);
    }
}

/* ---- Our own trouble (P12) ------------------------------------------------------------------------------------------- */

/* The network is there 15 s after the alert. */
static void network_late(void **state)
{
    week_set(1, 1);
    week.network.count = 0;
    weather_add(&week.network, 15, MOOD_DOWN, MOOD_TLS_GOOD);
    weather_add(&week.network, UINT32_MAX, MOOD_GOOD, MOOD_TLS_GOOD);
    week_post(1);
    week_go(21);
    assert_int_equal(week.mails[0].where, ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_old_mails), cmocka_unit_test(six_in_doubt), cmocka_unit_test(expired_certificate),
        cmocka_unit_test(crash_loop),    cmocka_unit_test(long_outage),  cmocka_unit_test(broken_extensions),
        cmocka_unit_test(network_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
