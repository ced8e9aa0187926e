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
    bool wire = between(r->cause, MOTE_CAUSE_LOOKUP, MOTE_CAUSE_REPLY_TOO_LONG) && r->cause != MOTE_CAUSE_CLOSED;

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

/* ---- What is said of the relay (P12) ------------------------------------------------------------------------------- */

static void relay_news_rules(uint8_t tls, const struct mote_result *r)
{
    uint8_t verified = mote_policy_relay_news(tls, true, false, r), open = mote_policy_relay_news(tls, false, false, r);
    uint8_t suspect = mote_policy_relay_news(tls, true, true, r);
    bool about_tls = between(r->cause, MOTE_CAUSE_TLS_NOT_OFFERED, MOTE_CAUSE_TLS_RECORD);
    bool tls_failed = about_tls || mote_policy_tls_failure(tls, r);

    if (verified == MOTE_RELAY_UP) { /* it answered for the mail, and stayed */
        assert_true(r->code != 0 && r->code != 421 && r->step >= MOTE_STEP_MAIL);
        assert_int_equal(open, MOTE_RELAY_UP);
        assert_int_equal(suspect, MOTE_RELAY_UP);
        return;
    }
    assert_int_equal(suspect, MOTE_RELAY_NO_NEWS); /* perhaps an extension's fault (P16) */
    if (verified != MOTE_RELAY_NO_NEWS) {
        assert_true(r->verdict == MOTE_DEFERRED ||
                    (r->verdict == MOTE_IN_DOUBT && (between(r->cause, MOTE_CAUSE_TIMEOUT, MOTE_CAUSE_DEADLINE) ||
                                                     r->cause == MOTE_CAUSE_REFUSED))); /* 421 */
        assert_true(r->cause < MOTE_CAUSE_ADDRESS);                                     /* not our own trouble */
        assert_false(mote_policy_unfit(r));                                             /* not the mail's */
    }
    assert_int_equal(verified == MOTE_RELAY_TLS_DOWN, r->verdict == MOTE_DEFERRED && tls_failed);
    assert_int_not_equal(open, MOTE_RELAY_TLS_DOWN); /* P4 and P5 go on with an opportunistic one */
    assert_int_equal(open, verified == MOTE_RELAY_TLS_DOWN ? MOTE_RELAY_NO_NEWS : verified);
}

static void p12_news(void **state)
{
    each_result(relay_news_rules);
}

