/* SPDX-License-Identifier: MIT
 *
 * policy.c against POLICY.md: its inputs walked through, all of them where there are not too many, and each rule stated
 * over the whole table. A test is named by the rules it states.
 */
#include "mailmote_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- The outcome of a conversation ------------------------------------------------------------------------------- */

enum { VERDICTS = 6, CAUSES = 64, STEPS = 12, TLS_BITS = 4, RELAY_TLS = 3 };
static const uint16_t codes[] = {0, 211, 250, 354, 421, 454, 530, 550, 554, 599};
enum { CODES = sizeof codes / sizeof *codes };

/* Walks all outcomes there could be. */
static void each_result(void (*state_rules)(uint8_t tls, const struct mote_result *r))
{
    struct mote_result r = {0};
    unsigned end = VERDICTS * CAUSES * STEPS * TLS_BITS * CODES * RELAY_TLS;

    for (unsigned i = 0; i < end; i++) {
        unsigned n = i;

        r.verdict = (uint8_t)(n % VERDICTS);
        r.cause = (uint8_t)((n /= VERDICTS) % CAUSES);
        r.step = (uint8_t)((n /= CAUSES) % STEPS);
        r.tls = (uint8_t)((n /= STEPS) % TLS_BITS);
        r.code = codes[(n /= TLS_BITS) % CODES];
        state_rules((uint8_t)(n / CODES), &r);
    }
}

static bool between(unsigned n, unsigned least, unsigned most)
{
    return n >= least && n <= most;
}

static void tls_failure_rules(uint8_t tls, const struct mote_result *r)
{
    bool failure = mote_policy_tls_failure(tls, r);
    bool wire = between(r->cause, MOTE_CAUSE_LOOKUP, MOTE_CAUSE_REPLY_TOO_LONG);

    if (failure) {
        assert_int_equal(tls, MOTE_TLS_STARTTLS);           /* P2: STARTTLS was to be written */
        assert_true((r->tls & MOTE_TLS_TRIED) != 0);        /* P2, P6: and was */
        assert_int_equal(r->verdict, MOTE_DEFERRED);        /* P9: not in doubt, nor final */
        assert_int_not_equal(r->cause, MOTE_CAUSE_REFUSED); /* P2: the server's answer */
        assert_int_not_equal(r->cause, MOTE_CAUSE_LOGIN_REFUSED);
        assert_int_not_equal(r->cause, MOTE_CAUSE_LOGIN_NOT_OFFERED); /* P7: a cause of its own */
        assert_true(r->cause < MOTE_CAUSE_ADDRESS);                   /* we are not TLS */
    }
    /* P2: one rule for all, whatever the step, the code and how far it came */
    assert_int_equal(failure,
                     tls == MOTE_TLS_STARTTLS && (r->tls & MOTE_TLS_TRIED) != 0 && r->verdict == MOTE_DEFERRED && wire);
}

static void p2_p6_p9(void **state)
{
    each_result(tls_failure_rules);
}

static void site_failure_rules(uint8_t tls, const struct mote_result *r)
{
    bool failure = mote_policy_site_failure(tls, r);
    bool about_tls = between(r->cause, MOTE_CAUSE_TLS_NOT_OFFERED, MOTE_CAUSE_TLS_RECORD);
    bool late = r->cause == MOTE_CAUSE_TIMEOUT || r->cause == MOTE_CAUSE_DEADLINE;

    if (failure) {
        assert_false(mote_policy_tls_failure(tls, r)); /* P12: not TLS */
        assert_false(about_tls);
        assert_int_equal(r->verdict, MOTE_DEFERRED);
        assert_true(r->step < MOTE_STEP_MAIL || late); /* P12: not a mail's own refusal */
        assert_true(r->cause < MOTE_CAUSE_ADDRESS);    /* nor our fault */
    }
    if (r->verdict == MOTE_DEFERRED && !mote_policy_tls_failure(tls, r)) {
        if (late || (r->step < MOTE_STEP_MAIL && !about_tls && r->cause < MOTE_CAUSE_ADDRESS)) {
            assert_true(failure); /* P12: connect, greeting, EHLO, time limits, a refused login */
        }
    }
}

static void p12_site(void **state)
{
    each_result(site_failure_rules);
}

/* ---- Armed ------------------------------------------------------------------------------------------------------- */

static void p5_armed(void **state)
{
    for (uint32_t since = 0; since < 500000; since++) {
        assert_false(mote_policy_armed(false, since)); /* age alone arms nothing */
        assert_int_equal(mote_policy_armed(true, since), since >= 60);
    }
    assert_false(mote_policy_armed(false, UINT32_MAX));
    assert_true(mote_policy_armed(true, UINT32_MAX));
}

