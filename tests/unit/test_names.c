/* SPDX-License-Identifier: MIT
 *
 * Causes in words, and with the one word each that small images have room for.
 */
#include "mailmote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MOTE_NAMES_SHORT
#define mote_step_name    short_step_name
#define mote_verdict_name short_verdict_name
#define mote_cause_name   short_cause_name
const char *mote_step_name(uint8_t step);
const char *mote_verdict_name(uint8_t verdict);
const char *mote_cause_name(uint8_t cause);
#include "names.c"
#undef mote_cause_name
#undef mote_step_name
#undef mote_verdict_name

enum { NAMED = 46 };

static void causes(void **state)
{
    unsigned named = 0;

    for (unsigned cause = 0; cause <= UINT8_MAX; cause++) {
        const char *words = mote_cause_name((uint8_t)cause), *word = short_cause_name((uint8_t)cause);

        assert_int_equal(strcmp(words, "?") == 0, strcmp(word, "?") == 0);
        named += strcmp(words, "?") != 0;
        assert_true(strcmp(word, "?") == 0 || strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_8") == strlen(word));
    }
    assert_int_equal(named, NAMED);
    assert_string_equal(mote_cause_name(MOTE_CAUSE_CERT_NAME), "the relay's certificate is for another name");
    assert_string_equal(short_cause_name(MOTE_CAUSE_CERT_NAME), "CERT_NAME");
    assert_string_equal(short_cause_name(MOTE_CAUSE_SETUP), "SETUP");
}

static void steps_and_verdicts(void **state)
{
    assert_string_equal(mote_step_name(MOTE_STEP_GREETING), "GREETING");
    assert_string_equal(mote_step_name(MOTE_STEP_RSET), "RSET");
    assert_string_equal(mote_verdict_name(MOTE_IN_DOUBT), "in doubt");
    assert_string_equal(mote_verdict_name(MOTE_MISUSE), "misuse");
    for (unsigned none = MOTE_STEP_RSET + 1; none <= UINT8_MAX; none++) {
        assert_string_equal(mote_step_name((uint8_t)none), "?");
    }
    for (unsigned none = MOTE_MISUSE + 1; none <= UINT8_MAX; none++) {
        assert_string_equal(mote_verdict_name((uint8_t)none), "?");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(causes), cmocka_unit_test(steps_and_verdicts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
