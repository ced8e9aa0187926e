/* SPDX-License-Identifier: MIT
 *
 * The device of device.h. What the ledger asserts is about mails that were accepted, on an image nobody else has touched.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 400000 };

struct device device;
static unsigned mood_now;

/* ---- The device --------------------------------------------------------------------------------------------------- */

static uint32_t draw_random(void)
{
    return device.random = device.random * 1664525 + 1013904223;
}

/* Each call of the outbox ends after bounded work with the flash. */
static void check_calls(uint32_t before)
{
    const struct flash *f = &device.flash;

    require(f->calls - before < CALLS_MAX, "I11: a call of the outbox does not end");
    device.trouble |= f->fail_at != 0 && f->calls >= f->fail_at;
}

/* The flash does not take it for a fault of the outbox's that a unit is programmed again if the image says that it was erased. */
static bool program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    struct flash *f = ctx;

    if (device.doubt && at / len < sizeof f->units) {
        f->units[at / len] = 0;
    }
    return device.program(ctx, at, octets, len);
}

void device_set(struct input *in)
{
    static const uint16_t block_sizes[] = {512, 1024, 768, 2048, 1600, 512};
    static const uint8_t entropy[32] = "never random";
    unsigned shape = draw(in), sizes = draw(in), seed = draw(in);
    uint32_t block_size = block_sizes[shape % 6];
    uint16_t blocks =
        (uint16_t)(FLASH_SIZE / block_size < FLASH_BLOCKS_MAX ? FLASH_SIZE / block_size : FLASH_BLOCKS_MAX);

    memset(&device, 0, sizeof device);
    flash_set(&device.flash, block_size, blocks);
    device.program = device.flash.storage.program;
    device.flash.storage.program = program;
    device.flash.storage.program_size = (uint16_t)(8u << sizes % 6);
    device.flash.ecc = (sizes & 128) != 0;
    device.flash.seed = device.random = seed;
    for (unsigned i = 0; i < DEVICE_RELAYS; i++) {
        device.relays[i].host = "relay.test";
        mote_trust_opportunistic(&device.relays[i].trust, NULL);
    }
    device.session_setup = (struct mote_session_setup){
        .helo = "device.test", .buf = device.buf, .buf_len = sizeof device.buf, .entropy = entropy};
    device.setup = (struct mote_outbox_setup){.storage = &device.flash.storage,
                                              .relays = device.relays,
                                              .states = device.states,
                                              .relay_count = (uint8_t)(1 + (shape >> 6 & 1)),
                                              .slot_count = (uint8_t)(1 + (sizes >> 3) % DEVICE_SLOTS),
                                              .slots = device.slots,
                                              .cell_blocks = (uint8_t)(1 + (shape >> 7)),
                                              .envelope = device.envelope,
                                              .envelope_cap = sizeof device.envelope,
                                              .session = &device.session,
                                              .session_setup = &device.session_setup};
    device_boot(0);
}

/* What the storage was told is not known again at the next boot, if it made trouble. */
static void forget(void)
{
    for (unsigned i = 0; i < DEVICE_MAILS; i++) {
        device.ledger[i].ended = false;
        memset(device.ledger[i].told, 0, sizeof device.ledger[i].told);
    }
}

void device_boot(uint32_t off_s)
{
    uint32_t calls;
    uint16_t lost = 0;
    uint8_t cause;

    if (device.trouble || device.flash.cut_at != 0) {
        forget();
    }
    if (device.flash.cut_at != 0 && device.flash.writes >= device.flash.cut_at && device.flash.failed) {
        device.doubt = true; /* a log that was erased because the other block fails, and the power went in that */
    }
    flash_boot(&device.flash);
    device.trouble = false;
    calls = device.flash.calls;
    cause = mote_outbox_open(&device.outbox, &device.setup, device.now_ms, off_s, draw_random(), &lost);
    check_calls(calls);
    device.open = cause == MOTE_CAUSE_NONE;
    require(device.doubt || cause != MOTE_CAUSE_STORAGE, "P9: the outbox does not open though the storage is good");
    require(device.doubt || lost == 0, "P9: a mail is lost though the storage is good");
}

void device_doubt(void)
{
    device.doubt = true;
}

/* ---- Mails --------------------------------------------------------------------------------------------------------- */

static void id_of(unsigned mail, uint8_t id[8])
{
    memset(id, 0x11, 8);
    id[7] = (uint8_t)mail;
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    const struct entry *e = ctx;
    char head[40];
    size_t n = 0, head_len = (size_t)sprintf(head, "Subject: mail %u\r\n\r\n", (unsigned)(e - device.ledger));

    for (; n < cap && offset < head_len + e->text_len; n++, offset++) {
        ((char *)buf)[n] = offset < head_len ? head[offset] : offset % 60 == 59 ? '\n' : 'x';
    }
    return n;
}

