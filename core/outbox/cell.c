/* SPDX-License-Identifier: MIT
 *
 * Cells: each holds a mail. The head is written last and makes it valid. Whatever is read again, at a boot, for an attempt, and
 * while the text is sent, is held against the checksum in the head.
 *
 *     cell:  head "AM", the mail's number, len, checksum | record as accepted, addresses with a NUL each, text (len)
 */
#include "cell.h"
#include "record.h"
#include "storage.h"

#include <string.h>

enum { CELL_MAGIC = 0x4d41 };

static uint32_t first_block(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return 2 + (uint32_t)slot->record.slot * o->setup->cell_blocks;
}

static uint32_t head_at(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return first_block(o, slot) * o->setup->storage->block_size;
}

/* Of what is behind the head. */
static uint32_t content_at(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return head_at(o, slot) + o->head_len;
}

uint32_t mote_cell_room(const struct mote_outbox *o)
{
    return o->setup->storage->block_size * o->setup->cell_blocks - o->head_len;
}

static uint32_t min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- A mail goes in ---------------------------------------------------------------------------------------------- */

bool mote_cell_unused(struct mote_outbox *o, const struct mote_slot *slot)
{
    uint8_t octets[8]; /* those that are written first */

    return mote_storage_read(o, content_at(o, slot), octets, sizeof octets) &&
           mote_storage_erased(octets, sizeof octets);
}

bool mote_cell_erase(struct mote_outbox *o, struct mote_slot *slot)
{
    bool good = mote_storage_erase(o, first_block(o, slot) + slot->erased);

    slot->erased = (uint8_t)(slot->erased + good);
    return good;
}

struct filling {
    struct mote_writer writer;
    const struct mote_mail *mail;
    uint32_t len, crc;
};

static void put(struct filling *f, const void *octets, size_t len)
{
    f->crc = mote_crc32(f->crc, octets, len);
    f->len += (uint32_t)len;
    mote_storage_write(&f->writer, octets, len);
}

/* Reads the text for mote_mail_measure(), and keeps it. */
static size_t read_and_put(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct filling *f = ctx;
    size_t n = f->mail->read(f->mail->ctx, offset, buf, cap);

    if (n <= cap) {
        if (n > mote_cell_room(f->writer.o) - f->len) {
            return cap + 1; /* it has grown: refused */
        }
        put(f, buf, n);
    }
    return f->writer.good ? n : MOTE_READ_FAILED;
}

uint8_t mote_cell_write(struct mote_outbox *o, struct mote_slot *slot, const struct mote_mail *mail,
                        const struct mote_record *record)
{
    struct filling f = {.writer = {.o = o, .at = content_at(o, slot), .good = true}, .mail = mail};
    struct mote_mail again = *mail;
    uint8_t octets[MOTE_RECORD_LEN], cause;

    slot->erased = 0;
    mote_record_write(record, octets);
    put(&f, octets, sizeof octets);
    put(&f, mail->from, strlen(mail->from) + 1);
    for (unsigned i = 0; i < mail->rcpt_count; i++) {
        put(&f, mail->rcpts[i].address, strlen(mail->rcpts[i].address) + 1);
    }
    again.read = read_and_put;
    again.ctx = &f;
    cause = mote_mail_measure(&again);
    if (cause == MOTE_CAUSE_NONE) {
        if (again.size != mail->size || again.needs != mail->needs) {
            return MOTE_CAUSE_TEXT;
        }
        f.writer.good =
            mote_storage_finish(&f.writer) &&
            mote_storage_write_head(o, head_at(o, slot), CELL_MAGIC | (uint32_t)record->number << 16, f.len, f.crc);
    }
    if (!f.writer.good) {
        slot->worn = true;
        return MOTE_CAUSE_STORAGE;
    }
    if (cause == MOTE_CAUSE_NONE) {
        slot->record = *record;
        slot->len = f.len;
    }
    return cause;
}

/* ---- And comes out ----------------------------------------------------------------------------------------------- */

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct mote_outbox *o = ctx;
    uint32_t at = o->front_len + (uint32_t)offset, n = min(o->slot->len - at, (uint32_t)cap);

    if (offset == 0) {
        o->crc = o->front_crc;
    }
    if (n == 0) {
        return o->crc == o->whole_crc ? 0 : MOTE_READ_FAILED;
    }
    if (!mote_storage_read(o, content_at(o, o->slot) + at, buf, n)) {
        return MOTE_READ_FAILED;
    }
    o->crc = mote_crc32(o->crc, buf, n);
    return n;
}

