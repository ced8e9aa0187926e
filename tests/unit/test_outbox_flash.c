/* SPDX-License-Identifier: MIT
 *
 * The outbox and what flash does: units that read as errors, octets that read as others, blocks that wear out, erases that take
 * their time, wear; and the stored format itself. Whatever one unit does costs only what is in it.
 */
#include "record.h"
#include "storage.h"
#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LOG_END = 2 * 512, DAY = 86400 };

/* As an outbox may have been for some time: mails of several ages, a free cell. */
static void set_used(uint16_t program_size, unsigned steps)
{
    world_set(program_size > 64 ? 9u * program_size : 512, 5, 3, 1, WORLD_MAILS);
    w.flash.storage.program_size = program_size;
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    while (steps-- != 0) {
        assert_true(world_step());
    }
}

/* Mails in slots, a bit each. */
static unsigned mails_there(void)
{
    unsigned there = 0;

    for (unsigned i = 0; i < w.setup.slot_count; i++) {
        there |= w.slots[i].len != 0 ? 1u << i : 0;
    }
    return there;
}

/* ---- Units that cannot be read ----------------------------------------------------------------------------------- */

/* Any unit: the outbox opens, the mails are there but for the one it is of, new ones are taken, all come to their ends. */
static void any_unit(void **state)
{
    static const uint16_t sizes[] = {8, 16, 32, 64, 128, 256};
    static struct world saved;

    for (unsigned n = 0; n < 6 * 12; n++) {
        uint32_t unit = sizes[n % 6], block;

        set_used((uint16_t)unit, 20 + n * 5);
        saved = w;
        block = w.flash.storage.block_size;
        for (uint32_t at = 0; at < 5 * block; at += unit) {
            unsigned slot = at < 2 * block ? 8 : at / block - 2, there;

            w = saved;
            there = mails_there();
            flash_spoil(&w.flash, at);
            world_boot();
            assert_int_equal(w.opened, MOTE_CAUSE_NONE);
            assert_int_equal(there & ~mails_there() & ~(1u << slot), 0);
            assert_true(slot == 8 || (mails_there() & ~there) == 0); /* else one may be back: its end is unreadable */
            if (slot == 8 || at % block >= w.outbox.head_len || saved.slots[slot].record.attempts != 0) {
                assert_int_equal(w.lost, (there & ~mails_there()) != 0);
            }                /* else nobody knows whether its post had come to its end */
            w.broken = true; /* a state may be lost, and a mail come once more */
            if (at % 3 == 0) {
                world_post(w.next++);
                world_finish();
                assert_int_equal(mails_there(), 0);
            }
        }
    }
}

/* The free cells and the log are full of them: there is room for a mail in each cell all the same. */
static void all_units(void **state)
{
    world_set(512, 6, 4, 1, 20);
    for (uint32_t at = 0; at < 6 * 512; at += 8) {
        if (at % 512 >= 16) { /* something can be read */
            flash_spoil(&w.flash, at);
        }
    }
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_int_equal(w.lost, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
    }
    w.next = 4;
    world_finish();
    world_check_ends();
}

/* Nothing at all can be read: that says more of the bus than of the flash. Nothing is changed. */
static void dead_bus(void **state)
{
    static struct world saved;

    set_used(8, 60);
    saved = w;
    w.flash.fail_at = 1;
    w.flash.fail_on = true;
    w.opened = mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost);
    assert_int_equal(w.opened, MOTE_CAUSE_STORAGE);
    assert_memory_equal(w.flash.octets, saved.flash.octets, sizeof w.flash.octets);
    world_boot();
    world_check(&saved, &saved);
}

/* Once unreadable is not unreadable. */
static void second_try(void **state)
{
    static struct world saved;

    world_put_in(FATE_GOOD);
    saved = w;
    for (uint32_t n = 1; n < 500; n++) {
        w = saved;
        w.flash.fail_at = w.flash.calls + n;
        world_finish();
        world_check_ends();
        assert_int_equal(w.reports, 1);
    }
}

