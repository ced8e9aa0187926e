/* SPDX-License-Identifier: MIT
 *
 * What a terminal gets of what others wrote: characters that are shown, and \xNN for every octet of all others.
 */
#define _GNU_SOURCE

#include "../../boards/host/complain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t put(char to[5], uint32_t c)
{
    if (c < 0x80) {
        sprintf(to, "%c", (int)c);
    } else if (c < 0x800) {
        sprintf(to, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        sprintf(to, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
    } else {
        sprintf(to, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
                (int)(0x80 | (c & 63)));
    }
    return c == 0 ? 1 : strlen(to);
}

/* At either end of what is not shown, which is: controls, soft hyphens, what has no width or turns the direction, ends of lines, tags. */
static void test_ends(void **state)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };

    for (uint32_t c = 0; c < 0xe0100; c += c == 0x3000 ? 0xd000 - 0x3000 : c == 0xd7ff ? 0xe000 - 0xd7ff : 1) {
        char text[5], out[40], wanted[40] = "";
        size_t len = put(text, c);
        bool shown = true;

        for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
            shown = shown && (c < hidden[i].first || c > hidden[i].last);
        }
        for (size_t i = 0; i < len; i++) {
            sprintf(wanted + strlen(wanted), shown ? "%c" : "\\x%02X", (unsigned char)text[i]);
        }
        assert_int_equal(printable(out, sizeof out, text, len), strlen(wanted));
        assert_string_equal(out, wanted);
    }
}

/* What does not fit is left out, a character and \xNN as a whole; nothing is written behind the room there is. */
static void test_room(void **state)
{
    static const char text[] = "a\xc3\xbc\033z";

    for (size_t cap = 1; cap < 12; cap++) {
        static const char *const made[] = {"",          "a",         "a",         "a\xc3\xbc",
                                           "a\xc3\xbc", "a\xc3\xbc", "a\xc3\xbc", "a\xc3\xbc\\x1B"};
        char out[20];
        size_t len;

        memset(out, '#', sizeof out);
        len = printable(out, cap, text, sizeof text - 1);
        assert_string_equal(out, cap > 8 ? "a\xc3\xbc\\x1Bz" : made[cap - 1]);
        assert_int_equal(len, strlen(out));
        assert_int_equal(out[cap], '#');
    }
}

static const char *told(const char *file, unsigned line, const char *what)
{
    static char text[9000];
    FILE *usual = stderr;

    memset(text, 0, sizeof text);
    stderr = fmemopen(text, sizeof text, "w");
    assert_non_null(stderr);
    complain_about(file, line);
    complain("%s", what);
    complain_about(NULL, 0);
    fclose(stderr);
    stderr = usual;
    return text;
}

/* A complaint is a line of its own, with file and line in front where there is one; the last one is kept as far as there is room. */
static void test_complain(void **state)
{
    static char longest[6001], wanted[7000];

    assert_string_equal(complain_last(), "");
    assert_string_equal(told(NULL, 0, "a\033b\nc"), "mailmote: a\\x1Bb\\x0Ac\n");
    assert_string_equal(complain_last(), "a\033b\nc");
    assert_string_equal(told("/x\033", 7, "a"), "mailmote: /x\\x1B:7: a\n");
    assert_string_equal(complain_last(), "/x\033:7: a");
    assert_string_equal(told("/x", 0, "a"), "mailmote: a\n");
    memset(longest, 'x', sizeof longest - 1);
    snprintf(wanted, sizeof wanted, "mailmote: %.4999s\n", longest);
    assert_string_equal(told(NULL, 0, longest), wanted);
    assert_int_equal(strlen(complain_last()), 600);
    longest[400] = 0;
    snprintf(wanted, sizeof wanted, "mailmote: %.299sa\n", longest);
    assert_string_equal(told(longest, 1, "a"), wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complain),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
