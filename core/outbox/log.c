/* SPDX-License-Identifier: MIT
 *
 * The storage, and the log of records in its first two blocks. Heads are written last and make valid what is behind
 * them. A record in the log is a later state of the mail with its id; when the log is full, the states of all mails go
 * to the other block, which counts from then on.
 *
 *     head:  magic (4) number (4) number (4) checksum of the three (4)
 *     log:   head "MOTE", seq | record | record | ...
 *
 * It believes no stored octet without a checksum.
 */
#include "log.h"
#include "record.h"

#include <string.h>

enum { STATE = 48, LOG_MAGIC = 0x45544f4d };

/* ---- Storage ----------------------------------------------------------------------------------------------------- */

bool mote_storage_read(struct mote_outbox *o, uint32_t at, void *buf, size_t len)
{
    const struct mote_storage *storage = o->setup->storage;

    bool good = storage->read(storage->ctx, at, buf, len);

    o->unreadable = o->unreadable || !good;
    return good;
}

/* True when it can be read back. */
bool mote_storage_program(struct mote_outbox *o, uint32_t at, const uint8_t *octets, size_t len)
{
    const struct mote_storage *storage = o->setup->storage;
    uint8_t back[STATE];

    return storage->program(storage->ctx, at, octets, len) && mote_storage_read(o, at, back, len) &&
           memcmp(back, octets, len) == 0;
}

bool mote_storage_erase(const struct mote_outbox *o, uint32_t block, unsigned count)
{
    const struct mote_storage *storage = o->setup->storage;

    while (count != 0 && storage->erase(storage->ctx, block)) {
        block++;
        count--;
    }
    return count == 0;
}

/* A head: magic, two numbers, and the checksum of the three. */
bool mote_storage_write_head(struct mote_outbox *o, uint32_t at, uint32_t magic, uint32_t a, uint32_t b)
{
    uint8_t head[MOTE_HEAD];

    mote_put(mote_put(mote_put(head, magic, 4), a, 4), b, 4);
    mote_put(head + 12, mote_crc32(0, head, 12), 4);
    return mote_storage_program(o, at, head, MOTE_HEAD);
}

bool mote_storage_read_head(struct mote_outbox *o, uint32_t at, uint32_t magic, uint32_t *a, uint32_t *b)
{
    uint8_t head[MOTE_HEAD];

    if (!mote_storage_read(o, at, head, MOTE_HEAD) || mote_get(head, 4) != magic ||
        mote_get(head + 12, 4) != mote_crc32(0, head, 12)) {
        return false;
    }
    *a = mote_get(head + 4, 4);
    *b = mote_get(head + 8, 4);
    return true;
}

bool mote_erased(const uint8_t *octets, size_t len)
{
    uint8_t all = 0xff;

    while (len-- != 0) {
        all &= *octets++;
    }
    return all == 0xff;
}

/* ---- Log --------------------------------------------------------------------------------------------------------- */

static uint32_t log_at(const struct mote_outbox *o, unsigned n)
{
    return o->log * o->setup->storage->block_size + MOTE_HEAD + n * STATE;
}

unsigned mote_log_cap(const struct mote_outbox *o)
{
    return (o->setup->storage->block_size - MOTE_HEAD) / STATE;
}

/* Adds a record where the log is still erased; a place that does not keep it is passed over. */
static bool add(struct mote_outbox *o, const struct mote_record *record)
{
    uint8_t octets[STATE] = {0};

    mote_record_write(record, octets);
    while (o->log_used < mote_log_cap(o)) {
        if (mote_storage_program(o, log_at(o, o->log_used++), octets, sizeof octets)) {
            return true;
        }
    }
    return false;
}

/* Begins the other log with the states of all mails. Until its head is written the old one counts. */
static bool turn(struct mote_outbox *o)
{
    bool good;

    o->log ^= 1;
    o->log_used = 0;
    good = mote_storage_erase(o, o->log, 1);
    for (unsigned i = 0; good && i < o->setup->slot_count; i++) {
        good = o->setup->slots[i].len == 0 || add(o, &o->setup->slots[i].record);
    }
    if (good && mote_storage_write_head(o, log_at(o, 0) - MOTE_HEAD, LOG_MAGIC, o->log_seq + 1, 0)) {
        o->log_seq++;
        return true;
    }
    o->log ^= 1;
    o->log_used = UINT16_MAX;
    return false;
}

/* Stores the state of a mail; turning stores them all. */
bool mote_log_save(struct mote_outbox *o, const struct mote_record *record)
{
    return add(o, record) || turn(o);
}

struct mote_slot *mote_slot_of(const struct mote_outbox *o, const uint8_t id[8])
{
    for (unsigned i = 0; i < o->setup->slot_count; i++) {
        struct mote_slot *slot = &o->setup->slots[i];

        if (slot->len != 0 && memcmp(slot->record.id, id, sizeof slot->record.id) == 0) {
            return slot;
        }
    }
    return NULL;
}

/* How far a mail has come. */
static uint32_t progress(const struct mote_record *record)
{
    return record->attempts * 2u + record->sent;
}

bool mote_log_open(struct mote_outbox *o)
{
    uint32_t seq, unused;
    struct mote_record record;
    uint8_t octets[STATE];
    bool found = false;

    for (uint32_t log = 0; log < 2; log++) {
        if (mote_storage_read_head(o, log * o->setup->storage->block_size, LOG_MAGIC, &seq, &unused) &&
            (!found || seq - o->log_seq < UINT32_MAX / 2)) {
            o->log = (uint8_t)log;
            o->log_seq = seq;
            found = true;
        }
    }
    for (unsigned i = 0; found && i < mote_log_cap(o); i++) {
        struct mote_slot *slot = NULL;

        if (!mote_storage_read(o, log_at(o, i), octets, sizeof octets)) {
            return false;
        }
        if (!mote_erased(octets, sizeof octets)) {
            o->log_used = (uint16_t)(i + 1);
        }
        if (mote_record_read(&record, octets)) {
            slot = mote_slot_of(o, record.id);
        }
        if (slot != NULL && progress(&record) >= progress(&slot->record)) {
            slot->record = record;
        }
    }
    return !o->unreadable && (found || turn(o));
}