/* A mail that becomes unreadable is tried, told, and given up when its time has come; the others go their way. */
static void unreadable_mail(void **state)
{
    uint32_t age = 0;

    for (uint32_t at = 0; at < 160; at += 8) {
        bool mail;

        world_put_in(FATE_GOOD);
        mail = at < 16 + w.slots[1].len;
        flash_spoil(&w.flash, LOG_END + 512 + at);
        if (!mail) {
            world_finish();
            world_check_ends();
            continue;
        }
        assert_int_equal(world_poll(0), MOTE_REPORT);
        assert_int_equal(w.sim.log[0], 0); /* nobody was asked */
        assert_int_equal(w.outbox.mail.rcpt_count, 1);
        assert_string_equal(w.outbox.rcpts[0].address, "");
        assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DEFERRED);
        assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_STORAGE);
        assert_int_equal(w.outbox.slot->record.cause, MOTE_CAUSE_STORAGE);
        assert_int_equal(w.outbox.slot->record.attempts, 1);
        assert_false(w.outbox.last);
        mote_outbox_reported(&w.outbox);
        assert_in_range(mote_outbox_wait_s(&w.outbox), 300, 375);
        assert_int_equal(world_post(8), MOTE_CAUSE_NONE); /* FATE_GOOD as well */
        assert_int_equal(world_poll(0), MOTE_CONNECT);
    }
    world_put_in(FATE_GOOD);
    flash_spoil(&w.flash, LOG_END + 512);
    for (unsigned attempts = 1;; attempts++) {
        assert_int_equal(world_poll(flash_random(&w.random)), MOTE_REPORT);
        assert_int_equal(w.outbox.slot->record.attempts, attempts);
        assert_int_equal(w.outbox.last, age >= 5 * DAY);
        assert_int_equal(w.outbox.expired, w.outbox.last);
        mote_outbox_reported(&w.outbox);
        if (w.outbox.last) {
            break;
        }
        age += mote_outbox_wait_s(&w.outbox);
        world_sleep(mote_outbox_wait_s(&w.outbox));
    }
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
    world_boot();
    assert_int_equal(mails_there(), 0);
    assert_int_equal(w.lost, 0);
}

/* Its own state cannot be stored either: it is reported and tried again all the same. */
static void unreadable_and_no_log(void **state)
{
    world_put_in(FATE_GOOD);
    w.flash.fail_at = 1;
    w.flash.fail_on = true;
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_STORAGE);
    mote_outbox_reported(&w.outbox);
    assert_in_range(mote_outbox_wait_s(&w.outbox), 300, 375);
    flash_boot(&w.flash);
    world_sleep(375);
    world_finish();
    world_check_ends();
}

/* ---- Octets that read as others ---------------------------------------------------------------------------------- */

/* For good, after the boot: the mail is never sent otherwise than it was posted, and never fails. */
static void flipped(void **state)
{
    for (uint32_t at = LOG_END + 512; at < LOG_END + 512 + 140; at++) {
        for (unsigned bit = 0; bit < 9; bit++) {
            world_put_in(FATE_HALF);
            w.flash.octets[at] = bit == 8 ? 0xff : (uint8_t)(w.flash.octets[at] ^ 1u << bit);
            if (world_poll(0) == MOTE_REPORT) {
                assert_int_equal(w.outbox.rcpts[1].result.verdict, MOTE_DEFERRED);
                assert_int_equal(w.outbox.rcpts[1].result.cause, MOTE_CAUSE_STORAGE);
                assert_int_equal(w.sim.log[0], 0);
            } else {
                world_finish();
                world_check_ends(); /* it was no octet of the mail */
            }
        }
    }
}

/* One octet of one read call, once: as it comes, or later. */
static void glitch(void **state)
{
    static struct world saved;
    unsigned deferred = 0;

    world_put_in(FATE_GOOD);
    saved = w;
    for (uint32_t n = 1; n < 40; n++) {
        for (uint32_t at = 0; at < 64; at++) {
            w = saved;
            w.flash.glitch_at = w.flash.calls + n;
            w.flash.glitch = at;
            world_finish();
            world_check_ends();
            deferred += w.reports > 1;
        }
    }
    assert_in_range(deferred, 50, 2000);
}

