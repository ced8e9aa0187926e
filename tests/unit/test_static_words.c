/* SPDX-License-Identifier: MIT
 *
 * What a static program has in place of libc's for numbers, texts and errors: it does what this libc does, as far as it goes.
 */
#define _GNU_SOURCE

#include "one.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

unsigned long static_strtoul(const char *text, char **end, int base);
unsigned long long static_strtoull(const char *text, char **end, int base);
char *static_strerror(int error);
void *static_memset(void *to, int octet, size_t len);
void *static_memchr(const void *octets, int octet, size_t len);
size_t static_strlen(const char *text);
size_t static_strspn(const char *text, const char *octets);
size_t static_strcspn(const char *text, const char *octets);
char *static_strcpy(char *to, const char *text);
int static_strcasecmp(const char *a, const char *b);
int static_strncasecmp(const char *a, const char *b, size_t len);
#define strtoul     static_strtoul
#define strtoull    static_strtoull
#define strerror    static_strerror
#define memset      static_memset
#define memchr      static_memchr
#define strlen      static_strlen
#define strspn      static_strspn
#define strcspn     static_strcspn
#define strcpy      static_strcpy
#define strcasecmp  static_strcasecmp
#define strncasecmp static_strncasecmp
#define __strchrnul static_strchrnul
#include "../../port/static/error.c"
#include "../../port/static/number.c"
#include "../../port/static/text.c"
#undef strtoul
#undef strtoull
#undef strerror
#undef memset
#undef memchr
#undef strlen
#undef strspn
#undef strcspn
#undef strcpy
#undef strcasecmp
#undef strncasecmp
#undef __strchrnul

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    static const char *const texts[] = {"",
                                        "0",
                                        "7",
                                        "42 ",
                                        " \t\n+42x",
                                        "-1",
                                        "- 1",
                                        "+-1",
                                        "08",
                                        "0x1f",
                                        "0X",
                                        "0xg",
                                        "1f",
                                        "zz",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "-18446744073709551616",
                                        "-18446744073709551615",
                                        "99999999999999999999999",
                                        "\xb2",
                                        "4294967295",
                                        "4294967296",
                                        "/:@[`{"};
    static const int bases[] = {0, 2, 8, 10, 16, 36};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t j = 0; j < sizeof bases / sizeof bases[0]; j++) {
            char *end, *wanted_end;
            int error, base = bases[j];
            unsigned long long number, wanted;

            errno = 0;
            wanted = strtoull(texts[i], &wanted_end, base);
            error = errno;
            errno = 0;
            number = static_strtoull(texts[i], &end, base);
            if (number != wanted || end != wanted_end || errno != error) {
                fail_msg("\"%s\" in base %d: %llu for %llu", texts[i], base, number, wanted);
            }
            assert_true(static_strtoul(texts[i], NULL, base) == strtoul(texts[i], NULL, base));
        }
    }
}

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void test_texts(void **state)
{
    static const char *const texts[] = {"",     "a", "A", "ab", "AB", "b",       "a b",      "\xe4",
                                        "\xc4", "[", "{", "@",  "`",  "to: abc", "TO: abcd", "zZ"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *a = texts[i];
        char copy[16];

        assert_int_equal(static_strlen(a), strlen(a));
        assert_string_equal(static_strcpy(copy, a), a);
        assert_memory_equal(static_memset(copy, 0x141, i), "AAAAAAAAAAAAAAAA", i);
        for (int octet = -1; octet <= 0xff; octet++) {
            assert_ptr_equal(static_memchr(a, octet, strlen(a)), memchr(a, octet, strlen(a)));
            assert_ptr_equal(static_strchrnul(a, octet), strchrnul(a, octet));
        }
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            const char *b = texts[k];

            assert_int_equal(static_strspn(a, b), strspn(a, b));
            assert_int_equal(static_strcspn(a, b), strcspn(a, b));
            assert_int_equal(sign(static_strcasecmp(a, b)), sign(strcasecmp(a, b)));
            for (size_t len = 0; len < 9; len++) {
                assert_int_equal(sign(static_strncasecmp(a, b, len)), sign(strncasecmp(a, b, len)));
            }
        }
    }
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void test_errors(void **state)
{
    static const int told[] = {ERRORS(NUMBER)};
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        assert_string_equal(static_strerror(told[i]), strerror(told[i]));
    }
    for (int error = 4000; error < 4003; error++) {
        snprintf(text, sizeof text, "Unknown error %d", error);
        assert_string_equal(static_strerror(error), text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
