/* SPDX-License-Identifier: MIT
 *
 * Cells: each holds a mail. The head is written last and makes it valid. Whatever is read again, at a boot, for an attempt, and
 * while the text is sent, is held against the checksum in the head.
 *
 *     cell:  head "AM", the mail's number, len, checksum | record as accepted, addresses with a NUL each, text (len)
 */
#include "cell.h"
#include "../smtp/core.h"
#include "record.h"
#include "storage.h"

#include <string.h>

enum { CELL_MAGIC = 0x4d41 };
enum { NUMBER_AT = 2, LEN_AT = 4, CRC_AT = 8, HEAD_CRC_AT = 12 };

bool mote_cell_sizes(struct mote_outbox *o)
{
    const struct mote_outbox_setup *s = o->setup;
    uint32_t unit, size;

    if (!mote_storage_good(s->storage)) {
        return false;
    }
    unit = s->storage->program_size;
    size = s->storage->block_size;
    o->head_len = (uint16_t)(unit < MOTE_CELL_HEAD ? MOTE_CELL_HEAD : unit);
    o->state_len = (uint16_t)((MOTE_RECORD_LEN + unit - 1) & ~(unit - 1));
    o->log_cap = size / o->state_len;
    o->room = size * s->cell_blocks - o->head_len;
    return s->slot_count != 0 && s->cell_blocks != 0 && 2u * s->slot_count <= o->log_cap &&
           2u + (uint32_t)s->slot_count * s->cell_blocks <= s->storage->block_count &&
           size <= UINT32_MAX / s->storage->block_count;
}

static uint32_t first_block(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return 2 + (uint32_t)slot->record.slot * o->setup->cell_blocks;
}

/* Where what is behind the head begins. */
static uint32_t content_at(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return first_block(o, slot) * o->setup->storage->block_size + o->head_len;
}

static uint32_t head_at(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return content_at(o, slot) - o->head_len;
}

/* Those of the envelope: the sender's, then the recipients'. */
static const char *address(const struct mote_mail *mail, unsigned i)
{
    return i == 0 ? mail->from : mail->rcpts[i - 1].address;
}

static uint32_t min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- A mail goes in ---------------------------------------------------------------------------------------------- */

/* Octets of the envelope, 0 when there is no recipient or an address is none. */
static uint32_t envelope_len(const struct mote_mail *mail)
{
    uint32_t len = 0;

    for (unsigned i = 0; mail->rcpts != NULL && i <= mail->rcpt_count; i++) {
        const char *at = address(mail, i);
        bool null_sender = i == 0 && at != NULL && *at == 0;

        if (at == NULL || !(null_sender || mote_address_valid(at))) {
            return 0;
        }
        len += (uint32_t)strlen(at) + 1;
    }
    return mail->rcpt_count != 0 ? len : 0;
}

uint8_t mote_cell_check(const struct mote_outbox *o, struct mote_mail *mail)
{
    uint32_t len;
    uint8_t cause;

    if (mail->rcpt_count > MOTE_OUTBOX_RCPTS) {
        return MOTE_CAUSE_TOO_MANY;
    }
    len = envelope_len(mail);
    if (len == 0) {
        return MOTE_CAUSE_ADDRESS;
    }
    if (len > o->setup->envelope_cap) {
        return MOTE_CAUSE_BUFFER;
    }
    cause = mote_mail_measure(mail);
    len += MOTE_RECORD_LEN;
    if (cause == MOTE_CAUSE_NONE && (len > o->room || mail->size > o->room - len)) {
        cause = MOTE_CAUSE_TOO_BIG;
    }
    return cause;
}

bool mote_cell_unused(struct mote_outbox *o, const struct mote_slot *slot)
{
    uint8_t octets[8]; /* those that are written first */

    return mote_storage_read(o, content_at(o, slot), octets, sizeof octets) &&
           mote_storage_erased(octets, sizeof octets);
}

void mote_cell_erase(struct mote_outbox *o, struct mote_slot *slot)
{
    slot->worn = !mote_storage_erase(o, first_block(o, slot) + slot->erased);
    if (!slot->worn) {
        slot->erased++;
    }
}

struct filling {
    const struct mote_mail *mail;
    uint32_t len, crc;
    struct mote_storage_writer writer;
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
        if (n > f->writer.o->room - f->len) {
            return cap + 1; /* it has grown: refused */
        }
        put(f, buf, n);
    }
    return f->writer.good ? n : MOTE_READ_FAILED;
}

/* The head makes what is behind it valid. */
static bool finish(struct filling *f, const struct mote_slot *slot)
{
    uint8_t head[MOTE_CELL_HEAD];

    if (!mote_storage_finish(&f->writer)) {
        return false;
    }
    mote_put16(head, CELL_MAGIC);
    mote_put16(head + NUMBER_AT, slot->record.number);
    mote_put32(head + LEN_AT, f->len);
    mote_put32(head + CRC_AT, f->crc);
    mote_put32(head + HEAD_CRC_AT, mote_crc32(0, head, HEAD_CRC_AT));
    mote_storage_start(&f->writer, f->writer.o, head_at(f->writer.o, slot));
    mote_storage_write(&f->writer, head, sizeof head);
    return mote_storage_finish(&f->writer);
}

