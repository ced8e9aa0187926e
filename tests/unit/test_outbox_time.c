/* SPDX-License-Identifier: MIT
 *
 * The outbox over time: which mail goes first, attempts that never end, time the device was off, clocks that stand or go back,
 * relays that come back, mails that are hurried or taken back, ends that cannot be stored.
 */
#include "world.h"

#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DAY = 86400 };

/* The slot of a mail, or NULL. */
static struct mote_slot *slot_of(unsigned number)
{
    uint8_t id[8];

    world_id(number, id);
    for (unsigned i = 0; i < w.setup.slot_count; i++) {
        if (w.slots[i].len != 0 && memcmp(w.slots[i].record.id, id, sizeof id) == 0) {
            return &w.slots[i];
        }
    }
    return NULL;
}

static void assert_tried(unsigned number)
{
    world_in_vain(0);
    assert_ptr_equal(w.outbox.slot, slot_of(number));
    mote_outbox_reported(&w.outbox);
}

/* ---- Order (P18) ------------------------------------------------------------------------------------------------- */

static void order(void **state)
{
    for (unsigned boots = 0; boots < 2; boots++) {
        world_new();
        w.setup.states = NULL;
        for (unsigned i = 0; i < 10; i++) { /* so that the cells in use are not the first ones */
            assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
            assert_int_equal(mote_outbox_cancel(&w.outbox, slot_of(i)->record.id), true);
        }
        for (unsigned i = 10; i < 13; i++) {
            assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
        }
        if (boots != 0) {
            world_boot();
        }
        assert_tried(10); /* posted in the same second: one after the other */
        assert_tried(11);
        world_sleep(1);
        assert_int_equal(world_post(13), MOTE_CAUSE_NONE);
        assert_tried(12);
        assert_tried(13);
        world_sleep(299);
        assert_tried(10);
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        assert_ptr_equal(w.outbox.slot, slot_of(11));
        world_sleep(4000);
        mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_CONNECT);
        assert_int_equal(world_poll(0), MOTE_REPORT);
        mote_outbox_reported(&w.outbox);
        assert_tried(12); /* fewer attempts */
        assert_tried(13);
        world_sleep(4000);
        assert_tried(10); /* older */
    }
}

/* A mail that is being worked on is one that is there. */
static void at_work(void **state)
{
    world_put_in(FATE_GOOD);
    for (w.phase = POLL; w.phase != REPORT;) {
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
        assert_true(world_step());
    }
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
}

/* An old mail that takes longer than its wait does not keep a new one from its turn. */
static void no_starvation(void **state)
{
    world_new();
    w.setup.states = NULL;
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    assert_int_equal(world_post(1), MOTE_CAUSE_NONE);
    for (unsigned n = 0; n < 6; n++) {
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        world_sleep(900);
        mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_CONNECT);
        if (n == 4) {
            assert_int_equal(world_post(2), MOTE_CAUSE_NONE);
        }
        assert_int_equal(world_poll(0), MOTE_REPORT);
        assert_ptr_equal(w.outbox.slot, slot_of(n == 5 ? 2 : n % 2));
        mote_outbox_reported(&w.outbox);
        if (n < 4) {
            world_sleep(4000);
        }
    }
}

/* ---- Attempts that never end (P17, P9) --------------------------------------------------------------------------- */

/* That it begins is stored before the network is touched; a reset in each attempt backs off like a relay that fails. */
static void crash_loop(void **state)
{
    uint32_t age = 0, boots = 0;

    world_put_in(FATE_GOOD);
    while (age < 2 * DAY) {
        uint32_t wait = mote_outbox_wait_s(&w.outbox);

        assert_in_range(wait, boots == 0 ? 0 : 300, 4000);
        world_sleep(wait);
        age += wait;
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        if (boots % 3 != 0) {
            w.phase = CONNECT;
            while (w.phase != COMMIT) {
                world_step();
            }
        }
        if (boots % 3 == 2) {
            world_step();
            world_step(); /* its end has left */
            w.ledger[FATE_GOOD].doubts++;
        }
        boots++;
        world_boot();
        assert_int_equal(w.slots[1].record.attempts, boots);
        assert_false(w.slots[1].record.begun);
        assert_false(w.slots[1].record.sent);
        assert_int_equal(w.slots[1].record.cause, MOTE_CAUSE_LOST);
    }
    assert_true(boots < 60);
}

