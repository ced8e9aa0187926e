/* SPDX-License-Identifier: MIT
 *
 * The device of world.h.
 */
#include "world.h"
#include "record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world w;

/* ---- Mails ------------------------------------------------------------------------------------------------------- */

void world_id(unsigned number, uint8_t id[8])
{
    for (unsigned i = 0; i < 8; i++) {
        id[i] = (uint8_t)(number * 37 + i);
    }
    mote_put32(id, number);
}

/* The mail's text: its number, and some octets that change with it. */
static size_t make_text(unsigned number, char *buf, size_t cap)
{
    int n = snprintf(buf, cap, "Subject: mail %u\r\n\r\n%.*s\r\n", number, (int)(number * 13 % 60),
                     "the quick brown fox jumps over the lazy dog, and then over it again");

    return (size_t)n;
}

static size_t read_mail(void *ctx, size_t offset, void *buf, size_t cap)
{
    const unsigned *number = ctx;
    char text[200];
    size_t n = make_text(*number, text, sizeof text) - offset;

    n = n < cap ? n : cap;
    memcpy(buf, text + offset, n);
    return n;
}

static unsigned rcpts_of(unsigned fate)
{
    return fate == FATE_ONE_ONE || fate == FATE_HALF ? 2 : 1;
}

uint8_t world_post(unsigned number)
{
    struct mote_rcpt rcpts[WORLD_RCPTS] = {{.address = "a@example.test"}, {.address = "b@example.test"}};
    struct mote_mail mail = {.rcpts = rcpts, .read = read_mail, .ctx = &number};
    char from[40];
    uint8_t id[8], cause;

    snprintf(from, sizeof from, "m%u@example.test", number);
    mail.from = from;
    mail.rcpt_count = (uint16_t)rcpts_of(number % FATES);
    world_id(number, id);
    cause = mote_outbox_post(&w.outbox, &mail, id, w.sim.now_ms);
    w.ledger[number].posted |= cause == MOTE_CAUSE_NONE;
    return cause;
}

static unsigned number_of(const struct mote_record *record)
{
    uint32_t number = mote_get32(record->id);
    uint8_t id[8];

    world_id(number, id);
    assert_true(number < WORLD_MAILS);
    assert_memory_equal(id, record->id, sizeof id); /* no mail that was never posted */
    return number;
}

/* ---- The relay --------------------------------------------------------------------------------------------------- */

static unsigned offered_number(const struct sim *sim)
{
    unsigned number = WORLD_MAILS;

    assert_int_equal(sscanf(sim->from, "m%u@example.test", &number), 1);
    assert_true(number < WORLD_MAILS);
    return number;
}

/* Nothing settled, ended or refused is offered; nothing in clear without 60 seconds that the device really ran (P5). */
static void offered(void *ctx, struct sim *sim)
{
    struct entry *entry = &w.ledger[offered_number(sim)];

    assert_true(entry->posted || entry->perhaps || w.broken);
    assert_false((entry->settled || entry->ended) && !w.broken);
    if (!sim->relay->plain) {
        assert_true(entry->watching);
        assert_true(w.ran_s - entry->tls_since_s >= 60);
    }
    entry->offers++;
}

static void came(void *ctx, struct sim *sim, const char *answer)
{
    unsigned number = offered_number(sim);
    struct entry *entry = &w.ledger[number];
    char text[200];

    make_text(number, text, sizeof text);
    assert_string_equal(sim->text, text);
    for (unsigned i = 0; i < WORLD_RCPTS; i++) {
        entry->came[i] = (uint8_t)(entry->came[i] + (sim->to >> i & 1));
    }
    entry->doubts = (uint8_t)(entry->doubts + (answer == sim_close));
}

