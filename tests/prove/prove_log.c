/* SPDX-License-Identifier: MIT
 *
 * The outbox's log: power may go at any program or erase, and every mail is there once, in its last state or the one before.
 *
 * The storage is a row of places for records. What prove_record.c proves of a record's octets is taken for granted: a place reads as the
 * record that was written, as erased, or as none.
 */
#include "prove.h"

#include "log.c"

enum {
    SLOTS = 2,
    PLACES = 5,
    SAVES = 3
}; /* a log has room for the states of all slots, a mark twice, and one state more */
enum { ERASED, TORN, WHOLE };

/* Of each place of both logs: how it reads, and of which slot the record is, or that it is a mark, and of it what tells it from others. */
static uint8_t is[2 * PLACES], of[2 * PLACES], value[2 * PLACES];

static uint8_t at, of_last, value_last; /* where, and what is written or read: the octets stand for it */
static uint8_t power;                   /* programs and erases until it goes */

void mote_record_write(const struct mote_record *record, uint8_t octets[MOTE_RECORD_LEN])
{
    bool mark = record->slot == MARK;

    prove(mark ? record->number == SLOTS && record->rcpt_count == 0
               : record->slot < SLOTS && record->number == 1u + record->slot && record->rcpt_count == 1);
    of_last = record->slot;
    value_last = (uint8_t)(mark ? record->age_s : record->attempts);
}

static struct mote_outbox o;

bool mote_record_read(struct mote_record *record, const uint8_t octets[MOTE_RECORD_LEN])
{
    bool mark = of[at] == MARK;

    if (is[at] != WHOLE) {
        return false;
    }
    record->slot = of[at];
    record->number = mark ? SLOTS : 1u + of[at];
    record->rcpt_count = !mark;
    record->begun = false;
    record->age_s = mark ? value[at] : 0;
    record->attempts = mark ? 0 : value[at];
    record->wait_s = mark ? sizes(&o) : 0;
    record->tls_since_s = mark ? PLACES * 64 : 0;
    record->rcpts_failed = 0;
    return true;
}

static void go_to(uint32_t place)
{
    at = (uint8_t)(place / 64);
}

void mote_storage_start(struct mote_storage_writer *w, struct mote_outbox *outbox, uint32_t place)
{
    go_to(place);
}

void mote_storage_write(struct mote_storage_writer *w, const void *octets, size_t len)
{
}

/* Power that goes leaves the place erased, torn, or written. A place that is not erased is not programmed. */
bool mote_storage_finish(struct mote_storage_writer *w)
{
    bool erased = is[at] == ERASED;

    if (power == 0) {
        return false;
    }
    if (erased) {
        is[at] = --power != 0 || any_bool() ? WHOLE : any_bool() ? TORN : ERASED;
        of[at] = of_last;
        value[at] = value_last;
    }
    return erased && power != 0;
}

bool mote_storage_erase(const struct mote_outbox *outbox, uint32_t block)
{
    if (power == 0) {
        return false;
    }
    power--;
    for (unsigned i = 0; i < 2 * PLACES; i++) {
        if (i / PLACES == block && (power != 0 || any_bool())) {
            is[i] = power != 0 || any_bool() ? ERASED : TORN;
        }
    }
    return power != 0;
}

bool mote_storage_read(struct mote_outbox *outbox, uint32_t place, void *buf, size_t len)
{
    go_to(place);
    return outbox->readable = true;
}

bool mote_storage_erased(const uint8_t *octets, size_t len)
{
    return is[at] == ERASED;
}

static struct mote_storage storage = {.block_size = PLACES * 64, .program_size = 64, .block_count = 2};
static struct mote_slot slots[SLOTS];
static struct mote_outbox_setup setup = {.storage = &storage, .slots = slots, .slot_count = SLOTS, .cell_blocks = 1};

/* What a boot finds in the cells: the mails as they were accepted. Then it opens the log. */
static uint8_t boot(void)
{
    o = (struct mote_outbox){.setup = &setup,
                             .slots = slots,
                             .slots_end = slots + SLOTS,
                             .state_len = 64,
                             .log_cap = PLACES,
                             .number = SLOTS};
    for (uint8_t i = 0; i < SLOTS; i++) {
        slots[i] = (struct mote_slot){.record = {.slot = i, .number = 1u + i, .rcpt_count = 1}, .len = 100};
    }
    return mote_log_open(&o);
}

/* A mail that was accepted is there at every boot, in a state that is no older than the last one that was stored, and no newer than
 * what was tried, wherever power went.
 *
 * bounds: 2 slots, 3 states, so that the log turns; one cut; a log of 5 places, which was erased or foreign
 * unwind: 11
 * unwindset: add.0:6
 * unwindset: scan.0:6
 * unwindset: begin.0:3
 * unwindset: others.0:76
 * plant: core/outbox/log.c: s/record.age_s > o->log_seq/record.age_s < o->log_seq/
 * plant: core/outbox/log.c: s/begin(o, o->log ^ 1)/begin(o, o->log)/
 * plant: core/outbox/log.c: s/unsigned i = 0; good/unsigned i = 1; good/
 * plant: core/outbox/log.c: s/record.slot == MARK \&\& record.age_s > o->log_seq/record.slot == MARK/
 */
void prove_log_cut(void)
{
    uint8_t stored[SLOTS] = {0}, begun[SLOTS] = {0};

    for (unsigned i = 0; i < 2 * PLACES; i++) { /* the storage as it came */
        is[i] = any_bool() ? ERASED : TORN;
    }
    power = nondet_u8();
    if (boot() == MOTE_CAUSE_NONE) {
        for (uint8_t i = 1; i <= SAVES; i++) {
            uint8_t which = any_bool();

            slots[which].record.attempts = begun[which] = i;
            if (mote_log_save(&o, &slots[which])) {
                stored[which] = i;
            }
        }
    }
    power = UINT8_MAX; /* it is back */
    prove(boot() == MOTE_CAUSE_NONE);
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct mote_record *record = &slots[i].record;

        prove(record->rcpt_count == 1 && record->slot == i && record->number == 1u + i && slots[i].len != 0);
        prove(record->attempts >= stored[i] && record->attempts <= begun[i]);
    }
}