uint8_t mote_cell_write(struct mote_outbox *o, struct mote_slot *slot, const struct mote_mail *mail)
{
    struct filling f;
    struct mote_mail again; /* to be measured */
    uint8_t octets[MOTE_RECORD_LEN], cause;

    slot->erased = 0;
    again.read = read_and_put;
    again.ctx = &f;
    f.mail = mail;
    f.len = f.crc = 0;
    mote_storage_start(&f.writer, o, content_at(o, slot));
    mote_record_write(&slot->record, octets);
    put(&f, octets, sizeof octets);
    for (unsigned i = 0; i <= mail->rcpt_count; i++) {
        put(&f, address(mail, i), strlen(address(mail, i)) + 1);
    }
    cause = mote_mail_measure(&again);
    if (cause == MOTE_CAUSE_NONE && (again.size != mail->size || again.needs != mail->needs)) {
        cause = MOTE_CAUSE_TEXT;
    }
    if (cause == MOTE_CAUSE_NONE && finish(&f, slot)) {
        slot->len = f.len;
    }
    if (!f.writer.good) {
        slot->worn = true;
        cause = MOTE_CAUSE_STORAGE;
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

/* Recipients and verdicts as the record knows them; addresses are found later. What was replied to the mail before is forgotten. */
static void set_mail(struct mote_outbox *o)
{
    const struct mote_record *record = &o->slot->record;

    mote_no_reply(o->mail.reply_text, o->mail.reply_text_cap);
    o->mail.from = "";
    o->mail.rcpts = o->rcpts;
    o->mail.rcpt_count = record->rcpt_count;
    o->mail.read = read_text;
    o->mail.ctx = o;
    for (unsigned i = 0; i < record->rcpt_count; i++) {
        uint32_t delivered = record->rcpts_delivered >> i & 1, failed = record->rcpts_failed >> i & 1;

        o->rcpts[i].address = "";
        mote_no_reply(o->rcpts[i].reply_text, o->rcpts[i].reply_text_cap);
        o->rcpts[i].result =
            (struct mote_result){.verdict = (uint8_t)(delivered * MOTE_DELIVERED | failed * MOTE_FAILED)};
    }
}

/* Finds sender and recipients among so many octets of the envelope. Returns what they take, 0 when they are not all there. */
static uint32_t find_addresses(struct mote_outbox *o, uint32_t len)
{
    const char *envelope = o->setup->envelope;
    uint32_t at = 0;

    for (unsigned i = 0; i <= o->mail.rcpt_count; i++) {
        *(i == 0 ? &o->mail.from : &o->rcpts[i - 1].address) = envelope + at;
        while (at < len && envelope[at] != 0) {
            at++;
        }
        if (at++ == len) {
            return 0;
        }
    }
    return at;
}

static bool head_good(const uint8_t head[MOTE_CELL_HEAD])
{
    return mote_get16(head) == CELL_MAGIC && mote_get32(head + HEAD_CRC_AT) == mote_crc32(0, head, HEAD_CRC_AT);
}

bool mote_cell_find(struct mote_outbox *o, struct mote_slot *slot)
{
    uint8_t head[MOTE_CELL_HEAD], octets[MOTE_RECORD_LEN];
    struct mote_record record;

    slot->worn = !mote_storage_read(o, head_at(o, slot), head, sizeof head);
    if (slot->worn || !head_good(head)) {
        return false;
    }
    slot->record.number = mote_get16(head + NUMBER_AT);
    slot->record.rcpt_count = UINT8_MAX; /* whatever they are */
    if (!mote_storage_read(o, content_at(o, slot), octets, sizeof octets) || !mote_record_read(&record, octets) ||
        record.slot != slot->record.slot || record.number != slot->record.number ||
        record.rcpt_count - 1u >= MOTE_OUTBOX_RCPTS) {
        return false;
    }
    slot->record = record;
    slot->len = mote_get32(head + LEN_AT);
    return true;
}

/* Reads what is in front of the text. */
static bool read_front(struct mote_outbox *o)
{
    uint8_t head[MOTE_CELL_HEAD], octets[MOTE_RECORD_LEN], *envelope = (uint8_t *)o->setup->envelope;
    uint32_t at = content_at(o, o->slot), len = min(o->setup->envelope_cap, o->slot->len - MOTE_RECORD_LEN);

    if (o->slot->len < MOTE_RECORD_LEN || o->slot->len > o->room ||
        !mote_storage_read(o, at - o->head_len, head, sizeof head) || !head_good(head) ||
        !mote_storage_read(o, at, octets, sizeof octets) ||
        !mote_storage_read(o, at + MOTE_RECORD_LEN, envelope, len)) {
        return false;
    }
    o->whole_crc = mote_get32(head + CRC_AT);
    len = find_addresses(o, len);
    o->front_len = MOTE_RECORD_LEN + len;
    o->front_crc = mote_crc32(mote_crc32(0, octets, sizeof octets), envelope, len);
    return len != 0;
}

/* The text is read to its end, which read_text() does not give when the checksum is wrong. */
bool mote_cell_load(struct mote_outbox *o)
{
    set_mail(o);
    if (read_front(o) && mote_mail_measure(&o->mail) == MOTE_CAUSE_NONE) {
        return true;
    }
    set_mail(o);
    return false;
}
