/* SPDX-License-Identifier: MIT
 *
 * What a static program has in place of libc's: it does what this libc does, as far as it goes.
 */
#define _GNU_SOURCE

#include "one.h"

#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define vfprintf static_vfprintf
#define malloc   static_malloc
#define calloc   static_calloc
#define realloc  static_realloc
#define free     static_free
#define qsort    static_qsort
#define memmem   static_memmem
#define strstr   static_strstr
#define gmtime   static_gmtime
#define gmtime_r static_gmtime_r
#define strftime static_strftime
#define line     password_line
#define getpwnam static_getpwnam
#define getpwuid static_getpwuid
int static_vfprintf(FILE *to, const char *form, va_list given);
void *static_malloc(size_t size);
void *static_calloc(size_t count, size_t size);
void *static_realloc(void *memory, size_t size);
void static_free(void *memory);
void static_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void *static_memmem(const void *text, size_t len, const void *wanted, size_t wanted_len);
char *static_strstr(const char *text, const char *wanted);
struct tm *static_gmtime(const time_t *when);
struct tm *static_gmtime_r(const time_t *when, struct tm *utc);
size_t static_strftime(char *to, size_t cap, const char *form, const struct tm *utc);
struct passwd *static_getpwnam(const char *name);
struct passwd *static_getpwuid(uid_t uid);
#include "../../port/static/memory.c"
#include "../../port/static/password.c"
#include "../../port/static/printf.c"
#include "../../port/static/search.c"
#include "../../port/static/sort.c"
#include "../../port/static/time.c"
#undef vfprintf
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef qsort
#undef memmem
#undef strstr
#undef gmtime
#undef gmtime_r
#undef strftime
#undef getpwnam
#undef getpwuid

/* ---- printf ------------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void same(const char *form, ...)
{
    char ours[400] = "", theirs[400];
    FILE *to = fmemopen(ours, sizeof ours, "w");
    va_list values;
    int len, wanted;

    assert_non_null(to);
    va_start(values, form);
    len = static_vfprintf(to, form, values);
    va_end(values);
    fclose(to);
    va_start(values, form);
    wanted = vsnprintf(theirs, sizeof theirs, form, values);
    va_end(values);
    assert_string_equal(ours, theirs);
    assert_int_equal(len, wanted);
}

static void test_text(void **state)
{
    same("no directive");
    same("100%% of %s", "it");
    same("[%s] [%8s] [%-8s] [%.2s] [%8.2s] [%-8.0s]", "abc", "abc", "abc", "abc", "abc", "abc");
    same("[%.*s] [%*s] [%-*s] [%*s]", 2, "abc", 6, "abc", 6, "abc", -6, "abc");
    same("[%.*s]", -1, "abc");
    same("[%.3s]", (const char[]){'a', 'b', 'c'}); /* no octet behind them is read */
    same("%c%c%3c%-3c|", 'a', 0x7f, 'b', 'c');
    same("%s", "");
}

static void test_numbers(void **state)
{
    static const long long numbers[] = {0,         1,         -1,        9,         10,           255,
                                        INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1234567890123};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        long long n = numbers[i];

        same("%d %i %u %x %X", (int)n, (int)n, (unsigned)n, (unsigned)n, (unsigned)n);
        same("%ld %lu %lx %zu %zx", (long)n, (unsigned long)n, (unsigned long)n, (size_t)n, (size_t)n);
        same("%lld %llu %llX %jd %ju %td", n, (unsigned long long)n, (unsigned long long)n, (intmax_t)n, (uintmax_t)n,
             (ptrdiff_t)n);
        same("[%3d] [%03d] [%-12d] [%012d] [%.4d] [%8.4d] [%-8.4u]", (int)n, (int)n, (int)n, (int)n, (int)n, (int)n,
             (unsigned)n);
        same("%02x %02X %08lx %.0d", (unsigned)n & 255, (unsigned)n & 255, (unsigned long)n & UINT32_MAX, (int)n);
    }
}

static void refused(int unused, ...)
{
    char text[40];
    FILE *to = fmemopen(text, sizeof text, "w");
    va_list values;

    va_start(values, unused);
    assert_int_equal(static_vfprintf(to, "%f", values), -1);
    assert_int_equal(static_vfprintf(to, "trailing %", values), -1);
    va_end(values);
    fclose(to);
}

/* What it does not know, and what cannot be written, is no success. */
static void test_refused(void **state)
{
    refused(0, 1.0);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

enum { BLOCKS = 200, ROUNDS = 20000 };

static unsigned seed = 1;

static unsigned roll(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return seed / 65536 % below;
}

/* Mostly small, some of several pages, some with pages of their own. */
static size_t roll_size(void)
{
    unsigned kind = roll(100);

    return kind < 80 ? roll(200) : kind < 98 ? roll(20000) : roll(400000);
}

static void check_octets(const unsigned char *octets, size_t len, unsigned mark)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(octets[i], (unsigned char)(mark + i));
    }
}

static void fill(unsigned char *octets, size_t len, unsigned mark)
{
    for (size_t i = 0; i < len; i++) {
        octets[i] = (unsigned char)(mark + i);
    }
}

