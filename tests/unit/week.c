/* SPDX-License-Identifier: MIT
 *
 * The device of week.h.
 */
#include "week.h"
#include "record.h"
#include "tls_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct week week;

static uint32_t dice(uint32_t sides)
{
    return flash_random(&week.dice) % sides;
}

uint32_t week_s(void)
{
    return (uint32_t)(week.time_ms / 1000);
}

static bool quiet(void)
{
    return week_s() >= week.quiet_s;
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/* The next second at which the weather changes. */
static uint32_t change_s(void)
{
    uint32_t next = weather_spell(&week.network, week_s())->until_s;

    for (unsigned i = 0; i < week.setup.relay_count; i++) {
        uint32_t until_s = weather_spell(&week.weather[i], week_s())->until_s;

        next = until_s < next ? until_s : next;
    }
    return week_s() < week.crashes_to_s && week.crashes_to_s < next ? week.crashes_to_s : next;
}

/* Time passes, and the outbox may know that it does, or not. */
static void pass(uint64_t ms, bool shown)
{
    while (ms != 0) {
        uint64_t left = change_s() * UINT64_C(1000) - week.time_ms, piece = ms < left ? ms : left;

        for (unsigned i = 0; i < week.posted; i++) {
            struct week_mail *m = &week.mails[i];

            if (m->where != STORED || m->last || !week_takes(m)) {
                m->wait_ms = 0;
            } else if (shown) {
                m->wait_ms += piece;
                m->longest_ms = m->wait_ms > m->longest_ms ? m->wait_ms : m->longest_ms;
            }
        }
        week.time_ms += piece;
        ms -= piece;
    }
}

/* The device's clock has gone on. */
static void follow_clock(void)
{
    uint32_t ms = week.sim.now_ms - week.clock_ms;

    week.clock_ms = week.sim.now_ms;
    week.ran_ms += ms;
    pass(ms, true);
}

static void sleep_ms(uint32_t ms)
{
    if (!quiet() && dice(100) == 0) {
        pass(dice(3600 * 1000), false); /* the clock stands */
    }
    week.sim.now_ms += ms;
    follow_clock();
}

/* A time stamp, perhaps taken a moment before the last one. */
static uint32_t stamp(void)
{
    week.sim.back_ms = quiet() ? 0 : dice(2);
    return week.sim.now_ms - week.sim.back_ms;
}

/* ---- Resets ------------------------------------------------------------------------------------------------------ */

void week_reset(uint8_t how)
{
    if (week.reset_how == how) {
        longjmp(flash_power, 1);
    }
}

static bool crashing(void)
{
    return week_s() < week.crashes_to_s;
}

/* Is one due, and how will it come? */
static void draw_reset(void)
{
    if (week.reset_how == RESET_NONE && (week.time_ms >= week.reset_ms || crashing()) && !quiet()) {
        week.reset_how = (uint8_t)(1 + dice(RESETS - 1));
        week.reset_how = crashing() && week.reset_how == RESET_NOW ? RESET_CAME : week.reset_how;
    }
    week_reset(RESET_NOW);
    week.flash.cut_at = week.reset_how == RESET_WRITE ? week.flash.writes + 1 + dice(4) : 0;
}

static void boot(void)
{
    uint32_t off_s = week.resets == 0 || week.off_most_s == 0 ? 0 : weather_span_s(week.off_most_s, &week.dice),
             clock = flash_random(&week.dice);
    bool known = dice(2) == 0;
    uint16_t lost;

    pass(off_s * UINT64_C(1000), false);
    for (unsigned i = 0; i < week.posted; i++) {
        week.mails[i].wait_ms = known ? week.mails[i].wait_ms : 0; /* what it had left to wait begins anew */
    }
    if (week.relays_most != 0) {
        week.setup.relay_count = (uint8_t)(1 + dice(week.relays_most));
    }
    flash_boot(&week.flash);
    memset(&week.outbox, 0xa5, sizeof week.outbox);
    memset(week.slots, 0xa5, sizeof week.slots);
    memset(week.states, 0, sizeof week.states);
    memset(week.down_ms, 0, sizeof week.down_ms);
    week.failed = 0;
    week.clock_ms = week.sim.now_ms = UINT32_MAX - clock % (WEEK_S * 1000u); /* it wraps within the week */
    assert_int_equal(mote_outbox_open(&week.outbox, &week.setup, week.sim.now_ms, known ? off_s : 0,
                                      flash_random(&week.dice) << 8, &lost),
                     0);
    assert_int_equal(lost, 0);
    week_reconcile();
}

static void after_reset(void)
{
    assert_true(++week.resets < 1000); /* a crash loop backs off (P17) */
    if (week.outbox.slot != NULL) {
        struct week_mail *m = week_mail(&week.outbox.slot->record);

        m->doubts += week.attempt.took;
        m->wait_ms = 0; /* it was asked about in time */
        m->extra++;     /* what this attempt learned of TLS and of extensions is forgotten (P4, P16) */
    }
    for (unsigned i = 0; i < week.posted; i++) {
        week.mails[i].resets += week.mails[i].where == STORED;
        week.mails[i].ours = 0;
    }
    follow_clock();
    if (week.reset_how != RESET_NONE && week.time_ms >= week.reset_ms) {
        week.reset_ms = week.time_ms + weather_span_s(4 * 86400, &week.dice) * UINT64_C(1000);
    }
    week.reset_how = RESET_NONE;
    boot();
}

/* ---- Relays ------------------------------------------------------------------------------------------------------ */

static void connect_relay(void)
{
    struct mote_delivery *d = &week.outbox.delivery;
    unsigned i = (unsigned)(d->relay - week.relays);
    const struct spell *spell = weather_spell(&week.weather[i], week_s());
    struct week_mail *m = week_mail(&week.outbox.slot->record);
    struct sim_relay *relay = &week.sim.relays[i];

    week_begins(m);
    if (week.sim.now_ms - week.session_setup.start_ms >= 900000 ||
        weather_spell(&week.network, week_s())->mood != MOOD_GOOD) {
        mote_delivery_unreachable(d, week.sim.now_ms - week.session_setup.start_ms >= 900000 ? MOTE_CAUSE_DEADLINE
                                                                                             : MOTE_CAUSE_NO_NETWORK);
        return;
    }
    week.connected = i;
    week.spell = spell;
    week_asks(m, i, spell);
    weather_set(&week.weather[i], spell, relay);
    if (week.prepare != NULL) {
        week.prepare((unsigned)(m - week.mails), i, relay);
    }
    week.connections++;
    m->connections++;
    week.sim.log[0] = 0;
    week.sim.now_ms += relay->down == MOTE_CAUSE_TIMEOUT ? 30000 : 0;
    sim_connect(&week.sim, d);
}

/* ---- The device -------------------------------------------------------------------------------------------------- */

/* The relay makes of the connection's next mail what it made of the first. */
static void talk(void)
{
    if (week.outbox.slot != NULL && !week.outbox.leaving && !week.attempt.begun) {
        struct week_mail *m = week_mail(&week.outbox.slot->record);

        week_begins(m);
        week_asks(m, week.connected, week.spell);
        week.kept++;
    }
    while (sim_talk(&week.sim, &week.session) == MOTE_WANT_COMMIT) {
        mote_outbox_commit(&week.outbox);
    }
}

/* Until the next thing happens, and not too long at a time: early polls are welcome. */
static void rest(uint32_t until_s)
{
    uint64_t ms = mote_outbox_wait_s(&week.outbox) * UINT64_C(1000), most = 1000 + dice(600000);
    const uint64_t next[] = {until_s * UINT64_C(1000), week.post_ms, week.reset_ms};

    for (unsigned i = 0; i < sizeof next / sizeof *next; i++) {
        most = next[i] > week.time_ms && next[i] - week.time_ms < most ? next[i] - week.time_ms : most;
    }
    ms = ms < most ? ms : most;
    sleep_ms(ms == 0 ? 1 : (uint32_t)ms);
}

static void step(uint32_t until_s)
{
    draw_reset();
    if (week.time_ms >= week.post_ms && !quiet()) {
        week.post_ms = week.time_ms + weather_span_s(86400, &week.dice) * UINT64_C(1000);
        week_post((uint8_t)(1 + dice(3)));
        return;
    }
    if (week.outbox.slot == NULL) {
        week.session_setup.start_ms = week.sim.now_ms; /* an attempt begins, perhaps */
        memset(&week.attempt, 0, sizeof week.attempt);
    }
    switch (mote_outbox_poll(&week.outbox, stamp(), flash_random(&week.dice) << 8)) {
    case MOTE_CONNECT: connect_relay(); break;
    case MOTE_TALK: talk(); break;
    case MOTE_REPORT:
        week_note();
        week_report();
        break;
    default: rest(until_s); break;
    }
    follow_clock();
    week_note();
}

/* ---- Weeks ------------------------------------------------------------------------------------------------------- */

static void set_relay(unsigned i)
{
    week.relays[i].host = "relay.example.test";
    if (week.weather[i].verified) {
        mote_trust_pin(&week.relays[i].trust, tls_peer_pin, tls_peer_name);
    } else {
        mote_trust_opportunistic(&week.relays[i].trust, NULL);
    }
    week.relays[i].tls = week.weather[i].implicit ? MOTE_TLS_IMPLICIT : MOTE_TLS_STARTTLS;
}

static void set(unsigned relays, uint32_t seed)
{
    memset(&week, 0, sizeof week);
    flash_set(&week.flash, 1024, 2 + WEEK_SLOTS);
    sim_set(&week.sim);
    week.sim.offered = week_offered;
    week.sim.came = week_came;
    week.session_setup = (struct mote_session_setup){.helo = "device.example.test",
                                                     .buf = week.buf,
                                                     .buf_len = sizeof week.buf,
                                                     .entropy = "32 octets nobody will ever make use of"};
    week.setup = (struct mote_outbox_setup){.storage = &week.flash.storage,
                                            .relays = week.relays,
                                            .states = week.states,
                                            .relay_count = (uint8_t)relays,
                                            .slots = week.slots,
                                            .slot_count = WEEK_SLOTS,
                                            .cell_blocks = 1,
                                            .envelope = week.envelope,
                                            .envelope_cap = sizeof week.envelope,
                                            .session = &week.session,
                                            .session_setup = &week.session_setup};
    week.dice = seed;
    week.reset_ms = week.post_ms = UINT64_MAX;
}

void week_set(unsigned relays, uint32_t seed)
{
    set(relays, seed);
    for (unsigned i = 0; i < relays; i++) {
        week.weather[i].plain = true;
        weather_add(&week.weather[i], UINT32_MAX, MOOD_GOOD, MOOD_TLS_GOOD);
        set_relay(i);
    }
    weather_add(&week.network, UINT32_MAX, MOOD_GOOD, MOOD_TLS_GOOD);
    boot();
}

void week_verified(unsigned relay)
{
    week.weather[relay].verified = true;
    week.weather[relay].plain = false;
    set_relay(relay);
}

/* The network fails now and then. */
static void draw_network(void)
{
    for (uint32_t at = 0; at < WEEK_S && week.network.count < WEATHER_SPELLS - 2;) {
        at += weather_span_s(3 * 86400, &week.dice);
        weather_add(&week.network, at, MOOD_GOOD, MOOD_TLS_GOOD);
        at += weather_span_s(3600, &week.dice);
        weather_add(&week.network, at, MOOD_DOWN, MOOD_TLS_GOOD);
    }
    weather_add(&week.network, UINT32_MAX, MOOD_GOOD, MOOD_TLS_GOOD);
}

void week_draw(uint32_t seed)
{
    set(1 + seed % WEATHER_RELAYS, seed * 2654435761u);
    week.relays_most = week.setup.relay_count;
    for (unsigned i = 0; i < week.setup.relay_count; i++) {
        struct weather_relay *r = &week.weather[i];

        r->verified = dice(3) == 0;
        r->implicit = r->verified && dice(3) == 0;
        r->plain = !r->verified && dice(2) == 0;
        r->pipelining = dice(3) != 0;
        r->chunking = dice(2) == 0;
        weather_draw(r, WEEK_S, &week.dice);
        set_relay(i);
    }
    draw_network();
    week.crashes_to_s = dice(4) == 0 ? weather_span_s(86400, &week.dice) : 0;
    week.reset_ms = weather_span_s(4 * 86400, &week.dice) * UINT64_C(1000);
    week.post_ms = 0;
    week.off_most_s = 86400;
    week.quiet_s = WEEK_S;
    boot();
}

void week_go(uint32_t until_s)
{
    while (week_s() < until_s) {
        if (setjmp(flash_power) == 0) {
            step(until_s);
        } else {
            after_reset();
        }
    }
}

void week_end(void)
{
    while (mote_outbox_wait_s(&week.outbox) != UINT32_MAX) {
        week_go(week_s() + 3600);
    }
}
