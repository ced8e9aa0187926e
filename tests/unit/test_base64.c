/* SPDX-License-Identifier: MIT
 *
 * The command's base64 (RFC 4648 4, 10), which pins and logins are in: without padding.
 */
#include "../../boards/host/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_lengths(void **state)
{
    static const char *const known[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    char to[16];

    (void)state;
    for (size_t len = 0; len < sizeof known / sizeof known[0]; len++) {
        memset(to, 'x', sizeof to);
        assert_int_equal(base64_write(to, "foobar", len), strlen(known[len]));
        assert_memory_equal(to, known[len], strlen(known[len]));
        assert_int_equal(to[strlen(known[len])], 'x');
    }
}

static void test_digits(void **state)
{
    char to[64];
    uint8_t octets[48];

    (void)state;
    for (unsigned i = 0; i < 48; i++) { /* all of 0 to 63, one after the other */
        unsigned bits = (i / 3 * 4) << 18 | (i / 3 * 4 + 1) << 12 | (i / 3 * 4 + 2) << 6 | (i / 3 * 4 + 3);

        octets[i] = (uint8_t)(bits >> (16 - 8 * (i % 3)));
    }
    assert_int_equal(base64_write(to, octets, sizeof octets), 64);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(base64_value(to[i]), i);
    }
    assert_int_equal(base64_value('='), -1);
    assert_int_equal(base64_value(0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lengths), cmocka_unit_test(test_digits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
