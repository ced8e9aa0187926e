/* SPDX-License-Identifier: MIT
 *
 * The outbox on storage that works: what it takes and what it refuses, when it tries, what it reports, how long it
 * keeps on. Power cuts and bad storage have tests of their own.
 */
#include "log.h"
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DAY = 86400 };

/* ---- Taking ------------------------------------------------------------------------------------------------------ */

/* A mail made to order. */
static struct {
    struct mote_mail mail;
    struct mote_rcpt rcpts[10];
    size_t len;
    unsigned readings;
    size_t (*second)(size_t offset, void *buf, size_t cap); /* instead of the text, when it is read again */
    char text[600];
} m;

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t n = m.len - offset < cap ? m.len - offset : cap;

    m.readings += offset == 0;
    if (m.second != NULL && m.readings > 1) {
        return m.second(offset, buf, cap);
    }
    memcpy(buf, m.text + offset, n);
    return n;
}

/* Lines of 10 octets and what is left. */
static void make(unsigned rcpts, size_t len)
{
    memset(&m, 0, sizeof m);
    m.len = len;
    for (size_t i = 0; i < len; i++) {
        m.text[i] = "abcdefgh\r\n"[i % 10];
    }
    for (unsigned i = 0; i < 10; i++) {
        m.rcpts[i].address = "a@example.test";
    }
    m.mail = (struct mote_mail){
        .from = "m0@example.test", .rcpts = m.rcpts, .rcpt_count = (uint16_t)rcpts, .read = read_text};
}

static uint8_t post(unsigned number)
{
    uint8_t id[8];

    world_id(number, id);
    return mote_outbox_post(&w.outbox, &m.mail, id, w.sim.now_ms);
}

static size_t no_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    return MOTE_READ_FAILED;
}

static void expect_refused(uint8_t cause)
{
    static struct world saved;

    saved = w;
    assert_int_equal(post(9), cause);
    assert_memory_equal(saved.flash.octets, w.flash.octets, sizeof w.flash.octets);
    assert_memory_equal(saved.slots, w.slots, sizeof w.slots);
}

static void refused(void **state)
{
    static char envelope[1024];

    static const char long_local[] = "a23456789012345678901234567890123456789012345678901234567890@example.test";

    world_new();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    make(0, 20);
    expect_refused(MOTE_CAUSE_ADDRESS);
    make(1, 20);
    m.mail.rcpts = NULL;
    expect_refused(MOTE_CAUSE_ADDRESS);
    make(9, 20);
    expect_refused(MOTE_CAUSE_TOO_MANY);
    make(1, 20);
    m.rcpts[0].address = "a example.test";
    expect_refused(MOTE_CAUSE_ADDRESS);
    make(1, 20);
    m.mail.from = "a";
    expect_refused(MOTE_CAUSE_ADDRESS);
    make(2, 20); /* no room for so long an envelope */
    m.rcpts[0].address = m.rcpts[1].address = long_local;
    expect_refused(MOTE_CAUSE_BUFFER);
    make(1, 20);
    m.text[5] = 0;
    expect_refused(MOTE_CAUSE_TEXT);
    make(1, 600);
    expect_refused(MOTE_CAUSE_TOO_BIG);
    make(1, 20);
    m.mail.from = NULL;
    expect_refused(MOTE_CAUSE_ADDRESS);
    make(2, 20);
    m.rcpts[1].address = NULL;
    expect_refused(MOTE_CAUSE_ADDRESS);
    make(1, 20);
    m.mail.read = no_text;
    expect_refused(MOTE_CAUSE_STORAGE);
    make(1, 600);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
    }
    expect_refused(MOTE_CAUSE_TOO_BIG); /* never, and not later */
    make(8, 20);
    for (unsigned i = 0; i < 8; i++) {
        m.rcpts[i].address = "a-rather-long-name-of-somebody-who-is-told-of-everything@example.test";
    }
    w.setup.envelope = envelope;
    w.setup.envelope_cap = sizeof envelope;
    expect_refused(MOTE_CAUSE_TOO_BIG); /* without a text */
}

