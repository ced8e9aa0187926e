/* SPDX-License-Identifier: MIT
 *
 * Many mails over time: takes them into the storage, tries what is due, one at a time, keeps what came of it, and
 * reports. A mail that was accepted leaves only behind a report. It refuses a mail it could not keep, and believes no
 * stored octet without a checksum.
 *
 *     storage:  log (2 blocks, log.c) | cell | cell | ...
 *     cell:     head "MAIL", len, crc | record | size (4) envelope's length (3) needs (1) | envelope | text
 *
 * The head of a cell is written last and makes it valid; it is overwritten with zeros when its mail has been reported.
 */
#include "mailmote_outbox.h"
#include "log.h"
#include "record.h"

#include <string.h>

enum { UNIT = 8, FIXED = 8, PREFIX = MOTE_RECORD_LEN + FIXED, ID = 8 };
enum { CELL_MAGIC = 0x4c49414d };

/* ---- Cells ------------------------------------------------------------------------------------------------------- */

static uint32_t cell_len(const struct mote_outbox *o)
{
    return o->setup->storage->block_size * o->setup->cell_blocks - MOTE_HEAD;
}

static uint32_t cell_block(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return 2 + (uint32_t)(slot - o->setup->slots) * o->setup->cell_blocks;
}

static uint32_t cell_at(const struct mote_outbox *o, const struct mote_slot *slot)
{
    return cell_block(o, slot) * o->setup->storage->block_size + MOTE_HEAD;
}

static uint32_t min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A head of zeros is none: the cell is free, even if power goes while it is erased for the next mail. When neither
 * works the slot keeps the mail, which else would come back unsettled some day; it is reported once more. */
static void free_cell(struct mote_outbox *o, struct mote_slot *slot)
{
    static const uint8_t zeros[MOTE_HEAD];

    if (mote_storage_program(o, cell_at(o, slot) - MOTE_HEAD, zeros, MOTE_HEAD) ||
        mote_storage_erase(o, cell_block(o, slot), 1)) {
        slot->len = 0;
    } else {
        slot->record.wait_s = mote_policy_wait_s(&slot->record, false, false, 0);
    }
}

/* Checksum of a cell's octets. */
static bool cell_crc(struct mote_outbox *o, uint32_t at, uint32_t len, uint32_t *crc)
{
    uint8_t octets[64];
    uint32_t n;

    for (*crc = 0; len != 0; len -= n, at += n) {
        n = min(len, sizeof octets);
        if (!mote_storage_read(o, at, octets, n)) {
            return false;
        }
        *crc = mote_crc32(*crc, octets, n);
    }
    return true;
}

/* Takes the mail of a cell into its slot. False when there was one and it is damaged. */
static bool recover(struct mote_outbox *o, struct mote_slot *slot)
{
    uint32_t at = cell_at(o, slot), len, crc, found;
    uint8_t octets[MOTE_RECORD_LEN];

    if (!mote_storage_read_head(o, at - MOTE_HEAD, CELL_MAGIC, &len, &crc)) {
        return true;
    }
    if (len < PREFIX || len > cell_len(o) || !cell_crc(o, at, len, &found) || found != crc ||
        !mote_storage_read(o, at, octets, sizeof octets) || !mote_record_read(&slot->record, octets)) {
        return false;
    }
    slot->len = len;
    return true;
}

uint8_t mote_outbox_open(struct mote_outbox *o, const struct mote_outbox_setup *setup, uint32_t now_ms, uint16_t *lost)
{
    memset(o, 0, sizeof *o);
    memset(setup->slots, 0, setup->slot_count * sizeof *setup->slots);
    o->setup = setup;
    o->now_ms = now_ms;
    *lost = 0;
    if (2u * setup->slot_count > mote_log_cap(o) ||
        2u + setup->slot_count * setup->cell_blocks > setup->storage->block_count) {
        return MOTE_CAUSE_FULL;
    }
    for (unsigned i = 0; i < setup->slot_count; i++) {
        *lost = (uint16_t)(*lost + !recover(o, &setup->slots[i]));
    }
    return mote_log_open(o) ? MOTE_CAUSE_NONE : MOTE_CAUSE_STORAGE;
}

static void pass_time(struct mote_outbox *o, uint32_t now_ms)
{
    uint32_t passed_s = (now_ms - o->now_ms) / 1000;

    o->now_ms += passed_s * 1000;
    o->now_s += passed_s;
    for (unsigned i = 0; i < o->setup->slot_count; i++) {
        mote_record_age(&o->setup->slots[i].record, passed_s);
    }
}

/* ---- Posting ----------------------------------------------------------------------------------------------------- */