/* A device that is off as long as it likes, nobody knows how long, and on for 20 s each time, tries its mail and gives it up all the same. */
static void short_lives(void **state)
{
    unsigned attempts = 0, boots = 0;
    uint32_t writes;

    world_put_in(FATE_GOOD);
    w.setup.states = NULL;
    writes = w.flash.writes;
    while (w.ledger[FATE_GOOD].posted && boots < 6 * DAY / 16) {
        world_boot();
        boots++;
        for (unsigned second = 0; second < 20; second++) {
            uint8_t want = world_poll(0);

            if (want == MOTE_CONNECT) {
                mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_CONNECT);
                assert_int_equal(world_poll(0), MOTE_REPORT);
                attempts++;
                if (w.outbox.expired) {
                    w.ledger[FATE_GOOD].posted = false;
                }
                mote_outbox_reported(&w.outbox);
            }
            world_sleep(1);
        }
    }
    assert_in_range(attempts, 100, 116);
    assert_in_range(boots, 5 * DAY / 16, 5 * DAY / 16 + 2 * 4000 / 16);
    assert_in_range((w.flash.writes - writes) / boots, 12,
                    32); /* two states in units of 8, in a log for ten that turns */
}

/* What has passed is stored 8 s after the boot, and then each time it is twice as long. */
static void lived(void **state)
{
    static const uint32_t stored_s[] = {8, 16, 32, 64, 128, 256};
    unsigned stored = 0;

    world_put_in(FATE_GOOD);
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    do {
        assert_int_equal(world_poll(0), MOTE_IDLE);
    } while (w.outbox.tidying);
    for (uint32_t s = 0; s < 300; s++) {
        uint32_t writes = w.flash.writes;

        assert_int_equal(world_poll(0), MOTE_IDLE);
        if (w.flash.writes != writes) {
            assert_int_equal(s, stored_s[stored++]);
            assert_true(w.outbox.tidying); /* what else is to be done is not put off */
        }
        world_sleep(1);
    }
    assert_int_equal(stored, sizeof stored_s / sizeof *stored_s);
}

/* P11, P17: power goes in an attempt, and comes back when the mail is too old: it is tried once more. A crash loop ends all the same. */
static void off_too_long(void **state)
{
    world_put_in(FATE_GOOD);
    for (unsigned boots = 0; boots < 2; boots++) {
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        flash_boot(&w.flash);
        assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, w.sim.now_ms, 6 * DAY, 0, &w.lost), MOTE_CAUSE_NONE);
        assert_int_equal(w.slots[1].record.rcpts_failed, boots);
        world_sleep(mote_outbox_wait_s(&w.outbox));
    }
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_true(w.outbox.expired);
}

/* P9: power goes when the end of the mail may have left: another relay is asked first, if there is one. */
static void reset_at_the_end(void **state)
{
    world_put_in(FATE_GOOD);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    w.phase = CONNECT;
    while (w.phase != COMMIT) {
        assert_int_equal(w.slots[1].record.first, 0);
        world_step();
    }
    world_step();
    world_boot();
    assert_int_equal(w.slots[1].record.cause, MOTE_CAUSE_LOST);
    assert_int_equal(w.slots[1].record.first, 1);
}

/* A thousand boots that are too short for anything but an attempt: no copy after the first minutes. */
static void short_boots(void **state)
{
    world_put_in(FATE_GOOD);
    for (unsigned boots = 0; boots < 1000; boots++) {
        if (world_poll(0) == MOTE_CONNECT) {
            w.phase = CONNECT;
            while (w.phase != COMMIT) {
                world_step();
            }
            world_step();
            world_step();
        }
        world_boot();
    }
    assert_int_equal(w.ledger[FATE_GOOD].came[0], 1);
    assert_int_equal(w.slots[1].record.attempts, 1);
}

/* An attempt that never ended may have been the last one. */
static void crash_at_the_end(void **state)
{
    world_put_in(FATE_GOOD);
    w.setup.states = NULL;
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    world_sleep(5 * DAY);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    world_boot();
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_true(w.outbox.last);
    assert_true(w.outbox.expired);
    assert_int_equal(w.outbox.slot->record.attempts, 2);
}

/* An attempt that asks nobody is none, and the mail is due when the relay is asked again: P18 then has a fresh one go first. */
static void nobody_asked(void **state)
{
    uint32_t used;

    world_put_in(FATE_GOOD);
    w.state = (struct mote_relay_state){.since_s = 0, .failures = 1};
    used = w.outbox.log_used;
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LEFT_ALONE);
    assert_int_equal(w.outbox.slot->record.attempts, 0);
    assert_int_equal(w.outbox.slot->record.wait_s, 300);
    assert_int_equal(w.outbox.log_used, used + 1);
}

