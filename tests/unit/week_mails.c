/* SPDX-License-Identifier: MIT
 *
 * The ledger of week.h: what the application posts, and what the relays and the reports say of it.
 */
#include "week.h"
#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- Mails ------------------------------------------------------------------------------------------------------- */

static void make_id(unsigned number, uint8_t id[8])
{
    memset(id, (int)(number * 37 & 0xff), 8);
    mote_put32(id, number);
}

static size_t make_text(unsigned number, char *buf, size_t cap)
{
    return (size_t)snprintf(buf, cap, "Subject: mail %u\r\n\r\n%.*s\r\n", number, (int)(number % 40),
                            "something has gone wrong at the pump again");
}

static size_t read_mail(void *ctx, size_t offset, void *buf, size_t cap)
{
    const unsigned *number = ctx;
    char text[120];
    size_t n = make_text(*number, text, sizeof text) - offset;

    n = n < cap ? n : cap;
    memcpy(buf, text + offset, n);
    return n;
}

struct week_mail *week_mail(const struct mote_record *record)
{
    uint32_t number = mote_get32(record->id);
    uint8_t id[8];

    make_id(number, id);
    assert_true(number < week.posted);
    assert_memory_equal(id, record->id, sizeof id); /* no mail that was never posted */
    return &week.mails[number];
}

static bool in_slot(unsigned i)
{
    return week.slots[i].len != 0 && week.slots[i].record.rcpt_count != 0;
}

unsigned week_post(uint8_t rcpts)
{
    static const char *const addresses[WEEK_RCPTS] = {"a@example.test", "b@example.test"};
    struct mote_rcpt list[WEEK_RCPTS] = {{0}};
    unsigned number = week.posted++;
    struct week_mail *m = &week.mails[number];
    struct mote_mail mail = {.rcpts = list, .read = read_mail, .ctx = &number};
    char from[32];
    uint8_t id[8], cause;

    assert_true(number < WEEK_MAILS);
    for (unsigned i = 0; i < WEEK_RCPTS; i++) {
        if ((rcpts >> i & 1) != 0) {
            list[mail.rcpt_count++].address = addresses[i];
        }
    }
    snprintf(from, sizeof from, "m%u@example.test", number);
    mail.from = from;
    make_id(number, id);
    *m = (struct week_mail){
        .where = PERHAPS, .rcpts = rcpts, .verified_only = true, .posted_ms = week.time_ms, .ran_ms = week.ran_ms};
    for (unsigned i = 0; i < week.setup.relay_count; i++) {
        m->verified_only &= week.weather[i].verified;
    }
    for (unsigned i = 0; i < number; i++) {
        m->fresh += week.mails[i].where == STORED && week.mails[i].attempts == 0;
    }
    cause = mote_outbox_post(&week.outbox, &mail, id, week.sim.now_ms);
    assert_true(cause == MOTE_CAUSE_NONE || cause == MOTE_CAUSE_FULL);
    m->where = cause == MOTE_CAUSE_NONE ? STORED : NOT_POSTED;
    week.full += cause == MOTE_CAUSE_FULL;
    return number;
}

/* ---- What relays are offered ---------------------------------------------------------------------------------------- */

void week_begins(struct week_mail *m)
{
    m->tries += !week.attempt.begun;
    week.attempt.begun = true;
}

void week_asks(struct week_mail *m, unsigned relay, const struct spell *spell)
{
    struct week_attempt *a = &week.attempt;
    const struct weather_relay *r = &week.weather[relay];
    bool good = mood_good(spell->mood) && (r->plain || spell->tls == MOOD_TLS_GOOD) && week.prepare == NULL;
    uint8_t bit = (uint8_t)(1u << relay);

    week.failed |= good ? 0 : bit;
    a->failed |= week.failed & bit;
    a->tls_failed |= spell->tls != MOOD_TLS_GOOD || mood_silent(spell->mood) ? bit : 0;
    m->may_fail |= mood_refuses(spell->mood);
    assert_true(week.down_ms[relay] == 0 || week.ran_ms + 1002 >= week.down_ms[relay] + 300000); /* in full seconds */
    if (mood_fails(spell->mood) && (!r->implicit || spell->tls == MOOD_TLS_GOOD)) {
        week.down_ms[relay] = week.ran_ms;
    }
}

static unsigned offered_number(const struct sim *sim)
{
    unsigned number = WEEK_MAILS;

    assert_int_equal(sscanf(sim->from, "m%u@example.test", &number), 1);
    assert_true(number < week.posted);
    return number;
}

void week_offered(void *ctx, struct sim *sim)
{
    struct week_mail *m = &week.mails[offered_number(sim)];
    unsigned relay = (unsigned)(sim->relay - sim->relays);

    assert_true(m->where == STORED && !m->last && !week.attempt.in_doubt);
    assert_true(week.weather[relay].verified || !m->verified_only);
    if (!sim->secured) {
        assert_false(week.weather[relay].verified);
        assert_true(week.weather[relay].plain || ((week.attempt.tls_failed >> relay & 1) != 0 && m->tls_ran_ms != 0 &&
                                                  week.ran_ms + (sim->now_ms - week.clock_ms) + 2 >=
                                                      m->tls_ran_ms + 60000)); /* a stamp may be a millisecond old */
    }
    week_reset(RESET_OFFERED);
}

