/* SPDX-License-Identifier: MIT
 *
 * Replies of the relay, through the engine's feed: which octets are a reply and at which octet one is refused, limits,
 * the text kept for people, enhanced status codes.
 */
#include "core.h"
#include "rig.h"

static struct rig rig;

/* Which octet of a greeting ends the engine; -1 when none does. */
static int refused_at(const char *octets, size_t len)
{
    rig_set(&rig);
    rig_begin(&rig);
    for (size_t i = 0; i < len; i++) {
        mote_engine_feed(&rig.engine, octets + i, 1);
        if (rig_done(&rig)) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- Codes ------------------------------------------------------------------------------------------------------- */

static void test_wrong_octets_are_refused_where_they_stand(void **state)
{
    static const struct {
        const char *octets;
        int at;
    } cases[] = {
        {"199 x\r\n", 0},
        {"099 x\r\n", 0},
        {"000 x\r\n", 0},
        {"600 x\r\n", 0},
        {"999 x\r\n", 0},
        {" 220 x\r\n", 0},
        {"\r\n", 0},
        {"\n", 0},
        {"hello\r\n", 0},
        {"-220 x\r\n", 0},
        {"\377\377", 0},
        {"2a0 x\r\n", 1},
        {"2 20 x\r\n", 1},
        {"2\r\n", 1},
        {"2\n", 1},
        {"2/0 x\r\n", 1},
        {"2:0 x\r\n", 1},
        {"22x x\r\n", 2},
        {"22 x\r\n", 2},
        {"22\r\n", 2},
        {"2200 x\r\n", 3},
        {"220_x\r\n", 3},
        {"220x\r\n", 3},
        {"220\tx\r\n", 3},
        {"220.x\r\n", 3},
        {"220\377\r\n", 3},
        {"220-a\r\n221 b\r\n", 9},
        {"220-a\r\n210 b\r\n", 8},
        {"220-a\r\n520 b\r\n", 7},
        {"220-a\r\n\r\n", 7},
        {"220-a\r\nb\r\n", 7},
        {"220-a\r\n22\r\n", 9},
        {"220-a\r\n220\tb\r\n", 10},
        {"220-a\r\n220-b\r\n250 c\r\n", 15},
        {"550-a\r\n250 b\r\n", 7},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int at = refused_at(cases[i].octets, strlen(cases[i].octets));

        if (at != cases[i].at) {
            print_error("case %u: refused at %d\n", (unsigned)i, at);
        }
        assert_int_equal(at, cases[i].at);
        rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_PROTOCOL);
        assert_int_equal(mote_engine_result(&rig.engine)->code, 0);
        assert_int_equal(mote_engine_result(&rig.engine)->step, MOTE_STEP_GREETING);
        assert_int_equal(rig.rcpts[0].result.cause, MOTE_CAUSE_PROTOCOL);
    }
}

static void test_a_nul_in_place_of_a_digit_or_a_separator(void **state)
{
    assert_int_equal(refused_at("\0"
                                "220 x\r\n",
                                8),
                     0);
    assert_int_equal(refused_at("2\0"
                                "20 x\r\n",
                                8),
                     1);
    assert_int_equal(refused_at("220\0 x\r\n", 8), 3);
}

/* Every code of three digits: 2xx goes on, 3xx is no greeting, 4xx and 5xx refuse; 221 is a 421 (P14). */
static void test_every_code(void **state)
{
    for (unsigned code = 0; code < 1000; code++) {
        char line[16];
        int len = snprintf(line, sizeof line, "%03u x\r\n", code);
        const struct mote_result *result = mote_engine_result(&rig.engine);

        rig_set(&rig);
        rig_begin(&rig);
        rig_hear(&rig, line);
        assert_int_equal(len, 7);
        if (code / 100 == 2 && code != 221) {
            assert_string_equal(rig.out, "EHLO device.example.test\r\n");
            assert_int_equal(rig.engine.reply.code, code);
            assert_int_equal(result->verdict, MOTE_PENDING);
        } else if (code == 221 || (code >= 400 && code < 600)) {
            assert_string_equal(rig.out, "QUIT\r\n");
            assert_int_equal(result->verdict, MOTE_DEFERRED);
            assert_int_equal(result->cause, MOTE_CAUSE_REFUSED);
            assert_int_equal(result->code, code == 221 ? 421 : code);
            assert_int_equal(result->step, MOTE_STEP_GREETING);
        } else {
            assert_int_equal(rig.out_len, 0);
            rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_PROTOCOL);
        }
    }
}

