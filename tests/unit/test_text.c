/* SPDX-License-Identifier: MIT
 *
 * The text of the mail on its way out: what is mended, for DATA and BDAT, in pulls and reads of every size; and readers
 * that do not give what was measured, of which nothing may leave that could be taken for a whole mail.
 */
#include "rig.h"

#include <stdlib.h>

static struct rig rig;

/* ---- Mending ----------------------------------------------------------------------------------------------------- */

#define TEXT(s) s, sizeof(s) - 1
#define A10     "aaaaaaaaaa"
#define A90     A10 A10 A10 A10 A10 A10 A10 A10 A10
#define A96     A90 "aaaaaa"
#define A100    A90 A10
#define A900    A100 A100 A100 A100 A100 A100 A100 A100 A100
#define A997    A900 A96 "a"
#define A998    A997 "a"

static const struct {
    const char *in;
    size_t in_len;
    const char *wire; /* by BDAT; DATA stuffs dots and ends it */
} cases[] = {
    {TEXT(""), ""},
    {TEXT("a"), "a\r\n"},
    {TEXT("a\n"), "a\r\n"},
    {TEXT("a\r"), "a\r\n"},
    {TEXT("a\r\n"), "a\r\n"},
    {TEXT("\n"), "\r\n"},
    {TEXT("\r"), "\r\n"},
    {TEXT("\r\n"), "\r\n"},
    {TEXT("\n\n"), "\r\n\r\n"},
    {TEXT("\r\r"), "\r\n\r\n"},
    {TEXT("\n\r"), "\r\n\r\n"},
    {TEXT("\r\r\n"), "\r\n\r\n"},
    {TEXT("\r\n\n"), "\r\n\r\n"},
    {TEXT("\r\n\r"), "\r\n\r\n"},
    {TEXT("\r\n\r\n"), "\r\n\r\n"},
    {TEXT("\n\r\n"), "\r\n\r\n"},
    {TEXT("a\nb"), "a\r\nb\r\n"},
    {TEXT("a\rb"), "a\r\nb\r\n"},
    {TEXT("a\r\nb\r\n"), "a\r\nb\r\n"},
    {TEXT("a\n\rb\n"), "a\r\n\r\nb\r\n"},
    {TEXT("Subject: x\n\nHello\n"), "Subject: x\r\n\r\nHello\r\n"},
    {TEXT("."), ".\r\n"},
    {TEXT(".."), "..\r\n"},
    {TEXT("...\n"), "...\r\n"},
    {TEXT(".\n"), ".\r\n"},
    {TEXT(".\r\n.\r\n"), ".\r\n.\r\n"},
    {TEXT(".a\n.b\n..c\n"), ".a\r\n.b\r\n..c\r\n"},
    {TEXT("a.\n.\n"), "a.\r\n.\r\n"},
    {TEXT("a\n.\nb\n"), "a\r\n.\r\nb\r\n"},
    {TEXT("a\r.\rb\r"), "a\r\n.\r\nb\r\n"},
    {TEXT("a\n.\r\nQUIT\n"), "a\r\n.\r\nQUIT\r\n"},
    {TEXT("a\r.\nMAIL FROM:<x>\n"), "a\r\n.\r\nMAIL FROM:<x>\r\n"},
    {TEXT("a\r\n.\rDATA\r"), "a\r\n.\r\nDATA\r\n"},
    {TEXT("\n.\n.\n"), "\r\n.\r\n.\r\n"},
    {TEXT("a \t \n \t"), "a \t \r\n \t\r\n"},
    {TEXT("\1\2\3\t\177\33"), "\1\2\3\t\177\33\r\n"},
    {TEXT("\303\244\377\200\n"), "\303\244\377\200\r\n"},
    {TEXT(A997 "\n"), A997 "\r\n"},
    {TEXT(A998), A998 "\r\n"},
    {TEXT(A998 "\n"), A998 "\r\n"},
    {TEXT(A998 "\r\n"), A998 "\r\n"},
    {TEXT(A998 "b"), A998 "\r\n b\r\n"},
    {TEXT(A998 "b\n"), A998 "\r\n b\r\n"},
    {TEXT(A998 ".\n"), A998 "\r\n .\r\n"},
    {TEXT(A998 A997), A998 "\r\n " A997 "\r\n"},
    {TEXT(A998 A998), A998 "\r\n " A997 "\r\n a\r\n"},
    {TEXT(A998 A998 "\n.\n"), A998 "\r\n " A997 "\r\n a\r\n.\r\n"},
    {TEXT(A998 A997 "\n" A998 "\n"), A998 "\r\n " A997 "\r\n" A998 "\r\n"},
    {TEXT(A998 A998 A998), A998 "\r\n " A997 "\r\n " A997 "\r\n aa\r\n"},
    {TEXT("." A997), "." A997 "\r\n"},
    {TEXT("." A998), "." A997 "\r\n a\r\n"},
    {TEXT(".\n" A998 "." A997), ".\r\n" A998 "\r\n ." A900 A96 "\r\n a\r\n"},
};