void week_came(void *ctx, struct sim *sim, const char *answer)
{
    unsigned number = offered_number(sim);
    struct week_mail *m = &week.mails[number];
    bool silent = answer == sim_close || answer == sim_mute || sim->relay->first_only;
    char text[120];

    make_text(number, text, sizeof text);
    assert_string_equal(sim->text, text);
    if (silent || answer == NULL || answer[0] == '2') {
        for (unsigned i = 0; i < WEEK_RCPTS; i++) {
            m->copies[i] += sim->to >> i & 1;
        }
        m->came_ms = m->came_ms == 0 ? week.time_ms + (sim->now_ms - week.clock_ms) : m->came_ms;
        m->doubts += silent;
        week.attempt.in_doubt |= silent;
        week.attempt.took |= !silent;
        week.failed &= (uint8_t) ~(silent ? 0 : 1u << (sim->relay - sim->relays));
    }
    week_reset(RESET_CAME);
}

bool week_takes(const struct week_mail *m)
{
    unsigned hangs_s = 0;
    bool clear = false, doubt = false; /* in the second pass (P5) */

    if (weather_spell(&week.network, week_s())->mood != MOOD_GOOD || week_s() < week.crashes_to_s) {
        return false;
    }
    for (unsigned i = 0; i < week.setup.relay_count; i++) {
        const struct weather_relay *r = &week.weather[i];
        const struct spell *spell = weather_spell(&week.weather[i], week_s());
        bool tls = spell->tls == MOOD_TLS_GOOD || r->plain;

        if (m->verified_only && !r->verified) {
            continue;
        }
        if (mood_takes(spell->mood) && tls) {
            return true;
        }
        clear |= !tls && !r->verified && !doubt && mood_takes(spell->mood);
        doubt |= !tls && mood_doubts(spell->mood);
        hangs_s += mood_hangs_s(spell);
        if ((tls && mood_doubts(spell->mood)) || hangs_s > 600) {
            return false;
        }
    }
    return clear;
}

/* ---- What is stored, and reported ----------------------------------------------------------------------------------- */

void week_reconcile(void)
{
    bool found[WEEK_MAILS] = {false};

    for (unsigned i = 0; i < WEEK_SLOTS; i++) {
        if (in_slot(i)) {
            found[week_mail(&week.slots[i].record) - week.mails] = true;
        }
    }
    for (unsigned i = 0; i < week.posted; i++) {
        struct week_mail *m = &week.mails[i];

        if (m->where == PERHAPS) {
            m->where = found[i] ? STORED : NOT_POSTED;
        } else if (m->where == ENDING) {
            m->where = found[i] ? STORED : ENDED;
        }
        assert_int_equal(found[i], m->where == STORED); /* no mail is lost, none comes back */
    }
}

void week_note(void)
{
    for (unsigned i = 0; i < WEEK_SLOTS; i++) {
        const struct mote_record *r = &week.slots[i].record;
        struct week_mail *m;

        if (!in_slot(i)) {
            continue;
        }
        m = week_mail(r);
        m->attempts = r->attempts > m->attempts ? r->attempts : m->attempts;
        assert_true(r->attempts >= m->tries);
        assert_true(r->age_s <= (week.time_ms - m->posted_ms) / 1000 + 1); /* no clock makes a mail older than it is */
        if ((r->attempts != 0 || r->left_alone) && m->first_ms == 0) {
            m->first_ms = week.ran_ms - m->ran_ms + 1;
        }
        if (r->tls_failed && m->tls_ran_ms == 0) {
            m->tls_ran_ms = week.ran_ms + 1;
        }
    }
}

void week_report(void)
{
    struct week_mail *m = week_mail(&week.outbox.slot->record);
    unsigned n = 0;

    for (unsigned i = 0; i < WEEK_RCPTS; i++) {
        if ((m->rcpts >> i & 1) != 0) {
            uint8_t verdict = week.outbox.rcpts[n++].result.verdict;

            assert_true(verdict != MOTE_DELIVERED || m->copies[i] != 0);
            assert_true(verdict != MOTE_FAILED || m->may_fail || week.outbox.expired);
            m->failed |= (uint8_t)((verdict == MOTE_FAILED || (week.outbox.expired && verdict != MOTE_DELIVERED)) << i);
        }
    }
    assert_true(!week.outbox.expired || week.time_ms - m->posted_ms >= UINT64_C(432000000));
    m->ours = week.outbox.delivery.result.cause == MOTE_CAUSE_NO_NETWORK ? m->ours + 1 : 0;
    m->extra += m->ours == 1 || m->ours == 2; /* P12: tried again after 10 s */
    assert_true(!week.outbox.delivery.relay_back || week.attempt.failed != 0);
    for (unsigned i = 0; i < WEEK_SLOTS && week.outbox.delivery.relay_back; i++) {
        if (in_slot(i) && week.slots[i].record.left_alone) {
            week_mail(&week.slots[i].record)->extra++; /* P12: due within seconds */
        }
    }
    week.attempt.took = false;
    m->last |= week.outbox.last;
    m->where = m->last ? ENDING : m->where;
    mote_outbox_reported(&week.outbox);
    m->where = m->last ? ENDED : m->where;
    m->ended_ms = week.time_ms;
    m->life_ms = week.ran_ms - m->ran_ms;
}
