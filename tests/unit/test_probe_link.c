/* SPDX-License-Identifier: MIT
 *
 * What `mailmote probe' reads in a ServerHello: has the relay granted short records?
 */
#include "mailmote_session.h"
#include "../../boards/host/probe_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_granted), cmocka_unit_test(test_cut)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
