/* SPDX-License-Identifier: MIT
 *
 * port/flash_template.c, filled in with the flash of flash.h, which begins somewhere in a larger chip: mails live through failures and
 * power cuts in it, and nothing outside its region is touched. For a driver of yours, write chip_...() of your own here.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { FLASH_REGION = 0x8000, FLASH_BLOCK = 512, FLASH_BLOCKS = 6, FLASH_UNIT = 8, CUTS = 400 };

static bool asked; /* the chip was */

static uint32_t in_region(uint32_t address, size_t len)
{
    asked = true;
    assert_true(address >= FLASH_REGION && address - FLASH_REGION + len <= FLASH_BLOCK * FLASH_BLOCKS);
    return address - FLASH_REGION;
}

static bool chip_read(uint32_t address, void *octets, size_t len)
{
    return w.flash.storage.read(&w.flash, in_region(address, len), octets, len);
}

static bool chip_program(uint32_t address, const void *octets)
{
    return w.flash.storage.program(&w.flash, in_region(address, FLASH_UNIT), octets, FLASH_UNIT);
}

static bool chip_erase(uint32_t address)
{
    uint32_t at = in_region(address, FLASH_BLOCK);

    assert_int_equal(at % FLASH_BLOCK, 0);
    return w.flash.storage.erase(&w.flash, at / FLASH_BLOCK);
}

#define FLASH_CHIP
#include "../../port/flash_template.c"

static void set_world(void)
{
    world_set(FLASH_BLOCK, FLASH_BLOCKS, 4, 1, 20);
    w.setup.storage = &flash;
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
}

static void mails_come_to_their_ends(void **state)
{
    set_world();
    assert_true(world_go(5000));
    world_check_ends();
}

/* The power goes in each program and each erase. */
static void power_cuts(void **state)
{
    static volatile uint32_t cut;

    for (cut = 1; cut < CUTS; cut++) {
        set_world();
        w.flash.ecc = true;
        w.flash.seed = cut;
        w.flash.cut_at = w.flash.writes + cut;
        if (setjmp(flash_power) == 0) {
            world_go(5000);
        } else {
            flash_boot(&w.flash);
            world_boot();
            assert_int_equal(w.opened, MOTE_CAUSE_NONE);
            w.broken = true; /* what the cut call said is unknown here: test_outbox_power.c looks at that */
            assert_true(world_go(5000));
        }
    }
}

/* Each call fails once: what it says comes through. */
static void failures(void **state)
{
    uint8_t unit[FLASH_UNIT];

    set_world();
    for (unsigned way = 0; way < 3; way++) {
        w.flash.fail_at = w.flash.calls + 1;
        assert_false(way == 0   ? flash.read(flash.ctx, 0, unit, FLASH_UNIT)
                     : way == 1 ? flash.program(flash.ctx, 5 * FLASH_BLOCK, memset(unit, 1, FLASH_UNIT), FLASH_UNIT)
                                : flash.erase(flash.ctx, 5));
    }
    flash_spoil(&w.flash, 3 * FLASH_BLOCK);
    assert_false(flash.read(flash.ctx, 3 * FLASH_BLOCK, unit, 1));
    assert_true(flash.read(flash.ctx, 3 * FLASH_BLOCK + FLASH_UNIT, unit, 1));
}

/* The chip is not asked. */
static void outside(void **state)
{
    uint8_t octets[2 * FLASH_UNIT] = {0};

    set_world();
    asked = false;
    assert_false(flash.read(flash.ctx, FLASH_BLOCK * FLASH_BLOCKS, octets, 1));
    assert_false(flash.read(flash.ctx, FLASH_BLOCK * FLASH_BLOCKS - 1, octets, 2));
    assert_false(flash.read(flash.ctx, UINT32_MAX, octets, 2));
    assert_false(flash.read(flash.ctx, 1, octets, SIZE_MAX));
    assert_false(flash.program(flash.ctx, FLASH_BLOCK * FLASH_BLOCKS, octets, FLASH_UNIT));
    assert_false(flash.program(flash.ctx, 1, octets, FLASH_UNIT));
    assert_false(flash.program(flash.ctx, 0, octets, 2 * FLASH_UNIT));
    assert_false(flash.erase(flash.ctx, FLASH_BLOCKS));
    assert_false(asked);
    assert_true(flash.read(flash.ctx, FLASH_BLOCK * FLASH_BLOCKS - 1, octets, 1));
    assert_true(asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_come_to_their_ends),
        cmocka_unit_test(power_cuts),
        cmocka_unit_test(failures),
        cmocka_unit_test(outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