/* An old mail at which the relay hangs, and a fresh one: the relay is left alone after the old one's attempt, and when it is asked again,
 * both are due and the fresh one goes first. */
static void fresh_first(void **state)
{
    world_put_in(FATE_GOOD);
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_post(8), MOTE_CAUSE_NONE);
    world_sleep(250);
    assert_int_equal(world_poll(0), MOTE_REPORT); /* the fresh one has passed it over */
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LEFT_ALONE);
    mote_outbox_reported(&w.outbox);
    world_sleep(50);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    assert_int_equal(w.outbox.slot->record.number, 2);
}

/* "Send now" while an attempt is under way: what that one finds was before. */
static void hurried_between(void **state)
{
    world_put_in(FATE_GOOD);
    assert_int_equal(world_post(8), MOTE_CAUSE_NONE);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    mote_outbox_hurry(&w.outbox);
    mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_TIMEOUT);
    assert_int_equal(world_poll(0), MOTE_REPORT);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_CONNECT); /* the other one, and the relay is not left alone */
    mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_TIMEOUT);
    assert_int_equal(world_poll(0), MOTE_REPORT); /* now it is */
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LEFT_ALONE);
}

/* The counter was not shown for a month, or was set back: it goes on from there. */
static void counter_jumps(void **state)
{
    static const uint32_t jumps_ms[] = {30u * DAY * 1000u, 0u - 60001u, 0u - 3600000u, 0x80000001};

    for (unsigned i = 0; i < sizeof jumps_ms / sizeof *jumps_ms; i++) {
        world_put_in(FATE_GOOD);
        world_in_vain(0);
        mote_outbox_reported(&w.outbox);
        w.sim.now_ms += jumps_ms[i];
        assert_int_equal(world_poll(0), MOTE_IDLE);
        world_sleep(300);
        assert_int_equal(world_poll(0), MOTE_CONNECT);
    }
    world_put_in(FATE_GOOD);
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    w.sim.now_ms += INT32_MAX; /* as much as can pass */
    assert_int_equal(world_poll(0), MOTE_CONNECT);
}

/* After an open that has failed nothing is taken: it would go where mails are. */
static void not_open(void **state)
{
    uint8_t opened;

    world_put_in(FATE_GOOD);
    w.flash.fail_at = w.flash.calls + 1;
    w.flash.fail_on = true;
    opened = mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost);
    assert_int_equal(opened, MOTE_CAUSE_STORAGE);
    w.flash.fail_at = 0;
    assert_int_equal(world_post(8), MOTE_CAUSE_STORAGE);
    assert_int_equal(world_poll(0), MOTE_IDLE);
    w.setup.slots = NULL;
    assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost), MOTE_CAUSE_SETUP);
    assert_int_equal(world_post(8), MOTE_CAUSE_SETUP);
    w.setup.slots = w.slots;
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_int_equal(w.lost, 0);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
}

/* Nor is a mail worked on that is there, and whose state nobody knows. */
static void no_log(void **state)
{
    world_put_in(FATE_GOOD);
    memset(w.flash.octets, 0, 2 * 512);
    w.flash.full_to = 2 * 512;
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_STORAGE);
    assert_int_equal(world_poll(0), MOTE_IDLE);
}

/* ---- Time that passes -------------------------------------------------------------------------------------------- */

static void boot_after(uint32_t off_s)
{
    flash_boot(&w.flash);
    w.phase = POLL;
    w.opened = mote_outbox_open(&w.outbox, &w.setup, w.sim.now_ms, off_s, 0, &w.lost);
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
}

/* What the device was off for counts for age and wait where it is known, and never brings cleartext nearer (P5). */
static void off(void **state)
{
    world_put_in(FATE_TLS);
    while (w.phase != REPORT) {
        world_step();
    }
    world_step();
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 60);
    boot_after(0);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 60);
    boot_after(50);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 10);
    assert_int_equal(w.slots[1].record.age_s, 50);
    assert_int_equal(w.slots[1].record.tls_since_s, 0);
    boot_after(100000);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
    assert_int_equal(w.slots[1].record.age_s, 100000);
    assert_false(mote_policy_armed(w.slots[1].record.tls_failed, w.slots[1].record.tls_since_s));
    boot_after(UINT32_MAX);
    assert_int_equal(w.slots[1].record.age_s, UINT32_MAX);
    world_step();
    assert_int_equal(w.phase, CONNECT);
    while (w.phase != REPORT) {
        world_step();
    }
    assert_true(w.outbox.last); /* one more attempt, in TLS, and then it is too old */
    assert_true(w.outbox.expired);
    assert_string_equal(w.sim.log, "1[EHLO STARTTLS]");
}