static size_t longer(size_t offset, void *buf, size_t cap)
{
    size_t n = 21 - offset < cap ? 21 - offset : cap;

    memset(buf, 'x', n);
    return n;
}

static size_t shorter(size_t offset, void *buf, size_t cap)
{
    memset(buf, 'x', 10);
    return offset == 0 ? 10 : 0;
}

static size_t endless(size_t offset, void *buf, size_t cap)
{
    memset(buf, 'x', cap);
    return cap;
}

static size_t too_much(size_t offset, void *buf, size_t cap)
{
    memset(buf, 'x', cap);
    return 200;
}

static size_t with_nul(size_t offset, void *buf, size_t cap)
{
    memset(buf, 0, 20);
    return offset == 0 ? 20 : 0;
}

static size_t eight_bit(size_t offset, void *buf, size_t cap)
{
    memset(buf, 0xe4, 20);
    return offset == 0 ? 20 : 0;
}

static size_t eight_bit_as_long(size_t offset, void *buf, size_t cap)
{
    memset(buf, 0xe4, 18);
    return offset == 0 ? 18 : 0;
}

static size_t failing(size_t offset, void *buf, size_t cap)
{
    return MOTE_READ_FAILED;
}

/* A text that is another one when it is read again is refused, whatever it is; the cell can be used again. */
static void read_again(void **state)
{
    static size_t (*const readings[])(size_t, void *, size_t) = {longer,   shorter,   endless,           too_much,
                                                                 with_nul, eight_bit, eight_bit_as_long, failing};

    for (unsigned i = 0; i < sizeof readings / sizeof *readings; i++) {
        world_new();
        w.mails = 0;
        for (unsigned again = 0; again < 2; again++) {
            make(1, 18);
            m.second = readings[i];
            assert_int_equal(post(9), readings[i] == failing ? MOTE_CAUSE_STORAGE : MOTE_CAUSE_TEXT);
            assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
        }
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(world_post(n), MOTE_CAUSE_NONE);
        }
        world_boot();
        assert_int_equal(w.lost, 0);
        assert_int_equal(world_post(4), MOTE_CAUSE_FULL);
    }
}

/* 8-bit mail is known to be so. */
static void needs(void **state)
{
    world_new();
    w.mails = 0;
    w.sim.offered = NULL;
    w.sim.came = NULL;
    make(1, 20);
    m.text[3] = (char)0xe4;
    assert_int_equal(post(0), MOTE_CAUSE_NONE);
    world_boot();
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    assert_int_equal(w.outbox.mail.needs & (MOTE_NEEDS_8BITMIME | MOTE_NEEDS_SMTPUTF8), MOTE_NEEDS_8BITMIME);
    assert_int_equal(w.outbox.mail.size, 20);
    make(1, 20);
    m.text[3] = '\n'; /* a line more, and a CR more on the wire */
    world_new();
    assert_int_equal(post(0), MOTE_CAUSE_NONE);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
    assert_int_equal(w.outbox.mail.needs & (MOTE_NEEDS_8BITMIME | MOTE_NEEDS_SMTPUTF8), 0);
    assert_int_equal(w.outbox.mail.size, 21);
}

/* P7: a mail accepted for verified relays only stays so; a mixed set does not bind. */
static void verified_only(void **state)
{
    static const unsigned char pin[32];
    static struct mote_relay relays[2];

    for (unsigned set = 0; set < 3; set++) {
        world_new();
        relays[0] = relays[1] = w.relay;
        if (set < 2) {
            mote_trust_pin(&relays[0].trust, pin, NULL);
        }
        if (set == 0) {
            mote_trust_pin(&relays[1].trust, pin, NULL);
        }
        w.setup.relays = relays;
        w.setup.relay_count = 2;
        assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
        w.setup.relays = &w.relay; /* opportunistic */
        w.setup.relay_count = 1;
        world_boot();
        assert_int_equal(w.slots[1].record.verified_only, set == 0);
        if (set == 0) {
            assert_int_equal(world_poll(0), MOTE_REPORT);
            assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_BARRED);
        } else {
            assert_int_equal(world_poll(0), MOTE_CONNECT);
        }
    }
}