/* ---- The places of an attempt ------------------------------------------------------------------------------------ */

/* States the rules for the place after `at`, whatever was before. */
static void next_rules(const struct mote_plan *plan, int at)
{
    int count = plan->count, next = mote_policy_next(plan, at), i;
    unsigned may_clear = plan->armed && !plan->accepted_any ? plan->relays_tls_failed & plan->relays_opportunistic : 0u;

    assert_true(next > at || next == 2 * count);
    assert_true(next >= 0 && next <= 2 * count);
    if (plan->in_doubt || !plan->rcpts_left) {
        assert_int_equal(next, 2 * count); /* P9: nothing after doubt; P10: nor when nobody is left */
        return;
    }
    if (next < count) {
        assert_true((plan->relays_up >> next & 1) != 0); /* P12 */
    } else if (next < 2 * count) {
        assert_true(plan->armed);                                             /* P5 */
        assert_false(plan->accepted_any);                                     /* P5: only if nobody took the mail */
        assert_true((plan->relays_tls_failed >> (next - count) & 1) != 0);    /* P5: TLS failed in this attempt */
        assert_true((plan->relays_opportunistic >> (next - count) & 1) != 0); /* P7: never trust or a login */
    }
    for (i = at + 1; i < next; i++) { /* P3, P5: in order, nobody is passed over */
        assert_int_equal((i < count ? (unsigned)plan->relays_up >> i : may_clear >> (i - count)) & 1, 0);
    }
}

static void each_bool(struct mote_plan *plan)
{
    for (unsigned n = 0; n < 16; n++) {
        plan->armed = (n & 1) != 0;
        plan->rcpts_left = (n & 2) != 0;
        plan->accepted_any = (n & 4) != 0;
        plan->in_doubt = (n & 8) != 0;
        for (int at = -1; at < 2 * plan->count; at++) {
            next_rules(plan, at);
        }
    }
}

static void p3_p5_p7_p9_p10_p12_next(void **state)
{
    struct mote_plan plan = {0};

    for (plan.count = 1; plan.count <= 4; plan.count++) {
        unsigned end = 1u << 3 * plan.count;

        for (unsigned masks = 0; masks < end; masks++) {
            plan.relays_up = (uint8_t)(masks & ((1u << plan.count) - 1));
            plan.relays_opportunistic = (uint8_t)(masks >> plan.count & ((1u << plan.count) - 1));
            plan.relays_tls_failed = (uint8_t)(masks >> 2 * plan.count);
            each_bool(&plan);
        }
    }
    srand(1);
    for (unsigned n = 0; n < 20000; n++) { /* bits of relays that are not there change nothing */
        plan.count = (uint8_t)(n % 3 == 0 ? 8 : 1 + rand() % 8);
        plan.relays_up = (uint8_t)rand();
        plan.relays_opportunistic = (uint8_t)rand();
        plan.relays_tls_failed = (uint8_t)rand();
        each_bool(&plan);
    }
}

/* What the relays of an attempt do: good, TLS fails, refuses the mail for now, is down, leaves it in doubt. */
enum { GOOD, BROKEN, REFUSING, DOWN, DOUBT, KINDS };

/* A whole attempt; kinds in base KINDS. States the rules over the walk. */
static void walk(struct mote_plan plan, unsigned kinds)
{
    unsigned offered = 0, cleared = 0;
    int at = -1, end = 2 * plan.count, places = 0;

    plan.rcpts_left = true;
    while ((at = mote_policy_next(&plan, at)) != end) {
        bool clear = at >= plan.count;
        int relay = clear ? at - plan.count : at;
        unsigned kind = kinds, bit = 1u << relay;

        for (int i = 0; i < relay; i++) {
            kind /= KINDS;
        }
        kind %= KINDS;
        assert_true(++places <= end); /* it ends */
        if (clear) {
            assert_int_equal(offered, plan.relays_up); /* P5: STARTTLS on every relay first */
            assert_true(plan.armed && (plan.relays_opportunistic & bit) != 0);
            assert_int_equal(kind, BROKEN);
            assert_true((cleared & bit) == 0 && cleared < bit); /* once each, in order */
            cleared |= bit;
            continue;
        }
        assert_int_equal(cleared, 0);
        assert_true((offered & bit) == 0 && offered < bit);
        offered |= bit;
        if (kind == GOOD) {
            plan.accepted_any = true;
            plan.rcpts_left = false;
        } else if (kind == BROKEN) {
            plan.relays_tls_failed |= (uint8_t)bit;
        } else if (kind == DOUBT) {
            plan.in_doubt = true;
        }
    }
    if (!plan.in_doubt && plan.rcpts_left) { /* P3: nobody was left out */
        assert_int_equal(offered, plan.relays_up);
        assert_int_equal(cleared, plan.armed ? plan.relays_tls_failed & plan.relays_opportunistic : 0);
    } else {
        assert_int_equal(cleared, 0);
    }
}