/* Octets of the envelope, 0 when it is none. */
static uint32_t envelope_len(const struct mote_outbox *o, const struct mote_mail *mail)
{
    size_t len = strlen(mail->from) + 1;

    if (mail->rcpt_count == 0 || mail->rcpt_count > MOTE_OUTBOX_RCPTS ||
        (*mail->from != 0 && !mote_address_valid(mail->from))) {
        return 0;
    }
    for (unsigned i = 0; i < mail->rcpt_count; i++) {
        if (!mote_address_valid(mail->rcpts[i].address)) {
            return 0;
        }
        len += strlen(mail->rcpts[i].address) + 1;
    }
    return len <= o->setup->envelope_cap ? (uint32_t)len : 0;
}

/* A mail on its way into a cell. */
struct writer {
    struct mote_outbox *o;
    uint32_t at, len, crc;
    bool good;
    uint8_t unit[UNIT];
};

static void write_unit(struct writer *w)
{
    w->good = w->good && mote_storage_program(w->o, w->at + (w->len - 1) / UNIT * UNIT, w->unit, UNIT);
    memset(w->unit, 0, UNIT);
}

static void write(struct writer *w, const void *octets, size_t len)
{
    const uint8_t *in = octets;

    w->crc = mote_crc32(w->crc, in, len);
    w->good = w->good && len <= cell_len(w->o) - w->len;
    for (; w->good && len != 0; len--) {
        w->unit[w->len++ % UNIT] = *in++;
        if (w->len % UNIT == 0) {
            write_unit(w);
        }
    }
}

static void write_mail(struct writer *w, const struct mote_mail *mail, const struct mote_record *record,
                       uint32_t envelope)
{
    uint8_t octets[64];
    size_t n, offset = 0;

    mote_record_write(record, octets);
    mote_put(mote_put(mote_put(octets + MOTE_RECORD_LEN, mail->size, 4), envelope, 3), mail->needs, 1);
    write(w, octets, PREFIX);
    write(w, mail->from, strlen(mail->from) + 1);
    for (unsigned i = 0; i < mail->rcpt_count; i++) {
        write(w, mail->rcpts[i].address, strlen(mail->rcpts[i].address) + 1);
    }
    while (w->good && (n = mail->read(mail->ctx, offset, octets, sizeof octets)) != 0) {
        offset += n;
        write(w, octets, n);
    }
    if (w->len % UNIT != 0) {
        write_unit(w);
    }
}

uint8_t mote_outbox_post(struct mote_outbox *o, struct mote_mail *mail, const uint8_t id[8], uint32_t now_ms)
{
    uint32_t envelope = envelope_len(o, mail);
    struct mote_slot *slot = NULL;
    struct mote_record record = {.rcpt_count = (uint8_t)mail->rcpt_count};
    struct writer w = {.o = o, .good = true};

    pass_time(o, now_ms);
    if (mote_slot_of(o, id) != NULL) {
        return MOTE_CAUSE_NONE;
    }
    if (envelope == 0) {
        return MOTE_CAUSE_ADDRESS;
    }
    if (mote_mail_measure(mail) != MOTE_CAUSE_NONE) {
        return MOTE_CAUSE_TEXT;
    }
    for (unsigned i = 0; i < o->setup->slot_count && slot == NULL; i++) {
        o->next = (uint8_t)((o->next + 1u) % o->setup->slot_count);
        if (o->setup->slots[o->next].len == 0) {
            slot = &o->setup->slots[o->next];
        }
    }
    if (slot == NULL || PREFIX + envelope + mail->size > cell_len(o)) {
        return MOTE_CAUSE_FULL;
    }
    memcpy(record.id, id, ID);
    w.at = cell_at(o, slot);
    w.good = mote_storage_erase(o, cell_block(o, slot), o->setup->cell_blocks);
    write_mail(&w, mail, &record, envelope);
    if (!w.good || !mote_storage_write_head(o, w.at - MOTE_HEAD, CELL_MAGIC, w.len, w.crc)) {
        free_cell(o, slot);
        return MOTE_CAUSE_STORAGE;
    }
    slot->len = w.len;
    slot->record = record;
    return MOTE_CAUSE_NONE;
}

/* ---- Working ----------------------------------------------------------------------------------------------------- */

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    struct mote_outbox *o = ctx;
    uint32_t at = PREFIX + o->envelope + (uint32_t)offset, n = min(o->slot->len - at, (uint32_t)cap);

    return n == 0 || mote_storage_read(o, cell_at(o, o->slot) + at, buf, n) ? n : MOTE_READ_FAILED;
}