static void full(void **state)
{
    world_new();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(world_post(i), MOTE_CAUSE_NONE);
    }
    make(1, 20);
    expect_refused(MOTE_CAUSE_FULL);
    assert_int_equal(post(2), MOTE_CAUSE_DUPLICATE); /* that one is there */
    w.next = 4;
    w.mails = 4;
    assert_true(world_go(1000));
    world_check_ends();
    assert_int_equal(world_post(4), MOTE_CAUSE_NONE);
}

/* The longest mail a cell can hold; the null sender; it comes as it was posted. */
static void fits(void **state)
{
    size_t room = 512 - 16 - 44 - 1 - sizeof "a@example.test";

    for (size_t len = room - 20; len <= room + 2; len++) {
        char whole[600];

        world_new();
        w.sim.offered = NULL;
        w.sim.came = NULL;
        make(1, len);
        memset(m.text, 'a', len - 2); /* one long line */
        memcpy(m.text + len - 2, "\r\n", 2);
        memcpy(whole, m.text, len);
        whole[len] = 0;
        m.mail.from = "";
        assert_int_equal(post(0), len <= room ? MOTE_CAUSE_NONE : MOTE_CAUSE_TOO_BIG);
        w.mails = 0;
        w.ledger[0].posted = true;
        if (len <= room) {
            memset(m.text, 'x', sizeof m.text);
            w.ledger[0].came[0] = 1;
            assert_true(world_go(100));
            assert_string_equal(w.sim.from, "");
            assert_string_equal(w.sim.text, whole);
        }
    }
}

static void too_small(void **state)
{
    static const struct {
        uint32_t block_size;
        uint16_t blocks;
        uint8_t slots, cell_blocks, cause;
    } cases[] = {
        {512, 6, 4, 1, MOTE_CAUSE_NONE},  {512, 5, 4, 1, MOTE_CAUSE_SETUP}, {512, 7, 4, 2, MOTE_CAUSE_SETUP},
        {512, 10, 4, 2, MOTE_CAUSE_NONE}, {384, 6, 4, 1, MOTE_CAUSE_NONE},  {376, 6, 4, 1, MOTE_CAUSE_SETUP},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_set(cases[i].block_size, cases[i].blocks, cases[i].slots, cases[i].cell_blocks, 0);
        world_boot();
        assert_int_equal(w.opened, cases[i].cause);
    }
}

