/* SPDX-License-Identifier: MIT
 *
 * What a static program has in place of libc's for numbers, options and errors: it does what this libc does, as far as it goes.
 */
#define _GNU_SOURCE

#include "one.h"

#include <errno.h>
#include <getopt.h>
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
int static_getopt_long(int argc, char *const *argv, const char *letters, const struct option *options, int *index);
char *static_strerror(int error);
#define strtoul     static_strtoul
#define strtoull    static_strtoull
#define getopt_long static_getopt_long
#define strerror    static_strerror
#define optarg      static_optarg
#define optind      static_optind
#define opterr      static_opterr
#define optopt      static_optopt
#include "../../port/static/error.c"
#include "../../port/static/number.c"
#include "../../port/static/options.c"
#undef strtoul
#undef strtoull
#undef getopt_long
#undef strerror
#undef optarg
#undef optind
#undef opterr
#undef optopt

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

/* ---- Options ----------------------------------------------------------------------------------------------------- */

enum { WORDS = 6, PLAIN = 300, VALUED };

static const struct option options[] = {{"relay", required_argument, NULL, VALUED},
                                        {"relay-name", required_argument, NULL, VALUED + 1},
                                        {"raw", no_argument, NULL, PLAIN},
                                        {"help", no_argument, NULL, PLAIN + 9},
                                        {NULL, 0, NULL, 0}};

/* Until an error, as the command reads them: what is behind that is asked of nobody. */
static void same_options(char *const words[WORDS], int count)
{
    char *ours[WORDS + 2] = {NULL}, *theirs[WORDS + 2] = {NULL};
    int option = 0, wanted, index = -1, wanted_index = -1;

    ours[0] = theirs[0] = (char[]){"mailmote"};
    memcpy(ours + 1, words, (size_t)count * sizeof *words);
    memcpy(theirs + 1, words, (size_t)count * sizeof *words);
    count++;
    optind = 0; /* so that libc begins anew */
    static_optind = 1;
    static_optopt = optopt = opterr = 0;
    letters_read = 0;
    while (option != -1 && option != '?' && option != ':') {
        option = static_getopt_long(count, ours, ":vC:a:", options, &index);
        wanted = getopt_long(count, theirs, ":vC:a:", options, &wanted_index);
        assert_int_equal(option, wanted);
        if (option == '?' || option == ':') {
            assert_int_equal(static_optopt, optopt);
        } else {
            assert_int_equal(index, wanted_index);
            assert_ptr_equal(option == -1 ? NULL : static_optarg, option == -1 ? NULL : optarg);
        }
    }
    if (option == -1) {
        assert_int_equal(static_optind, optind);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

/* Each row of up to four of these words. */
static void test_options(void **state)
{
    static char texts[][16] = {"to@x", "-v",         "-Cfile",  "-C",      "-vvC",      "-vxv",  "--",
                               "-",    "--raw",      "--raw=1", "--relay", "--relay=h", "--rel", "--relay-",
                               "--r",  "--relay-n=", "--none",  "",        "-:"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };

    (void)state;
    for (size_t row = 0; row < (size_t)TEXTS * TEXTS * TEXTS * TEXTS; row++) {
        char *words[WORDS] = {texts[row % TEXTS], texts[row / TEXTS % TEXTS], texts[row / TEXTS / TEXTS % TEXTS],
                              texts[row / TEXTS / TEXTS / TEXTS]};

        same_options(words, (int)(row % 4) + 1);
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
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
