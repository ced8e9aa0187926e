/* SPDX-License-Identifier: MIT
 *
 * An outbox in the memory MOTE_OUTBOX() declares: it opens, has room for what was asked for, and no block too many.
 */
#include "flash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 2, ENVELOPE = 32 };

static struct mote_relay relays[] = {{.host = "a.example.test"}, {.host = "b.example.test"}};
MOTE_OUTBOX(alerts, relays, NULL, SLOTS, 1, ENVELOPE, MOTE_SESSION_BUF_MIN);

static struct flash flash;
static uint8_t id[8];

/* A text of *ctx octets. */
static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t left = *(size_t *)ctx - offset, n = left < cap ? left : cap;

    for (size_t i = 0; i < n; i++) {
        ((char *)buf)[i] = (offset + i) % 40 == 38 ? '\r' : (offset + i) % 40 == 39 ? '\n' : 'x';
    }
    return n;
}

/* Of so many octets, with its addresses. */
static uint8_t post(size_t mail_octets)
{
    struct mote_rcpt rcpt = {.address = "a@example.test"};
    size_t text = mail_octets - 2 * sizeof "a@example.test";
    struct mote_mail mail = {
        .from = "m@example.test", .rcpts = &rcpt, .rcpt_count = 1, .read = read_text, .ctx = &text};

    text -= text % 40; /* whole lines */
    id[0]++;
    return mote_outbox_post(&alerts, &mail, id, 0);
}

static void open_outbox(uint32_t block_size, uint16_t program_size, uint8_t cell_blocks)
{
    uint16_t lost;

    flash_set(&flash, block_size, (uint16_t)MOTE_STORAGE_BLOCKS(SLOTS, cell_blocks));
    flash.storage.program_size = program_size;
    alerts_setup.storage = &flash.storage;
    alerts_setup.cell_blocks = cell_blocks;
    assert_int_equal(mote_outbox_open(&alerts, &alerts_setup, 0, 0, 0, &lost), MOTE_CAUSE_NONE);
}

static void all_is_lent(void **state)
{
    assert_int_equal(alerts_setup.relay_count, 2);
    assert_int_equal(sizeof alerts_states / sizeof *alerts_states, 2);
    assert_int_equal(alerts_setup.slot_count, SLOTS);
    assert_int_equal(alerts_setup.envelope_cap, ENVELOPE);
    assert_int_equal(alerts_setup.session_setup->buf_len, MOTE_SESSION_BUF_MIN);
    open_outbox(512, 8, 1);
    assert_int_equal(post(300), MOTE_CAUSE_NONE);
    assert_int_equal(post(300), MOTE_CAUSE_NONE);
    assert_int_equal(post(300), MOTE_CAUSE_FULL);
}

/* The mail asked for fits, and would not into a block less. */
static void cells(void **state)
{
    static const uint16_t units[] = {8, 16, 32, 64, 128, 256};
    enum { BLOCK = 1536 };

    for (uint16_t mail = 110; mail < 5800;
         mail = (uint16_t)(mail + 40)) { /* 80 octets of text and the addresses, and so on */
        for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
            uint8_t blocks = (uint8_t)MOTE_CELL_BLOCKS(mail, BLOCK, units[i]);

            open_outbox(BLOCK, units[i], blocks);
            assert_int_equal(post(mail), MOTE_CAUSE_NONE);
            if (blocks > 1) {
                open_outbox(BLOCK, units[i], (uint8_t)(blocks - 1));
                assert_int_equal(post(mail), MOTE_CAUSE_TOO_BIG);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_is_lent), cmocka_unit_test(cells)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