/* The relay as this mail will find it; kept: on the connection of the mail before. */
static void prepare(bool kept)
{
    const struct mote_record *record = &w.outbox.slot->record;
    unsigned fate = w.ledger[number_of(record)].fate;
    bool first = record->attempts == 1;
    struct sim_relay *r = &w.sim.relays[0];

    bool plain = kept ? r->plain : fate != FATE_TLS; /* what it offered when it was connected to */

    memset(r, 0, sizeof *r);
    r->plain = plain;
    r->starttls = "454 not now";
    r->down = fate == FATE_DOWN && first ? MOTE_CAUSE_CONNECT : 0;
    r->clear.end = fate == FATE_DOUBT && first ? sim_close : NULL;
    r->clear.rcpt[0] = fate == FATE_LATER && first ? "450 later" : fate == FATE_NEVER ? "550 never" : NULL;
    r->clear.rcpt[1] = fate == FATE_ONE_ONE && first ? "450 later" : fate == FATE_HALF ? "550 never" : NULL;
}

/* ---- The device -------------------------------------------------------------------------------------------------- */

void world_set(uint32_t block_size, uint16_t block_count, uint8_t slots, uint8_t cell_blocks, unsigned mails)
{
    memset(&w, 0, sizeof w);
    flash_set(&w.flash, block_size, block_count);
    sim_set(&w.sim);
    w.sim.offered = offered;
    w.sim.came = came;
    mote_trust_opportunistic(&w.relay.trust, NULL);
    w.relay.host = "relay.example.test";
    w.session_setup = (struct mote_session_setup){.helo = "device.example.test",
                                                  .buf = w.buf,
                                                  .buf_len = sizeof w.buf,
                                                  .entropy = "32 octets nobody will ever make use of"};
    w.setup = (struct mote_outbox_setup){.storage = &w.flash.storage,
                                         .relays = &w.relay,
                                         .states = &w.state,
                                         .relay_count = 1,
                                         .slots = w.slots,
                                         .slot_count = slots,
                                         .cell_blocks = cell_blocks,
                                         .envelope = w.envelope,
                                         .envelope_cap = sizeof w.envelope,
                                         .session = &w.session,
                                         .session_setup = &w.session_setup};
    w.mails = mails;
    for (unsigned i = 0; i < WORLD_MAILS; i++) {
        w.ledger[i].fate = (uint8_t)(i % FATES);
    }
}

/* Does the slot hold a mail that is still worked on? */
static bool holds_mail(unsigned i)
{
    return w.slots[i].len != 0 && w.slots[i].record.rcpt_count != 0;
}

/* Notes the states in memory. */
static void note_records(void)
{
    for (unsigned i = 0; i < w.setup.slot_count; i++) {
        if (holds_mail(i)) {
            struct entry *entry = &w.ledger[number_of(&w.slots[i].record)];

            entry->record = w.slots[i].record;
            if (entry->record.tls_failed && !entry->watching) {
                entry->watching = true;
                entry->tls_since_s = w.ran_s;
            }
        }
    }
}

void world_boot(void)
{
    flash_boot(&w.flash);
    memset(&w.outbox, 0xa5, sizeof w.outbox);
    memset(w.slots, 0xa5, sizeof w.slots);
    memset(&w.state, 0, sizeof w.state);
    w.sim.now_ms = w.ran_s * 7919; /* any clock will do */
    w.phase = POLL;
    w.opened = mote_outbox_open(&w.outbox, &w.setup, w.sim.now_ms, 0, 0, &w.lost);
    if (w.opened == MOTE_CAUSE_NONE) {
        note_records();
    }
}

static void post(void)
{
    struct entry *entry = &w.ledger[w.next];
    uint8_t cause;

    entry->perhaps = true;
    cause = world_post(w.next++);
    entry->perhaps = false;
    entry->posted = cause == MOTE_CAUSE_NONE;
    entry->refused = !entry->posted;
    w.phase = POLL;
}