static void p3_p5_p7_p9_attempt(void **state)
{
    struct mote_plan plan = {0};
    unsigned all = 1;

    for (plan.count = 1; plan.count <= 4; plan.count++) {
        unsigned masks = 1u << 2 * plan.count;

        all *= KINDS;
        for (unsigned n = 0; n < masks * 2; n++) {
            plan.relays_up = (uint8_t)(n & ((1u << plan.count) - 1));
            plan.relays_opportunistic = (uint8_t)(n >> plan.count & ((1u << plan.count) - 1));
            plan.armed = n >= masks;
            for (unsigned kinds = 0; kinds < all; kinds++) {
                walk(plan, kinds);
            }
        }
    }
    srand(2);
    for (unsigned n = 0; n < 20000; n++) {
        plan.count = (uint8_t)(5 + n % 4);
        plan.relays_up = (uint8_t)((unsigned)rand() & ((1u << plan.count) - 1));
        plan.relays_opportunistic = (uint8_t)((unsigned)rand() & ((1u << plan.count) - 1));
        plan.armed = rand() % 4 != 0;
        walk(plan, (unsigned)rand());
    }
}

/* ---- Waits ------------------------------------------------------------------------------------------------------- */

static void p4(void **state)
{
    for (uint32_t age = 0; age < 500000; age += 61) {
        assert_int_equal(mote_policy_wait_s(true, age, age * 2654435761u), 60);
    }
    assert_int_equal(mote_policy_wait_s(true, UINT32_MAX, UINT32_MAX), 60);
}

static void p11_rules(uint32_t age, uint32_t random)
{
    uint32_t clamped = age < 300 ? 300 : age > 4000 ? 4000 : age;
    uint32_t more = age < 300 ? 75 : age < 600 ? 2 * age : 0;

    assert_in_range(mote_policy_wait_s(false, age, random), clamped, clamped + more);
}

/* What is drawn takes every value, each as often. */
static void p11_spread(uint32_t age, uint32_t least, uint32_t count)
{
    enum { EACH = 16 };
    static unsigned seen[1200];

    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < EACH * count; i++) {
        uint32_t wait = mote_policy_wait_s(false, age, (uint32_t)(((uint64_t)i << 32) / (EACH * count)));

        assert_in_range(wait, least, least + count - 1);
        seen[wait - least]++;
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_in_range(seen[i], EACH - 1, EACH + 1);
    }
}

static void p11_wait(void **state)
{
    static const uint32_t randoms[] = {1, 74, 75, 76, 1000, 1001, 0x7fffffff, 0x80000000, UINT32_MAX};

    for (uint32_t age = 0; age <= 434000; age++) {
        assert_int_equal(mote_policy_wait_s(false, age, 0), age < 300 ? 300 : age > 4000 ? 4000 : age);
        p11_rules(age, randoms[age % (sizeof randoms / sizeof *randoms)]);
        p11_rules(age, age * 2654435761u);
    }
    p11_rules(UINT32_MAX, UINT32_MAX);
    p11_spread(0, 300, 75);
    p11_spread(299, 300, 75);
    p11_spread(300, 300, 600);
    p11_spread(599, 599, 1198);
}

static void p11_expiry(void **state)
{
    for (uint32_t age = 0; age < 440000; age++) {
        assert_int_equal(mote_policy_expired(age), age >= 432000);
    }
    assert_true(mote_policy_expired(UINT32_MAX));
}

static void p12_wait(void **state)
{
    static const uint32_t waits[] = {0, 300, 300, 600, 1200, 2400, 4000};

    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(mote_policy_relay_wait_s(i), waits[i]);
    }
    for (unsigned i = 7; i < 100000; i++) {
        assert_int_equal(mote_policy_relay_wait_s(i), 4000);
    }
    assert_int_equal(mote_policy_relay_wait_s(UINT32_MAX), 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p2_p6_p9),
        cmocka_unit_test(p12_site),
        cmocka_unit_test(p5_armed),
        cmocka_unit_test(p3_p5_p7_p9_p10_p12_next),
        cmocka_unit_test(p3_p5_p7_p9_attempt),
        cmocka_unit_test(p4),
        cmocka_unit_test(p11_wait),
        cmocka_unit_test(p11_expiry),
        cmocka_unit_test(p12_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
