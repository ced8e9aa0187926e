/* SPDX-License-Identifier: MIT
 *
 * Command lines, octet by octet as they leave: every step, the options of MAIL, numbers, logins and their base64, lines
 * cut at any place.
 */
#include "rig.h"

#include <stdlib.h>

static struct rig rig;

static const char hello[] = "220 relay\r\n";

/* ---- Each step --------------------------------------------------------------------------------------------------- */

static void test_lock_step(void **state)
{
    rig_set(&rig);
    rig.setup.tls = MOTE_TLS_STARTTLS;
    rig.rcpts[1].address = "\"c.d\"@[192.0.2.7]";
    rig.mail.rcpt_count = 2;
    rig_begin(&rig);
    assert_string_equal(rig_write(&rig), "");
    assert_string_equal(rig_hear(&rig, hello), "EHLO device.example.test\r\n");
    assert_string_equal(rig_hear(&rig, "250-relay\r\n250 STARTTLS\r\n"), "STARTTLS\r\n");
    assert_string_equal(rig_hear(&rig, "220 go\r\n"), "");
    mote_engine_secured(&rig.engine);
    assert_string_equal(rig_write(&rig), "EHLO device.example.test\r\n");
    assert_string_equal(rig_hear(&rig, "250 relay\r\n"), "MAIL FROM:<a@example.test>\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "RCPT TO:<b@example.test>\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "RCPT TO:<\"c.d\"@[192.0.2.7]>\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "DATA\r\n");
    assert_string_equal(rig_hear(&rig, "354 go\r\n"), "Subject: x\r\n\r\nHello\r\n.\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "QUIT\r\n");
    rig_assert_result(&rig, MOTE_DELIVERED, MOTE_CAUSE_NONE);
}

/* PIPELINING: one flight up to DATA, the mail and QUIT in the next. */
static void test_pipelining(void **state)
{
    rig_set(&rig);
    rig.rcpts[1].address = "c@example.test";
    rig.mail.rcpt_count = 2;
    assert_string_equal(
        rig_open(&rig, "250-relay\r\n250 PIPELINING\r\n"),
        "MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nRCPT TO:<c@example.test>\r\nDATA\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
                        "Subject: x\r\n\r\nHello\r\n.\r\nQUIT\r\n");
}

/* CHUNKING too: all of it in one flight. */
static void test_chunking(void **state)
{
    static const char all[] = "MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nBDAT 21 LAST\r\n"
                              "Subject: x\r\n\r\nHello\r\nQUIT\r\n";

    for (size_t cap = 1; cap < sizeof all + 1; cap++) {
        rig_set(&rig);
        rig.cap = cap;
        assert_string_equal(rig_open(&rig, "250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n"), all);
    }
    rig_set(&rig);
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 CHUNKING\r\n"), "MAIL FROM:<a@example.test>\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "RCPT TO:<b@example.test>\r\n");
    assert_string_equal(rig_hear(&rig, "250 ok\r\n"), "BDAT 21 LAST\r\nSubject: x\r\n\r\nHello\r\n");
}

static void test_greetings(void **state)
{
    static const char *const names[] = {"a", "device.example.test", "[192.0.2.7]", "[IPv6:2001:db8::7]"};
    char line[64];

    for (size_t i = 0; i < COUNT(names); i++) {
        rig_set(&rig);
        rig.setup.helo = names[i];
        rig_begin(&rig);
        snprintf(line, sizeof line, "EHLO %s\r\n", names[i]);
        assert_string_equal(rig_hear(&rig, hello), line);
        memcpy(line, "HELO", 4);
        assert_string_equal(rig_hear(&rig, "500 what?\r\n"), line);
        assert_string_equal(rig_hear(&rig, "250 ah\r\n"), "MAIL FROM:<a@example.test>\r\n");
    }
}

/* The options of MAIL: each only when it is both needed and offered. */
static void test_mail(void **state)
{
    static const struct {
        const char *offers, *from, *text, *line;
    } cases[] = {
        {"250 X", "", "x", "MAIL FROM:<>\r\n"},
        {"250 SIZE", "", "x", "MAIL FROM:<> SIZE=3\r\n"},
        {"250-SMTPUTF8\r\n250-8BITMIME\r\n250 SIZE 9", "a@b", "x", "MAIL FROM:<a@b> SIZE=3\r\n"},
        {"250 8BITMIME", "a@b", "\303\244", "MAIL FROM:<a@b> BODY=8BITMIME\r\n"},
        {"250-8BITMIME\r\n250 SIZE", "a@b", "\303\244", "MAIL FROM:<a@b> SIZE=4 BODY=8BITMIME\r\n"},
        {"250 SMTPUTF8", "\303\244@b", "x", "MAIL FROM:<\303\244@b> SMTPUTF8\r\n"},
        {"250-SIZE 0\r\n250-8BITMIME\r\n250 SMTPUTF8", "a@\303\244", "\377",
         "MAIL FROM:<a@\303\244> SIZE=3 BODY=8BITMIME SMTPUTF8\r\n"},
    };
    char reply[200];

    for (size_t i = 0; i < COUNT(cases); i++) {
        rig_set(&rig);
        rig.mail.from = cases[i].from;
        rig_source(&rig, cases[i].text, strlen(cases[i].text));
        snprintf(reply, sizeof reply, "250-relay\r\n%s\r\n", cases[i].offers);
        assert_string_equal(rig_open(&rig, reply), cases[i].line);
    }
}

/* The marks as they stand in strings and as numbers. */
static void test_marks(void **state)
{
    static const char strings[] =
        M_HELO M_FROM M_RCPT M_USER M_SECRET M_SIZE M_SIZE_IF M_8BIT_IF M_UTF8_IF M_NUL M_BASE64 M_WAIT;
    static const char numbers[] = {MARK_HELO,    MARK_FROM,    MARK_RCPT,    MARK_USER, MARK_SECRET, MARK_SIZE,
                                   MARK_SIZE_IF, MARK_8BIT_IF, MARK_UTF8_IF, MARK_NUL,  MARK_BASE64, MARK_WAIT};

    assert_int_equal(sizeof strings, sizeof numbers + 1);
    assert_memory_equal(strings, numbers, sizeof numbers);
}

/* Needed and not offered: another relay may have it (P10). */
static void test_missing_offers(void **state)
{
    rig_set(&rig);
    rig_source(&rig, "\200", 1);
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 SMTPUTF8\r\n"), "QUIT\r\n");
    rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_NO_8BITMIME);
    rig_set(&rig);
    rig.rcpts[0].address = "\303\244@b";
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 8BITMIME\r\n"), "QUIT\r\n");
    rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_NO_SMTPUTF8);
    assert_int_equal(rig.rcpts[0].result.verdict, MOTE_DEFERRED);
}