/* The same text as DATA carries it. */
static const char *stuffed(const char *wire)
{
    static char to[8000];
    size_t n = 0;

    for (size_t i = 0; wire[i] != 0; i++) {
        if (wire[i] == '.' && (i == 0 || wire[i - 1] == '\n')) {
            to[n++] = '.';
        }
        to[n++] = wire[i];
    }
    memcpy(to + n, ".\r\n", 4);
    return to;
}

static void send(size_t i, size_t cap, size_t step, bool bdat)
{
    rig_set(&rig);
    rig.cap = cap;
    rig.source_step = step;
    rig_source(&rig, cases[i].in, cases[i].in_len);
    assert_int_equal(rig.mail.size, strlen(cases[i].wire));
    rig_open(&rig, bdat ? "250-relay\r\n250-8BITMIME\r\n250 CHUNKING\r\n" : "250-relay\r\n250 8BITMIME\r\n");
    rig_hear(&rig, "250 ok\r\n");
    rig_hear(&rig, "250 ok\r\n");
    if (bdat && rig.mail.size != 0) {
        char *line_end = strchr(rig.out, '\n');

        assert_non_null(line_end);
        assert_string_equal(line_end + 1, cases[i].wire);
    } else {
        assert_string_equal(rig.out, "DATA\r\n");
        assert_string_equal(rig_hear(&rig, "354 go\r\n"), stuffed(cases[i].wire));
    }
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "QUIT\r\n");
    rig_assert_result(&rig, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

static void test_mending(void **state)
{
    static const size_t caps[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 64, 333, 998, 1000, 1004, 4096, 16384};
    static const size_t steps[] = {0, 1, 2, 3, 63, 64, 500};

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t c = 0; c < COUNT(caps); c++) {
            send(i, caps[c], 0, c % 2 != 0);
            send(i, caps[c], steps[c % COUNT(steps)], c % 2 == 0);
        }
    }
}

/* Every text of up to five octets over the alphabet that matters, against the rule put another way. */
static void test_every_short_text(void **state)
{
    static const char alphabet[] = {'a', '.', '\r', '\n'};

    for (unsigned number = 0; number < 4 * 4 * 4 * 4 * 4; number++) {
        char text[6] = "", wire[32] = "", expected[48] = "";
        size_t n = 0;
        bool open = false;

        for (unsigned i = 0, rest = number; i < 5; i++, rest /= 4) {
            text[i] = alphabet[rest % 4];
        }
        for (size_t i = 0; i < 5; i++) {
            bool pair = text[i] == '\n' && i != 0 && text[i - 1] == '\r';

            if (text[i] == '\r' || (text[i] == '\n' && !pair)) {
                n += (size_t)sprintf(wire + n, "\r\n");
                open = false;
            } else if (!pair) {
                wire[n++] = text[i];
                open = true;
            }
        }
        strcpy(wire + n, open ? "\r\n" : "");
        strcpy(expected, stuffed(wire));
        rig_set(&rig);
        rig.cap = number % 11 + 1;
        rig.source_step = number % 3;
        rig_source(&rig, text, 5);
        assert_int_equal(rig.mail.size, strlen(wire));
        rig_open(&rig, "250 relay\r\n");
        rig_hear(&rig, "250 ok\r\n");
        rig_hear(&rig, "250 ok\r\n");
        assert_string_equal(rig_hear(&rig, "354 go\r\n"), expected);
    }
}

static void test_measuring(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        uint8_t cause, needs;
    } texts[] = {
        {TEXT(""), MOTE_CAUSE_NONE, 0},
        {TEXT("a\177\t\1\n"), MOTE_CAUSE_NONE, 0},
        {TEXT("a\200"), MOTE_CAUSE_NONE, MOTE_NEEDS_8BITMIME},
        {TEXT("\377"), MOTE_CAUSE_NONE, MOTE_NEEDS_8BITMIME},
        {TEXT("\0"), MOTE_CAUSE_TEXT, 0},
        {TEXT("a\0b"), MOTE_CAUSE_TEXT, 0},
        {TEXT("\303\244\n\0"), MOTE_CAUSE_TEXT, MOTE_NEEDS_8BITMIME},
        {TEXT(A998 A998 "\0"), MOTE_CAUSE_TEXT, 0},
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        rig_set(&rig);
        rig.source = texts[i].in;
        rig.source_len = texts[i].len;
        rig.mail.needs = MOTE_NEEDS_SMTPUTF8;
        assert_int_equal(mote_mail_measure(&rig.mail), texts[i].cause);
        assert_int_equal(rig.mail.needs & ~MOTE_AS_READ,
                         texts[i].needs | (texts[i].cause != MOTE_CAUSE_NONE ? MOTE_UNSENDABLE : 0));
    }
}