/* Some of them by example. */
static void p12_news_examples(void **state)
{
    static const struct {
        uint8_t news, verdict, cause, step, tls;
        uint16_t code;
    } examples[] = {
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_CONNECT, MOTE_STEP_CONNECT, 0, 0},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_LOOKUP, MOTE_STEP_CONNECT, 0, 0},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_DEADLINE, MOTE_STEP_CONNECT, 0, 0},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_REFUSED, MOTE_STEP_GREETING, 0, 554},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_TIMEOUT, MOTE_STEP_EHLO, 0, 0},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_LOGIN_REFUSED, MOTE_STEP_AUTH, 3, 535},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_REFUSED, MOTE_STEP_MAIL, 3, 421},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_REFUSED, MOTE_STEP_RCPT, 0, 421},
        {MOTE_RELAY_DOWN, MOTE_DEFERRED, MOTE_CAUSE_TIMEOUT, MOTE_STEP_DATA, 0, 0},
        {MOTE_RELAY_TLS_DOWN, MOTE_DEFERRED, MOTE_CAUSE_CERT_DATE, MOTE_STEP_HANDSHAKE, 1, 0},
        {MOTE_RELAY_TLS_DOWN, MOTE_DEFERRED, MOTE_CAUSE_TLS_NOT_OFFERED, MOTE_STEP_EHLO, 0, 250},
        {MOTE_RELAY_TLS_DOWN, MOTE_DEFERRED, MOTE_CAUSE_LOST, MOTE_STEP_MAIL, 3, 0},
        {MOTE_RELAY_UP, MOTE_DELIVERED, MOTE_CAUSE_NONE, MOTE_STEP_END, 3, 250},
        {MOTE_RELAY_UP, MOTE_DEFERRED, MOTE_CAUSE_REFUSED, MOTE_STEP_RCPT, 3, 450},
        {MOTE_RELAY_UP, MOTE_FAILED, MOTE_CAUSE_REFUSED, MOTE_STEP_MAIL, 3, 550},
        {MOTE_RELAY_DOWN, MOTE_IN_DOUBT, MOTE_CAUSE_TIMEOUT, MOTE_STEP_END, 0, 0},
        {MOTE_RELAY_DOWN, MOTE_IN_DOUBT, MOTE_CAUSE_REFUSED, MOTE_STEP_RCPT, 0, 421},
        {MOTE_RELAY_NO_NEWS, MOTE_IN_DOUBT, MOTE_CAUSE_LOST, MOTE_STEP_END, 0, 0},
        {MOTE_RELAY_NO_NEWS, MOTE_DEFERRED, MOTE_CAUSE_LOST, MOTE_STEP_DATA, 0, 0},
        {MOTE_RELAY_NO_NEWS, MOTE_DEFERRED, MOTE_CAUSE_TOO_BIG, MOTE_STEP_EHLO, 0, 0},
        {MOTE_RELAY_NO_NEWS, MOTE_DEFERRED, MOTE_CAUSE_NO_NETWORK, MOTE_STEP_CONNECT, 0, 0},
        {MOTE_RELAY_NO_NEWS, MOTE_DEFERRED, MOTE_CAUSE_DNS, MOTE_STEP_CONNECT, 0, 0},
        {MOTE_RELAY_NO_NEWS, MOTE_DEFERRED, MOTE_CAUSE_BOGUS, MOTE_STEP_CONNECT, 0, 0},
        {MOTE_RELAY_NO_NEWS, MOTE_DEFERRED, MOTE_CAUSE_NO_TIME, MOTE_STEP_GREETING, 0, 0},
    };

    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct mote_result r = {
            examples[i].verdict, examples[i].cause, examples[i].step, examples[i].tls, examples[i].code, 0, 0};

        assert_int_equal(mote_policy_relay_news(MOTE_TLS_STARTTLS, true, false, &r), examples[i].news);
    }
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

/* The wait of a mail of this age behind an attempt that is not its first. */
static uint32_t p11_wait_s(uint32_t age, uint32_t random)
{
    const struct mote_record r = {.attempts = 2, .age_s = age};

    return mote_policy_wait_s(&r, false, false, random);
}

/* After a TLS failure 60 s and up to 60 s more: of the first attempt, or while it may still arm something. */
static void p4(void **state)
{
    struct mote_record r = {.attempts = 1};

    for (uint32_t age = 0; age < 500000; age += 61) {
        r.age_s = age;
        assert_in_range(mote_policy_wait_s(&r, true, false, age * 2654435761u), 60, 119);
    }
    assert_int_equal(mote_policy_wait_s(&r, true, false, 0), 60);
    assert_int_equal(mote_policy_wait_s(&r, true, false, UINT32_MAX), 119);
    r = (struct mote_record){.attempts = 7, .age_s = 5000};
    assert_int_equal(mote_policy_wait_s(&r, true, false, 0), 4000); /* a verified relay's, for good: P11 */
    r.tls_failed = true;
    r.tls_since_s = 0;
    assert_int_equal(mote_policy_wait_s(&r, true, false, 0), 60); /* the first of an opportunistic relay */
    r.tls_since_s = 45;
    assert_int_equal(mote_policy_wait_s(&r, true, false, 0), 15); /* a forced attempt does not push it away */
    r.tls_since_s = 60;
    assert_int_equal(mote_policy_wait_s(&r, true, false, 0), 4000); /* armed, and failed all the same: P11 */
    r.attempts = 1;                                                 /* no record of ours; it gets no wait without end */
    assert_int_equal(mote_policy_wait_s(&r, true, false, 0), 4000);
    r.tls_since_s = 0;
    assert_int_equal(mote_policy_wait_s(&r, false, false, 0), 4000); /* TLS did not fail in this attempt */
}

