/* SPDX-License-Identifier: MIT
 *
 * What `mailmote probe' reads in a ServerHello: has the relay granted short records?
 */
#include "mailmote_session.h"
#include "../../boards/host/probe.h"
#include "../../boards/host/probe_link.h"
#include "../../port/posix/posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

struct octets {
    const char *at;
    size_t len;
};

/* Behind head, version and random, 38 octets that nobody looks at but the first. */
static bool granted(unsigned char type, struct octets rest)
{
    static struct link link;

    memset(&link, 0, sizeof link);
    link.hello[0] = type;
    memcpy(link.hello + 38, rest.at, rest.len);
    link.hello_len = 38 + rest.len;
    return link_granted(&link);
}

static void test_granted(void **state)
{
    static const struct {
        struct octets rest; /* a session's ID, suite and compression, and extensions */
        bool granted;
    } cases[] = {
        {OCTETS("\0\xc0\x2b\0\0\5\0\1\0\1\1"), true},
        {OCTETS("\2id\xc0\x2b\0\0\5\0\1\0\1\1"), true},
        {OCTETS("\0\xc0\x2b\0\0\12\xff\1\0\1\0\0\1\0\1\1"), true},
        {OCTETS("\0\xc0\x2b\0\0\12\0\1\0\1\1\xff\1\0\1\0"), true},
        {OCTETS("\0\xc0\x2b\0\0\5\xff\1\0\1\0"), false},           /* another one */
        {OCTETS("\0\xc0\x2b\0\0\0"), false},                       /* none */
        {OCTETS("\0\xc0\x2b\0"), false},                           /* not even their length */
        {OCTETS("\0\xc0\x2b\0\0\12\xff\1\0\1\0"), false},          /* one that has not come */
        {OCTETS("\0\xc0\x2b\0\0\5\xff\1\0\1\0\0\1\0\1\1"), false}, /* behind their end */
        {OCTETS("\0\xc0\x2b\0\0\5\xff\1\xff\xff\0\0\1\0\1\1"), false},
        {OCTETS("\xff\xc0\x2b\0\0\5\0\1\0\1\1"), false},
        {OCTETS(""), false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(granted(2, cases[i].rest), cases[i].granted);
        assert_false(granted(1, cases[i].rest)); /* it is no ServerHello */
    }
}

/* Nothing is read behind the end of what is cut, whatever was there before. What the extension holds is not asked. */
static void test_cut(void **state)
{
    static const char rest[] = "\2id\xc0\x2b\0\0\5\0\1\0\1\1";
    static struct link link;

    link.hello[0] = 2;
    memcpy(link.hello + 38, rest, sizeof rest - 1);
    for (link.hello_len = 0; link.hello_len <= 38 + sizeof rest - 1; link.hello_len++) {
        assert_int_equal(link_granted(&link), link.hello_len >= 38 + sizeof rest - 2);
    }
}

static void test_logins(void **state)
{
    static const struct {
        const char *offers, *logins;
    } cases[] = {
        {"", ""},
        {"SIZE\nAUTH PLAIN LOGIN\nAUTH=PLAIN LOGIN\n", "PLAIN LOGIN"},
        {"AUTH=LOGIN\nAUTH PLAIN\nauth login plain\nAUTH X\n", "LOGIN PLAIN X"},
        {"AUTH  PLAIN  X \nAUTH\nAUTH=\nAUTH \n", "PLAIN X"},
        {"AUTHX PLAIN\nXAUTH PLAIN\nAUT\n", ""},
        {"AUTH PLAINX\nAUTH PLAIN XPLAIN PLAIN X\n", "PLAINX PLAIN XPLAIN X"},
    };
    char logins[PROBE_TEXT], offers[2 * PROBE_TEXT], wanted[PROBE_TEXT + 2];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        probe_logins(logins, cases[i].offers);
        assert_string_equal(logins, cases[i].logins);
    }
    for (int len = PROBE_TEXT - 4; len < PROBE_TEXT + 2; len++) { /* what has no room is left out */
        snprintf(offers, sizeof offers, "AUTH %0*d Y\n", len, 0);
        snprintf(wanted, sizeof wanted, len + 2 < PROBE_TEXT ? "%0*d Y" : len < PROBE_TEXT ? "%0*d" : "Y", len, 0);
        probe_logins(logins, offers);
        assert_string_equal(logins, wanted);
    }
}

/* What it said before is not taken for an answer that does not come: it hangs up before it is asked, or when it is. */
static void test_no_answer(void **state)
{
    for (int hears = 0; hears < 2; hears++) {
        static struct link link;
        int pair[2];

        memset(&link, 0, sizeof link);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        link.fd = pair[0];
        link.start_ms = mote_posix_now_ms();
        link.limit_ms = 10000;
        assert_int_equal(write(pair[1], "250-a\r\n250 b\r\n", 14), 14);
        assert_int_equal(link_reply(&link), 250);
        assert_string_equal(link.reply, "250-a\r\n250 b\r\n");
        assert_int_equal(link.reply_len, 14);
        assert_int_equal(shutdown(pair[1], hears != 0 ? SHUT_WR : SHUT_RDWR), 0);
        assert_int_equal(link_ask(&link, "STARTTLS\r\n"), 0);
        assert_string_equal(link.reply, "");
        assert_int_equal(link.reply_len, 0);
        close(pair[0]);
        close(pair[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granted),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