static void test_what_is_a_reply(void **state)
{
    static const struct {
        const char *octets;
        size_t len;
    } cases[] = {
        {"220 hello\r\n", 11},
        {"220\r\n", 5},
        {"220 \r\n", 6},
        {"220\n", 4},
        {"220 hello\n", 10},
        {"220-\r\n220\r\n", 11},
        {"220-\n220 \n", 10},
        {"220-a\r\n220-b\n220-\r\n220 c\r\n", 26},
        {"220 a\0b\r\n", 9},
        {"220 \377\200\33[2J\r\n", 12},
        {"220 a\rb\r\n", 9},
        {"220 221 222\r\n", 13},
        {"220--\r\n220 -\r\n", 14},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        /* nothing is written before the last octet, EHLO behind it; and the same in one piece */
        for (size_t step = 1; step <= cases[i].len; step += cases[i].len - 1) {
            rig_set(&rig);
            rig_begin(&rig);
            for (size_t at = 0; at < cases[i].len; at += step) {
                assert_int_equal(mote_engine_poll(&rig.engine, 0), MOTE_WANT_RECV);
                mote_engine_feed(&rig.engine, cases[i].octets + at, step);
            }
            assert_string_equal(rig_write(&rig), "EHLO device.example.test\r\n");
        }
    }
}

static void test_octets_behind_a_reply_are_unexpected(void **state)
{
    assert_int_equal(refused_at("220 a\r\n2", 8), 7);
    rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_UNEXPECTED);
    assert_int_equal(refused_at("220 a\r\n\n", 8), 7);
    rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_UNEXPECTED);
}

/* ---- Limits ------------------------------------------------------------------------------------------------------ */

/* Lines of the lengths given (CR LF included), the last one final. Returns the length of all. */
static size_t make_reply(char *to, unsigned lines, size_t len, size_t last_len)
{
    char *at = to;

    for (unsigned i = 0; i < lines; i++) {
        bool last = i == lines - 1;
        size_t n = last ? last_len : len;

        memset(at, 'x', n);
        memcpy(at, last ? "220 " : "220-", n < 6 ? 3 : 4);
        memcpy(at + n - 2, "\r\n", 2);
        at += n;
    }
    return (size_t)(at - to);
}

static void test_limits_are_exact(void **state)
{
    static char reply[20000];
    static const struct {
        unsigned lines;
        size_t len, last_len;
        int at; /* refused at this octet */
    } cases[] = {
        {1, 0, 16384, -1},     {1, 0, 16385, 16384}, {2, 8192, 8192, -1},  {2, 16385, 10, 16384},
        {2, 10, 16375, 16384}, {128, 6, 6, -1},      {129, 6, 6, 128 * 6}, {200, 6, 6, 128 * 6},
        {4, 4096, 4096, -1},   {5, 4096, 6, 16384},  {128, 128, 128, -1},  {128, 128, 129, 16384},
        {128, 129, 10, 16384},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = make_reply(reply, cases[i].lines, cases[i].len, cases[i].last_len);

        assert_int_equal(refused_at(reply, len), cases[i].at);
        if (cases[i].at < 0) {
            assert_string_equal(rig_write(&rig), "EHLO device.example.test\r\n");
        } else {
            rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_REPLY_TOO_LONG);
        }
    }
}

