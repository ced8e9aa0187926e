/* SPDX-License-Identifier: MIT
 *
 * The log of the slots' states, in the first two blocks of the storage. A state is added when it changes; when the log is full,
 * the states of all slots go to the other block, and then a mark with the next sequence number, twice: the block whose mark has
 * the highest one counts.
 *
 *     block:  record | record | ... | mark | mark | record | record | ... | erased       each in whole units; a mark is a record, too
 *
 * The record says which slot it is of. With recipients it is the state of the mail in its cell; without, the cell is free:
 * erased, or, where `begun` is set, still to be erased. Its number tells the mail from others that were in the cell before.
 * A place that does not keep what it is given is passed over. Nothing is believed without a record's checksum.
 */
#include "log.h"
#include "storage.h"

/* record.slot of a mark; its age is the sequence number, its number that of the mail accepted last. */
enum { MARK = UINT8_MAX };

/* log_used after a turn that failed: nothing is added any more, as nobody knows which block the next boot will take. */
static const uint32_t CLOSED = UINT32_MAX;

static uint32_t place(const struct mote_outbox *o, uint32_t log, uint32_t n)
{
    return log * o->setup->storage->block_size + n * o->state_len;
}

static bool add(struct mote_outbox *o, const struct mote_record *record)
{
    uint8_t octets[MOTE_RECORD_LEN];

    mote_record_write(record, octets);
    while (o->log_used < o->log_cap) {
        struct mote_storage_writer w;

        mote_storage_start(&w, o, place(o, o->log, o->log_used++));
        mote_storage_write(&w, octets, sizeof octets);
        if (mote_storage_finish(&w)) {
            return true;
        }
    }
    return false;
}

/* Stands in the mark: with other sizes the same octets would be other mails. No two outboxes with blocks of one size, which stands in it
 * as well, have the same here. */
static uint32_t sizes(const struct mote_outbox *o)
{
    const struct mote_outbox_setup *s = o->setup;

    return s->storage->block_size ^ (uint32_t)s->storage->program_size << 8 ^ (uint32_t)s->cell_blocks << 16 ^
           (uint32_t)s->slot_count << 24;
}

/* Is it one of an outbox of these sizes? Those by earlier releases do not tell a block's by itself, or none. */
static bool ours(const struct mote_outbox *o, const struct mote_record *mark)
{
    return (mark->wait_s == sizes(o) || mark->wait_s == 0) &&
           (mark->tls_since_s == o->setup->storage->block_size || mark->tls_since_s == 0);
}

/* Begins a log with the states of all slots. */
static bool begin(struct mote_outbox *o, uint8_t log)
{
    struct mote_record mark = {.slot = MARK,
                               .number = o->number,
                               .age_s = o->log_seq + 1,
                               .wait_s = sizes(o),
                               .tls_since_s = o->setup->storage->block_size};
    uint8_t old = o->log;
    bool good = mote_storage_erase(o, log);

    o->log = log;
    o->log_used = 0;
    for (unsigned i = 0; good && i < o->setup->slot_count; i++) {
        good = add(o, &o->slots[i].record);
    }
    if (good && add(o, &mark)) {
        add(o, &mark); /* the one thing that may not get lost */
        o->log_seq++;
        return true;
    }
    o->log = old;
    o->log_used = CLOSED;
    return false;
}

/* The other block; when that has failed before, the same one again, though a power cut costs the states then: they are better than
 * no mail at all. */
static bool turn(struct mote_outbox *o)
{
    bool again = o->log_worn, good = begin(o, o->log ^ 1);

    o->log_worn = !good;
    return good || (again && begin(o, o->log));
}

bool mote_log_save(struct mote_outbox *o, const struct mote_slot *slot)
{
    if (add(o, &slot->record)) {
        return true;
    }
    return turn(o);
}

/* Takes a stored state into its slot, unless the cell holds a mail that came later. */
static void take(struct mote_outbox *o, const struct mote_record *record)
{
    struct mote_slot *slot = &o->slots[record->slot];

    if (slot->record.rcpt_count != 0 && slot->record.number != record->number) {
        return;
    }
    slot->record = *record;
    if (record->rcpt_count == 0) {
        slot->len = 0;
        if (record->begun) {
            slot->worn = false; /* the log knows that no mail is lost with it */
        }
    }
}

/* Reads a block: looks for its marks, and, where it is the one that counts, takes the states. */
static void scan(struct mote_outbox *o, uint8_t log, bool counts)
{
    uint8_t octets[MOTE_RECORD_LEN];
    struct mote_record record;

    for (uint32_t i = 0; i < o->log_cap; i++) {
        bool good = mote_storage_read(o, place(o, log, i), octets, sizeof octets);

        if (!good || !mote_storage_erased(octets, sizeof octets)) {
            o->log_used = i + 1;
        }
        if (!good || !mote_record_read(&record, octets)) {
            continue;
        }
        if (record.slot == MARK && ours(o, &record) && record.age_s > o->log_seq) {
            o->log = log;
            o->log_seq = record.age_s;
            o->number = record.number;
        }
        if (counts && record.slot < o->setup->slot_count && record.rcpt_count <= MOTE_OUTBOX_RCPTS) {
            take(o, &record);
        }
    }
}

/* Is there a mark of an outbox of other sizes, wherever it would put it? It is looked for in texts of mails, too: they may hold anything
 * but zeros, so that those a mark has behind its number decide. */
static bool others(struct mote_outbox *o)
{
    const struct mote_storage *storage = o->setup->storage;
    uint32_t end = storage->block_size * storage->block_count - MOTE_RECORD_LEN;
    uint8_t octets[MOTE_RECORD_LEN];
    struct mote_record record;

    for (uint32_t at = 0; at <= end; at += 8) {
        if (!mote_storage_read(o, at, octets, sizeof octets)) {
            continue;
        }
        if (mote_record_read(&record, octets) && record.slot == MARK && record.rcpts_failed == 0) {
            return true;
        }
        if (mote_storage_erased(octets, sizeof octets)) {
            at += 40; /* none begins there */
        }
    }
    return false;
}

uint8_t mote_log_open(struct mote_outbox *o)
{
    scan(o, 0, false);
    scan(o, 1, false);
    if (o->log_seq != 0) {
        scan(o, o->log, true);
        return MOTE_CAUSE_NONE;
    }
    if (o->readable && others(o)) {
        return MOTE_CAUSE_SETUP;
    }
    o->log = 1; /* the first log is in the other block, whose place no size moves */
    o->log_worn = true;
    return o->readable && turn(o) ? MOTE_CAUSE_NONE : MOTE_CAUSE_STORAGE;
}