/* A boot with damage in a cell: one mail is lost, and that is said, again and again until there is another mail. */
static void damaged_cell(void **state)
{
    for (uint32_t at = 0; at < 100; at++) {
        world_put_in(FATE_GOOD);
        assert_int_equal(world_post(8), MOTE_CAUSE_NONE);
        w.flash.octets[LOG_END + 512 + at] ^= 0x10;
        for (unsigned boots = 0; boots < 2; boots++) {
            world_boot();
            assert_int_equal(w.opened, MOTE_CAUSE_NONE);
            assert_int_equal(w.lost, at >= 16); /* without its head nobody knows that there was one */
            assert_int_equal(mails_there(), 4);
        }
        w.flash.octets[LOG_END + 512 + at] ^= 0x10;
        world_boot(); /* it is back */
        assert_int_equal(w.lost, 0);
        assert_int_equal(mails_there(), 6);
    }
    /* An attempt was stored: now it is known, and stays known when the log turns. */
    world_put_in(FATE_LATER);
    while (w.slots[1].record.attempts == 0 || w.phase != REPORT) {
        world_step();
    }
    world_step();
    assert_int_equal(w.slots[1].record.attempts, 1);
    memset(w.flash.octets + LOG_END + 512, 0, 8);
    for (unsigned n = 8; n < 40; n += 8) {
        world_boot();
        assert_int_equal(w.lost, 1);
        assert_int_equal(world_post(n), MOTE_CAUSE_NONE);
        w.next = n;
        world_finish();
    }
}

static void add_to_log(const struct mote_record *record)
{
    uint8_t octets[MOTE_RECORD_LEN + 4];

    memset(octets, 0xff, sizeof octets);
    mote_record_write(record, octets);
    for (unsigned i = 0; i < sizeof octets; i += FLASH_UNIT_MIN) {
        assert_true(w.setup.storage->program(w.setup.storage->ctx,
                                             w.outbox.log * 512u + w.outbox.log_used * w.outbox.state_len + i,
                                             octets + i, FLASH_UNIT_MIN));
    }
}

/* Right checksums, wrong contents: a state with more recipients than an outbox has, or of a slot that it has not, a cell that holds
 * another cell's mail. */
static void foul(void **state)
{
    struct mote_record record;
    struct mote_slot none;

    for (unsigned rcpts = 0; rcpts <= MOTE_RECORD_RCPTS; rcpts++) {
        world_put_in(FATE_LATER);
        record = w.slots[1].record;
        record.rcpt_count = (uint8_t)rcpts;
        add_to_log(&record);
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        assert_int_equal(w.slots[1].record.rcpt_count, rcpts <= MOTE_OUTBOX_RCPTS ? rcpts : 1);
        assert_int_equal(w.slots[1].len != 0, rcpts != 0);
    }
    world_set(512, 5, 3, 1, 0);
    world_boot();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    record = w.slots[w.outbox.next].record;
    record.slot = 3;
    record.number = 0xa5a5; /* as world_boot() leaves it there */
    add_to_log(&record);
    world_boot();
    memset(&none, 0xa5, sizeof none);
    assert_memory_equal(&w.slots[3], &none, sizeof none);
    world_put_in(FATE_LATER);
    memcpy(w.flash.octets + LOG_END + 1024, w.flash.octets + LOG_END + 512, 512);
    world_boot();
    assert_int_equal(w.slots[1].len != 0, true);
    assert_int_equal(w.slots[2].len, 0);
}

/* The head of a cell that the log knows to hold nothing is unreadable: the cell is erased while idle, as others are. */
static void free_and_unreadable(void **state)
{
    world_put_in(FATE_GOOD);
    assert_true(mote_outbox_cancel(&w.outbox, w.slots[1].record.id));
    flash_spoil(&w.flash, LOG_END + 512);
    w.flash.ecc = true;
    world_boot();
    assert_int_equal(w.lost, 0);
    do {
        assert_int_equal(world_poll(0), MOTE_IDLE);
    } while (w.outbox.tidying);
    assert_int_equal(w.slots[1].erased, 1);
    assert_false(w.slots[1].record.begun);
}

/* ---- Wear -------------------------------------------------------------------------------------------------------- */

