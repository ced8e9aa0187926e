/* SPDX-License-Identifier: MIT
 *
 * The boards' part of <string.h> beside this machine's: at all lengths, places and overlaps that make a difference to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void *octets_memmove(void *to, const void *from, size_t len);
void *octets_memcpy(void *to, const void *from, size_t len);
void *octets_memset(void *to, int octet, size_t len);
int octets_memcmp(const void *a, const void *b, size_t len);
size_t octets_strlen(const char *text);
int octets_strncmp(const char *a, const char *b, size_t len);

#define memmove octets_memmove
#define memcpy  octets_memcpy
#define memset  octets_memset
#define memcmp  octets_memcmp
#define strlen  octets_strlen
#define strncmp octets_strncmp
#include "../../boards/bare-metal/octets.c"
#undef memmove
#undef memcpy
#undef memset
#undef memcmp
#undef strlen
#undef strncmp

enum { LEN = 20, ROOM = 2 * LEN };

static void fill(unsigned char *octets)
{
    for (unsigned i = 0; i < ROOM; i++) {
        octets[i] = (unsigned char)(i * 37 + 1);
    }
}

static void moves(void **state)
{
    unsigned char ours[ROOM], theirs[ROOM];

    for (size_t to = 0; to < LEN; to++) {
        for (size_t from = 0; from < LEN; from++) {
            for (size_t len = 0; len <= LEN; len++) {
                fill(ours);
                fill(theirs);
                assert_ptr_equal(octets_memmove(ours + to, ours + from, len), ours + to);
                memmove(theirs + to, theirs + from, len);
                assert_memory_equal(ours, theirs, ROOM);
            }
        }
    }
    fill(theirs);
    memset(ours, 0, sizeof ours);
    assert_ptr_equal(octets_memcpy(ours, theirs, ROOM), ours);
    assert_memory_equal(ours, theirs, ROOM);
}

static void sets(void **state)
{
    unsigned char ours[ROOM], theirs[ROOM];

    for (size_t to = 0; to < LEN; to++) {
        for (size_t len = 0; len <= LEN; len++) {
            fill(ours);
            fill(theirs);
            assert_ptr_equal(octets_memset(ours + to, 0x1a5, len), ours + to);
            memset(theirs + to, 0x1a5, len);
            assert_memory_equal(ours, theirs, ROOM);
        }
    }
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void compares(void **state)
{
    static const char *const texts[] = {"",      "a",   "ab",           "abc",          "abd",
                                        "a\200", "a\1", "abcabcabcabc", "abcabcabcabd", "b"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };

    for (unsigned i = 0; i < TEXTS; i++) {
        assert_int_equal(octets_strlen(texts[i]), strlen(texts[i]));
        for (unsigned j = 0; j < TEXTS; j++) {
            size_t shorter = strlen(texts[i]) < strlen(texts[j]) ? strlen(texts[i]) : strlen(texts[j]);

            for (size_t len = 0; len < LEN; len++) {
                assert_int_equal(sign(octets_strncmp(texts[i], texts[j], len)), sign(strncmp(texts[i], texts[j], len)));
            }
            for (size_t len = 0; len <= shorter + 1; len++) {
                assert_int_equal(sign(octets_memcmp(texts[i], texts[j], len)), sign(memcmp(texts[i], texts[j], len)));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moves), cmocka_unit_test(sets), cmocka_unit_test(compares)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