/* What is wrong with a setup is found when it is opened, before the storage is touched. */
static void setup(void **state)
{
    static const uint16_t sizes[] = {0, 1, 4, 7, 12, 24, 100, 255, 257, 512, 1024, 0x8000, UINT16_MAX};
    static struct world good;

    world_new();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    good = w;
    for (unsigned i = 0; i < 20 + sizeof sizes / sizeof *sizes; i++) {
        w = good;
        switch (i) {
        case 0: w.setup.storage = NULL; break;
        case 1: w.flash.storage.read = NULL; break;
        case 2: w.flash.storage.program = NULL; break;
        case 3: w.flash.storage.erase = NULL; break;
        case 4: w.flash.storage.block_size = 0; break;
        case 5: w.flash.storage.block_size = 8; break;
        case 6: w.flash.storage.block_size = 516; break;
        case 7: w.flash.storage.block_count = 0; break;
        case 8: w.setup.relays = NULL; break;
        case 9: w.setup.relay_count = 0; break;
        case 10: w.setup.relay_count = MOTE_RELAYS_MAX + 1; break;
        case 11: w.setup.slots = NULL; break;
        case 12: w.setup.slot_count = 0; break;
        case 13: w.setup.cell_blocks = 0; break;
        case 14: w.setup.envelope = NULL; break;
        case 15: w.setup.session = NULL; break;
        case 16: w.setup.session_setup = NULL; break;
        case 17: w.setup.envelope_cap = 0; break;
        case 18: w.session_setup.buf = NULL; break;
        case 19: w.session_setup.buf_len = MOTE_SESSION_BUF_MIN - 1; break;
        default: w.flash.storage.program_size = sizes[i - 20]; break;
        }
        w.lost = 9;
        assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost), MOTE_CAUSE_SETUP);
        assert_int_equal(w.lost, 0);
        assert_int_equal(w.flash.calls, good.flash.calls);
    }
    assert_int_equal(mote_outbox_open(&w.outbox, NULL, 0, 0, 0, &w.lost),
                     MOTE_CAUSE_SETUP); /* and then it does nothing */
    assert_int_equal(world_post(1), MOTE_CAUSE_SETUP);
    assert_int_equal(world_poll(0), MOTE_IDLE);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
    mote_outbox_hurry(&w.outbox);
    w = good;
    world_boot();
    assert_int_equal(w.slots[1].len, good.slots[1].len);
    w.flash.storage.block_size = 1u << 30; /* 6 GiB */
    assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost), MOTE_CAUSE_SETUP);
}

/* With other sizes than those it was written with, a storage is not touched, and no mail is called lost. */
static void other_sizes(void **state)
{
    static struct world good;

    world_set(512, 10, 4, 2, 0);
    world_boot();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    assert_int_equal(world_post(1), MOTE_CAUSE_NONE);
    good = w;
    for (unsigned i = 0; i < 10; i++) {
        if (i == 5) { /* with the other block of the log as the one that counts */
            w = good;
            for (unsigned log = w.outbox.log; w.outbox.log == log;) {
                mote_log_save(&w.outbox, &w.slots[0]);
            }
            good = w;
        }
        w = good;
        switch (i % 5) {
        case 0: w.setup.slot_count = 3; break;
        case 1: w.setup.slot_count = 1; break;
        case 2: w.setup.cell_blocks = 1; break;
        case 3: w.flash.storage.block_size = 256; break;
        default: w.flash.storage.program_size = 16; break; /* a state is as long as before */
        }
        assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost), MOTE_CAUSE_SETUP);
        assert_int_equal(w.lost, 0);
        assert_memory_equal(w.flash.octets, good.flash.octets, sizeof w.flash.octets);
    }
    w = good;
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_int_equal(w.slots[1].len, good.slots[1].len);
}

enum { SIZES = 4 * 6 * 2 * 2 };

/* One after the other all that differ. Returns the octets of the storage. */
static uint32_t set_sizes(unsigned n)
{
    struct mote_storage *s = &w.flash.storage;

    s->block_size = 512u << n % 4;
    s->block_count = (uint16_t)(n % 4 < 2 ? FLASH_BLOCKS_MAX : FLASH_SIZE / s->block_size);
    s->program_size = (uint16_t)(8u << n / 4 % 6);
    w.setup.cell_blocks = (uint8_t)(1 + n / 24 % 2);
    w.setup.slot_count = (uint8_t)(1 + n / 48 * 2);
    return s->block_size * s->block_count;
}

/* From any sizes to any others: with the first log, with the one behind it, and with that alone, as where power goes when the next one is
 * begun. A storage that ends in front of the one log there is is the only one in which it is not seen. */
