/* SPDX-License-Identifier: MIT
 *
 * An outbox on bad storage: every call of it fails, once or from then on; places wear out; it is full of garbage. What
 * was accepted is not lost and not sent twice while the storage can be used at all; a mail that was not accepted does
 * not turn up; nothing is believed.
 */
#include "one.h"
#include "world.h"

#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 5000 };

static struct world before, next;

/* All that was accepted comes to its end; after that a reboot brings nothing back that would be sent again, or was
 * refused. */
static void go_on(void)
{
    w.mails = w.next;
    assert_true(world_go(STEPS));
    world_check_ends();
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_true(world_go(STEPS));
    world_check_ends();
}

static void arm(uint32_t n, bool done, bool for_ever)
{
    w = before;
    w.flash.fail_at = w.flash.calls + n;
    w.flash.fail_done = done;
    w.flash.fail_on = for_ever;
}

/* Each step of a workload, with each of its calls failing. */
static void each_call(void (*with)(uint32_t n))
{
    bool more = true;

    world_set(512, 6, 4, 1, 20);
    world_boot();
    while (more) {
        uint32_t calls = w.flash.calls;

        before = w;
        more = world_step();
        next = w;
        calls = w.flash.calls - calls;
        for (uint32_t n = 1; n <= calls; n++) {
            with(n);
        }
        w = next;
    }
    world_check_ends();
}

static void fail_once(uint32_t n)
{
    for (unsigned done = 0; done < 2; done++) {
        arm(n, done, false);
        world_step();
        go_on();
    }
}

static void call_fails_once(void **state)
{
    each_call(fail_once);
}

static void fail_on(uint32_t n)
{
    arm(n, n % 2 == 0, true);
    w.broken = true;
    world_go(30);
    world_boot(); /* mended */
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_int_equal(w.lost, 0);
    go_on();
}

static void call_fails_for_ever(void **state)
{
    each_call(fail_on);
}

/* Opening fails and says so, or it finds everything. */
static void open_fails(void **state)
{
    static struct world saved;

    world_set(512, 6, 4, 1, 20);
    world_boot();
    for (unsigned steps = 0; steps < 150; steps++) {
        world_step();
        saved = w;
        for (uint32_t n = 1; steps % 10 == 0 && n < 200; n++) {
            w = saved;
            w.flash.fail_at = w.flash.calls + n;
            memset(w.slots, 0, sizeof w.slots);
            w.opened = mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost);
            if (w.opened == MOTE_CAUSE_NONE) {
                world_check(&saved, &saved);
            } else {
                assert_int_equal(w.opened, MOTE_CAUSE_STORAGE);
            }
            world_boot();
            world_check(&saved, &saved);
        }
        w = saved;
    }
}

/* A new storage that fails from some call on is not opened. */
static void first_open_fails(void **state)
{
    for (uint32_t n = 1; n < 100; n++) {
        world_set(512, 6, 4, 1, 20);
        w.flash.fail_at = w.flash.calls + n;
        w.flash.fail_on = true;
        w.opened = mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost);
        assert_int_equal(w.opened, w.outbox.log_seq == 0 ? MOTE_CAUSE_STORAGE : MOTE_CAUSE_NONE);
    }
}

/* A place in the log that does not keep what it is given is passed over; a cell that does not is not used. Only
 * without the head of a log no states are kept. */
static void worn(void **state)
{
    static struct world saved;
    const uint32_t step = FLASH_UNIT_MIN * (one_quick() ? 7u : 1u);

    for (uint32_t at = 0; at < 6 * 512; at += step) {
        unsigned steps = 0;

        world_set(512, 6, 4, 1, 20);
        w.flash.worn_from = at;
        w.flash.worn_to = at + FLASH_UNIT_MIN;
        w.broken = at < 1024 && at % 512 < 16;
        world_boot();
        if (w.opened != MOTE_CAUSE_NONE) {
            assert_true(w.broken);
            continue;
        }
        while (world_step()) {
            assert_true(++steps < STEPS);
            saved = w;
            if (!w.broken && steps % 3 == 0) {
                world_boot();
                world_check(&saved, &saved);
                w = saved;
            }
        }
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        assert_int_equal(w.lost, 0);
        for (unsigned n = 0; n < w.mails; n++) {
            assert_true(w.ledger[n].ended || w.ledger[n].refused);
        }
        for (unsigned i = 0; i < w.setup.slot_count; i++) {
            assert_int_equal(w.slots[i].len, 0);
        }
    }
}

static void garbage(void **state)
{
    for (unsigned seed = 0; seed < 400; seed++) {
        world_set(512, 6, 4, 1, 8);
        w.flash.seed = seed;
        flash_foul(&w.flash);
        for (unsigned i = 0; i < FLASH_SIZE; i++) { /* more or less of it */
            w.flash.octets[i] |= flash_random(&w.flash.seed) % 8 < seed % 8 ? 0xff : 0;
        }
        world_boot();
        world_check(&w, &w);
        assert_true(world_go(STEPS));
        world_check_ends();
    }
}

/* Octets of a good storage are changed: every mail that is still there is there as it was. */
static void damage(void **state)
{
    static struct world saved;

    world_set(512, 6, 4, 1, 40);
    world_boot();
    for (unsigned steps = 0; steps < 300; steps++) {
        world_step();
        saved = w;
        for (unsigned i = 0; i < 10; i++) {
            w = saved;
            w.broken = true;
            w.flash.seed = steps * 10 + i;
            for (unsigned n = 0; n <= i; n++) {
                w.flash.octets[flash_random(&w.flash.seed) % (6 * 512)] ^=
                    (uint8_t)(1u << flash_random(&w.flash.seed) % 8);
            }
            world_boot();
            assert_int_equal(w.opened, MOTE_CAUSE_NONE);
            memset(w.flash.units, 0, sizeof w.flash.units); /* what is spent was changed, too */
            w.mails = w.next;
            assert_true(world_go(STEPS));
        }
        w = saved;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_fails_once),
        cmocka_unit_test(call_fails_for_ever),
        cmocka_unit_test(open_fails),
        cmocka_unit_test(first_open_fails),
        cmocka_unit_test(worn),
        cmocka_unit_test(garbage),
        cmocka_unit_test(damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