/* Plain speech is due after 60 s and up to 60 s more, whatever P4 or P11 say. */
static void p16_wait(void **state)
{
    struct mote_record r = {.attempts = 9, .age_s = 100000, .tls_failed = true, .tls_since_s = 50, .ours = 1};

    assert_int_equal(mote_policy_wait_s(&r, false, true, 0), 60);
    assert_int_equal(mote_policy_wait_s(&r, true, true, UINT32_MAX), 119);
}

/* Trouble that is over soon: our own, and a relay that has only said good-bye. */
static void p12_soon(void **state)
{
    for (unsigned cause = 0; cause <= UINT8_MAX; cause++) {
        struct mote_result deferred = {.verdict = MOTE_DEFERRED, .cause = (uint8_t)cause};
        struct mote_result failed = {.verdict = MOTE_FAILED, .cause = (uint8_t)cause};
        bool ours = cause == MOTE_CAUSE_NO_ENTROPY || cause == MOTE_CAUSE_NO_TIME || cause == MOTE_CAUSE_NO_NETWORK ||
                    cause == MOTE_CAUSE_NO_MEMORY;

        assert_int_equal(mote_policy_soon(&deferred), ours || cause == MOTE_CAUSE_CLOSED);
        assert_int_equal(mote_policy_soon(&failed), cause == MOTE_CAUSE_CLOSED);
    }
}

/* Our own trouble: 10 s, twice, then P11. */
static void p12_ours(void **state)
{
    static const uint32_t waits[] = {300, 10, 10, 300};
    struct mote_record r = {.attempts = 3};

    for (uint8_t i = 0; i < 4; i++) {
        r.ours = i;
        assert_int_equal(mote_policy_wait_s(&r, false, false, 0), waits[i]);
    }
}

static void p11_rules(uint32_t age, uint32_t random)
{
    uint32_t clamped = age < 300 ? 300 : age > 4000 ? 4000 : age;
    uint32_t more = age < 300 ? 75 : age < 600 ? 2 * age : 0;

    assert_in_range(p11_wait_s(age, random), clamped, clamped + more);
}

/* What is drawn takes every value, each as often. */
static void p11_spread(uint32_t age, uint32_t least, uint32_t count)
{
    enum { EACH = 16 };
    static unsigned seen[1200];

    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < EACH * count; i++) {
        uint32_t wait = p11_wait_s(age, (uint32_t)(((uint64_t)i << 32) / (EACH * count)));

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
        assert_int_equal(p11_wait_s(age, 0), age < 300 ? 300 : age > 4000 ? 4000 : age);
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

/* How long a relay is left alone behind a row of news. */
static uint32_t relay_wait_s(const char *row, struct mote_relay_state *state)
{
    *state = (struct mote_relay_state){0};
    for (; *row != 0; row++) {
        mote_policy_relay_note(state,
                               *row == 'u'   ? MOTE_RELAY_UP
                               : *row == 'd' ? MOTE_RELAY_DOWN
                               : *row == 't' ? MOTE_RELAY_TLS_DOWN
                                             : MOTE_RELAY_NO_NEWS,
                               1000);
    }
    return mote_policy_relay_wait_s(state);
}

static void p12_wait(void **state)
{
    static const struct {
        const char *row;
        uint32_t wait_s;
    } rows[] = {
        {"", 0},          {"d", 300},    {"dd", 300},     {"ddd", 600},  {"dddd", 1200}, {"ddddd", 2400},
        {"dddddd", 4000}, {"du", 0},     {"dduddd", 600}, {"dn", 300},   {"t", 60},      {"tt", 300},
        {"ttt", 300},     {"tttt", 600}, {"tu", 0},       {"tud", 300},  {"tut", 60},    {"td", 300},
        {"tdt", 300},     {"dt", 60},    {"dtt", 300},    {"ddddtu", 0}, {"tn", 60},
    };
    struct mote_relay_state relay;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(relay_wait_s(rows[i].row, &relay), rows[i].wait_s);
        assert_true(mote_policy_relay_up(&relay, 1000 + rows[i].wait_s));
        assert_true(rows[i].wait_s == 0 || !mote_policy_relay_up(&relay, 1000 + rows[i].wait_s - 1));
    }
    for (unsigned i = 0; i < 1000; i++) { /* the count ends at 255, the times go on */
        mote_policy_relay_note(&relay, MOTE_RELAY_DOWN, i * 5000);
        assert_int_equal(relay.since_s, i * 5000);
    }
    assert_int_equal(relay.failures, UINT8_MAX);
    assert_int_equal(mote_policy_relay_wait_s(&relay), 4000);
    assert_true(mote_policy_relay_up(&relay, 999 * 5000 + 4000));
}