static void all_sizes(void **state)
{
    static struct world good;
    unsigned seen = 0;

    for (unsigned n = 0; n < 3 * SIZES; n++) {
        uint32_t end = 0;
        unsigned slot = 0;

        world_set(512, 10, 1, 1, 0);
        set_sizes(n / 3);
        world_boot();
        if (w.opened != MOTE_CAUSE_NONE) {
            continue; /* they are none */
        }
        assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
        while (w.slots[slot].len == 0) {
            slot++;
        }
        assert_int_equal(w.outbox.log, 0);
        while (n % 3 != 0 && w.outbox.log == 0) {
            assert_true(mote_log_save(&w.outbox, &w.slots[slot]));
        }
        if (n % 3 == 2) {
            assert_true(w.flash.storage.erase(w.flash.storage.ctx, 0));
            end = w.flash.storage.block_size + (w.setup.slot_count + 1u) * w.outbox.state_len;
        }
        good = w;
        for (unsigned i = 0; i < SIZES; i++) {
            if (i == n / 3 || set_sizes(i) < end) {
                continue;
            }
            assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost), MOTE_CAUSE_SETUP);
            assert_int_equal(w.lost, 0);
            assert_memory_equal(w.flash.octets, good.flash.octets, sizeof w.flash.octets);
            seen++;
        }
        set_sizes(n / 3);
        world_boot();
        assert_int_equal(w.opened, MOTE_CAUSE_NONE);
        assert_int_equal(w.slots[slot].len, good.slots[slot].len);
    }
    assert_in_range(seen, 15000, 3 * SIZES * SIZES);
}

/* A mail's text may hold what looks like a mark, but for the zeros that every mark has: a text has none. */
static size_t read_forged(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct mote_record mark = {.slot = UINT8_MAX,
                               .number = 0x4141,
                               .age_s = 0x41414141,
                               .tls_since_s = 0x41414141,
                               .wait_s = 0x41414141,
                               .attempts = 0x4141,
                               .code = 0x141,
                               .first = 1,
                               .cause = 0x41,
                               .plain = true,
                               .rcpt_count = 0x20,
                               .rcpts_delivered = 0x41414141,
                               .rcpts_failed = 0x41414141};
    char text[14 + 8 * (MOTE_RECORD_LEN + 1) + 2] = "Subject: x\r\n\r\n", *at = text + 14;
    size_t n = sizeof text - offset < cap ? sizeof text - offset : cap;
    uint8_t octets[MOTE_RECORD_LEN];

    memset(mark.id, 'A', sizeof mark.id);
    do {
        mark.rcpts_failed++;
        mote_record_write(&mark, octets);
    } while (memchr(octets, 0, sizeof octets) != NULL || memchr(octets, '\r', sizeof octets) != NULL ||
             memchr(octets, '\n', sizeof octets) != NULL);
    for (unsigned i = 0; i < 8; i++) { /* one of them is at a multiple of 8 */
        memcpy(at, octets, sizeof octets);
        at[sizeof octets] = '.';
        at += sizeof octets + 1;
    }
    memcpy(at, "\r\n", 2);
    memcpy(buf, text + offset, n);
    return n;
}

static void forged_mark(void **state)
{
    struct mote_rcpt rcpt = {.address = "a@example.test"};
    struct mote_mail mail = {.from = "m@example.test", .rcpts = &rcpt, .rcpt_count = 1, .read = read_forged};
    const uint8_t id[8] = {1};

    world_set(512, 10, 4, 2, 0);
    world_boot();
    assert_int_equal(mote_outbox_post(&w.outbox, &mail, id, 0), MOTE_CAUSE_NONE);
    assert_true(w.flash.storage.erase(w.flash.storage.ctx, 0) && w.flash.storage.erase(w.flash.storage.ctx, 1));
    assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, 0, 0, 0, &w.lost), MOTE_CAUSE_NONE);
}