/* ---- Readers that misbehave -------------------------------------------------------------------------------------- */

/* A reader that gives one text while it is measured and another when it is sent, and lies about lengths. */
struct liar {
    const char *measured, *sent;
    size_t sent_len;
    bool sending;
    size_t claim_at, claim; /* from this offset on it claims to have written that much */
    size_t calls;
};

static size_t lie(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct liar *liar = ctx;
    const char *text = liar->sending ? liar->sent : liar->measured;
    size_t len = liar->sending ? liar->sent_len : strlen(text);

    liar->calls++;
    if (liar->sending && liar->claim != 0 && offset >= liar->claim_at) {
        return liar->claim == 1 ? cap + 1 : liar->claim;
    }
    if (offset >= len) {
        return 0;
    }
    len -= offset;
    len = len < cap ? len : cap;
    if (liar->claim_at > offset && len > liar->claim_at - offset) {
        len = liar->claim_at - offset;
    }
    memcpy(buf, text + offset, len);
    return len;
}

static unsigned wrong;

/* Sends it; an empty text goes by DATA. The mail must fail, and what left must not be a whole one. */
static void assert_nothing_whole(struct liar *liar, size_t cap, bool bdat)
{
    uint8_t verdict = MOTE_MISUSE, cause = MOTE_CAUSE_TEXT;
    const char *text;
    size_t measured;

    rig_set(&rig);
    liar->sending = false;
    liar->calls = 0;
    rig.cap = cap;
    rig.mail.read = lie;
    rig.mail.ctx = liar;
    assert_int_equal(mote_mail_measure(&rig.mail), MOTE_CAUSE_NONE);
    measured = rig.mail.size;
    bdat = bdat && measured != 0;
    liar->sending = true;
    rig_open(&rig, bdat ? "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n" : "250-relay\r\n250 PIPELINING\r\n");
    text = strstr(rig.out, "LAST\r\n");
    text = text != NULL ? text + 6 : rig.out;
    if (!bdat) {
        text = rig_hear(&rig, "250 ok\r\n250 ok\r\n354 go\r\n");
    }
    if (!rig_done(&rig)) {
        wrong++;
        return;
    }
    if (liar->claim == MOTE_READ_FAILED) { /* no lie: it cannot be read now, and perhaps later */
        verdict = MOTE_DEFERRED;
        cause = MOTE_CAUSE_STORAGE;
    }
    rig_assert_result(&rig, verdict, cause);
    assert_int_equal(rig.rcpts[0].result.verdict, verdict);
    assert_int_equal(rig.rcpts[0].result.cause, cause);
    assert_true(liar->calls < 20000);
    if (bdat) {
        assert_true((size_t)(rig.out + rig.out_len - text) < measured);
    } else {
        size_t len = rig.out_len;

        assert_true(len < 3 || memcmp(text, ".\r\n", 3) != 0);
        for (size_t i = 0; i + 5 <= len; i++) {
            assert_int_not_equal(memcmp(text + i, "\r\n.\r\n", 5), 0);
        }
    }
    /* nothing more is written or read */
    measured = liar->calls;
    assert_int_equal(mote_engine_pull(&rig.engine, rig.out, 100), 0);
    assert_int_equal(liar->calls, measured);
}

/* By DATA and by BDAT, in pulls of every size. False when the engine does not notice. */
static bool all_ways(struct liar liar)
{
    static const size_t caps[] = {1, 2, 3, 4, 5, 7, 8, 16, 64, 1000};

    wrong = 0;
    for (size_t i = 0; i < COUNT(caps); i++) {
        assert_nothing_whole(&liar, caps[i], false);
        assert_nothing_whole(&liar, caps[i], true);
    }
    return wrong == 0;
}