/* Blocks that come, grow and go: none touches another, each is aligned, and in the end all is one again. */
static void test_memory(void **state)
{
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    size_t pieces = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = roll(BLOCKS);
        size_t size = roll_size();

        if (blocks[i] != NULL && roll(2) == 0) {
            check_octets(blocks[i], sizes[i], i);
            static_free(blocks[i]);
            blocks[i] = NULL;
            continue;
        }
        if (blocks[i] == NULL) {
            sizes[i] = 0;
        }
        blocks[i] = static_realloc(blocks[i], size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        check_octets(blocks[i], sizes[i] < size ? sizes[i] : size, i);
        sizes[i] = size;
        fill(blocks[i], size, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        static_free(blocks[i]);
    }
    for (const struct block *at = free_list; at != NULL; at = at->u.next) {
        assert_true(at->u.next == NULL || (const char *)at + at->size < (const char *)at->u.next);
        pieces++;
    }
    assert_in_range(pieces, 1, 40); /* one for each time the pages ran out, at most */
}

static void test_no_memory(void **state)
{
    errno = 0;
    assert_null(static_malloc(SIZE_MAX));
    assert_int_equal(errno, ENOMEM);
    assert_null(static_malloc(PTRDIFF_MAX));
    assert_null(static_calloc(SIZE_MAX / 2, 4));
    assert_null(static_calloc(4, SIZE_MAX / 2));
    static_free(NULL);
}

static void test_zeros(void **state)
{
    unsigned char *dirty = static_malloc(100), *clean;

    memset(dirty, 0xff, 100);
    static_free(dirty);
    clean = static_calloc(10, 10);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(clean[i], 0);
    }
    static_free(clean);
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

struct item {
    int key;
    char more[5];
};

static int by_key(const void *a, const void *b)
{
    const struct item *one = a, *other = b;

    return (one->key > other->key) - (one->key < other->key);
}

static void test_sort(void **state)
{
    static struct item items[300], wanted[300];

    for (size_t count = 0; count < 300; count++) {
        for (size_t i = 0; i < count; i++) {
            items[i] = (struct item){(int)roll(100), ""};
        }
        memcpy(wanted, items, sizeof items);
        static_qsort(items, count, sizeof *items, by_key);
        qsort(wanted, count, sizeof *wanted, by_key);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(items[i].key, wanted[i].key);
        }
    }
}

static void test_search(void **state)
{
    static const char *const texts[] = {"", "a", "aab", "ababc", "xxabcabc"}, *const wanted[] = {"", "a", "ab", "abc",
                                                                                                 "b"};

    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < 5; j++) {
            assert_ptr_equal(static_strstr(texts[i], wanted[j]), strstr(texts[i], wanted[j]));
            assert_ptr_equal(static_memmem(texts[i], strlen(texts[i]), wanted[j], strlen(wanted[j])),
                             memmem(texts[i], strlen(texts[i]), wanted[j], strlen(wanted[j])));
        }
    }
}

static void check_time(time_t when)
{
    struct tm ours, theirs;
    char text[64], wanted[64];

    assert_ptr_equal(static_gmtime_r(&when, &ours), &ours);
    gmtime_r(&when, &theirs);
    static_strftime(text, sizeof text, "%a %b %e, %d %m %Y %H:%M:%S", &ours);
    strftime(wanted, sizeof wanted, "%a %b %e, %d %m %Y %H:%M:%S", &theirs);
    assert_string_equal(text, wanted);
}

static void test_dates(void **state)
{
    enum { DAY = 86400, DAYS = 400 * 366 };

    for (int day = -DAYS; day < DAYS; day += one_quick() ? 11 : 1) {
        if (sizeof(time_t) > 4 || (day > -24000 && day < 24000)) {
            check_time((time_t)day * DAY);
            check_time((time_t)day * DAY + DAY - 1);
        }
    }
    check_time(951782400 + 3661); /* 2000-02-29 01:01:01 */
}

static void test_dates_cut(void **state)
{
    const time_t when = 0;
    char text[12] = "";

    assert_int_equal(static_strftime(text, 11, "%Y-%j", gmtime(&when)), 0); /* no such letter */
    assert_int_equal(static_strftime(text, 11, "%Y-%d-%H", gmtime(&when)), 10);
    assert_int_equal(static_strftime(text, 10, "%Y-%d-%H", gmtime(&when)), 0);
    assert_int_equal(static_strftime(text, 9, "%Y-%d-%H", gmtime(&when)), 0);
}

static void test_entries(void **state)
{
    char text[] = "a:x:7:8:Ann:/home/a:\nb:x:9\n";
    FILE *file = fmemopen(text, sizeof text - 1, "r");
    struct passwd entry;

    (void)state;
    assert_non_null(file);
    assert_true(read_entry(file, &entry));
    assert_string_equal(entry.pw_name, "a");
    assert_string_equal(entry.pw_dir, "/home/a");
    assert_string_equal(entry.pw_shell, ""); /* the usual one */
    assert_true(read_entry(file, &entry));
    assert_null(entry.pw_shell); /* it is cut short */
    assert_false(read_entry(file, &entry));
    fclose(file);
}

/* libc's own is not asked: it cannot answer where this program is linked statically. */
static void test_passwords(void **state)
{
    const struct passwd *root = static_getpwnam("root"), *one;

    assert_non_null(root);
    assert_string_equal(root->pw_name, "root");
    assert_int_equal(root->pw_uid, 0);
    assert_int_equal(root->pw_gid, 0);
    assert_string_equal(root->pw_dir, "/root");
    assert_true(root->pw_shell[0] == '/' && strpbrk(root->pw_shell, ":\n") == NULL);
    one = static_getpwuid(0);
    assert_non_null(one);
    assert_int_equal(one->pw_uid, 0);
    assert_null(static_getpwnam("nobody of this name"));
    assert_null(static_getpwnam(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_numbers),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_memory),    cmocka_unit_test(test_no_memory), cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_sort),      cmocka_unit_test(test_search),    cmocka_unit_test(test_dates),
        cmocka_unit_test(test_dates_cut), cmocka_unit_test(test_passwords), cmocka_unit_test(test_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