void device_post(unsigned rcpts, unsigned len)
{
    static const char *const addresses[] = {"r0@example.test", "r1@example.test", "r2@example.test"};
    struct mote_rcpt to[DEVICE_RCPTS] = {{0}};
    struct entry *e = &device.ledger[device.mails];
    struct mote_mail mail = {.from = "from@example.test", .rcpts = to, .read = read_text, .ctx = e};
    uint32_t calls = device.flash.calls;
    uint8_t id[8];

    if (!device.open || device.mails == DEVICE_MAILS) {
        return;
    }
    for (unsigned i = 0; i < DEVICE_RCPTS; i++) {
        to[i].address = addresses[i];
    }
    e->rcpts = mail.rcpt_count = (uint16_t)(1 + rcpts % DEVICE_RCPTS);
    e->text_len = len * len / 40;
    id_of(device.mails++, id);
    e->accepted = mote_outbox_post(&device.outbox, &mail, id, device.now_ms) == MOTE_CAUSE_NONE;
    check_calls(calls);
}

void device_cancel(unsigned mail)
{
    uint32_t calls = device.flash.calls;
    uint8_t id[8];

    mail %= DEVICE_MAILS;
    id_of(mail, id);
    if (device.open) {
        struct entry *e = &device.ledger[mail];
        bool before = e->heard_of;

        e->heard_of = true; /* the power may go */
        e->ended |= mote_outbox_cancel(&device.outbox, id);
        check_calls(calls);
        e->heard_of = before || e->ended || device.trouble; /* it may be stored though the storage denies it */
    }
}

void device_hurry(void)
{
    if (device.open) {
        mote_outbox_hurry(&device.outbox);
    }
}

/* ---- Working ------------------------------------------------------------------------------------------------------- */

static void commit(void)
{
    uint32_t calls = device.flash.calls;

    mote_outbox_commit(&device.outbox);
    check_calls(calls);
}

static void taken(const struct heard *heard)
{
    const struct entry *e = &device.ledger[heard->mail < 0 ? 0 : heard->mail % DEVICE_MAILS];

    if (device.doubt) {
        return;
    }
    require(heard->mail >= 0 && heard->mail < DEVICE_MAILS, "P9: a mail nobody posted");
    require(!e->ended, "I9: a mail is delivered behind its last report");
    for (unsigned i = 0; i < DEVICE_RCPTS; i++) {
        require(!heard->accepted[i] || !e->told[i], "I9: a recipient gets a mail again");
    }
}

static void take_report(void)
{
    struct mote_outbox *o = &device.outbox;
    const struct mote_record *record = &o->slot->record;
    unsigned mail = record->id[7];
    uint32_t calls = device.flash.calls;
    bool last = o->last;

    require(o->mail.rcpt_count <= MOTE_OUTBOX_RCPTS, "I5: more recipients than there is room for");
    for (unsigned i = 0; i < o->mail.rcpt_count && mail < DEVICE_MAILS && i < DEVICE_RCPTS; i++) {
        device.ledger[mail].told[i] |= o->mail.rcpts[i].result.verdict == MOTE_DELIVERED;
    }
    if (last && mail < DEVICE_MAILS) {
        device.ledger[mail].ended = device.ledger[mail].heard_of = true;
    }
    mote_outbox_reported(o);
    check_calls(calls);
}

static bool fresh; /* a new connection */

static void connect(void)
{
    static const uint8_t causes[] = {MOTE_CAUSE_CONNECT, MOTE_CAUSE_LOOKUP, MOTE_CAUSE_NO_NETWORK, MOTE_CAUSE_ABORTED};

    if (mood_now != 0 && mood_now % 16 < 4) {
        mote_delivery_unreachable(&device.outbox.delivery, causes[mood_now % 4]);
    } else {
        device.session_setup.start_ms = device.now_ms;
        mote_delivery_connected(&device.outbox.delivery);
        fresh = true;
    }
}

/* Sleeps until a mail is due, an hour at most, or not at all while there is something to erase. False: nothing is left to do. */
static bool sleep(void)
{
    uint32_t wait_s = mote_outbox_wait_s(&device.outbox);

    if (!device.outbox.tidying && wait_s == UINT32_MAX) {
        return false;
    }
    device.now_ms += device.outbox.tidying ? 0 : (wait_s < 3600 ? wait_s : 3600) * 1000u + 1;
    return true;
}

void device_drive(unsigned steps, unsigned mood)
{
    mood_now = mood;
    while (device.open && steps-- != 0) {
        uint32_t calls = device.flash.calls;
        uint8_t step = mote_outbox_poll(&device.outbox, device.now_ms, draw_random());

        check_calls(calls);
        switch (step) {
        case MOTE_CONNECT: connect(); break;
        case MOTE_TALK:
            correspond(&device.session, fresh, &device.now_ms, mood, commit, taken);
            fresh = false;
            break;
        case MOTE_REPORT: take_report(); break;
        default:
            if (!sleep()) {
                return;
            }
        }
        mood_now = mood != 0 ? draw_random() >> 16 & 255 : 0;
    }
}

/* The storage works, the relays are good, and all the time in the world was given. */
void device_check_end(void)
{
    require(device.doubt || mote_outbox_wait_s(&device.outbox) == UINT32_MAX, "I6: mails are left that come to no end");
    for (unsigned i = 0; i < device.mails; i++) {
        require(device.doubt || !device.ledger[i].accepted || device.ledger[i].heard_of,
                "P9: a mail that was accepted is gone without a word");
    }
}