static void test_another_size(void **state)
{
    static const struct {
        const char *measured, *sent;
    } texts[] = {
        {"a\n", "ab\n"},
        {"ab\n", "a\n"},
        {"a\nb\n", "a\n"},
        {"a\n", "a\nb\n"},
        {"a\n", ""},
        {"", "a\n"},
        {"", "\n"},
        {"a\n", "\n"},
        {"a\nb", "ab"},
        {"ab", "a\nb"},
        {"aaaa", "a\r\r\ra"},
        {".\n", "..\n"},
        {"..\n", ".\n"},
        {"a\n.\n", "a\n"},
        {"a\n", "a\n."},
        {"a\n", "a\n.\n.\n"},
        {A998, A998 "b"},
        {A998 "b", A998},
        {A998 "bb", A998 "b"},
        {"a\r\n", "a\r\n\n"},
        {"a\n", "a\r\n\r\n"},
        {"a", "aaaaaaaaaaaaaa"},
        {"aaaaaaaaaaaaaa", "a"},
        {"a\n\n", "a\n"},
    };

    unsigned unnoticed = 0;

    for (size_t i = 0; i < COUNT(texts); i++) {
        if (!all_ways((struct liar){
                .measured = texts[i].measured, .sent = texts[i].sent, .sent_len = strlen(texts[i].sent)})) {
            print_error("pair %u: sent all the same\n", (unsigned)i);
            unnoticed++;
        }
    }
    assert_int_equal(unnoticed, 0);
}

/* What was measured goes as it is read, and what is read now has that size only when it is mended: nothing is written over
 * octets that were not looked at. What leaves is right, or no mail. */
static void test_mended_to_the_same_size(void **state)
{
    static const struct {
        const char *sent, *wire;
    } texts[] = {
        {"aaaa\nbbbb\r\n", "aaaa\r\nbbbb\r\n"},       {"aaaa\rxbbb\r\n", "aaaa\r\nxbbb\r\n"},
        {"aaaa\r\nbbbb", "aaaa\r\nbbbb\r\n"},         {"\n\n\n\n\n\n", "\r\n\r\n\r\n\r\n\r\n\r\n"},
        {"\rab\rab\rab\r", "\r\nab\r\nab\r\nab\r\n"}, {"aaaaaaaaa\n\n", "aaaaaaaaa\r\n\r\n"},
    };
    unsigned refused = 0;

    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t cap = 1; cap < 40; cap++) {
            size_t len = strlen(texts[i].wire);
            char measured[20];
            struct liar liar = {.measured = measured, .sent = texts[i].sent, .sent_len = strlen(texts[i].sent)};
            const char *text;

            snprintf(measured, sizeof measured, "%.*s\r\n", (int)len - 2, "abcdefghijklmnop");
            rig_set(&rig);
            rig.cap = cap;
            rig.mail.read = lie;
            rig.mail.ctx = &liar;
            assert_int_equal(mote_mail_measure(&rig.mail), MOTE_CAUSE_NONE);
            assert_int_equal(rig.mail.needs, MOTE_AS_READ);
            liar.sending = true;
            rig_open(&rig, "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
            text = strstr(rig.out, "LAST\r\n");
            if (rig_done(&rig)) {
                rig_assert_result(&rig, MOTE_MISUSE, MOTE_CAUSE_TEXT);
                assert_true(text == NULL || (size_t)(rig.out + rig.out_len - text - 6) < len);
                refused++;
            } else {
                assert_memory_equal(text + 6, texts[i].wire, len);
            }
        }
    }
    assert_true(refused > 0);
}

/* No dot is stuffed in a text that goes as it is read: one at the beginning of a line is not such a text. */
static void test_as_read(void **state)
{
    static const struct {
        const char *text;
        bool as_read;
    } texts[] = {{"a\r\nb.\r\n", true}, {"", true},          {"a\r\n.b\r\n", false},
                 {".\r\n", false},      {"a\r\nb", false},   {"a\nb\r\n", false},
                 {"a\rb\r\n", false},   {A998 "\r\n", true}, {A998 "a\r\n", false},
                 {"\303\244\r\n", true}};

    for (size_t i = 0; i < COUNT(texts); i++) {
        rig_set(&rig);
        rig_source(&rig, texts[i].text, strlen(texts[i].text));
        assert_int_equal(mote_mail_measure(&rig.mail), MOTE_CAUSE_NONE);
        assert_int_equal((rig.mail.needs & MOTE_AS_READ) != 0, texts[i].as_read);
    }
}