/* Recipients and verdicts as the record knows them. */
static void set_mail(struct mote_outbox *o)
{
    const struct mote_record *record = &o->slot->record;

    o->mail.from = "";
    o->mail.rcpts = o->rcpts;
    o->mail.rcpt_count = record->rcpt_count;
    o->mail.read = read_text;
    o->mail.ctx = o;
    for (unsigned i = 0; i < record->rcpt_count; i++) {
        struct mote_rcpt *rcpt = o->rcpts + i;

        rcpt->address = "";
        memset(&rcpt->result, 0, sizeof rcpt->result);
        if ((record->rcpts_delivered >> i & 1) != 0) {
            rcpt->result.verdict = MOTE_DELIVERED;
        } else if ((record->rcpts_failed >> i & 1) != 0) {
            rcpt->result.verdict = MOTE_FAILED;
        }
    }
}

/* Finds sender and recipients among so many octets of the envelope. Returns what they take, 0 when they are not all there. */
static uint32_t find_addresses(struct mote_outbox *o, uint32_t len)
{
    const char *envelope = o->setup->envelope;
    uint32_t at = 0;

    for (unsigned i = 0; i <= o->mail.rcpt_count; i++) {
        const char *address = envelope + at;

        while (at < len && envelope[at] != 0) {
            at++;
        }
        if (at++ == len) {
            return 0;
        }
        if (i == 0) {
            o->mail.from = address;
        } else {
            o->rcpts[i - 1].address = address;
        }
    }
    return at;
}

/* The text is read to its end, which read_text() does not give when a checksum is wrong. */
bool mote_cell_load(struct mote_outbox *o)
{
    const struct mote_slot *slot = o->slot;
    uint32_t head[3], at = content_at(o, slot), room = min(o->setup->envelope_cap, slot->len - MOTE_RECORD_LEN), len;
    uint8_t octets[MOTE_RECORD_LEN];

    set_mail(o);
    if (mote_storage_read_head(o, head_at(o, slot), CELL_MAGIC, head) == MOTE_HEAD_GOOD &&
        mote_storage_read(o, at, octets, sizeof octets) &&
        mote_storage_read(o, at + MOTE_RECORD_LEN, o->setup->envelope, room)) {
        len = find_addresses(o, room);
        o->front_len = MOTE_RECORD_LEN + len;
        o->front_crc = mote_crc32(mote_crc32(0, octets, sizeof octets), (const uint8_t *)o->setup->envelope, len);
        o->whole_crc = head[2];
        if (len != 0 && mote_mail_measure(&o->mail) == MOTE_CAUSE_NONE) {
            return true;
        }
        set_mail(o);
    }
    return false;
}

/* A valid record from the cell itself, of the mail the head is of. */
static bool read_record(struct mote_outbox *o, struct mote_slot *slot)
{
    uint8_t octets[MOTE_RECORD_LEN];
    struct mote_record record;

    if (!mote_storage_read(o, content_at(o, slot), octets, sizeof octets) || !mote_record_read(&record, octets) ||
        record.slot != slot->record.slot || record.number != slot->record.number ||
        record.rcpt_count - 1u >= MOTE_OUTBOX_RCPTS) {
        return false;
    }
    slot->record = record;
    return true;
}

void mote_cell_find(struct mote_outbox *o, struct mote_slot *slot)
{
    uint32_t head[3];
    uint8_t found = mote_storage_read_head(o, head_at(o, slot), CELL_MAGIC, head);

    slot->worn = found == MOTE_HEAD_UNREADABLE;
    if (found == MOTE_HEAD_GOOD) {
        slot->record.number = (uint16_t)(head[0] >> 16);
        slot->record.rcpt_count = UINT8_MAX; /* whatever they are */
        slot->len = head[1];
        o->slot = slot;
        if (head[1] < MOTE_RECORD_LEN || head[1] > mote_cell_room(o) || !read_record(o, slot) || !mote_cell_load(o)) {
            slot->len = 0;
        }
        o->slot = NULL;
    }
}
