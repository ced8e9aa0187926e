/* SPDX-License-Identifier: MIT
 *
 * What the firmwares have in place of a library's larger code: moving octets, and division where the processor has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define memmove small_memmove
#define memcpy  small_memcpy
#define memset  small_memset
void *memmove(void *to, const void *from, size_t len);
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int octet, size_t len);
#include "bare-metal/octets.c"
#undef memmove
#undef memcpy
#undef memset
#include "microbit/divide.c"

enum { AREA = 24 };

static void fill(uint8_t area[AREA])
{
    for (unsigned i = 0; i < AREA; i++) {
        area[i] = (uint8_t)(i * 7 + 1);
    }
}

/* Every overlap, both ways, and nothing beside it is touched. */
static void octets(void **state)
{
    uint8_t ours[AREA], theirs[AREA];

    for (unsigned i = 0; i < AREA * AREA * AREA; i++) {
        unsigned to = i % AREA, from = i / AREA % AREA, len = i / AREA / AREA;

        if (to + len > AREA || from + len > AREA) {
            continue;
        }
        fill(ours);
        fill(theirs);
        assert_ptr_equal(small_memmove(ours + to, ours + from, len), ours + to);
        memmove(theirs + to, theirs + from, len);
        assert_memory_equal(ours, theirs, AREA);
        assert_ptr_equal(small_memset(ours + to, 0x1a5, len), ours + to);
        memset(theirs + to, 0x1a5, len);
        assert_memory_equal(ours, theirs, AREA);
    }
    fill(theirs);
    assert_ptr_equal(small_memcpy(ours, theirs, AREA), ours);
    assert_memory_equal(ours, theirs, AREA);
}

static const uint32_t numbers[] = {
    1, 2, 3, 5, 10, 15, 16, 1000, 65535, 675128, 719528000, 2147483647, 2147483648, 2147483649, 4294967294, 4294967295};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static void division(void **state)
{
    for (unsigned i = 0; i < NUMBERS * NUMBERS; i++) {
        uint32_t n = numbers[i / NUMBERS], by = numbers[i % NUMBERS];
        int64_t s = (int32_t)n, sby = (int32_t)by;

        assert_int_equal(__aeabi_uidiv(n, by), n / by);
        assert_int_equal(__aeabi_uidivmod(n, by), (uint64_t)(n % by) << 32 | n / by);
        assert_int_equal(__aeabi_idiv((int32_t)n, (int32_t)by), (int32_t)(uint32_t)(s / sby));
        assert_int_equal(__aeabi_idivmod((int32_t)n, (int32_t)by),
                         (uint64_t)(uint32_t)(s % sby) << 32 | (uint32_t)(s / sby));
    }
    assert_int_equal(__aeabi_uidivmod(0, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(octets), cmocka_unit_test(division)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