/* A line that never ends is refused at octet 16385, whatever it holds. */
static void test_a_line_without_end(void **state)
{
    static const char octets[] = {' ', '\r', 0, '\377', '0'};
    static char line[17000];

    for (size_t i = 0; i < sizeof octets; i++) {
        memset(line, octets[i], sizeof line);
        memcpy(line, "220 ", 4);
        assert_int_equal(refused_at(line, sizeof line), 16384);
        rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_REPLY_TOO_LONG);
    }
}

/* The counters start anew with each reply. */
static void test_limits_are_per_reply(void **state)
{
    static char reply[20000];
    size_t len = make_reply(reply, 4, 4096, 4096);

    rig_set(&rig);
    rig_begin(&rig);
    mote_engine_feed(&rig.engine, reply, len);
    rig_write(&rig);
    for (size_t i = 0; i < len; i++) {
        memcpy(reply + i / 4096 * 4096, "250", 3);
    }
    mote_engine_feed(&rig.engine, reply, len);
    assert_string_equal(rig_write(&rig), "MAIL FROM:<a@example.test>\r\n");
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *octets;
    size_t len;
    const char *text;
} texts[] = {
    {"421 hello there\r\n", 17, "hello there"},
    {"421\r\n", 5, ""},
    {"421 \r\n", 6, ""},
    {"421\n", 4, ""},
    {"421 \n", 5, ""},
    {"421 x\n", 6, "x"},
    {"421-a\r\n421-b\r\n421 c\r\n", 21, "a b c"},
    {"421-a\n421 b\n", 12, "a b"},
    {"421 4.7.0 wait\r\n", 16, "4.7.0 wait"},
    {"421 a\0b\r\n", 9, "ab"},
    {"421 a\33[31mb\7\10\r\n", 15, "a[31mb"},
    {"421 a\177b\r\n", 9, "a?b"},
    {"421 \303\244\r\n", 8, "??"},
    {"421 ~ !\r\n", 9, "~ !"},
    {"421 %s%n\\\r\n", 11, "%s%n\\"},
};

/* In a buffer of every size, the octets behind it untouched. */
static void test_text_is_kept(void **state)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t len = strlen(texts[i].text);

        for (size_t cap = 0; cap < len + 3; cap++) {
            rig_set(&rig);
            memset(rig.text, '#', sizeof rig.text);
            rig.mail.reply_text_cap = (uint16_t)cap;
            rig_begin(&rig);
            mote_engine_feed(&rig.engine, texts[i].octets, texts[i].len);
            assert_int_equal(mote_engine_result(&rig.engine)->code, 421);
            if (cap != 0) {
                size_t kept = len < cap - 1 ? len : cap - 1;

                if (rig.text[kept] != 0 || memcmp(rig.text, texts[i].text, kept) != 0) {
                    print_error("text %u in %u octets\n", (unsigned)i, (unsigned)cap);
                    wrong++;
                }
            }
            for (size_t at = cap; at < sizeof rig.text; at++) {
                assert_int_equal(rig.text[at], '#');
            }
        }
        rig_set(&rig);
        rig.mail.reply_text = NULL;
        rig_begin(&rig);
        mote_engine_feed(&rig.engine, texts[i].octets, texts[i].len);
        assert_int_equal(mote_engine_result(&rig.engine)->code, 421);
    }
    assert_int_equal(wrong, 0);
}

/* Nothing of an earlier, longer reply is left. */
static void test_the_last_reply_counts(void **state)
{
    static const char *const ends[] = {"451 no\r\n", "451\r\n", "451 \r\n", "451\n"};
    static const char *const kept[] = {"no", "", "", ""};

    for (size_t i = 0; i < COUNT(ends); i++) {
        rig_set(&rig);
        rig_begin(&rig);
        rig_hear(&rig, "220 a long and friendly greeting\r\n");
        assert_string_equal(rig.text, "a long and friendly greeting");
        rig_hear(&rig, ends[i]);
        assert_string_equal(rig.text, kept[i]);
        rig_hear(&rig, "221 this is about nothing\r\n");
        assert_string_equal(rig.text, kept[i]);
    }
}