/* Notes what the report says. */
static void read_report(void)
{
    unsigned number = number_of(&w.outbox.slot->record);
    struct entry *entry = &w.ledger[number];

    w.reports++;
    assert_int_equal(w.outbox.mail.rcpt_count, rcpts_of(entry->fate));
    for (unsigned i = 0; i < w.outbox.mail.rcpt_count; i++) {
        uint8_t verdict = w.outbox.rcpts[i].result.verdict;

        if (verdict == MOTE_DELIVERED) {
            assert_int_not_equal(entry->came[i], 0);
        }
        if (verdict == MOTE_FAILED) { /* nobody but the relay refuses for good */
            assert_true(entry->fate == FATE_NEVER || (entry->fate == FATE_HALF && i == 1));
            entry->failed[i] = 1;
        }
    }
    entry->settled |= w.outbox.last;
}

/* Nothing is due, or time has nothing to wait for: true when there is nothing left at all. */
static bool idle(void)
{
    bool room = false;
    uint32_t wait = mote_outbox_wait_s(&w.outbox);

    w.idle++;
    for (unsigned i = 0; i < w.setup.slot_count; i++) {
        room |= w.slots[i].len == 0;
    }
    /* When there is room, a mail comes now and then, so that mails of all ages lie side by side. */
    if (room && w.next < w.mails && (wait == UINT32_MAX || w.idle % 2 == 0)) {
        w.phase = POST;
        return false;
    }
    if (wait == UINT32_MAX) {
        return true;
    }
    assert_int_not_equal(wait, 0);
    wait = w.idle % 5 == 0 && wait > 20 ? 20 : wait;
    w.ran_s += wait;
    w.sim.now_ms += wait * 1000;
    return false;
}

bool world_step(void)
{
    bool more = true;
    struct mote_slot *slot = w.outbox.slot;
    uint8_t want;

    w.session_setup.start_ms = w.sim.now_ms;
    switch (w.phase) {
    case POST: post(); break;
    case CONNECT:
        prepare(false);
        sim_connect(&w.sim, &w.outbox.delivery);
        w.phase = w.sim.relays[0].down != 0 ? POLL : TALK;
        break;
    case TALK: w.phase = sim_talk(&w.sim, &w.session) == MOTE_WANT_COMMIT ? COMMIT : POLL; break;
    case COMMIT:
        mote_outbox_commit(&w.outbox);
        w.phase = TALK;
        break;
    case REPORT: {
        struct entry *entry = &w.ledger[number_of(&slot->record)];

        entry->ending = w.outbox.last;
        mote_outbox_reported(&w.outbox);
        entry->ending = entry->settled && slot->len != 0; /* the storage did not let it go: it is reported once more */
        entry->ended = entry->ended || (entry->settled && slot->len == 0);
        w.phase = POLL;
        break;
    }
    default:
        want = mote_outbox_poll(&w.outbox, w.sim.now_ms, flash_random(&w.random));
        if (want == MOTE_CONNECT && slot == NULL) {
            w.sim.log[0] = 0; /* an attempt begins */
        }
        if (want == MOTE_REPORT) {
            read_report();
        }
        if (want == MOTE_TALK && w.outbox.slot != NULL &&
            !w.outbox.leaving) { /* on the connection of the mail before */
            prepare(true);
        }
        w.phase = want == MOTE_CONNECT ? CONNECT : want == MOTE_TALK ? TALK : want == MOTE_REPORT ? REPORT : POLL;
        more = want != MOTE_IDLE || w.outbox.tidying || !idle();
        break;
    }
    note_records();
    return more;
}

bool world_go(unsigned steps)
{
    while (steps != 0 && world_step()) {
        steps--;
    }
    return steps != 0;
}

/* ---- Checks ------------------------------------------------------------------------------------------------------ */

static bool same_state(const struct mote_record *a, const struct mote_record *b)
{
    return a->attempts == b->attempts && a->begun == b->begun && a->sent == b->sent && a->tls_failed == b->tls_failed &&
           a->cause == b->cause && a->code == b->code && a->rcpt_count == b->rcpt_count &&
           a->rcpts_delivered == b->rcpts_delivered && a->rcpts_failed == b->rcpts_failed;
}