/* A block that keeps nothing: each mail is taken by the next cell. */
static void worn_block(void **state)
{
    for (unsigned block = 2; block < 6; block++) {
        world_set(512, 6, 4, 1, 0);
        w.flash.worn_from = block * 512;
        w.flash.worn_to = w.flash.worn_from + 512;
        world_boot();
        for (w.next = 0; w.next < WORLD_MAILS; w.next++) {
            assert_int_equal(world_post(w.next), MOTE_CAUSE_NONE);
            assert_true(world_go(1000));
        }
        world_check_ends();
        for (unsigned i = 0; i < 3; i++) { /* the other three at once */
            assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
        }
        w.ledger[3].posted = false;
        assert_int_equal(world_post(3), MOTE_CAUSE_STORAGE);
    }
}

/* A block that cannot be erased, of the log or of a cell. */
static void dead_block(void **state)
{
    for (unsigned block = 0; block < 6; block++) {
        world_set(512, 6, 4, 1, 40);
        w.flash.dead_block = block + 1;
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        world_finish();
        w.mails = 40;
        assert_true(world_go(5000));
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        assert_int_equal(w.lost, 0);
        for (unsigned n = 0; n < w.next; n++) {
            const struct entry *entry = &w.ledger[n];

            assert_true(entry->ended || entry->refused || (entry->ending && entry->settled));
        }
    }
}

/* One of the log's blocks cannot be erased: once that is known, no mail is late for it, and states are kept. */
static void dead_log(void **state)
{
    for (unsigned block = 0; block < 2; block++) {
        unsigned refused = 0;

        world_set(512, 6, 4, 1, 0);
        w.flash.dead_block = block + 1;
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        for (unsigned n = 0; n < WORLD_MAILS; n += FATES) {
            for (unsigned tries = 0; world_post(n) != MOTE_CAUSE_NONE; tries++) {
                assert_int_equal(tries, 0);
                w.ledger[n] = (struct entry){0};
                refused++;
            }
            assert_true(world_go(1000));
            assert_true(w.ledger[n].ended);
        }
        assert_in_range(refused, 0, 1);
        assert_in_range(w.ran_s, 0, 310); /* one attempt may have gone without its state, and been tried again */
    }
}

/* Behind the log's turn a boot finds its use in the block it is in, not in the one before. */
static void boot_behind_a_turn(void **state)
{
    uint32_t used;

    world_put_in(FATE_GOOD);
    for (unsigned n = 0; n < 40 && w.outbox.log_seq < 3; n++) {
        world_in_vain(0);
        mote_outbox_reported(&w.outbox);
        world_sleep(mote_outbox_wait_s(&w.outbox));
    }
    used = w.outbox.log_used;
    assert_true(w.outbox.log_seq >= 3 && used < w.outbox.log_cap);
    world_boot();
    assert_int_equal(w.outbox.log_used, used);
}

/* Nor is a state stored in front of older ones, in a place that was passed over: a boot takes the last one. */
static void passed_over(void **state)
{
    uint32_t used;

    for (unsigned attempts = 1; attempts < 9; attempts++) {
        world_put_in(FATE_GOOD);
        w.setup.states = NULL;
        w.outbox.log_used++; /* it did not keep what it was given */
        w.flash.dead_block = 1u + (w.outbox.log ^ 1);
        for (unsigned n = 1; n < attempts; n++) {
            world_in_vain(0);
            mote_outbox_reported(&w.outbox);
            world_sleep(mote_outbox_wait_s(&w.outbox));
        }
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        world_boot();
        assert_int_equal(w.slots[1].record.attempts, attempts);
    }
    world_put_in(FATE_GOOD);
    w.outbox.log_used++;
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    used = w.outbox.log_used;
    world_boot(); /* which goes on behind the last one, too */
    assert_int_equal(w.outbox.log_used, used);
    world_sleep(300);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    world_boot();
    assert_int_equal(w.slots[1].record.attempts, 2);
}

static uint32_t unread;
static bool (*read_all)(void *, uint32_t, void *, size_t);

static bool read_but_one(void *ctx, uint32_t at, void *buf, size_t len)
{
    memset(buf, 0xff, len);
    return at != unread && read_all(ctx, at, buf, len);
}