/* A recipient's reply goes to its own buffer, the mail's own replies to the mail's. */
static void test_text_of_recipients(void **state)
{
    char other[8];

    rig_set(&rig);
    rig.rcpts[1].address = "c@example.test";
    rig.rcpts[1].reply_text = other;
    rig.rcpts[1].reply_text_cap = sizeof other;
    rig.rcpts[2].address = "d@example.test";
    rig.mail.rcpt_count = 3;
    rig_open(&rig, "250 relay\r\n");
    rig_hear(&rig, "250 sender fine\r\n");
    rig_hear(&rig, "250-first\r\n250 is fine\r\n");
    rig_hear(&rig, "550 5.1.1 nobody here\r\n");
    rig_hear(&rig, "450 later\r\n");
    assert_string_equal(rig.text, "sender fine");
    assert_string_equal(rig.rcpt_text, "first is fine");
    assert_string_equal(other, "5.1.1 n");
    rig_hear(&rig, "354 go\r\n");
    rig_hear(&rig, "250 2.0.0 queued as 17\r\n");
    assert_string_equal(rig.text, "2.0.0 queued as 17");
    assert_string_equal(rig.rcpt_text, "first is fine");
    rig_hear(&rig, "221 bye\r\n");
    assert_string_equal(rig.text, "2.0.0 queued as 17");
}

/* Of a conversation before, with another relay or about another mail, no words are left, but to a recipient who has its verdict. */
static void test_text_of_before(void **state)
{
    char other[] = "before", none[] = "before";

    rig_set(&rig);
    strcpy(rig.text, "before");
    strcpy(rig.rcpt_text, "before");
    rig.rcpts[1].reply_text = other;
    rig.rcpts[1].reply_text_cap = sizeof other;
    rig.rcpts[1].result.verdict = MOTE_FAILED;
    rig.rcpts[2].address = "d@example.test";
    rig.rcpts[2].reply_text = none; /* there is no room in it */
    rig.mail.rcpt_count = 3;
    rig_begin(&rig);
    rig_hear(&rig, "421 too busy\r\n");
    assert_int_equal(rig.rcpts[0].result.code, 421);
    assert_string_equal(rig.rcpt_text, "");
    assert_string_equal(rig.text, "too busy");
    assert_string_equal(other, "before");
    assert_string_equal(none, "before");
    rig_begin(&rig);
    mote_engine_fail(&rig.engine, MOTE_CAUSE_LOST);
    assert_string_equal(rig.text, "");
}

/* ---- Enhanced status codes (RFC 3463) ---------------------------------------------------------------------------- */