/* Cells are worn evenly, though never more than one mail is there, and though the device is switched off again and again. */
static void even_wear(void **state)
{
    for (unsigned boots = 0; boots < 2; boots++) {
        world_new();
        w.mails = 0;
        assert_true(world_go(100));
        for (unsigned i = 2; i < 6; i++) {
            assert_int_equal(w.flash.erases[i], 1); /* what a new storage holds is not known */
        }
        for (w.next = 0; w.next < 40; w.next++) {
            assert_int_equal(world_post(w.next), MOTE_CAUSE_NONE);
            assert_true(world_go(500));
            if (boots != 0) {
                world_boot();
                assert_true(world_go(100));
            }
        }
        for (unsigned i = 2; i < 6; i++) {
            assert_int_equal(w.flash.erases[i], 11);
        }
    }
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/* P11: tried again and again, at waits that follow the age, and given up after five days. */
static void expiry(void **state)
{
    uint32_t age = 0, attempts = 0;

    world_put_in(0);
    w.setup.states = NULL;
    for (;;) {
        uint32_t clamped = age < 300 ? 300 : age > 4000 ? 4000 : age, wait;

        world_in_vain(flash_random(&w.random));
        attempts++;
        assert_int_equal(w.slots[1].record.attempts, attempts);
        assert_int_equal(w.slots[1].record.age_s, age);
        assert_int_equal(w.outbox.last, age >= 5 * DAY);
        assert_int_equal(w.outbox.expired, age >= 5 * DAY);
        assert_int_equal(world_poll(0), MOTE_REPORT); /* until it was heard */
        mote_outbox_reported(&w.outbox);
        if (age >= 5 * DAY) {
            break;
        }
        wait = mote_outbox_wait_s(&w.outbox);
        assert_in_range(wait, clamped, clamped + (age < 300 ? 75 : age < 600 ? 2 * age : 0));
        if (age < 5 * DAY && age + wait > 5 * DAY - 4000 && age + wait < 5 * DAY) {
            wait = 5 * DAY - 1 - age; /* the last second */
        }
        world_sleep(wait - 1);
        if (wait == mote_outbox_wait_s(&w.outbox)) {
            assert_int_equal(world_poll(0), MOTE_IDLE);
        }
        world_sleep(1);
        age += wait;
    }
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
    assert_int_equal(world_poll(0), MOTE_IDLE);
    world_boot();
    assert_int_equal(mote_outbox_wait_s(&w.outbox), UINT32_MAX);
}

/* A mail is as old as it is, however long the device slept before it was posted. */
static void posted_after_a_sleep(void **state)
{
    world_new();
    assert_int_equal(world_poll(0), MOTE_IDLE);
    world_sleep(6 * DAY);
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    world_in_vain(0);
    assert_int_equal(w.outbox.slot->record.age_s, 0);
    assert_false(w.outbox.expired);
    assert_false(w.outbox.last);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
}

/* P4, P5: due after 60 s, and only then armed; time before a power cut counts as far as it was stored. */
static void tls_fails(void **state)
{
    world_put_in(FATE_TLS);
    assert_true(world_step() && world_step() && world_step() && world_step());
    assert_int_equal(w.phase, REPORT);
    assert_string_equal(w.sim.log, "1[EHLO STARTTLS]");
    assert_true(world_step());
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(mote_outbox_wait_s(&w.outbox), i < 3 ? 60 : 52);
        assert_int_equal(world_poll(0), MOTE_IDLE);
        if (i == 2) {
            world_sleep(8);
            assert_int_equal(world_poll(0), MOTE_IDLE); /* stored here */
        }
        world_sleep(i < 2 ? 59 : i == 2 ? 7 : 0);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), i < 2 ? 60 : 52);
        world_boot();
        assert_false(mote_policy_armed(w.slots[1].record.tls_failed, w.slots[1].record.tls_since_s));
    }
    world_sleep(60);
    assert_true(world_go(20));
    assert_string_equal(w.sim.log, "1[EHLO STARTTLS]1[EHLO MAIL RCPT DATA .]");
    assert_true(w.ledger[FATE_TLS].ended);
}