/* The right size and octets that were not announced. */
static void test_other_octets(void **state)
{
    static const struct {
        const char *measured, *sent;
        size_t len;
    } texts[] = {
        {"abc\n", "ab\0\n", 4},   {"abc\n", "\0bc\n", 4},   {"abc\n", "abc\0", 4}, {"abc", "ab\0", 3},
        {"abc\n", "a\200c\n", 4}, {"abc\n", "\377bc\n", 4}, {"abc", "ab\303", 3},  {A998 "b", A998 "\200", 999},
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_true(
            all_ways((struct liar){.measured = texts[i].measured, .sent = texts[i].sent, .sent_len = texts[i].len}));
    }
}

/* Measured with a NUL, and sent all the same. */
static void test_a_nul_is_never_sent(void **state)
{
    rig_set(&rig);
    rig_source(&rig, "a\0b\n", 4);
    rig_open(&rig, "250 relay\r\n");
    rig_hear(&rig, "250 ok\r\n");
    rig_hear(&rig, "250 ok\r\n");
    rig_hear(&rig, "354 go\r\n");
    rig_assert_result(&rig, MOTE_MISUSE, MOTE_CAUSE_TEXT);
    assert_null(memchr(rig.out, 0, rig.out_len));
}

/* A reader that says it wrote more than it was given room for: at once, in the middle, where the end should be. */
static void test_more_than_its_room(void **state)
{
    static const size_t claims[] = {1, 1000000, SIZE_MAX, SIZE_MAX / 2};

    unsigned unnoticed = 0;

    for (size_t i = 0; i < COUNT(claims); i++) {
        for (size_t at = 0; at <= 6; at++) {
            unnoticed += !all_ways((struct liar){
                .measured = "abc\nd\n", .sent = "abc\nd\n", .sent_len = 6, .claim_at = at, .claim = claims[i]});
        }
    }
    assert_int_equal(unnoticed, 0);
}

/* And while it is measured: what it gave before is still known. */
static void test_measuring_more_than_its_room(void **state)
{
    struct liar liar = {.sent = "\303\244", .sent_len = 2, .claim_at = 2, .claim = 1, .sending = true};

    rig_set(&rig);
    rig.mail.read = lie;
    rig.mail.ctx = &liar;
    assert_int_equal(mote_mail_measure(&rig.mail), MOTE_CAUSE_TEXT);
    assert_int_equal(rig.mail.needs & ~MOTE_AS_READ, MOTE_NEEDS_8BITMIME | MOTE_UNSENDABLE);
}

/* ---- The end of the mail waits ----------------------------------------------------------------------------------- */

/* Up to the question whether it may leave. */
static void go_to_commit(const char *offers)
{
    static const char *const replies[] = {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"};

    rig_set(&rig);
    rig_source(&rig, "Subject: x\r\n\r\ny\r\n", 17);
    rig.setup.hold = true;
    rig_open(&rig, offers);
    for (size_t i = 0; (mote_engine_poll(&rig.engine, 0) & MOTE_WANT_COMMIT) == 0; i++) {
        assert_true(i < COUNT(replies));
        rig_hear(&rig, replies[i]);
    }
}

/* Until mote_engine_commit() nothing leaves, however often it is asked for; and asking gains no time. */
static void test_nothing_leaves_before_the_commit(void **state)
{
    static const char *const offers[] = {"250 relay\r\n", "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n"};

    for (size_t i = 0; i < 2 * COUNT(offers); i++) {
        char octets[100];
        uint32_t now_ms = 0;

        go_to_commit(offers[i / 2]);
        for (; now_ms < MOTE_TEXT_S * 1000; now_ms += 1000) {
            assert_int_equal(mote_engine_pull(&rig.engine, octets, sizeof octets), 0);
            assert_int_equal(mote_engine_poll(&rig.engine, now_ms) & (MOTE_WANT_SEND | MOTE_WANT_COMMIT | MOTE_DONE),
                             MOTE_WANT_COMMIT);
        }
        if (i % 2 == 0) {
            mote_engine_commit(&rig.engine);
            assert_string_equal(rig_write(&rig), i == 0 ? ".\r\n" : "\r\nQUIT\r\n");
        } else {
            assert_int_equal(mote_engine_poll(&rig.engine, now_ms), MOTE_DONE);
            rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_TIMEOUT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mending),
        cmocka_unit_test(test_every_short_text),
        cmocka_unit_test(test_measuring),
        cmocka_unit_test(test_another_size),
        cmocka_unit_test(test_mended_to_the_same_size),
        cmocka_unit_test(test_as_read),
        cmocka_unit_test(test_other_octets),
        cmocka_unit_test(test_a_nul_is_never_sent),
        cmocka_unit_test(test_more_than_its_room),
        cmocka_unit_test(test_measuring_more_than_its_room),
        cmocka_unit_test(test_nothing_leaves_before_the_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