/* Awake for 10 s an hour, told so: the mail gets through. */
static void hourly(void **state)
{
    world_put_in(FATE_DOWN);
    for (unsigned hours = 0; hours < 3; hours++) {
        while (mote_outbox_wait_s(&w.outbox) == 0) {
            world_step();
        }
        world_sleep(10);
        boot_after(3590);
    }
    world_finish();
    assert_true(w.ledger[FATE_DOWN].ended);
    assert_int_equal(w.ledger[FATE_DOWN].offers, 1);
}

/* The end of an attempt that never ended is now, however long the device was off. */
static void off_in_an_attempt(void **state)
{
    world_put_in(FATE_GOOD);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    boot_after(3000);
    assert_int_equal(w.slots[1].record.age_s, 3000);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 3000);
    boot_after(3000); /* and is stored: it does not end once more */
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
}

/* P13: a time stamp a little older than the last one counts as that one; nothing ages, nothing is late. */
static void clock_back(void **state)
{
    static const uint32_t backs[] = {1, 2, 999, 1000, 1001, 60000};

    for (unsigned i = 0; i < sizeof backs / sizeof *backs; i++) {
        world_put_in(FATE_GOOD);
        w.setup.states = NULL;
        world_sleep(100);
        world_in_vain(0);
        mote_outbox_reported(&w.outbox);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
        w.sim.now_ms -= backs[i];
        assert_int_equal(world_poll(0), MOTE_IDLE);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
        assert_int_equal(w.slots[1].record.age_s, 100);
        w.sim.now_ms += backs[i] + 300000;
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        w.sim.now_ms -= backs[i];
        mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_CONNECT);
        assert_int_equal(world_poll(0), MOTE_REPORT);
        assert_int_equal(w.outbox.now_ms, w.sim.now_ms + backs[i]);
        assert_false(w.outbox.last);
        assert_int_equal(w.outbox.slot->record.age_s, 400);
    }
}

/* P5, P12: waits begin when the attempt ends, not at the last full second, and not when it began. */
static void to_the_millisecond(void **state)
{
    world_put_in(FATE_TLS);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    w.phase = CONNECT;
    while (w.phase != POLL) {
        world_step();
    }
    w.sim.now_ms += 999;
    assert_int_equal(world_poll(0), MOTE_REPORT);
    mote_outbox_reported(&w.outbox);
    w.sim.now_ms += 59999;
    assert_int_equal(world_poll(0), MOTE_IDLE);
    assert_false(mote_policy_armed(true, w.slots[1].record.tls_since_s));
    w.sim.now_ms += 1;
    assert_int_equal(world_poll(0), MOTE_CONNECT);

    world_put_in(FATE_GOOD);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    w.sim.relays[0].greeting = sim_mute;
    sim_connect(&w.sim, &w.outbox.delivery);
    assert_int_equal(sim_talk(&w.sim, &w.session), MOTE_DONE);
    assert_int_equal(world_poll(0), MOTE_REPORT);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(w.state.since_s, 300);
    assert_int_equal(world_post(8), MOTE_CAUSE_NONE);
    world_sleep(299);
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LEFT_ALONE);
}

/* ---- Relays that come back (P12) --------------------------------------------------------------------------------- */

/* Mails that passed a relay over are due within seconds when it answers again, a few seconds apart. */
static void released(void **state)
{
    world_new();
    w.mails = 0;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(world_post(8 * i), MOTE_CAUSE_NONE); /* FATE_GOOD */
    }
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(world_poll(UINT32_MAX), MOTE_REPORT);
        assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LEFT_ALONE);
        mote_outbox_reported(&w.outbox);
    }
    world_sleep(300);
    do {
        world_step();
    } while (w.phase != REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
    world_step();
    for (unsigned i = 1; i < 4; i++) {
        uint32_t wait = mote_outbox_wait_s(&w.outbox);

        assert_in_range(wait, 0, 5);
        world_sleep(wait);
        do {
            world_step();
        } while (w.phase != REPORT);
        assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
        world_step();
    }
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
}