/* The millisecond counter wraps. */
static void wrap(void **state)
{
    world_new();
    w.sim.now_ms = UINT32_MAX - 100500;
    world_boot();
    w.sim.now_ms = UINT32_MAX - 100500;
    assert_int_equal(mote_outbox_open(&w.outbox, &w.setup, w.sim.now_ms, 0, 0, &w.lost), MOTE_CAUSE_NONE);
    w.setup.states = NULL;
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    for (unsigned i = 0; i < 299; i++) {
        w.sim.now_ms += 1000;
        assert_int_equal(world_poll(0), MOTE_IDLE);
    }
    w.sim.now_ms += 999;
    assert_int_equal(world_poll(0), MOTE_IDLE);
    w.sim.now_ms += 1;
    assert_int_equal(world_poll(0), MOTE_CONNECT);
}

/* ---- Reports ----------------------------------------------------------------------------------------------------- */

/* P9: the record says that the mail may have been sent before it may have been. */
static void commit(void **state)
{
    for (unsigned cut = 0; cut < 2; cut++) {
        world_put_in(FATE_GOOD);
        while (w.phase != COMMIT && world_step()) {
        }
        assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA"); /* and no dot */
        assert_false(w.slots[1].record.sent);
        if (cut == 0) {
            world_boot();
            assert_false(w.slots[1].record.sent);
            continue;
        }
        assert_true(world_step());
        assert_true(w.slots[1].record.sent);
        world_boot(); /* in doubt: it is sent again, in time */
        assert_false(w.slots[1].record.sent);
        assert_int_equal(w.slots[1].record.attempts, 1);
        assert_int_equal(w.slots[1].record.cause, MOTE_CAUSE_LOST);
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
        assert_true(world_go(30));
        assert_int_equal(w.ledger[0].record.attempts, 2);
    }
}

/* A recipient that has its verdict keeps it over attempts and reboots, and is not asked again. */
static void recipients(void **state)
{
    world_put_in(FATE_ONE_ONE);
    while (w.phase != REPORT && world_step()) {
    }
    assert_false(w.outbox.last);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
    assert_int_equal(w.outbox.rcpts[1].result.verdict, MOTE_DEFERRED);
    assert_int_equal(w.outbox.rcpts[1].result.code, 450);
    assert_true(world_step());
    world_boot();
    assert_true(world_step() && world_step());
    while (w.phase != REPORT && world_step()) {
    }
    assert_string_equal(w.sim.log, "1[EHLO MAIL RCPT DATA .]");
    assert_true(w.outbox.last);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
    assert_int_equal(w.outbox.rcpts[1].result.verdict, MOTE_DELIVERED);
    assert_int_equal(w.ledger[FATE_ONE_ONE].came[0], 1);
}

/* What the relays replied, mail after mail, in room lent once: nothing that was said of another. */
static void replies(void **state)
{
    static const char *const seen[][3] = {
        {"ok", "later", "taken"}, {"later", "", "ok"}, {"never", "", "ok"}, {"", "", ""}, {"ok", "never", "taken"}};
    static const unsigned numbers[] = {FATE_ONE_ONE, FATE_LATER, FATE_NEVER, FATE_DOWN, FATE_HALF};
    char whole[40] = "before", own[2][40] = {"before", "before"};

    world_new();
    w.mails = 0;
    w.setup.states = NULL;
    w.outbox.mail.reply_text = whole;
    w.outbox.mail.reply_text_cap = sizeof whole;
    for (unsigned i = 0; i < 2; i++) {
        w.outbox.rcpts[i].reply_text = own[i];
        w.outbox.rcpts[i].reply_text_cap = sizeof own[i];
    }
    for (unsigned n = 0; n < 5; n++) {
        assert_int_equal(world_post(numbers[n]), MOTE_CAUSE_NONE);
        do {
            assert_true(world_step());
        } while (w.phase != REPORT);
        for (unsigned i = 0; i < w.outbox.mail.rcpt_count; i++) {
            assert_string_equal(own[i], seen[n][i]);
        }
        assert_string_equal(whole, seen[n][2]);
        assert_true(world_step());
        if (!w.outbox.last) {
            mote_outbox_cancel(&w.outbox, w.ledger[numbers[n]].record.id);
        }
    }
}