/* The stored record is this one, and nothing in it is later than it was: no time went by while it was off. */
static bool is(const struct mote_record *stored, const struct mote_record *kept)
{
    struct mote_record ended = *kept;
    bool begun = mote_record_resume(&ended, 0); /* an attempt that had begun has ended with the power cut (P17) */

    return same_state(stored, &ended) && stored->age_s <= kept->age_s && stored->tls_since_s <= kept->tls_since_s &&
           (begun ? stored->wait_s != 0 : stored->wait_s >= kept->wait_s);
}

/* It was stored that an attempt begins, and no more. */
static bool is_begun(const struct mote_record *stored, const struct mote_record *kept)
{
    struct mote_record begun = *kept;

    mote_record_begin(&begun);
    return !kept->begun && is(stored, &begun);
}

void world_check(const struct world *before, const struct world *after)
{
    unsigned found[WORLD_MAILS] = {0};

    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
    assert_int_equal(w.lost, 0);
    for (unsigned i = 0; i < w.setup.slot_count; i++) {
        const struct mote_record *r = &w.slots[i].record;
        unsigned n;

        if (!holds_mail(i)) {
            continue;
        }
        n = number_of(r);
        found[n]++;
        assert_true(is(r, &before->ledger[n].record) || is(r, &after->ledger[n].record) ||
                    is_begun(r, &before->ledger[n].record) || (!before->ledger[n].posted && r->attempts == 0));
        assert_true(!mote_policy_armed(r->tls_failed, r->tls_since_s) || w.ran_s - w.ledger[n].tls_since_s >= 60);
    }
    for (unsigned n = 0; n < WORLD_MAILS; n++) {
        const struct entry *entry = &w.ledger[n];

        if (entry->posted && !entry->ended && !entry->ending) {
            assert_int_equal(found[n], 1);
        } else if (entry->ending || (entry->perhaps && !entry->ended)) {
            assert_true(found[n] <= 1);
        } else {
            assert_int_equal(found[n], 0);
        }
    }
}

void world_check_ends(void)
{
    for (unsigned n = 0; n < w.next; n++) {
        const struct entry *entry = &w.ledger[n];

        if (!entry->posted && !entry->perhaps) {
            continue;
        }
        if (entry->posted) {
            assert_true(entry->ended || (entry->ending && entry->settled));
        } else if (entry->offers == 0) {
            continue;
        }
        for (unsigned i = 0; i < rcpts_of(entry->fate); i++) {
            bool never = entry->fate == FATE_NEVER || (entry->fate == FATE_HALF && i == 1);

            assert_int_equal(entry->failed[i], never);
            assert_true(never ? entry->came[i] == 0
                              : entry->came[i] >= 1 && (w.broken || entry->came[i] <= 1 + entry->doubts));
        }
    }
}

/* ---- Shorter ----------------------------------------------------------------------------------------------------- */

void world_new(void)
{
    world_set(512, 6, 4, 1, WORLD_MAILS);
    world_boot();
    assert_int_equal(w.opened, MOTE_CAUSE_NONE);
}

void world_put_in(unsigned number)
{
    world_new();
    w.mails = 0;
    assert_int_equal(world_post(number), MOTE_CAUSE_NONE);
}

void world_finish(void)
{
    w.mails = w.next;
    assert_true(world_go(5000));
}

uint8_t world_poll(uint32_t random)
{
    return mote_outbox_poll(&w.outbox, w.sim.now_ms, random);
}

void world_sleep(uint32_t seconds)
{
    w.sim.now_ms += seconds * 1000;
    w.ran_s += seconds;
}

void world_in_vain(uint32_t random)
{
    assert_int_equal(world_poll(random), MOTE_CONNECT);
    mote_delivery_unreachable(&w.outbox.delivery, MOTE_CAUSE_CONNECT);
    assert_int_equal(world_poll(random), MOTE_REPORT);
    assert_non_null(w.outbox.slot);
    assert_int_equal(w.outbox.rcpts[0].result.verdict, MOTE_DEFERRED);
    assert_int_equal(w.outbox.rcpts[0].result.cause, MOTE_CAUSE_CONNECT);
}
