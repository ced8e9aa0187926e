/* SPDX-License-Identifier: MIT
 *
 * What POLICY.md costs, and what it promises, over random weeks: the real outbox with relays that are good, slow, silent,
 * refusing or broken by turns, with resets and a clock that stands, goes a millisecond back and wraps. Prints what became
 * of mails, and ends with 1 when that is worse for any of them than it may be, for reasons given below.
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

/* ---- What becomes of a mail -------------------------------------------------------------------------------------- */

enum { COPIES, CONNECTIONS, ATTEMPTS, FIRST, WAIT, LIFE, MEASURES };

static const char *const names[MEASURES] = {
    [COPIES] = "copies",
    [CONNECTIONS] = "connections",
    [ATTEMPTS] = "attempts",
    [FIRST] = "s to the first attempt",
    [WAIT] = "s a relay would have taken it",
    [LIFE] = "s to the last report",
};

enum {
    ATTEMPT_S = 930,    /* P13, and connecting to the last relay */
    RETRY_MAX_S = 4000, /* P11 */
    QUEUE_S = WEEK_SLOTS * ATTEMPT_S,

    /* P12 and P11: a relay may have been left alone for the longest time when it is back, and a mail may have passed it over
     * just before that was over, to come again after the longest time. P4, then P16: 120 s each until it is spoken to as
     * it likes. The attempts of the other mails that are due; so long may its own last, too. */
    WAIT_S = 2 * RETRY_MAX_S + 2 * 120 + QUEUE_S,

    /* P11: five days, checked after an attempt. A reset may forget as much as the longest wait of a mail's age. */
    LIFE_S = 432000 + RETRY_MAX_S + QUEUE_S
};

/* Attempts in so many seconds. P11: the first, then one whenever the age has doubled, or 4,000 s have passed. P4: one more after
 * the first attempt, and after the first TLS failure that arms. P16: one. */
static unsigned attempts_in(uint64_t seconds)
{
    unsigned n = 1 + 3;
    uint64_t wait = 300;

    for (uint64_t at = wait; at <= seconds; at += wait) {
        wait = at < 300 ? 300 : at < RETRY_MAX_S ? at : RETRY_MAX_S;
        n++;
    }
    return n;
}

static void measure(const struct week_mail *m, unsigned is[MEASURES], unsigned may_be[MEASURES])
{
    unsigned legs = week.relays_most; /* P5: two for each opportunistic relay */

    for (unsigned i = 0; i < week.relays_most; i++) {
        legs += !week.weather[i].verified;
    }
    is[COPIES] = m->copies[0] > m->copies[1] ? m->copies[0] : m->copies[1];
    may_be[COPIES] = 1 + m->doubts; /* P9 */
    is[ATTEMPTS] = m->attempts;
    may_be[ATTEMPTS] = attempts_in((m->ended_ms - m->posted_ms) / 1000) + m->extra;
    is[CONNECTIONS] = m->connections;
    may_be[CONNECTIONS] = m->tries * legs;
    is[FIRST] = (unsigned)(m->first_ms / 1000);
    may_be[FIRST] = (m->fresh + 1) * ATTEMPT_S; /* P18: only the one at work, and those as fresh, go first */
    is[WAIT] = (unsigned)(m->longest_ms / 1000);
    may_be[WAIT] = WAIT_S;
    is[LIFE] = (unsigned)(m->life_ms / 1000);
    may_be[LIFE] = LIFE_S + m->resets * RETRY_MAX_S;
}

/* ---- What becomes of all of them --------------------------------------------------------------------------------- */

enum { MAILS_MOST = 200000 };

static struct {
    unsigned mails, delivered, failed, full, resets, kept, bad;
    uint64_t sum[MEASURES];
    unsigned worst[MEASURES], worst_may_be[MEASURES], worst_week[MEASURES];
    unsigned all[MEASURES][MAILS_MOST];
} total;

static void count_mail(unsigned number, unsigned which_week)
{
    const struct week_mail *m = &week.mails[number];
    unsigned is[MEASURES], may_be[MEASURES];

    measure(m, is, may_be);
    assert_true(total.mails < MAILS_MOST);
    for (unsigned i = 0; i < MEASURES; i++) {
        total.sum[i] += is[i];
        total.all[i][total.mails] = is[i];
        if (is[i] > total.worst[i]) {
            total.worst[i] = is[i];
            total.worst_may_be[i] = may_be[i];
            total.worst_week[i] = which_week;
        }
        if (is[i] > may_be[i]) {
            total.bad++;
            printf("NOT SO: week %u, mail %u: %u %s, not %u\n", which_week, number, is[i], names[i], may_be[i]);
        }
    }
    total.mails++;
    total.failed += m->failed != 0;
    total.delivered += m->failed == 0;
}

static void count(unsigned which_week)
{
    for (unsigned n = 0; n < week.posted; n++) {
        if (week.mails[n].where == ENDED) {
            count_mail(n, which_week);
        }
    }
    total.full += week.full;
    total.resets += week.resets;
    total.kept += week.kept;
}

static int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return (x > y) - (x < y);
}

static void print_table(void)
{
    printf("%u mails: %u delivered, %u failed in whole or in part; %u refused for want of room; %u resets;\n"
           "%u attempts over a connection that another mail had begun\n\n",
           total.mails, total.delivered, total.failed, total.full, total.resets, total.kept);
    printf("%-30s %8s %8s %8s %8s %8s\n", "a mail's", "mean", "99 %", "worst", "allowed", "in week");
    for (unsigned i = 0; i < MEASURES && total.mails != 0; i++) {
        qsort(total.all[i], total.mails, sizeof total.all[i][0], compare);
        printf("%-30s %8.2f %8u %8u %8u %8u\n", names[i], (double)total.sum[i] / total.mails,
               total.all[i][total.mails - 1 - total.mails / 100], total.worst[i], total.worst_may_be[i],
               total.worst_week[i]);
    }
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
    print_table();
    assert_int_equal(total.bad, 0);
    assert_int_not_equal(total.kept, 0);
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