/* What could not be read at the boot is no free place, even if what the driver leaves in the buffer looks so: nothing is written there
 * once it can be read. */
static void unread_at_the_boot(void **state)
{
    world_put_in(FATE_GOOD);
    unread = w.outbox.log * 512u + w.outbox.log_used * w.outbox.state_len;
    read_all = w.flash.storage.read;
    w.flash.storage.read = read_but_one;
    world_boot();
    w.flash.storage.read = read_all;
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    assert_true(mote_storage_erased(w.flash.octets + unread, w.outbox.state_len));
    world_boot();
    assert_int_equal(w.slots[1].record.attempts, 1);
}

/* A cell that cannot be erased any more once a mail was in it: the mail does not come back, however often the log turns. */
static void dead_cell(void **state)
{
    world_set(512, 4, 2, 1, 0);
    world_boot();
    assert_true(world_go(100));
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    w.flash.dead_block = 3 + (w.slots[1].len != 0);
    assert_true(world_go(100));
    for (unsigned n = 1; n < 12; n++) {
        assert_int_equal(world_post(n), MOTE_CAUSE_NONE);
        assert_int_equal(world_post(12), MOTE_CAUSE_STORAGE);
        w.ledger[12].posted = false;
        assert_true(world_go(100));
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        assert_int_equal(w.lost, 0);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
    }
    world_check_ends();
}

/* After the first erase of all of it nothing is erased when a mail is posted, and one block a call at most else. */
static void erased_while_idle(void **state)
{
    world_set(320, 8, 3, 2, 0);
    world_boot();
    assert_true(world_go(100));
    for (w.next = 0; w.next < 40; w.next++) {
        uint32_t erases = 0, now = 0;

        for (unsigned i = 0; i < 8; i++) {
            erases += w.flash.erases[i];
        }
        assert_int_equal(world_post(w.next), MOTE_CAUSE_NONE);
        for (unsigned i = 0; i < 8; i++) {
            now += w.flash.erases[i];
        }
        assert_int_equal(now, erases);
        do {
            erases = 0;
            for (unsigned i = 2; i < 8; i++) {
                erases += w.flash.erases[i];
            }
            now = world_step();
            for (unsigned i = 2; i < 8; i++) {
                erases -= w.flash.erases[i];
            }
            assert_true(erases == 0 || erases == UINT32_MAX);
        } while (now != 0);
        if (w.next % 7 == 0) {
            world_boot(); /* erased cells are known to be */
        }
    }
}

static uint32_t cells_erased(void)
{
    uint32_t erases = 0;

    for (unsigned i = 2; i < 8; i++) {
        erases += w.flash.erases[i];
    }
    return erases;
}

/* At a poll. */
static uint32_t log_erases, cell_erases;

static uint8_t counted_poll(void)
{
    uint32_t log = w.flash.erases[0] + w.flash.erases[1], cells = cells_erased();
    uint8_t step = world_poll(0);

    log_erases = w.flash.erases[0] + w.flash.erases[1] - log;
    cell_erases = cells_erased() - cells;
    return step;
}

/* What a watchdog is reckoned from: one of the log, though the states of all slots are stored while a cell is to be erased. */
static void erases_of_a_poll(void **state)
{
    for (unsigned n = 0; n < 3 * 6; n++) {
        uint8_t slots = (uint8_t)(1 + n % 3);
        uint32_t logs = 0, cells = 0;

        world_set((2u * slots + n / 3) * 48, (uint16_t)(2 + 2 * slots), slots, 2, 0);
        world_boot();
        for (unsigned i = 0; i < 300; i++) {
            unsigned number = i % slots * FATES;
            uint8_t id[8];

            world_id(number, id);
            if (i % 5 == 0) {
                mote_outbox_cancel(&w.outbox, id);
            } else {
                world_post(number);
            }
            for (unsigned k = 0; k < slots; k++) {
                w.slots[k].record.wait_s = 1000;
            }
            w.sim.now_ms += 8000;
            do {
                assert_int_equal(counted_poll(), MOTE_IDLE);
                assert_in_range(log_erases, 0, 1);
                assert_in_range(cell_erases, 0, 1);
                logs += log_erases;
                cells += cell_erases;
            } while (w.outbox.tidying);
        }
        assert_true(logs > 2 && cells > 10);
    }
}

