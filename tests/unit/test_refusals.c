/* SPDX-License-Identifier: MIT
 *
 * Every reply code at every step, in lock-step, with PIPELINING, with CHUNKING and with both, in clear and in TLS: what becomes
 * of the recipient it is about, and whether an extension is suspect. The rules stand here as POLICY.md has them.
 */
#include "rig.h"

static struct rig rig;

/* A way to hold the conversation. */
struct way {
    bool pipelining, chunking, plain;
    uint8_t tls;        /* enum mote_tls */
    bool opportunistic; /* whether STARTTLS is offered follows from tls */
    bool login;
};

static const struct way ways[] = {
    {false, false, false, MOTE_TLS_STARTTLS, true, false}, {true, false, false, MOTE_TLS_STARTTLS, true, false},
    {false, true, false, MOTE_TLS_STARTTLS, true, false},  {true, true, false, MOTE_TLS_STARTTLS, false, false},
    {false, false, false, MOTE_TLS_CLEAR, true, false},    {true, false, false, MOTE_TLS_CLEAR, true, false},
    {false, true, false, MOTE_TLS_CLEAR, true, false},     {true, true, false, MOTE_TLS_CLEAR, true, false},
    {false, false, false, MOTE_TLS_IMPLICIT, false, true}, {true, false, false, MOTE_TLS_IMPLICIT, false, true},
    {false, true, false, MOTE_TLS_IMPLICIT, false, true},  {true, true, false, MOTE_TLS_IMPLICIT, false, false},
    {true, true, true, MOTE_TLS_CLEAR, true, false},       {true, true, true, MOTE_TLS_IMPLICIT, false, true},
};

struct want {
    uint8_t verdict, cause;
    uint16_t code;
    bool suspect;
};

/* Does code let the conversation go on at this step? */
static bool goes_on(const struct way *way, unsigned step, unsigned code)
{
    unsigned class = code / 100;

    switch (step) {
    case MOTE_STEP_STARTTLS: return code == 220;
    case MOTE_STEP_EHLO: return (class == 2 && code != 221) || (class == 5 && !way->login);
    case MOTE_STEP_AUTH: return (class == 2 && code != 221) || class == 3;
    case MOTE_STEP_DATA: return class == 3;
    default: return class == 2 && code != 221;
    }
}

/* May a conversation without extensions have heard another reply than this one? */
static bool extension_at(const struct way *way, unsigned step)
{
    bool chunk = way->chunking && step == MOTE_STEP_END;

    return !way->plain && step >= MOTE_STEP_MAIL && (way->pipelining || chunk);
}

/* POLICY P2, P8, P10, P14, P16 for a code that does not let it go on. */
static struct want rules(const struct way *way, unsigned step, unsigned code)
{
    struct want want = {MOTE_DEFERRED, MOTE_CAUSE_REFUSED, (uint16_t)code, false};
    bool flight = way->pipelining && !way->plain, chunk = way->chunking && !way->plain;
    bool end_out = step == MOTE_STEP_END || (flight && chunk && step >= MOTE_STEP_MAIL);
    bool about_mail = step >= MOTE_STEP_MAIL && code >= 500;

    if (step == MOTE_STEP_STARTTLS) {
        want.cause = MOTE_CAUSE_TLS_REFUSED;
        want.code = code == 221 ? 421 : (uint16_t)code;
    } else if (code == 221) {
        want.code = 421;
        want.verdict = end_out ? MOTE_IN_DOUBT : MOTE_DEFERRED;
        want.suspect = extension_at(way, step);
    } else if (code < 400) {
        want = (struct want){MOTE_DEFERRED, MOTE_CAUSE_PROTOCOL, 0, extension_at(way, step)};
        want.verdict = end_out ? MOTE_IN_DOUBT : MOTE_DEFERRED;
    } else if (step == MOTE_STEP_AUTH && code >= 500) {
        want.cause = code <= 504 || code == 530 || code == 538 ? MOTE_CAUSE_REFUSED : MOTE_CAUSE_LOGIN_REFUSED;
    } else if (about_mail && code <= 504 && (step == MOTE_STEP_END ? chunk : flight)) {
        want.suspect = true;
    } else if (about_mail && code != 530 && !(code == 552 && step == MOTE_STEP_RCPT)) {
        want.verdict = MOTE_FAILED;
    }
    return want;
}

