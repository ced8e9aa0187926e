/* SPDX-License-Identifier: MIT
 *
 * The power goes at every write and every erase of an outbox at work, each of them torn in several ways, and once more
 * soon after. What was accepted is there, once, in its last state or the one before; what has ended does not come back;
 * nothing torn is believed.
 */
#include "world.h"

#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TEARS = 12, STEPS = 5000 };

static struct world before, next, after, last;

/* A mail that was being talked about is in doubt: it may come once more. */
static void power_is_gone(void)
{
    if (w.outbox.slot != NULL) {
        for (unsigned n = 0; n < WORLD_MAILS; n++) {
            if (memcmp(w.ledger[n].record.id, w.outbox.slot->record.id, 8) == 0) {
                w.ledger[n].doubts++;
            }
        }
    }
}

/* False when the power went in the middle of it. In a function of its own, because of what longjmp does to local
 * variables. */
static bool survives(void (*work)(void))
{
    if (setjmp(flash_power) != 0) {
        power_is_gone();
        return false;
    }
    work();
    return true;
}

static void one_step(void)
{
    world_step();
}

static void all_steps(void)
{
    unsigned steps = STEPS;

    do {
        last = w;
    } while (world_step() && --steps != 0);
}

/* Does the step again; the power goes in its write number n. */
static void cut(uint32_t n, uint32_t seed)
{
    w.flash.cut_at = w.flash.writes + n;
    w.flash.seed = seed;
    assert_false(survives(one_step));
    world_boot();
}

/* And once more, n writes later, if there are so many. */
static void cut_again(uint32_t n, uint32_t seed)
{
    static struct world torn;

    w.flash.cut_at = w.flash.writes + n;
    w.flash.seed = seed;
    if (survives(all_steps)) {
        return;
    }
    torn = w;
    w = last; /* the same step without a cut, to know what it should have come to */
    w.flash.cut_at = 0;
    world_step();
    after = w;
    w = torn;
    world_boot();
    world_check(&last, &after);
}

/* Does the step again, and a call of the storage fails before the power goes: no worse than without the cut. */
static void cut_after_fault(uint32_t n, uint32_t seed)
{
    static struct world faulty;
    uint32_t calls = next.flash.calls - before.flash.calls, writes;

    w = before;
    w.flash.fail_at = w.flash.calls + 1 + n % calls;
    w.flash.fail_done = n / calls % 2 != 0;
    world_step();
    faulty = w;
    writes = w.flash.writes - before.flash.writes;
    w = before;
    w.flash.fail_at = faulty.flash.fail_at;
    w.flash.fail_done = faulty.flash.fail_done;
    cut(1 + seed % writes, seed);
    world_check(&before, &faulty);
}

struct storage {
    uint16_t program_size;
    bool ecc;
    uint16_t block_size, blocks;
    uint8_t slots, cell_blocks;
};

/* The power goes in each write of a step, each time in several ways. */
static void cut_step(uint32_t writes, unsigned tears, uint32_t *cuts)
{
    for (uint32_t i = 0; i < writes * tears; i++) {
        uint32_t seed = *cuts * 2654435761u;

        w = before;
        cut(1 + i / tears, seed);
        world_check(&before, &next);
        w.mails = w.next;
        for (uint32_t again = *cuts % 5; again != 0; again--) {
            cut_again(1 + (*cuts / 5 + again * 7) % 29, seed + again);
        }
        if (*cuts % 2 == 0) {
            assert_true(world_go(STEPS));
            world_check_ends();
        }
        if (*cuts % 3 == 0) {
            cut_after_fault(*cuts / 3, seed);
        }
        ++*cuts;
    }
}

static void workload(const struct storage *s, unsigned mails, unsigned tears)
{
    bool more = true;
    uint32_t cuts = 0;

    world_set(s->block_size, s->blocks, s->slots, s->cell_blocks, mails);
    w.flash.storage.program_size = s->program_size;
    w.flash.ecc = s->ecc;
    world_boot();
    while (more) {
        before = w;
        more = world_step();
        next = w;
        cut_step(next.flash.writes - before.flash.writes, tears, &cuts);
        w = next;
    }
    world_check_ends();
    for (unsigned i = 0; i < s->blocks; i++) {
        assert_true(w.flash.erases[i] >= 3);
    }
    print_message("units of %u: %u cuts\n", s->program_size, cuts);
}

static void one_block_each(void **state)
{
    workload(&(struct storage){8, false, 512, 6, 4, 1}, 24, TEARS);
}

static void two_blocks_each(void **state)
{
    workload(&(struct storage){8, true, 240, 6, 2, 2}, 24, TEARS);
}

/* Units of every size; those that were cut read as errors. */
static void units(void **state)
{
    static const struct storage storages[] = {
        {16, true, 512, 6, 4, 1},   {32, true, 512, 5, 3, 1},   {64, true, 512, 5, 3, 1},
        {128, true, 1024, 6, 4, 1}, {256, true, 1024, 4, 2, 1}, {256, false, 512, 4, 1, 2},
    };

    for (unsigned i = 0; i < sizeof storages / sizeof *storages; i++) {
        workload(&storages[i], 20, 4);
    }
}

static void open(void)
{
    mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost);
}

/* The first time ever, on a flash that holds anything. */
static void first_open(void **state)
{
    for (unsigned i = 0; i < 200; i++) {
        world_set(512, 6, 4, 1, 3);
        w.flash.seed = i;
        if (i % 2 == 0) {
            flash_foul(&w.flash);
        }
        w.flash.cut_at = 1 + i / 2 % 2;
        assert_false(survives(open));
        world_boot();
        world_check(&w, &w);
        assert_true(world_go(STEPS));
        world_check_ends();
    }
}

static void post(void)
{
    world_post(0);
}

static void tidy(void)
{
    do {
        mote_outbox_poll(&w.outbox, 0, 0);
    } while (w.outbox.tidying);
}

/* The power goes in a post, and then while its cell is erased again: the cell is not taken for the erased one it was. */
static void erase_behind_a_post(void **state)
{
    for (uint32_t i = 0; i < 200; i++) {
        world_set(512, 3, 1, 1, 1);
        world_boot();
        tidy();
        w.flash.cut_at = w.flash.writes + 3;
        assert_false(survives(post));
        world_boot();
        w.flash.seed = i;
        w.flash.cut_at = w.flash.writes + 1 + i % 2;
        survives(tidy);
        world_boot();
        assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_open), cmocka_unit_test(one_block_each),      cmocka_unit_test(two_blocks_each),
        cmocka_unit_test(units),      cmocka_unit_test(erase_behind_a_post),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