static bool settled(const struct mote_record *record)
{
    return (record->rcpts_delivered | record->rcpts_failed) == (1u << record->rcpt_count) - 1;
}

/* Brings envelope and text of a mail within reach. */
static bool load(struct mote_outbox *o, struct mote_slot *slot)
{
    char *at = o->setup->envelope;
    uint8_t octets[FIXED];

    if (!mote_storage_read(o, cell_at(o, slot) + MOTE_RECORD_LEN, octets, sizeof octets)) {
        return false;
    }
    o->envelope = mote_get(octets + 4, 3);
    if (o->envelope > o->setup->envelope_cap || slot->record.rcpt_count > MOTE_OUTBOX_RCPTS ||
        !mote_storage_read(o, cell_at(o, slot) + PREFIX, at, o->envelope)) {
        return false;
    }
    o->mail.from = at;
    o->mail.rcpts = o->rcpts;
    o->mail.rcpt_count = slot->record.rcpt_count;
    o->mail.read = read_text;
    o->mail.ctx = o;
    o->mail.size = mote_get(octets, 4);
    o->mail.needs = octets[7];
    for (unsigned i = 0; i < o->mail.rcpt_count; i++) {
        struct mote_rcpt *rcpt = o->rcpts + i;

        at += strlen(at) + 1;
        rcpt->address = at;
        memset(&rcpt->result, 0, sizeof rcpt->result);
        if ((slot->record.rcpts_delivered >> i & 1) != 0) {
            rcpt->result.verdict = MOTE_DELIVERED;
        } else if ((slot->record.rcpts_failed >> i & 1) != 0) {
            rcpt->result.verdict = MOTE_FAILED;
        }
    }
    o->slot = slot;
    return true;
}

static void report(struct mote_outbox *o)
{
    o->expired = !settled(&o->slot->record) && mote_policy_expired(o->slot->record.age_s);
    o->last = o->expired || settled(&o->slot->record);
    o->step = MOTE_REPORT;
}

/* Begins an attempt of a mail that is due, or reports one that a power cut left settled. */
static void begin(struct mote_outbox *o, struct mote_slot *slot)
{
    const struct mote_outbox_setup *setup = o->setup;
    struct mote_record *record = &slot->record;

    if (!load(o, slot)) {
        record->wait_s = mote_policy_wait_s(record, false, false, 0);
        record->cause = MOTE_CAUSE_STORAGE;
    } else if (settled(record)) {
        report(o);
    } else {
        setup->session_setup->hold = true;
        mote_delivery_init(&o->delivery, setup->relays, setup->relay_count, setup->states, &o->mail, setup->session,
                           setup->session_setup, record, o->now_s);
        o->step = MOTE_CONNECT;
    }
}

/* The attempt has ended. */
static void conclude(struct mote_outbox *o, uint32_t random)
{
    struct mote_record *record = &o->slot->record;

    mote_record_take(record, &o->delivery, random);
    if (settled(record)) {
        record->wait_s = 0;
    }
    mote_log_save(o, record);
    report(o);
}

uint8_t mote_outbox_poll(struct mote_outbox *o, uint32_t now_ms, uint32_t random)
{
    pass_time(o, now_ms);
    for (unsigned i = 0; o->slot == NULL && i < o->setup->slot_count; i++) {
        struct mote_slot *slot = &o->setup->slots[i];

        if (slot->len != 0 && slot->record.wait_s == 0) {
            begin(o, slot);
        }
    }
    if (o->slot == NULL) {
        return MOTE_IDLE;
    }
    if (o->step != MOTE_REPORT) {
        o->delivery.now_s = o->now_s;
        o->step = mote_delivery_next(&o->delivery);
        if (o->step == MOTE_FINISHED) {
            o->now_ms = now_ms; /* waits begin now, not at the last full second */
            conclude(o, random);
        }
    }
    return o->step;
}

uint32_t mote_outbox_wait_s(const struct mote_outbox *o)
{
    uint32_t wait = UINT32_MAX;

    for (unsigned i = 0; i < o->setup->slot_count; i++) {
        if (o->setup->slots[i].len != 0) {
            wait = min(wait, o->setup->slots[i].record.wait_s);
        }
    }
    return wait;
}

void mote_outbox_commit(struct mote_outbox *o)
{
    o->slot->record.sent = true;
    mote_record_verdicts(&o->slot->record, &o->mail);
    mote_log_save(o, &o->slot->record);
    mote_session_commit(o->setup->session);
}

void mote_outbox_reported(struct mote_outbox *o)
{
    if (o->step == MOTE_REPORT) {
        if (o->last) {
            free_cell(o, o->slot);
        }
        o->slot = NULL;
        o->step = 0;
    }
}
