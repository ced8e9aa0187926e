/* SPDX-License-Identifier: MIT
 *
 * What a program may give to an attempt of the POSIX port: relays without a host, names that are none, a trace that takes
 * nothing. Nobody is connected to but a port of this host where nobody listens.
 */
#include "mailmote_posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char told[2000];

static void keep(void *ctx, char who, uint8_t step, const char *octets, size_t len)
{
    assert_true(strlen(told) + len + 2 < sizeof told);
    strncat(told, octets, len);
    strcat(told, "\n");
}

static size_t read_line(void *ctx, size_t offset, void *buf, size_t cap)
{
    memcpy(buf, &"\r\n"[offset], offset < 2 ? 1 : 0);
    return offset < 2 ? 1 : 0;
}

/* The last relay's result. */
static struct mote_result attempt(struct mote_relay *relays, uint8_t count, const char *helo, uint16_t limit_s,
                                  const struct mote_trace *trace)
{
    struct mote_rcpt rcpt = {.address = "b@example.org"};
    struct mote_mail mail = {.from = "a@example.org", .rcpts = &rcpt, .rcpt_count = 1, .read = read_line};
    struct mote_posix_attempt attempt = {.relays = relays, .relay_count = count, .helo = helo, .trace = trace};

    for (uint8_t i = 0; i < count; i++) {
        mote_trust_opportunistic(&relays[i].trust, NULL);
    }
    attempt.mail = &mail;
    attempt.limit_s = limit_s;
    told[0] = 0;
    return mote_posix_attempt(&attempt);
}

static void test_no_host(void **state)
{
    struct mote_relay relays[] = {{.host = NULL}, {.host = ""}, {.host = "::1", .port = 1}};
    struct mote_trace trace = {.octets = keep};

    for (uint8_t i = 0; i < 2; i++) {
        struct mote_result result = attempt(relays + i, 1, "mote.example.org", 0, &trace);

        assert_int_equal(result.verdict, MOTE_DEFERRED);
        assert_int_equal(result.cause, MOTE_CAUSE_LOOKUP);
        assert_string_equal(told, "");
    }
    assert_int_equal(attempt(relays, 3, "mote.example.org", 0, &trace).verdict, MOTE_DEFERRED);
    assert_ptr_equal(strstr(told, "relay :25\nrelay :25\nrelay [::1]:1\n"), told);
}

static void test_names(void **state)
{
    static char lengthy[400];
    struct mote_relay relay = {.host = "127.0.0.1", .port = 1};
    const char *names[] = {"", "two words", lengthy};

    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[3] = '.';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct mote_result result = attempt(&relay, 1, names[i], 0, NULL);

        assert_int_equal(result.verdict, MOTE_MISUSE);
        assert_int_equal(result.cause, MOTE_CAUSE_HELO);
    }
}

/* A trace without a function, and a limit beyond the one that holds anyway. */
static void test_nothing_is_said(void **state)
{
    struct mote_relay relay = {.host = "127.0.0.1", .port = 1};
    struct mote_trace trace = {.octets = NULL};

    assert_int_equal(attempt(&relay, 1, "mote.example.org", UINT16_MAX, &trace).cause, MOTE_CAUSE_CONNECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_host),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nothing_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
