/* SPDX-License-Identifier: MIT
 *
 * A cause in words, for who is at the command line: the whole text, of each kind.
 */
#define _GNU_SOURCE

#include "../../boards/host/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define STEP(of) MOTE_STEP_##of
#define TLS_HINT ": does it want TLS from the first octet (--tls implicit, or tls=implicit)?"
#define DATE     "the relay's certificate is expired or not yet valid"

static time_t now;
static struct dialogue dialogue;
static struct host_rcpt rcpt;
static struct mote_relay relay;

time_t __wrap_time(time_t *at);
time_t __wrap___time64(time_t *at);

time_t __wrap_time(time_t *at)
{
    (void)at;
    return now;
}

time_t __wrap___time64(time_t *at)
{
    (void)at;
    return now;
}

static const char *explained(const struct mote_result *result, uint32_t size, const char *reply)
{
    memset(rcpt.text, 'x', sizeof rcpt.text);
    explain(&rcpt, result, size, &dialogue, reply);
    return rcpt.text;
}

static void test_words(void **state)
{
    static const struct {
        struct mote_result result;
        const char *reply, *event, *text;
    } cases[] = {
        {{.verdict = MOTE_DEFERRED, .cause = MOTE_CAUSE_LOST, .step = STEP(MAIL)},
         "",
         "event",
         "the connection was lost before the reply, at MAIL"},
        {{.verdict = MOTE_FAILED, .cause = MOTE_CAUSE_REFUSED, .step = STEP(RCPT)},
         "550 no",
         "event",
         "refused by the relay, at RCPT: 550 no"},
        {{.verdict = MOTE_IN_DOUBT, .cause = MOTE_CAUSE_TIMEOUT, .step = STEP(END)},
         "",
         "",
         "the mail may have arrived: the relay did not answer in time, at END"},
        {{.verdict = MOTE_IN_DOUBT, .cause = MOTE_CAUSE_REFUSED, .step = STEP(GREETING)},
         "x",
         "",
         "the mail may have arrived: refused by the relay, at GREETING: x"},
        {{.verdict = MOTE_DEFERRED, .cause = MOTE_CAUSE_CONNECT, .step = STEP(CONNECT)},
         "reply",
         "192.0.2.7 port 25: refused",
         "no connection to the relay (192.0.2.7 port 25: refused)"},
        {{.verdict = MOTE_IN_DOUBT, .cause = MOTE_CAUSE_CONNECT, .step = STEP(CONNECT)},
         "",
         "",
         "no connection to the relay"},
        {{.verdict = MOTE_MISUSE, .cause = MOTE_CAUSE_HELO, .step = STEP(EHLO)},
         "reply",
         "",
         "the EHLO name is no host name or address literal"},
        {{.verdict = MOTE_MISUSE, .cause = MOTE_CAUSE_HELO, .step = STEP(EHLO)},
         "reply",
         "e",
         "the EHLO name is no host name or address literal (e)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        strcpy(dialogue.event, cases[i].event);
        assert_string_equal(explained(&cases[i].result, 1, cases[i].reply), cases[i].text);
    }
}

/* Of a relay that was asked, was not told to begin with TLS, and says nothing from the beginning. */
static void test_silent(void **state)
{
    (void)state;
    dialogue.event[0] = 0;
    for (unsigned i = 0; i < 3 * 13 * 128; i++) {
        struct mote_result result = {.verdict = MOTE_DEFERRED};
        unsigned mode = i / 128 / 13;
        bool silent;
        char wanted[400];

        result.cause = (uint8_t)(i % 128);
        result.step = (uint8_t)(i / 128 % 13);
        silent = result.cause == MOTE_CAUSE_TIMEOUT || result.cause == MOTE_CAUSE_DEADLINE;
        if (result.cause == MOTE_CAUSE_CERT_DATE || result.cause == MOTE_CAUSE_NO_TIME ||
            result.cause == MOTE_CAUSE_TOO_BIG) {
            continue;
        }
        relay.tls = mode == 0 ? MOTE_TLS_STARTTLS : MOTE_TLS_IMPLICIT;
        rcpt.relay = mode < 2 ? &relay : NULL;
        snprintf(wanted, sizeof wanted, "%s%s%s%s", mote_cause_name(result.cause),
                 result.step == STEP(CONNECT) ? "" : ", at ",
                 result.step == STEP(CONNECT) ? "" : mote_step_name(result.step),
                 silent && result.step == STEP(GREETING) && mode == 0 ? TLS_HINT : "");
        assert_string_equal(explained(&result, 1, ""), wanted);
    }
}

static void test_size(void **state)
{
    struct mote_result result = {.verdict = MOTE_FAILED, .cause = MOTE_CAUSE_TOO_BIG, .step = STEP(MAIL)};

    (void)state;
    dialogue.size_limit = 0;
    assert_string_equal(explained(&result, 4000000000u, "552 no"),
                        "the mail has 4000000000 octets, more than the relay takes");
    dialogue.size_limit = 1;
    assert_string_equal(explained(&result, 2, "552 no"), "the mail has 2 octets, more than the relay takes: 1");
    dialogue.size_limit = UINT32_MAX;
    assert_string_equal(explained(&result, 0, ""), "the mail has 0 octets, more than the relay takes: 4294967295");
}

/* A clock from before this was made is wrong for certain. */
static void test_date(void **state)
{
    struct mote_result result = {.verdict = MOTE_DEFERRED, .cause = MOTE_CAUSE_CERT_DATE, .step = STEP(HANDSHAKE)};

    (void)state;
    for (int after = -1; after < 2; after++) {
        char date[20], wanted[200];

        now = (time_t)(MOTE_BUILT_S + after);
        strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
        for (int i = 0; i < 2; i++) {
            result.cause = i == 0 ? MOTE_CAUSE_CERT_DATE : MOTE_CAUSE_NO_TIME;
            snprintf(wanted, sizeof wanted, "%s: this system's clock says %s%s", mote_cause_name(result.cause), date,
                     after < 0 ? ": set it" : "");
            assert_string_equal(explained(&result, 1, "reply"), wanted);
        }
    }
    now = 0;
    result.cause = MOTE_CAUSE_CERT_DATE;
    assert_string_equal(explained(&result, 1, ""), DATE ": this system's clock says 1970-01-01: set it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