/* Up to four where neither block of it keeps anything: the other one, and the one there is, when an attempt begins and when it ends. */
static void erases_of_a_full_log(void **state)
{
    uint32_t most = 0;

    world_put_in(FATE_GOOD);
    w.flash.full_to = LOG_END;
    w.outbox.log_used = w.outbox.log_cap;
    for (unsigned i = 0; i < 9; i++) {
        counted_poll();
        assert_in_range(log_erases, 0, 4);
        most = log_erases > most ? log_erases : most;
        mote_outbox_reported(&w.outbox);
        world_sleep(mote_outbox_wait_s(&w.outbox));
    }
    assert_int_equal(most, 4);
}

static void cut_a_post(void)
{
    w.flash.cut_at = w.flash.writes + 4;
    if (setjmp(flash_power) == 0) {
        world_post(0);
        fail();
    }
}

/* So is a cell in which a post was cut, which is none that is erased; but not where it cannot be stored that it will be. */
static void erased_behind_a_cut_post(void **state)
{
    for (unsigned full = 0; full < 2; full++) {
        uint32_t erases;

        world_set(320, 8, 3, 2, 0);
        world_boot();
        assert_true(world_go(100));
        cut_a_post();
        erases = cells_erased();
        w.flash.full_to = full * 2 * 320;
        world_boot();
        assert_int_equal(w.lost, 0);
        assert_true(world_go(100));
        assert_int_equal(cells_erased(), erases + (full == 0 ? 2 : 0));
        erases = cells_erased();
        for (unsigned i = 0; full == 0 && i < 3; i++) {
            assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
        }
        assert_int_equal(cells_erased(), erases);
    }
}

/* What the header says: five states a mail, an erase of its cell, the cells in turn, the blocks of the log in turn. */
static void wear(void **state)
{
    enum { MAILS = 300, SLOTS = 2, STATES = 4096 / 48 - SLOTS - 2 };
    uint32_t logs;

    world_set(4096, 4, SLOTS, 1, 0);
    world_boot();
    assert_true(world_go(100));
    memset(w.flash.erases, 0, sizeof w.flash.erases);
    for (unsigned n = 0; n < MAILS; n++) {
        memset(w.ledger, 0, sizeof w.ledger);
        assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
        assert_true(world_go(100));
    }
    for (unsigned i = 2; i < 4; i++) {
        assert_int_equal(w.flash.erases[i], MAILS / SLOTS);
    }
    logs = w.flash.erases[0] + w.flash.erases[1];
    assert_in_range(logs, MAILS * 5 / STATES, MAILS * 5 / STATES + 1);
    assert_in_range(w.flash.erases[0] - logs / 2, 0, 1);
}

/* For ever: a release finds the mails that one before it has stored. */
static void format(void **state)
{
    unsigned slot = 0;
    const uint8_t *cell;
    uint32_t len;

    world_set(512, 4, 2, 1, 0);
    world_boot();
    memset(w.ledger, 0, sizeof w.ledger);
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    while (w.slots[slot].len == 0) {
        slot++;
    }
    cell = w.flash.octets + (2 + slot) * 512;
    len = w.slots[slot].len;
    assert_memory_equal(cell, "AM\1\0", 4); /* and the mail's number */
    assert_int_equal(mote_get32(cell + 4), len);
    assert_int_equal(mote_get32(cell + 8), mote_crc32(0, cell + 16, len));
    assert_int_equal(mote_get32(cell + 12), mote_crc32(0, cell, 12));
}

/* So are the two marks of the log, behind the states it began with. */
static void format_of_marks(void **state)
{
    struct mote_record mark;

    world_set(512, 4, 2, 1, 0);
    world_boot();
    for (unsigned i = 2; i < 4; i++) {
        assert_true(mote_record_read(&mark, w.flash.octets + 512u * w.outbox.log + i * w.outbox.state_len));
        assert_int_equal(mark.slot, 255);
        assert_int_equal(mark.age_s, 1);
        assert_int_equal(mark.wait_s, 512 ^ 8 << 8 ^ 1 << 16 ^ 2 << 24);
        assert_int_equal(mark.tls_since_s, 512);
    }
    assert_int_equal(w.outbox.log_used, 4);
}