/* Those of an attempt before are none of this one's, which the recipient who has its verdict takes no part in. */
static void replies_again(void **state)
{
    char own[2][40] = {"", ""};

    world_new();
    w.mails = 0;
    assert_int_equal(world_post(FATE_ONE_ONE), MOTE_CAUSE_NONE);
    for (unsigned i = 0; i < 2; i++) {
        w.outbox.rcpts[i].reply_text = own[i];
        w.outbox.rcpts[i].reply_text_cap = sizeof own[i];
    }
    for (unsigned n = 0; n < 2; n++) {
        do {
            assert_true(world_step());
        } while (w.phase != REPORT);
        assert_string_equal(own[0], n == 0 ? "ok" : "");
        assert_string_equal(own[1], n == 0 ? "later" : "ok");
        assert_true(world_step());
    }
}

/* The power goes before the report was heard: it comes again, at once, and no relay is asked. */
static void reported_again(void **state)
{
    world_put_in(FATE_GOOD);
    for (unsigned i = 0; i < 3; i++) {
        while (w.phase != REPORT && world_step()) {
        }
        assert_true(w.outbox.last);
        assert_false(w.outbox.expired);
        assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DELIVERED);
        assert_int_equal(w.outbox.slot->record.attempts, 1);
        assert_int_equal(w.outbox.slot->record.code, 250);
        assert_int_equal(w.ledger[0].offers, 1);
        world_boot();
        assert_int_equal(mote_outbox_wait_s(&w.outbox), 0);
    }
    assert_true(world_go(20));
    assert_true(w.ledger[0].ended);
    assert_int_equal(w.ledger[0].offers, 1);
}

/* P12: a relay that failed is left alone by the other mails, too. */
static void left_alone(void **state)
{
    world_new();
    assert_int_equal(world_post(0), MOTE_CAUSE_NONE);
    assert_int_equal(world_post(1), MOTE_CAUSE_NONE);
    world_in_vain(0);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LEFT_ALONE);
    assert_false(w.outbox.last);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(world_poll(0), MOTE_IDLE);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
    world_sleep(300);
    assert_int_equal(world_poll(0), MOTE_CONNECT);
}

/* Relays that cannot be right are told, not tried; the mail stays. */
static void misuse(void **state)
{
    world_put_in(0);
    w.relay.login.user = "u";
    assert_int_equal(world_poll(0), MOTE_REPORT);
    assert_false(w.outbox.last);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_MISUSE);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_LOGIN);
    mote_outbox_reported(&w.outbox);
    assert_int_equal(mote_outbox_wait_s(&w.outbox), 300);
    w.relay.login.user = NULL;
    world_sleep(300);
    assert_true(world_go(20));
    assert_true(w.ledger[0].ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),        cmocka_unit_test(read_again),
        cmocka_unit_test(needs),          cmocka_unit_test(verified_only),
        cmocka_unit_test(setup),          cmocka_unit_test(other_sizes),
        cmocka_unit_test(all_sizes),      cmocka_unit_test(forged_mark),
        cmocka_unit_test(full),           cmocka_unit_test(fits),
        cmocka_unit_test(too_small),      cmocka_unit_test(even_wear),
        cmocka_unit_test(expiry),         cmocka_unit_test(posted_after_a_sleep),
        cmocka_unit_test(tls_fails),      cmocka_unit_test(wrap),
        cmocka_unit_test(commit),         cmocka_unit_test(recipients),
        cmocka_unit_test(replies),        cmocka_unit_test(replies_again),
        cmocka_unit_test(reported_again), cmocka_unit_test(left_alone),
        cmocka_unit_test(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