static void test_numbers(void **state)
{
    static const uint32_t sizes[] = {0,      1,         9,          10,         11,         99,        100,
                                     101010, 999999999, 1000000000, 1000000001, 4294967294, 4294967295};
    char line[64];

    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t cap = 1; cap < 60; cap += 7) {
            rig_set(&rig);
            rig.cap = cap;
            rig.mail.size = sizes[i];
            snprintf(line, sizeof line, "MAIL FROM:<a@example.test> SIZE=%lu\r\n", (unsigned long)sizes[i]);
            assert_string_equal(rig_open(&rig, "250-relay\r\n250-SIZE\r\n250 CHUNKING\r\n"), line);
            rig_hear(&rig, "250 ok\r\n");
            if (sizes[i] == 0) {
                strcpy(line, "DATA\r\n");
            } else {
                snprintf(line, sizeof line, "BDAT %lu LAST\r\n", (unsigned long)sizes[i]);
            }
            mote_engine_feed(&rig.engine, "250 ok\r\n", 8);
            for (size_t at = 0; at < strlen(line); at++) {
                char octet;

                assert_int_equal(mote_engine_pull(&rig.engine, &octet, 1), 1);
                assert_int_equal(octet, line[at]);
            }
        }
    }
}

/* ---- Logins ------------------------------------------------------------------------------------------------------ */