/* And where it answers before they are due; who has asked it in vain himself waits as long as before. */
static void released_early(void **state)
{
    unsigned waits = 0;

    world_new();
    w.mails = 0;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world_post(8 * i), MOTE_CAUSE_NONE);
    }
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    for (unsigned i = 1; i < 3; i++) {
        assert_int_equal(world_poll(UINT32_MAX), MOTE_REPORT);
        mote_outbox_reported(&w.outbox);
    }
    w.state.since_s -= 300;
    assert_int_equal(world_post(24), MOTE_CAUSE_NONE);
    do {
        world_step();
    } while (w.phase != REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
    for (unsigned i = 0; i < WORLD_SLOTS; i++) {
        waits += &w.slots[i] != w.outbox.slot ? w.slots[i].record.wait_s : 0;
    }
    assert_int_equal(waits, 300 + 1 + 3);
}

/* Only a relay that had failed comes back: mails that the second relay tells to come later do not call each other. */
static void not_released(void **state)
{
    static struct mote_relay relays[2];
    static struct mote_relay_state states[2];
    unsigned attempts = 0;

    world_new();
    memset(states, 0, sizeof states);
    states[0] = (struct mote_relay_state){.failures = 9};
    relays[0] = relays[1] = w.relay;
    relays[1].host = "second.example.test";
    w.setup.relays = relays;
    w.setup.states = states;
    w.setup.relay_count = 2;
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    assert_int_equal(world_post(8), MOTE_CAUSE_NONE);
    for (unsigned s = 0; s < 290; s++) {
        w.sim.relays[1].plain = true;
        w.sim.relays[1].clear.rcpt[0] = "450 later";
        for (uint8_t want; (want = world_poll(0)) != MOTE_IDLE;) {
            if (want == MOTE_REPORT) {
                attempts++;
                mote_outbox_reported(&w.outbox);
                continue;
            }
            if (want == MOTE_CONNECT) {
                sim_connect(&w.sim, &w.outbox.delivery);
            }
            assert_int_not_equal(sim_talk(&w.sim, &w.session), MOTE_WANT_COMMIT);
        }
        world_sleep(1);
    }
    assert_int_equal(attempts, 2);
}

/* P12: what is our own trouble is tried again after 10 s, twice. */
static void ours(void **state)
{
    static const uint32_t waits[] = {10, 10, 300};

    world_put_in(FATE_GOOD);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world_poll(0), MOTE_CONNECT);
        mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_NO_NETWORK);
        assert_int_equal(world_poll(0), MOTE_REPORT);
        mote_outbox_reported(&w.outbox);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), waits[i]);
        world_sleep(waits[i]);
    }
}

/* ---- Hurried, taken back ----------------------------------------------------------------------------------------- */

static void hurry(void **state)
{
    world_put_in(FATE_TLS);
    while (w.phase != REPORT) {
        world_step();
    }
    world_step();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    world_sleep(1);
    assert_in_range(mote_outbox_wait_s(&w.outbox), 59, 119);
    mote_outbox_hurry(&w.outbox);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
    assert_int_equal(w.state.failures, 0);
    while (slot_of(0) != NULL || slot_of(FATE_TLS)->record.attempts != 2) {
        world_step();
    }
    assert_int_equal(w.ledger[FATE_TLS].offers, 0); /* in TLS, which fails, and not in clear */
    world_sleep(59);
    mote_outbox_hurry(&w.outbox);
    world_finish(); /* 60 s after its first failure */
    assert_true(w.ledger[FATE_TLS].ended);
    w.setup.states = NULL;
    mote_outbox_hurry(&w.outbox);
}

/* There is no attempt to be hurried while a report waits to be taken. */
static void hurry_in_a_report(void **state)
{
    world_put_in(FATE_TLS);
    while (w.phase != REPORT) {
        world_step();
    }
    mote_outbox_hurry(&w.outbox);
    assert_false(w.outbox.hurried);
    world_finish();
}

static void cancel(void **state)
{
    uint8_t id[8], other[8];

    world_new();
    w.mails = 0;
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    assert_int_equal(world_post(8), MOTE_CAUSE_NONE);
    world_id(0, id);
    world_id(8, other);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    assert_false(mote_outbox_cancel(&w.outbox, id)); /* it is being sent */
    assert_true(mote_outbox_cancel(&w.outbox, other));
    assert_false(mote_outbox_cancel(&w.outbox, other));
    w.ledger[8].posted = false;
    for (unsigned boots = 0; boots < 2; boots++) {
        assert_null(slot_of(8));
        assert_non_null(slot_of(0));
        world_boot();
        assert_int_equal(w.lost, 0);
    }
    assert_int_equal(world_post(8), MOTE_CAUSE_NONE); /* the same one, again */
    world_boot();
    assert_non_null(slot_of(8));
    world_finish();
    assert_int_equal(w.ledger[0].came[0], 1);
    assert_int_equal(w.ledger[8].came[0], 1);
}

