/* SPDX-License-Identifier: MIT
 *
 * What POLICY.md costs, and what it promises, over random weeks: the real outbox with relays that are good, slow, silent,
 * refusing or broken by turns, with resets and a clock that stands, goes a millisecond back and wraps. Prints the worst
 * that became of any mail, and ends with 1 when that is worse than the bounds, each of which is given with its reason.
 *
 *     weeks [--weeks N] [--seed N]
 *
 * tests/unit/week.c checks on the way that no mail is lost, comes back, fails without a refusal, is offered where it must
 * not be, or leaves in clear too early; it breaks off then.
 */
#include "week.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Bounds ------------------------------------------------------------------------------------------------------- */

enum {
    /* P11: 113 attempts in 5 days (at 0, 300, 600, 1,200, 2,400, 4,800 s, then each 4,000 s, and the one that finds it
     * too old). P4: one more after the mail's first, one after its first TLS failure that arms. P16: one. */
    ATTEMPTS = 116,
    /* P12 and P11: a relay may have been left alone 4,000 s when it is back, and a mail may have passed it over just before
     * that was over, to come again after 4,000 s more. P4, then P16: 120 s each until it is spoken to as it likes. The
     * attempts of the other mails that are due, 900 s each (P13); so long may its own last, too. */
    WAIT_S = 2 * 4000 + 2 * 120 + WEEK_SLOTS * 900
};

static struct {
    unsigned mails, delivered, failed, full, resets, connections, bad;
    uint64_t seconds;
    unsigned copies, mail_connections, attempts, wait_s;
} total;

static void most(unsigned *value, unsigned other)
{
    *value = other > *value ? other : *value;
}

static bool within(const struct week_mail *m)
{
    unsigned opportunistic = 0, copies = 0, attempts = ATTEMPTS + m->extra;

    for (unsigned i = 0; i < week.setup.relay_count; i++) {
        opportunistic += !week.weather[i].verified;
    }
    for (unsigned i = 0; i < WEEK_RCPTS; i++) {
        most(&copies, m->copies[i]);
    }
    return copies <= 1 + m->doubts    /* P9: a copy more for each doubt */
           && m->doubts <= attempts   /* of which an attempt has one */
           && m->attempts <= attempts /* P11 */
           && m->connections <= m->attempts * (week.setup.relay_count + opportunistic) /* P5: two passes */
           && m->longest_ms / 1000 <= WAIT_S;
}

static void print_mail(uint32_t seed, unsigned number)
{
    const struct week_mail *m = &week.mails[number];

    printf(
        "NOT SO: week %u, mail %u: copies %u and %u, %u doubts, %u attempts (%u and %u), %u connections, waited %u s\n",
        seed, number, m->copies[0], m->copies[1], m->doubts, m->attempts, ATTEMPTS, m->extra, m->connections,
        (unsigned)(m->longest_ms / 1000));
}

static void count(uint32_t seed)
{
    for (unsigned n = 0; n < week.posted; n++) {
        const struct week_mail *m = &week.mails[n];

        if (m->where != ENDED) {
            continue;
        }
        total.mails++;
        total.failed += m->failed != 0;
        total.delivered += m->failed == 0;
        most(&total.copies, m->copies[0]);
        most(&total.copies, m->copies[1]);
        most(&total.attempts, m->attempts);
        most(&total.mail_connections, m->connections);
        most(&total.wait_s, (unsigned)(m->longest_ms / 1000));
        if (!within(m)) {
            total.bad++;
            print_mail(seed, n);
        }
    }
    total.full += week.full;
    total.resets += week.resets;
    total.connections += week.connections;
    total.seconds += week.time_ms / 1000;
}

/* ---- Weeks -------------------------------------------------------------------------------------------------------- */

static uint32_t this_week;

static uint32_t option(int argc, char **argv, const char *name, uint32_t otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0) {
            return (uint32_t)strtoul(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

static uint32_t seed, weeks;

static void live(void **state)
{
    for (this_week = seed; this_week < seed + weeks; this_week++) {
        week_draw(this_week);
        week_go(WEEK_S);
        week_end();
        count(this_week);
    }
    printf("%u mails: %u delivered, %u failed in whole or in part; %u refused for want of room; %u connections, %u "
           "resets\n",
           total.mails, total.delivered, total.failed, total.full, total.connections, total.resets);
    printf("the worst of any mail: %u copies, %u attempts, %u connections; %u s of waiting while a relay would have "
           "taken it\n",
           total.copies, total.attempts, total.mail_connections, total.wait_s);
    assert_int_equal(total.bad, 0);
}

/* A check has failed: in which week? */
static int say_where(void **state)
{
    if (this_week < seed + weeks) {
        printf("broke off in week %u, at second %u\n", this_week, (unsigned)(week.time_ms / 1000));
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(live, say_where)};

    weeks = option(argc, argv, "--weeks", 1000);
    seed = option(argc, argv, "--seed", 1);
    printf("%u random weeks, from seed %u\n", weeks, seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
