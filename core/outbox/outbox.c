/* SPDX-License-Identifier: MIT
 *
 * Many mails over time: takes them into the storage, tries what is due, one at a time, keeps what came of it, and
 * reports. A mail that was accepted leaves only behind a report, or because it was taken back. It refuses a mail it could
 * not keep.
 *
 *     storage:  log (2 blocks, log.c) | cell of slot 0 | cell of slot 1 | ...            (cell_blocks blocks each, cell.c)
 *
 * A slot and its cell; what is in brackets was stored before:
 *
 *     free --[erased while idle]--> erased --[post]--> mail --[all verdicts final]--> reported --[free]--> free
 */
#include "mailmote_outbox.h"
#include "cell.h"
#include "log.h"
#include "record.h"

#include <string.h>

/* Seconds after the boot when states are stored for the first time without an attempt; then each time it is twice as long. */
enum { LIVED_S = 8 };

static struct mote_slot *find(const struct mote_outbox *o, const uint8_t id[8])
{
    for (struct mote_slot *slot = o->slots; slot != o->slots_end; slot++) {
        if (slot->len != 0 && memcmp(slot->record.id, id, sizeof slot->record.id) == 0) {
            return slot;
        }
    }
    return NULL;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static bool setup_good(struct mote_outbox *o)
{
    const struct mote_outbox_setup *s = o->setup;

    return s != NULL && s->relays != NULL && s->relay_count - 1u < MOTE_RELAYS_MAX && s->slots != NULL &&
           s->envelope != NULL && s->envelope_cap != 0 && s->session != NULL && s->session_setup != NULL &&
           s->session_setup->buf != NULL && s->session_setup->buf_len >= MOTE_SESSION_BUF_MIN && mote_cell_sizes(o);
}

/* What the boot has found in a cell. True when there was a mail, and it is lost. */
static bool settle(struct mote_outbox *o, struct mote_slot *slot)
{
    struct mote_record *record = &slot->record;

    if (record->rcpt_count == 0 && !record->begun) {
        if (!slot->worn && mote_cell_unused(o, slot)) {
            slot->erased = o->setup->cell_blocks;
        } else {
            record->begun = true; /* a post that has not come to its end */
            if (!mote_log_save(o, slot)) {
                slot->worn = true;
            }
        }
    }
    if ((uint16_t)(record->number - o->number) <= INT16_MAX) { /* not an earlier one: numbers go round */
        o->number = record->number;
        o->next = record->slot;
    }
    return record->rcpt_count != 0 && slot->len == 0;
}

/* P17: an attempt that never ended has ended when power went: what has passed since then expires no mail that nobody was asked
 * about meanwhile (P11). Time that only the port knows of does not arm (P5). */
static void wake(struct mote_outbox *o, struct mote_slot *slot, uint32_t off_s, uint32_t random)
{
    struct mote_record *record = &slot->record;
    uint32_t tls_since_s = record->tls_since_s, age_s = record->age_s;

    mote_record_age(record, off_s);
    record->tls_since_s = tls_since_s;
    if (mote_record_resume(record, random)) {
        mote_record_end(record, age_s);
        mote_log_save(o, slot);
    }
}

uint8_t mote_outbox_open(struct mote_outbox *o, const struct mote_outbox_setup *setup, uint32_t now_ms, uint32_t off_s,
                         uint32_t random, uint16_t *lost)
{
    memset(o, 0, sizeof *o);
    o->setup = setup;
    o->now_ms = now_ms;
    o->mails_max = MOTE_CONNECTION_MAILS;
    o->lived_s = LIVED_S;
    *lost = 0;
    if (!setup_good(o)) {
        return o->closed = MOTE_CAUSE_SETUP;
    }
    o->slots = o->slots_end = setup->slots;
    for (uint8_t i = 0; i < setup->slot_count; i++) {
        o->slot = o->slots_end++;
        memset(o->slot, 0, sizeof *o->slot);
        o->slot->record.slot = i;
        o->slot->record.begun = true;
        if (!mote_cell_find(o, o->slot) || !mote_cell_load(o)) {
            o->slot->len = 0;
        }
    }
    o->slot = NULL;
    o->closed = mote_log_open(o);
    if (o->closed != MOTE_CAUSE_NONE) {
        o->slots_end = o->slots;
        return o->closed;
    }
    for (struct mote_slot *slot = o->slots_end; slot != o->slots;) {
        slot--;
        *lost = (uint16_t)(*lost + settle(o, slot));
        if (slot->len != 0) {
            wake(o, slot, off_s, random);
        }
    }
    return MOTE_CAUSE_NONE;
}

/* ---- Posting ----------------------------------------------------------------------------------------------------- */

/* A time stamp a little older than the last one counts as that one (P13). */
static uint32_t passed_ms(const struct mote_outbox *o, uint32_t now_ms)
{
    uint32_t passed = now_ms - o->now_ms;

    return passed <= INT32_MAX ? passed : 0;
}

enum { LITTLE_MS = 60000 };

/* A counter that is far behind has not been shown for too long, or was set: it goes on from there. */
static void pass_time(struct mote_outbox *o, uint32_t now_ms)
{
    uint32_t passed_s = passed_ms(o, now_ms) / 1000, behind_ms = o->now_ms - now_ms;

    if (behind_ms > LITTLE_MS && behind_ms <= INT32_MAX) {
        o->now_ms = now_ms;
    }
    o->now_ms += passed_s * 1000;
    o->now_s += passed_s;
    for (struct mote_slot *slot = o->slots; passed_s != 0 && slot != o->slots_end; slot++) {
        mote_record_age(&slot->record, passed_s);
    }
}

/* In which order slots take a mail: erased cells first, those that made trouble last. No cell is erased before the log says so,
 * or the next boot would believe that one is whose erase was cut. */
enum { ERASED, TO_BE_ERASED, IN_TROUBLE, TAKEN };

static unsigned rank(const struct mote_slot *slot)
{
    if (slot->len != 0) {
        return TAKEN;
    }
    return slot->worn || slot->record.rcpt_count != 0 ? IN_TROUBLE : slot->record.begun;
}

/* No mail is in the slot any more: the log says so, and the cell is erased some time. Where that cannot be stored the mail is not
 * worked on any more, and it is tried again later. */
static bool free_cell(struct mote_outbox *o, struct mote_slot *slot)
{
    slot->record = (struct mote_record){.begun = true, .slot = slot->record.slot, .number = slot->record.number};
    if (mote_log_save(o, slot)) {
        slot->len = 0;
        return true;
    }
    slot->record.wait_s = mote_policy_wait_s(&slot->record, false, false, 0);
    return false;
}

/* Puts a mail into a free slot. */
static uint8_t put_in(struct mote_outbox *o, struct mote_slot *slot, const struct mote_mail *mail, const uint8_t id[8])
{
    const struct mote_outbox_setup *setup = o->setup;
    uint8_t cause = MOTE_CAUSE_STORAGE;

    if (slot->worn && !mote_log_save(o, slot)) {
        return cause;
    }
    slot->worn = false;
    while (slot->erased < setup->cell_blocks && !slot->worn) {
        mote_cell_erase(o, slot);
    }
    if (!slot->worn) {
        slot->record = (struct mote_record){.slot = slot->record.slot,
                                            .number = ++o->number,
                                            .rcpt_count = (uint8_t)mail->rcpt_count,
                                            .verified_only = mote_relays_verified(setup->relays, setup->relay_count)};
        memcpy(slot->record.id, id, sizeof slot->record.id);
        cause = mote_cell_write(o, slot, mail);
    }
    if (slot->len == 0 && !free_cell(o, slot)) { /* whatever is there now is no mail */
        slot->worn = true;
    }
    return cause;
}

uint8_t mote_outbox_post(struct mote_outbox *o, struct mote_mail *mail, const uint8_t id[8], uint32_t now_ms)
{
    uint8_t count, cause = o->setup == NULL ? MOTE_CAUSE_SETUP : o->closed;

    if (cause != MOTE_CAUSE_NONE) {
        return cause;
    }
    count = o->setup->slot_count;
    pass_time(o, now_ms);
    if (find(o, id) != NULL) {
        return MOTE_CAUSE_DUPLICATE;
    }
    cause = mote_cell_check(o, mail);
    if (cause != MOTE_CAUSE_NONE) {
        return cause;
    }
    cause = MOTE_CAUSE_FULL;
    for (unsigned i = 0; i / count < TAKEN; i++) {
        struct mote_slot *slot;

        o->next = (uint8_t)((o->next + 1u) % count);
        slot = &o->slots[o->next];
        if (rank(slot) == i / count) {
            cause = put_in(o, slot, mail, id);
            if (!slot->worn || cause != MOTE_CAUSE_STORAGE) {
                break;
            }
        }
    }
    return cause;
}

/* ---- Working ----------------------------------------------------------------------------------------------------- */

static void report(struct mote_outbox *o)
{
    const struct mote_record *record = &o->slot->record;

    o->last = mote_record_settled(record);
    o->expired = record->rcpts_failed != 0 && mote_policy_expired(record->age_s);
    o->step = MOTE_REPORT;
}

/* P12: a relay has ended a connection behind a mail: some rest for all. */
static void pause(struct mote_outbox *o)
{
    for (struct mote_slot *slot = o->slots; slot != o->slots_end; slot++) {
        mote_record_pause(&slot->record);
    }
}

/* The attempt has ended. */
static void conclude(struct mote_outbox *o, uint32_t random)
{
    unsigned released = 0;

    mote_record_take(&o->slot->record, &o->delivery, random);
    if (o->hurried) {
        mote_outbox_hurry(o); /* what this attempt has found was before */
        o->hurried = false;
    }
    mote_record_end(&o->slot->record, o->slot->record.age_s);
    mote_log_save(o, o->slot);
    if (o->delivery.closed) {
        pause(o);
    }
    for (struct mote_slot *slot = o->slots; o->delivery.relay_back && slot != o->slots_end; slot++) {
        released += mote_record_release(&slot->record, released);
    }
    report(o);
}

/* Is one mail due before the other, or both, and P18 has it go first? */
static bool sooner(const struct mote_record *record, const struct mote_record *other)
{
    return record->wait_s != other->wait_s ? record->wait_s < other->wait_s : mote_record_before(record, other);
}

/* The mail that is the next one to be worked on, or NULL; not the one that is. */
static struct mote_slot *next(const struct mote_outbox *o)
{
    struct mote_slot *first = NULL;