static void test_enhanced_status_codes(void **state)
{
    static const struct {
        const char *reply;
        unsigned subject, detail;
    } cases[] = {
        {"421 4.7.0 x\r\n", 7, 0},
        {"421 4.7.1\r\n", 7, 1},
        {"421 4.7.1\n", 7, 1},
        {"550 5.1.10 x\r\n", 1, 10},
        {"550 5.999.999 x\r\n", 999, 999},
        {"550 5.0.0 x\r\n", 0, 0},
        {"421-4.7.1 a\r\n421 4.7.1 b\r\n", 7, 1},
        {"421-4.1.1 a\r\n421 4.2.2 b\r\n", 2, 2},
        {"421-4.4.4 a\r\n421 4.4.4\r\n", 4, 4},
        /* none */
        {"421 x\r\n", 0, 0},
        {"421\r\n", 0, 0},
        {"421 5.7.1 other class\r\n", 0, 0},
        {"550 2.7.1 other class\r\n", 0, 0},
        {"421 4\r\n", 0, 0},
        {"421 4.7 x\r\n", 0, 0},
        {"421 4.7. x\r\n", 0, 0},
        {"421 4.7.1.2 x\r\n", 0, 0},
        {"421 4.7.1x\r\n", 0, 0},
        {"421 4.7.1: x\r\n", 0, 0},
        {"421 4..1 x\r\n", 0, 0},
        {"421 .7.1 x\r\n", 0, 0},
        {"421 4.1000.1 x\r\n", 0, 0},
        {"421 4.1.1000 x\r\n", 0, 0},
        {"421 4.1.65537 x\r\n", 0, 0},
        {"421 4 .7.1 x\r\n", 0, 0},
        {"421  4.7.1 x\r\n", 0, 0},
        {"421 x 4.7.1 y\r\n", 0, 0},
        {"421 4.-7.1 x\r\n", 0, 0},
        {"421 4,7,1 x\r\n", 0, 0},
        {"421 192.0.2.7 x\r\n", 0, 0},
        {"421 68.7.1 x\r\n", 0, 0},
        {"421 40.7.1 x\r\n", 0, 0},
    };
    unsigned wrong = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct mote_result *result = mote_engine_result(&rig.engine);

        rig_set(&rig);
        rig_begin(&rig);
        rig_hear(&rig, cases[i].reply);
        assert_int_equal(result->cause, MOTE_CAUSE_REFUSED);
        if (result->subject != cases[i].subject || result->detail != cases[i].detail) {
            print_error("%s: %u.%u\n", cases[i].reply, result->subject, result->detail);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* One reply's code is not the next one's. */
static void test_enhanced_status_code_is_forgotten(void **state)
{
    rig_set(&rig);
    rig_open(&rig, "250 relay\r\n");
    rig_hear(&rig, "250 2.1.0 fine\r\n");
    rig_hear(&rig, "550 nobody\r\n");
    assert_int_equal(rig.rcpts[0].result.code, 550);
    assert_int_equal(rig.rcpts[0].result.subject, 0);
    assert_int_equal(rig.rcpts[0].result.detail, 0);
    rig_set(&rig);
    rig_open(&rig, "250 relay\r\n");
    rig_hear(&rig, "250 fine\r\n");
    rig_hear(&rig, "550 5.1.1 nobody\r\n");
    assert_int_equal(rig.rcpts[0].result.subject, 1);
    assert_int_equal(rig.rcpts[0].result.detail, 1);
    assert_int_equal(rig.rcpts[0].result.step, MOTE_STEP_RCPT);
}

/* What the relay said when it decided stays, whatever it says later to the rest of the flight. */
static void test_text_of_the_verdict_stays(void **state)
{
    char text[8] = "go away";
    struct mote_mail mail = {.reply_text = text, .reply_text_cap = sizeof text};
    struct mote_engine e = {.mail = &mail, .awaiting = MOTE_STEP_DATA, .result = {.verdict = MOTE_FAILED}};

    for (const char *c = "354 more\r\n"; *c != 0; c++) {
        mote_reply_octet(&e, (uint8_t)*c);
    }
    assert_string_equal(text, "go away");
    assert_int_equal(e.reply.code, 354);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_the_verdict_stays),
        cmocka_unit_test(test_wrong_octets_are_refused_where_they_stand),
        cmocka_unit_test(test_a_nul_in_place_of_a_digit_or_a_separator),
        cmocka_unit_test(test_every_code),
        cmocka_unit_test(test_what_is_a_reply),
        cmocka_unit_test(test_octets_behind_a_reply_are_unexpected),
        cmocka_unit_test(test_limits_are_exact),
        cmocka_unit_test(test_a_line_without_end),
        cmocka_unit_test(test_limits_are_per_reply),
        cmocka_unit_test(test_text_is_kept),
        cmocka_unit_test(test_the_last_reply_counts),
        cmocka_unit_test(test_text_of_recipients),
        cmocka_unit_test(test_text_of_before),
        cmocka_unit_test(test_enhanced_status_codes),
        cmocka_unit_test(test_enhanced_status_code_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