/* ---- Records ------------------------------------------------------------------------------------------------------ */

/* An attempt that never ended counts, in doubt or not, and its wait is P11's. */
static void p17_resume(void **state)
{
    struct mote_record r = {.age_s = 1000, .wait_s = 5};

    assert_false(mote_record_resume(&r, 0));
    assert_int_equal(r.wait_s, 5);
    mote_record_begin(&r);
    assert_int_equal(r.attempts, 1);
    r.sent = true;
    r.wait_s = 0;
    assert_true(mote_record_resume(&r, 0));
    assert_int_equal(r.attempts, 1);
    assert_false(r.begun || r.sent);
    assert_int_equal(r.wait_s, 1000);
    assert_false(mote_record_resume(&r, 0));
    r.sent = true; /* as the first release stored it: the attempt was not counted yet */
    assert_true(mote_record_resume(&r, 0));
    assert_int_equal(r.attempts, 2);
}

static void p18_order(void **state)
{
    const struct mote_record fresh = {.age_s = 1}, older = {.age_s = 9}, tried = {.age_s = 400000, .attempts = 1};

    assert_true(mote_record_before(&fresh, &tried));
    assert_false(mote_record_before(&tried, &fresh));
    assert_true(mote_record_before(&older, &fresh));
    assert_false(mote_record_before(&fresh, &older));
    assert_false(mote_record_before(&fresh, &fresh));
    for (uint32_t apart = 1; apart <= UINT16_MAX; apart++) { /* numbers go round */
        const struct mote_record first = {.number = 7}, other = {.number = (uint16_t)(7 + apart)};

        assert_int_equal(mote_record_before(&first, &other), apart < 32768);
        assert_int_equal(mote_record_before(&other, &first), apart > 32768);
    }
}

static void p12_release(void **state)
{
    struct mote_record r = {.wait_s = 4000};

    assert_false(mote_record_release(&r, 0));
    assert_int_equal(r.wait_s, 4000);
    r.left_alone = true;
    assert_true(mote_record_release(&r, 3));
    assert_in_range(r.wait_s, 1, 10);
    r.wait_s = 0;
    assert_true(mote_record_release(&r, 3));
    assert_int_equal(r.wait_s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p2_p6_p9),
        cmocka_unit_test(p12_news),
        cmocka_unit_test(p12_news_examples),
        cmocka_unit_test(p5_armed),
        cmocka_unit_test(p3_p5_p7_p9_p10_p12_next),
        cmocka_unit_test(p3_p5_p7_p9_attempt),
        cmocka_unit_test(p4),
        cmocka_unit_test(p16_wait),
        cmocka_unit_test(p12_soon),
        cmocka_unit_test(p12_ours),
        cmocka_unit_test(p11_wait),
        cmocka_unit_test(p11_expiry),
        cmocka_unit_test(p12_wait),
        cmocka_unit_test(p17_resume),
        cmocka_unit_test(p18_order),
        cmocka_unit_test(p12_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