/* With them goes the number of the mail accepted last: numbers go round, and 40,000 is before 0 where nothing is known. */
static void number_in_marks(void **state)
{
    world_new();
    w.outbox.number = 40000;
    w.outbox.log_used = w.outbox.log_cap;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
    }
    world_in_vain(0);
    world_boot();
    assert_int_equal(w.outbox.number, 40004);
}

/* The marks of earlier releases did not tell the size of a block by itself, or none. */
static void marks_of_before(void **state)
{
    struct mote_record mark;

    for (unsigned told = 0; told < 2; told++) {
        world_set(512, 4, 2, 1, 0);
        world_boot();
        assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
        for (unsigned i = 2; i < 4; i++) {
            uint8_t *octets = w.flash.octets + 512u * w.outbox.log + i * w.outbox.state_len;

            assert_true(mote_record_read(&mark, octets));
            mark.tls_since_s = 0;
            mark.wait_s = told ? mark.wait_s : 0;
            mote_record_write(&mark, octets);
        }
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        assert_int_equal(w.lost, 0);
        assert_int_not_equal(mails_there(), 0);
        assert_int_equal(w.outbox.log_seq, 1);
    }
}

/* A mail in the cell of another slot is none. */
static void moved_cell(void **state)
{
    unsigned there;

    world_set(512, 4, 2, 1, 0);
    world_boot();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    there = mails_there();
    memcpy(w.flash.octets + (there == 1 ? 3 : 2) * 512, w.flash.octets + (there == 1 ? 2 : 3) * 512, 512);
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_int_equal(mails_there(), there);
}

/* What is left of a unit is as it is erased: nothing of what was written before it. */
static void format_of_rests(void **state)
{
    enum { UNIT = 128 };
    unsigned slot = 0;
    uint32_t cell;

    world_set(UNIT * 8, 4, 2, 1, 0);
    w.flash.storage.program_size = UNIT;
    world_boot();
    memset(w.ledger, 0, sizeof w.ledger);
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    while (w.slots[slot].len == 0) {
        slot++;
    }
    for (uint32_t at = w.outbox.log * UNIT * 8; at < (w.outbox.log + 1u) * UNIT * 8; at += UNIT) {
        assert_true(mote_storage_erased(w.flash.octets + at + MOTE_RECORD_LEN, UNIT - MOTE_RECORD_LEN));
    }
    cell = (2 + slot) * UNIT * 8;
    assert_true(mote_storage_erased(w.flash.octets + cell + 16, UNIT - 16));
    cell += UNIT + w.slots[slot].len;
    assert_true(mote_storage_erased(w.flash.octets + cell, UNIT - cell % UNIT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_unit),
        cmocka_unit_test(all_units),
        cmocka_unit_test(dead_bus),
        cmocka_unit_test(second_try),
        cmocka_unit_test(unreadable_mail),
        cmocka_unit_test(unreadable_and_no_log),
        cmocka_unit_test(flipped),
        cmocka_unit_test(glitch),
        cmocka_unit_test(damaged_cell),
        cmocka_unit_test(foul),
        cmocka_unit_test(free_and_unreadable),
        cmocka_unit_test(worn_block),
        cmocka_unit_test(dead_block),
        cmocka_unit_test(dead_log),
        cmocka_unit_test(boot_behind_a_turn),
        cmocka_unit_test(passed_over),
        cmocka_unit_test(unread_at_the_boot),
        cmocka_unit_test(dead_cell),
        cmocka_unit_test(erased_while_idle),
        cmocka_unit_test(erased_behind_a_cut_post),
        cmocka_unit_test(erases_of_a_poll),
        cmocka_unit_test(erases_of_a_full_log),
        cmocka_unit_test(wear),
        cmocka_unit_test(format),
        cmocka_unit_test(number_in_marks),
        cmocka_unit_test(marks_of_before),
        cmocka_unit_test(moved_cell),
        cmocka_unit_test(format_of_marks),
        cmocka_unit_test(format_of_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