    for (struct mote_slot *slot = o->slots; slot != o->slots_end; slot++) {
        if (slot->len != 0 && slot != o->slot && (first == NULL || sooner(&slot->record, &first->record))) {
            first = slot;
        }
    }
    return first;
}

/* A connection is given no other mail when it is as old as an attempt may be. */
static bool young(const struct mote_outbox *o)
{
    return o->now_s - o->connected_s < MOTE_ATTEMPT_S;
}

/* May another mail follow on the connection that is there, or that is made for this one? */
static bool keep(const struct mote_outbox *o)
{
    const struct mote_slot *slot = next(o);
    unsigned mails = o->delivery.kept ? o->mails + 2u : 2;

    return slot != NULL && slot->record.wait_s == 0 && mails <= o->mails_max && (!o->delivery.kept || young(o));
}

/* Begins an attempt of a mail that is due, or reports one that has ended. */
static void begin(struct mote_outbox *o, struct mote_slot *slot)
{
    const struct mote_outbox_setup *setup = o->setup;
    bool loaded, kept = o->delivery.kept;

    o->slot = slot;
    loaded = mote_cell_load(o);
    if (mote_record_settled(&slot->record)) {
        report(o);
        return;
    }
    setup->session_setup->hold = true;
    setup->session_setup->keep = keep(o);
    mote_delivery_init(&o->delivery, setup->relays, setup->relay_count, setup->states, &o->mail, setup->session,
                       setup->session_setup, &slot->record, o->now_s);
    o->delivery.kept = kept;
    if (!loaded) {
        mote_delivery_fail(&o->delivery, MOTE_CAUSE_STORAGE);
    }
}

/* While nothing is due: how old mails are, and how long they wait still. A device that never lives as long as a mail waits would wait for
 * ever. When the log turns, all states are stored. False: it is not time. */
static bool keep_time(struct mote_outbox *o)
{
    uint32_t log = o->log_seq;

    if (o->now_s < o->lived_s) {
        return false;
    }
    o->lived_s = 2 * o->now_s;
    for (struct mote_slot *slot = o->slots; slot != o->slots_end && o->log_seq == log; slot++) {
        if (slot->len != 0 && !mote_log_save(o, slot)) {
            break;
        }
    }
    o->tidying = true;
    return true;
}

/* While nothing is due: one block of a cell that no mail is in. */
static void tidy(struct mote_outbox *o)
{
    for (struct mote_slot *slot = o->slots; slot != o->slots_end; slot++) {
        if (rank(slot) != TO_BE_ERASED) {
            continue;
        }
        o->tidying = true;
        mote_cell_erase(o, slot);
        if (slot->erased == o->setup->cell_blocks) {
            slot->record.begun = false;
            mote_log_save(o, slot);
        }
        return;
    }
    o->tidying = false;
}

/* Where the session has a connection: it is used, or left before another one is made. */
static void connect(struct mote_outbox *o, uint32_t now_ms)
{
    if (!o->delivery.kept) {
        o->mails = 1;
        o->connected_s = o->now_s;
        return;
    }
    o->setup->session_setup->start_ms = now_ms;
    o->leaving = !mote_delivery_resume(&o->delivery);
    o->mails++;
    o->step = MOTE_TALK;
}

/* P17: that the attempt begins is stored before the network is touched; an attempt that asks nobody is not. */
static void step(struct mote_outbox *o, uint32_t now_ms, uint32_t random)
{
    struct mote_record *record = &o->slot->record;
    bool closed = o->delivery.closed;

    o->delivery.now_s = o->now_s;
    o->step = mote_delivery_next(&o->delivery);
    if (o->delivery.closed && !closed) { /* it is given no more mails at a time than it took */
        o->mails_max = (uint8_t)(o->mails - 1u);
    }
    if (o->step == MOTE_CONNECT && !record->begun) {
        mote_record_begin(record);
        if (!mote_log_save(o, o->slot)) {
            mote_delivery_fail(&o->delivery, MOTE_CAUSE_STORAGE);
            o->step = MOTE_FINISHED;
        }
    }
    if (o->step == MOTE_CONNECT) {
        connect(o, now_ms);
    }
    if (o->step == MOTE_FINISHED) {
        o->now_ms += passed_ms(o, now_ms); /* waits begin now, not at the last full second */
        conclude(o, random);
    }
}

uint8_t mote_outbox_poll(struct mote_outbox *o, uint32_t now_ms, uint32_t random)
{
    pass_time(o, now_ms);
    if (o->leaving) {
        if (!o->setup->session->engine.done) {
            return MOTE_TALK;
        }
        o->leaving = false;
    }
    if (o->slot == NULL) {
        struct mote_slot *slot;

        if (o->delivery.kept && o->setup->session->engine.done) {
            o->delivery.kept = false;
            o->mails_max = o->mails;
            pause(o);
        }
        slot = next(o);

        if (o->delivery.kept && (slot == NULL || slot->record.wait_s != 0 || !young(o))) {
            o->delivery.kept = false;
            o->leaving = true;
            mote_session_quit(o->setup->session);
            return MOTE_TALK;
        }
        if (slot == NULL) { /* a relay that was restarted may take more by now */
            o->mails_max = MOTE_CONNECTION_MAILS;
        }
        if (slot == NULL || slot->record.wait_s != 0) {
            if (!keep_time(o)) {
                tidy(o);
            }
            return MOTE_IDLE;
        }
        if (slot->record.rcpt_count == 0) {
            o->tidying = true;
            free_cell(o, slot);
            return MOTE_IDLE;
        }
        begin(o, slot);
    }
    if (o->step != MOTE_REPORT) {
        step(o, now_ms, random);
    }
    return o->step;
}

uint32_t mote_outbox_wait_s(const struct mote_outbox *o)
{
    const struct mote_slot *slot = o->slot != NULL ? o->slot : next(o);

    return slot != NULL ? slot->record.wait_s : UINT32_MAX;
}

void mote_outbox_commit(struct mote_outbox *o)
{
    if (o->slot == NULL) {
        return;
    }
    mote_record_sent(&o->slot->record, &o->delivery);
    if (mote_log_save(o, o->slot)) {
        mote_session_commit(o->setup->session);
    } else {
        mote_session_fail(o->setup->session, MOTE_CAUSE_STORAGE);
    }
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

bool mote_outbox_cancel(struct mote_outbox *o, const uint8_t id[8])
{
    struct mote_slot *slot = find(o, id);

    return slot != NULL && slot != o->slot && free_cell(o, slot);
}

void mote_outbox_hurry(struct mote_outbox *o)
{
    o->hurried = o->slot != NULL && o->step != MOTE_REPORT;
    o->mails_max = MOTE_CONNECTION_MAILS;
    if (o->slots != NULL && o->setup->states != NULL) {
        memset(o->setup->states, 0, o->setup->relay_count * sizeof *o->setup->states);
    }
    for (struct mote_slot *slot = o->slots; slot != o->slots_end; slot++) {
        slot->record.wait_s = 0;
    }
}