/* RFC 4648, six bits at a time: not how the core does it. */
static char *base64(const char *octets, size_t len, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t bit = 0; bit < len * 8; bit += 6) {
        unsigned value = 0;

        for (size_t b = bit; b < bit + 6; b++) {
            value = value * 2 + (b < len * 8 ? (unsigned)(uint8_t)octets[b / 8] >> (7 - b % 8) & 1 : 0);
        }
        to[n++] = digits[value];
    }
    while (n % 4 != 0) {
        to[n++] = '=';
    }
    to[n] = 0;
    return to;
}

static void test_the_encoder_itself(void **state)
{
    static const char *const known[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char to[16];

    for (size_t i = 0; i < COUNT(known); i++) {
        assert_string_equal(base64(known[i][0], strlen(known[i][0]), to), known[i][1]);
    }
    assert_string_equal(base64("\373\377\276", 3, to), "+/++");
}

/* The octets of a login before encoding. */
static size_t plain(char *to, const char *user, const char *secret)
{
    return (size_t)sprintf(to, "%c%s%c%s", 0, user, 0, secret);
}

static size_t oauthbearer(char *to, const char *user, const char *secret)
{
    return (size_t)sprintf(to, "n,a=%s,\1auth=Bearer %s\1\1", user, secret);
}

static size_t xoauth2(char *to, const char *user, const char *secret)
{
    return (size_t)sprintf(to, "user=%s\1auth=Bearer %s\1\1", user, secret);
}

static const struct {
    const char *name;
    bool token;
    size_t (*octets)(char *to, const char *user, const char *secret);
} mechanisms[] = {{"PLAIN", false, plain}, {"OAUTHBEARER", true, oauthbearer}, {"XOAUTH2", true, xoauth2}};

/* Secrets of every length from none to far over the line's 512 octets, in one step or two; octets of every kind. */
static void test_every_length_of_a_secret(void **state)
{
    static char secret[1025], octets[1200], encoded[1700], line[1800], reply[64];

    for (size_t m = 0; m < COUNT(mechanisms); m++) {
        bool one = false, two = false;

        snprintf(reply, sizeof reply, "250-relay\r\n250 AUTH %s\r\n", mechanisms[m].name);
        for (size_t len = 0; len < sizeof secret; len += len < 420 ? 1 : 101) {
            int line_len;

            for (size_t i = 0; i < len; i++) {
                secret[i] = (char)(' ' + (i * 37 + len) % 224);
            }
            secret[len] = 0;
            base64(octets, mechanisms[m].octets(octets, "user@example.test", secret), encoded);
            line_len = snprintf(line, sizeof line, "AUTH %s %s\r\n", mechanisms[m].name, encoded);
            rig_set(&rig);
            rig.cap = len % 9 + 1;
            rig.setup.login.user = "user@example.test";
            *(mechanisms[m].token ? &rig.setup.login.token : &rig.setup.login.password) = secret;
            if (line_len <= 512) {
                one = true;
                assert_string_equal(rig_open(&rig, reply), line);
            } else {
                two = true;
                snprintf(line, sizeof line, "AUTH %s\r\n", mechanisms[m].name);
                assert_string_equal(rig_open(&rig, reply), line);
                snprintf(line, sizeof line, "%s\r\n", encoded);
                assert_string_equal(rig_hear(&rig, "334 \r\n"), line);
            }
            assert_string_equal(rig_hear(&rig, "235 welcome\r\n"), "MAIL FROM:<a@example.test>\r\n");
        }
        assert_true(one && two);
    }
}

/* Base64 comes in fours and the frame of the line is of odd length: 512 cannot be hit. 509 octets are one line, 513 are two. */
static void test_the_limit_of_a_line(void **state)
{
    static char secret[400];
    size_t len = 496 / 4 * 3 - strlen("\1user\1");

    memset(secret, 'x', len);
    rig_set(&rig);
    rig.setup.login.user = "user";
    rig.setup.login.password = secret;
    rig_open(&rig, "250-relay\r\n250 AUTH PLAIN\r\n");
    assert_int_equal(rig.out_len, 509);
    secret[len] = 'x';
    rig_set(&rig);
    rig.setup.login.user = "user";
    rig.setup.login.password = secret;
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 AUTH PLAIN\r\n"), "AUTH PLAIN\r\n");
    rig_hear(&rig, "334\r\n");
    assert_int_equal(rig.out_len, 500 + 2);
    /* OAUTHBEARER: 19 octets around the base64; 492 + 19 = 511 */
    len = 492 / 4 * 3 - strlen("n,a=user,1auth=Bearer 11");
    secret[len] = 0;
    rig_set(&rig);
    rig.setup.login.user = "user";
    rig.setup.login.token = secret;
    rig_open(&rig, "250-relay\r\n250 AUTH OAUTHBEARER\r\n");
    assert_int_equal(rig.out_len, 511);
    secret[len] = 'x';
    rig_set(&rig);
    rig.setup.login.user = "user";
    rig.setup.login.token = secret;
    assert_string_equal(rig_open(&rig, "250-relay\r\n250 AUTH OAUTHBEARER\r\n"), "AUTH OAUTHBEARER\r\n");
}

static void test_login(void **state)
{
    char secret[101] = "", encoded[140], line[160];

    for (size_t len = 0; len <= 100; len++) {
        for (size_t i = 0; i < len; i++) {
            secret[i] = (char)(255 - (i * 11 + len) % 224);
        }
        secret[len] = 0;
        rig_set(&rig);
        rig.cap = len % 7 + 1;
        rig.setup.login.user = "user";
        rig.setup.login.password = secret;
        assert_string_equal(rig_open(&rig, "250-relay\r\n250 AUTH LOGIN\r\n"), "AUTH LOGIN\r\n");
        assert_string_equal(rig_hear(&rig, "334 VXNlciBOYW1lAA==\r\n"), "dXNlcg==\r\n");
        snprintf(line, sizeof line, "%s\r\n", base64(secret, len, encoded));
        assert_string_equal(rig_hear(&rig, "334 whatever\r\n"), line);
        assert_string_equal(rig_hear(&rig, "235 welcome\r\n"), "MAIL FROM:<a@example.test>\r\n");
        /* the other way round: a user of that length */
        rig_set(&rig);
        rig.setup.login.user = secret;
        rig.setup.login.password = "foobar";
        rig_open(&rig, "250-relay\r\n250 AUTH LOGIN\r\n");
        assert_string_equal(rig_hear(&rig, "334\r\n"), line);
        assert_string_equal(rig_hear(&rig, "334\r\n"), "Zm9vYmFy\r\n");
    }
}

/* The best mechanism that both know, for the kind of secret there is. */
static void test_choice(void **state)
{
    static const struct {
        const char *offer, *with_password, *with_token;
    } cases[] = {
        {"AUTH LOGIN PLAIN", "AUTH PLAIN AHUAcA==\r\n", NULL},
        {"AUTH LOGIN", "AUTH LOGIN\r\n", NULL},
        {"AUTH XOAUTH2 OAUTHBEARER", NULL, "AUTH OAUTHBEARER bixhPXUsAWF1dGg9QmVhcmVyIHABAQ==\r\n"},
        {"AUTH XOAUTH2", NULL, "AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==\r\n"},
        {"AUTH XOAUTH2 LOGIN", "AUTH LOGIN\r\n", "AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==\r\n"},
        {"AUTH CRAM-MD5", NULL, NULL},
        {"AUTH", NULL, NULL},
        {"SIZE", NULL, NULL},
    };
    char reply[100];

    for (size_t i = 0; i < COUNT(cases) * 2; i++) {
        const char *line = i % 2 != 0 ? cases[i / 2].with_token : cases[i / 2].with_password;

        rig_set(&rig);
        rig.setup.login.user = "u";
        *(i % 2 != 0 ? &rig.setup.login.token : &rig.setup.login.password) = "p";
        snprintf(reply, sizeof reply, "250-relay\r\n250 %s\r\n", cases[i / 2].offer);
        assert_string_equal(rig_open(&rig, reply), line != NULL ? line : "QUIT\r\n");
        if (line == NULL) {
            rig_assert_result(&rig, MOTE_DEFERRED, MOTE_CAUSE_LOGIN_NOT_OFFERED);
        }
    }
}

/* Replies that do not fit: never on to MAIL, never a secret again. */
static void test_login_goes_wrong(void **state)
{
    static const struct {
        const char *offer, *replies[4], *last;
        uint8_t cause;
    } cases[] = {
        {"PLAIN", {"334 more\r\n", "501 so be it\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"334 more\r\n", "235 fine\r\n"}, "", MOTE_CAUSE_PROTOCOL},
        {"PLAIN", {"334 more\r\n", "334 more\r\n"}, "", MOTE_CAUSE_PROTOCOL},
        {"PLAIN", {"354 more\r\n", "501 so be it\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"535 5.7.8 no\r\n"}, "QUIT\r\n", MOTE_CAUSE_LOGIN_REFUSED},
        {"PLAIN", {"454 later\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"504 5.5.4 unrecognized\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"530 5.7.0 STARTTLS first\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"538 5.7.11 encrypt\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"534 5.7.9 too weak\r\n"}, "QUIT\r\n", MOTE_CAUSE_LOGIN_REFUSED},
        {"PLAIN", {"525 5.7.13 disabled\r\n"}, "QUIT\r\n", MOTE_CAUSE_LOGIN_REFUSED},
        {"LOGIN", {"334 user\r\n", "334 password\r\n", "501 5.5.2 no base64\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"432 change it\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"334 more\r\n", "454 later\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"PLAIN", {"221 bye\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
        {"LOGIN", {"235 already\r\n"}, "", MOTE_CAUSE_PROTOCOL},
        {"LOGIN", {"334 user\r\n", "235 enough\r\n"}, "", MOTE_CAUSE_PROTOCOL},
        {"LOGIN", {"334 user\r\n", "535 no\r\n"}, "QUIT\r\n", MOTE_CAUSE_LOGIN_REFUSED},
        {"LOGIN", {"334\r\n", "334\r\n", "334 once more\r\n", "501 no\r\n"}, "QUIT\r\n", MOTE_CAUSE_REFUSED},
    };
    char reply[100];

    for (size_t i = 0; i < COUNT(cases); i++) {
        rig_set(&rig);
        rig.setup.login.user = "u";
        rig.setup.login.password = "p";
        snprintf(reply, sizeof reply, "250-relay\r\n250 AUTH %s\r\n", cases[i].offer);
        rig_open(&rig, reply);
        for (size_t r = 0; r < COUNT(cases[i].replies) && cases[i].replies[r] != NULL; r++) {
            rig_hear(&rig, cases[i].replies[r]);
            if (cases[i].cause == MOTE_CAUSE_REFUSED && cases[i].replies[r][0] == '3' &&
                (r == 2 || cases[i].offer[0] == 'P')) {
                assert_string_equal(rig.out, "*\r\n");
            }
        }
        assert_string_equal(rig.out, cases[i].last);
        rig_assert_result(&rig, MOTE_DEFERRED, cases[i].cause);
        assert_int_equal(mote_engine_result(&rig.engine)->step, MOTE_STEP_AUTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock_step),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_chunking),
        cmocka_unit_test(test_greetings),
        cmocka_unit_test(test_mail),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_missing_offers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_the_encoder_itself),
        cmocka_unit_test(test_every_length_of_a_secret),
        cmocka_unit_test(test_the_limit_of_a_line),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_login_goes_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