/* The same mail again and again in the same cell: no state of the one before is taken for its own, at any boot. */
static void same_again(void **state)
{
    world_set(512, 3, 1, 1, 0);
    world_boot();
    for (unsigned n = 0; n < 200; n++) {
        assert_int_equal(world_post(n % 2), MOTE_CAUSE_NONE);
        if (n % 3 == 0) {
            world_boot();
        }
        assert_int_equal(w.slots[0].record.attempts, 0);
        assert_int_equal(w.slots[0].record.rcpts_delivered, 0);
        world_finish();
        assert_int_equal(w.slots[0].len, 0);
        assert_int_equal(w.ledger[n % 2].came[0], 1);
        memset(w.ledger, 0, sizeof w.ledger);
        w.ledger[1].fate = 1;
        if (n % 5 == 0) {
            world_boot();
            assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
        }
    }
}

/* ---- What cannot be stored --------------------------------------------------------------------------------------- */

/* P9: the end of the mail does not leave when that cannot be stored. */
static void commit_fails(void **state)
{
    world_put_in(FATE_GOOD);
    while (w.phase != COMMIT) {
        world_step();
    }
    w.flash.fail_at = 1;
    w.flash.fail_on = true;
    world_step();
    while (w.phase != REPORT) {
        world_step();
    }
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA]"); /* and no dot */
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DEFERRED);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_STORAGE);
    assert_false(w.outbox.slot->record.sent);
    flash_boot(&w.flash);
    world_step();
    world_finish();
    world_check_ends();
}

/* P17: nobody is asked when it cannot be stored that the attempt begins. */
static void begin_fails(void **state)
{
    world_put_in(FATE_GOOD);
    w.flash.full_to = 2 * 512; /* the log */
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_string_equal(w.sim.log, "");
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DEFERRED);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_STORAGE);
    assert_int_equal(w.outbox.slot->record.attempts, 1);
}

/* P11: a mail that was given up is gone, though that could not be stored, and though the device is switched off. */
static void given_up(void **state)
{
    world_put_in(FATE_GOOD);
    w.setup.states = NULL;
    world_sleep(5 * DAY);
    world_in_vain(0);
    assert_true(w.outbox.expired);
    w.flash.fail_at = 1;
    w.flash.fail_on = true;
    mote_outbox_reported(&w.outbox);
    assert_int_not_equal(w.slots[1].len, 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(world_poll(0), MOTE_IDLE);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
        world_sleep(300);
    }
    world_boot();
    assert_int_equal(world_poll(0), MOTE_REPORT); /* once more, and no relay is asked */
    assert_true(w.outbox.last);
    assert_true(w.outbox.expired);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_FAILED);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(w.slots[1].len, 0);
    assert_int_equal(w.ledger[0].offers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(no_starvation),
        cmocka_unit_test(at_work),
        cmocka_unit_test(crash_loop),
        cmocka_unit_test(short_boots),
        cmocka_unit_test(short_lives),
        cmocka_unit_test(lived),
        cmocka_unit_test(reset_at_the_end),
        cmocka_unit_test(off_too_long),
        cmocka_unit_test(crash_at_the_end),
        cmocka_unit_test(nobody_asked),
        cmocka_unit_test(fresh_first),
        cmocka_unit_test(hurried_between),
        cmocka_unit_test(counter_jumps),
        cmocka_unit_test(not_open),
        cmocka_unit_test(no_log),
        cmocka_unit_test(off),
        cmocka_unit_test(hourly),
        cmocka_unit_test(off_in_an_attempt),
        cmocka_unit_test(clock_back),
        cmocka_unit_test(to_the_millisecond),
        cmocka_unit_test(released),
        cmocka_unit_test(released_early),
        cmocka_unit_test(not_released),
        cmocka_unit_test(ours),
        cmocka_unit_test(hurry),
        cmocka_unit_test(hurry_in_a_report),
        cmocka_unit_test(cancel),
        cmocka_unit_test(same_again),
        cmocka_unit_test(commit_fails),
        cmocka_unit_test(begin_fails),
        cmocka_unit_test(given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