/* What a good relay says at a step. */
static const char *fitting(const struct way *way, unsigned step, bool no_ehlo)
{
    static char reply[200];
    bool clear = rig.engine.tls == 0;

    switch (step) {
    case MOTE_STEP_GREETING: return "220 relay\r\n";
    case MOTE_STEP_EHLO:
        snprintf(reply, sizeof reply, "250-relay\r\n%s%s%s%s250 HELP\r\n", way->pipelining ? "250-PIPELINING\r\n" : "",
                 way->chunking ? "250-CHUNKING\r\n" : "", way->login ? "250-AUTH PLAIN\r\n" : "",
                 clear && way->tls == MOTE_TLS_STARTTLS && !no_ehlo ? "250-STARTTLS\r\n" : "");
        return no_ehlo ? "502 no\r\n" : reply;
    case MOTE_STEP_STARTTLS: return "220 go\r\n";
    case MOTE_STEP_DATA: return "354 go\r\n";
    default: return "250 ok\r\n";
    }
}

/* Says code once, at the first reply of the step, and what fits at all others. False: the step did not come. */
static bool converse(const struct way *way, unsigned step, unsigned code)
{
    char reply[32];
    bool said = false;

    snprintf(reply, sizeof reply, "%u as it is\r\n", code);
    rig_set(&rig);
    rig.setup.tls = way->tls;
    rig.setup.opportunistic = way->opportunistic;
    rig.setup.plain = way->plain;
    if (way->login) {
        rig.setup.login = (struct mote_login){"user", "password", NULL};
    }
    rig.rcpts[1].address = "c@example.test";
    rig.mail.rcpt_count = 2;
    rig_begin(&rig);
    for (unsigned turn = 0; turn < 20 && !rig_done(&rig); turn++) {
        unsigned at = rig.engine.awaiting;

        if (at == MOTE_STEP_HANDSHAKE) {
            mote_engine_secured(&rig.engine);
            rig_write(&rig);
        } else if (at == step && !said) {
            said = true;
            rig_hear(&rig, reply);
        } else {
            rig_hear(&rig, fitting(way, at, step == MOTE_STEP_HELO));
        }
    }
    assert_true(rig_done(&rig));
    return said;
}

static bool check(const struct way *way, unsigned step, unsigned code)
{
    const struct mote_result *r = &rig.rcpts[0].result;
    struct want want = rules(way, step, code);

    if (r->verdict == want.verdict && r->cause == want.cause && r->code == want.code && r->step == step &&
        mote_engine_suspect(&rig.engine) == want.suspect) {
        return true;
    }
    print_error("way %d, %u to %s: %s, %s, %u%s\n", (int)(way - ways), code, mote_step_name((uint8_t)step),
                mote_verdict_name(r->verdict), mote_cause_name(r->cause), r->code,
                mote_engine_suspect(&rig.engine) ? ", suspect" : "");
    return false;
}

static void test_every_code_at_every_step(void **state)
{
    unsigned wrong = 0, tried = 0;

    for (size_t i = 0; i < COUNT(ways); i++) {
        for (unsigned step = MOTE_STEP_GREETING; step < MOTE_STEP_QUIT; step++) {
            for (unsigned code = 200; code < 600; code++) {
                if (!goes_on(&ways[i], step, code) && converse(&ways[i], step, code)) {
                    wrong += !check(&ways[i], step, code);
                    tried++;
                }
            }
        }
    }
    assert_int_equal(wrong, 0);
    print_message("%u refusals\n", tried);
    assert_true(tried > 20000);
}

/* A 421 to RCPT is nobody's own: who was accepted before it and who comes behind it fare alike, in lock-step and in a flight. */
static void test_421_to_a_recipient(void **state)
{
    for (unsigned pipelining = 0; pipelining < 2; pipelining++) {
        const char *replies = "250 ok\r\n250 ok\r\n421 closing\r\n";

        rig_set(&rig);
        rig.rcpts[1].address = "c@example.test";
        rig.rcpts[2].address = "d@example.test";
        rig.mail.rcpt_count = 3;
        rig_open(&rig, pipelining != 0 ? "250-relay\r\n250 PIPELINING\r\n" : "250 relay\r\n");
        mote_engine_feed(&rig.engine, replies, pipelining != 0 ? strlen(replies) : 8);
        if (pipelining == 0) {
            rig_write(&rig);
            rig_hear(&rig, "250 ok\r\n");
            assert_string_equal(rig_hear(&rig, "421 closing\r\n"), "QUIT\r\n");
        }
        rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_REFUSED);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(rig.rcpts[i].result.verdict, MOTE_DEFERRED);
            assert_int_equal(rig.rcpts[i].result.code, 421);
        }
        assert_false(mote_engine_suspect(&rig.engine));
    }
}

/* With the end of the mail out, behind one who was accepted the mail may be taken (P9); before that the relay closes, and is taken at its word. */
static void test_421_with_the_end_out(void **state)
{
    static const struct {
        const char *replies[3];
        uint8_t verdict;
    } cases[] = {
        {{"421 a\r\n"}, MOTE_DEFERRED},
        {{"550 a\r\n", "421 b\r\n"}, MOTE_DEFERRED},
        {{"250 a\r\n", "421 b\r\n"}, MOTE_IN_DOUBT},
        {{"250 a\r\n", "550 b\r\n", "421 c\r\n"}, MOTE_IN_DOUBT},
        {{"550 a\r\n", "450 b\r\n", "421 c\r\n"}, MOTE_DEFERRED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        rig_set(&rig);
        rig.rcpts[1].address = "c@example.test";
        rig.rcpts[2].address = "d@example.test";
        rig.mail.rcpt_count = 3;
        rig_open(&rig, "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
        rig_hear(&rig, "250 mail\r\n");
        for (size_t n = 0; n < COUNT(cases[i].replies) && cases[i].replies[n] != NULL; n++) {
            assert_false(rig_done(&rig));
            rig_hear(&rig, cases[i].replies[n]);
        }
        rig_assert_result(&rig, cases[i].verdict, MOTE_CAUSE_REFUSED);
        assert_int_equal(mote_engine_result(&rig.engine)->code, 421);
    }
}

/* A relay loses one reply of a flight, whichever: never DELIVERED to more than were accepted. */
static void test_a_lost_reply(void **state)
{
    static const char *const replies[] = {"250 mail\r\n", "550 b\r\n", "250 c\r\n", "250 taken\r\n", "221 bye\r\n"};

    for (size_t lost = 0; lost < COUNT(replies); lost++) {
        rig_set(&rig);
        rig.rcpts[1].address = "c@example.test";
        rig.mail.rcpt_count = 2;
        rig_open(&rig, "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
        for (size_t i = 0; i < COUNT(replies); i++) {
            if (i != lost) {
                rig_hear(&rig, replies[i]);
            }
        }
        assert_true(rig_done(&rig));
        assert_int_not_equal(rig.rcpts[0].result.verdict, MOTE_DELIVERED);
        assert_int_equal(rig.rcpts[1].result.verdict == MOTE_DELIVERED, lost == 4);
        /* without the reply to MAIL it is the sender that was refused */
        assert_int_equal(mote_engine_suspect(&rig.engine), lost != 0 && lost != 4);
    }
}

/* What ends a flight from outside: what the relay or the link is blamed for speaks against the extension, what the caller is does not. */
static void test_every_cause(void **state)
{
    for (uint8_t cause = MOTE_CAUSE_LOOKUP; cause <= MOTE_CAUSE_TLSA; cause++) {
        bool misuse = (cause >= MOTE_CAUSE_ADDRESS && cause <= MOTE_CAUSE_TEXT) || cause >= MOTE_CAUSE_TOO_MANY;
        bool suspect = cause >= MOTE_CAUSE_LOST && cause <= MOTE_CAUSE_REPLY_TOO_LONG && cause != MOTE_CAUSE_CLOSED;

        rig_set(&rig);
        rig_open(&rig, "250-relay\r\n250 PIPELINING\r\n");
        mote_engine_fail(&rig.engine, cause);
        rig_assert_result(&rig, misuse ? MOTE_MISUSE : MOTE_DEFERRED, cause);
        assert_int_equal(mote_engine_suspect(&rig.engine), suspect);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_at_every_step),
        cmocka_unit_test(test_421_to_a_recipient),
        cmocka_unit_test(test_421_with_the_end_out),
        cmocka_unit_test(test_a_lost_reply),
        cmocka_unit_test(test_every_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
