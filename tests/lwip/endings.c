/* SPDX-License-Identifier: MIT
 *
 * One side ends it: the relay closes, resets or falls silent, before each reply and after each packet; the application
 * gives up at each step.
 */
#include "rig.h"
#include "tests.h"

#include <lwip/sys.h>

static struct peer *relay;
static enum peer_break how;

/* ---- The relay --------------------------------------------------------------------------------------------------- */

/* It breaks off before each of its replies. */
static void break_replies(enum peer_break kind, uint8_t cause)
{
    static const int last[WAYS] = {5, 4, 7}; /* the reply to the mail */

    for (enum way way = 0; way < WAYS; way++) {
        for (int after = 0; after <= last[way]; after++) {
            struct peer peer = peer_of(way);
            struct mote_result result;

            peer.how = kind;
            peer.after = after;
            begin(&peer, relay_host);
            result = run();
            expect_truth(&peer, &result, (uint64_t)1 << cause, after);
            expect(way != LOCK_STEP || result.verdict == (after == 5 ? MOTE_IN_DOUBT : MOTE_DEFERRED), "verdict",
                   after);
            recover(&peer, after);
            end(&peer, after);
        }
    }
}

void test_fin(void)
{
    break_replies(PEER_FIN, MOTE_CAUSE_LOST);
}

void test_rst(void)
{
    break_replies(PEER_RST, MOTE_CAUSE_LOST);
}

void test_silence(void)
{
    break_replies(PEER_SILENT, MOTE_CAUSE_TIMEOUT);
}

static void break_now(void)
{
    peer_break(relay, how);
}

/* It breaks off after each packet. */
static void break_anywhere(enum peer_break kind, uint8_t cause)
{
    how = kind;
    for (enum way way = 0; way < WAYS; way++) {
        long total = packets_of(way);

        for (long n = 1; n <= total; n++) {
            struct peer peer = peer_of(way);
            struct mote_result result;

            relay = &peer;
            wire.event = break_now;
            wire.event_after = n;
            begin(&peer, relay_host);
            result = run();
            expect_truth(&peer, &result, (uint64_t)1 << cause, n);
            recover(&peer, n);
            end(&peer, n);
        }
    }
}

void test_fin_anywhere(void)
{
    break_anywhere(PEER_FIN, MOTE_CAUSE_LOST);
}

void test_rst_anywhere(void)
{
    break_anywhere(PEER_RST, MOTE_CAUSE_LOST);
}

void test_silence_anywhere(void)
{
    break_anywhere(PEER_SILENT, MOTE_CAUSE_TIMEOUT);
}

/* It refuses in the middle of the text and leaves; with its window shut as well, so that what it says comes while much
 * is still to be sent. What it said counts. */
void test_last_words(void)
{
    for (long n = 0; n < 2 * WAYS * 60; n++) {
        struct peer peer = peer_of((enum way)(n / 2 % WAYS));
        struct mote_result result;

        set_text(1500 + (size_t)n * 12);
        peer.how = n % 4 < 2 ? PEER_RST : PEER_FIN;
        peer.deaf = n % 2 != 0 && peer.how == PEER_RST;
        peer.refuse_at = 1000;
        peer.split = n % 5 == 0 ? 3 : 0;
        result = attempt(&peer, relay_host, n);
        expect(result.verdict == MOTE_FAILED && result.code == 552, mote_cause_name(result.cause), n);
    }
}

/* It refuses in the middle of the text, with little room to hear the rest, and talks on with every acknowledgement. */
void test_interrupted(void)
{
    for (long n = 0; n < WAYS * 60; n++) {
        struct peer peer = peer_of((enum way)(n % WAYS));
        struct mote_result result;

        set_text(1500 + (size_t)n * 24);
        peer.slow_window = true;
        peer.refuse_at = 1000;
        result = attempt(&peer, relay_host, n);
        expect(result.verdict == MOTE_FAILED && result.code == 552, mote_cause_name(result.cause), n);
    }
}

/* It never closes, and answers each probe, with its window shut or open: more of them than the device has connections,
 * as fast as it can and with the time a session waits. Then a good one gets its mail. */
static void cling(enum way way, size_t refuse_at, bool deaf)
{
    struct peer peer = peer_of(way);
    struct mote_result result;

    peer.clings = true;
    peer.deaf = deaf;
    peer.refuse_at = refuse_at;
    peer.how = refuse_at != 0 || deaf ? PEER_NEVER : PEER_SILENT;
    peer.after = 1;
    begin(&peer, relay_host);
    for (int mails = 0; mails < 5; mails++) {
        result = run();
        expect(result.verdict == (refuse_at != 0 ? MOTE_FAILED : MOTE_DEFERRED), mote_cause_name(result.cause), mails);
        peer.lines = 0;
        if (refuse_at != 0) {
            mote_lwip_abort(&lwip);
            post(relay_host, peer.secure);
            mote_lwip_start(&lwip);
        } else {
            mote_lwip_reported(&lwip);
        }
    }
    peer.refuse_at = 0;
    peer.deaf = false;
    peer.how = PEER_NEVER;
    result = run();
    expect_delivered(&peer, &result, deaf);
    end(&peer, deaf);
}

void test_clinging(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        if (way != IN_TLS) { /* BearSSL hears nothing while a record is on its way */
            cling(way, 300, true);
        }
        cling(way, 300, false);
        cling(way, 0, true);
        cling(way, 0, false);
    }
}

/* ---- The application --------------------------------------------------------------------------------------------- */

static void give_up(void)
{
    mote_lwip_abort(&lwip);
}

/* Given up after each packet; the next attempt delivers the mail. */
void test_abort(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        long total = packets_of(way);

        for (long n = 0; n < total; n++) {
            struct peer peer = peer_of(way);
            struct mote_result result;

            wire.event = give_up;
            wire.event_after = n;
            begin(&peer, relay_host);
            if (n == 0) {
                step();
                give_up();
            }
            result = run();
            expect(lwip.received == NULL && lwip.pcb == NULL, "something is still held", n);
            expect_truth(&peer, &result, CAUSE(ABORTED), n);
            recover(&peer, n);
            end(&peer, n);
        }
    }
}

/* After each step, while the relay says more than there is room to hear: octets are held then. */
void test_abort_held(void)
{
    long held = 0;

    for (enum way way = 0; way < WAYS; way++) {
        for (int steps = 0; steps < 200; steps++) {
            struct peer peer = peer_of(way);

            set_text(4000 + (size_t)(steps % 30) * 20);
            peer.deaf = true;
            peer.refuse_at = 1000;
            peer.split = 3;
            begin(&peer, relay_host);
            for (int i = 0; i < steps; i++) {
                step();
            }
            held += lwip.received != NULL;
            mote_lwip_abort(&lwip);
            expect(lwip.received == NULL && lwip.pcb == NULL, "something is still held", steps);
            expect(mote_lwip_poll(&lwip) == MOTE_REPORT || (steps == 0 && outbox.slot == NULL), "no report", steps);
            end(&peer, steps);
        }
    }
    expect(held > 20, "rarely held", held);
}

/* Twice, and from the report; while nothing is going on, and after the last mail. */
void test_abort_reported(void)
{
    struct peer peer = peer_of(LOCK_STEP);
    struct mote_result result;

    begin(&peer, relay_host);
    mote_lwip_abort(&lwip);
    expect(mote_lwip_poll(&lwip) == MOTE_IDLE, "not idle", 0);
    for (int i = 0; i < 100; i++) {
        step();
    }
    expect(peer.connections == 0, "it goes on", 0);
    mote_lwip_wake(&lwip);
    step();
    step();
    mote_lwip_abort(&lwip);
    mote_lwip_abort(&lwip);
    result = run();
    expect_deferred(&result, MOTE_CAUSE_ABORTED, 1);
    mote_lwip_wake(&lwip);
    mote_lwip_abort(&lwip);
    expect(mote_lwip_poll(&lwip) == MOTE_REPORT && outbox.slot != NULL, "the report is gone", 1);
    recover(&peer, 2);
    mote_lwip_abort(&lwip);
    expect(mote_lwip_poll(&lwip) == MOTE_REPORT && outbox.last, "the report is gone", 3);
    mote_lwip_reported(&lwip);
    expect(mote_lwip_poll(&lwip) == MOTE_IDLE && outbox.slot == NULL, "not idle", 4);
    mote_lwip_reported(&lwip);
    end(&peer, 5);
}

/* Started before the outbox is open, and again, and again: it takes one timer. */
void test_not_open(void)
{
    static struct mote_outbox closed;
    struct mote_lwip early = {.outbox = &closed};
    long before = allocated;

    for (int i = 0; i < 9; i++) {
        mote_lwip_start(&early);
        expect(allocated == before + 1, "timers", allocated - before);
        if (i % 2 != 0) {
            step();
        }
        expect(mote_lwip_poll(&early) == MOTE_IDLE, "not idle", i);
    }
    mote_lwip_abort(&early);
    expect(allocated == before, "timers left", allocated - before);
}

static bool opens_before, opens_behind;

static void open_again(bool opens)
{
    uint16_t lost;

    if (opens) {
        mote_outbox_open(&outbox, outbox.setup, sys_now(), 0, 0, &lost);
    }
}

static void start_again(void)
{
    open_again(opens_before);
    mote_lwip_start(&lwip);
    open_again(opens_behind);
}

/* After each packet, the last ones behind the verdict; the outbox is opened anew as well, before or behind: what is under way is given up, and
 * the mail comes in. */
void test_start_again(void)
{
    for (long turn = 0; turn < 3L * WAYS; turn++) {
        long total = packets_of((enum way)(turn / 3));

        opens_before = turn % 3 == 1;
        opens_behind = turn % 3 == 2;
        for (long n = 1; n < total; n++) {
            struct peer peer = peer_of((enum way)(turn / 3));
            struct mote_result result;

            wire.event = start_again;
            wire.event_after = n;
            begin(&peer, relay_host);
            result = run();
            if (result.verdict != MOTE_DELIVERED) {
                expect_truth(&peer, &result, CAUSE(ABORTED), n);
                recover(&peer, n);
            }
            expect(peer.mails == 1 || (peer.mails == 2 && (turn % 3 != 0 || result.verdict == MOTE_IN_DOUBT)), "mails",
                   peer.mails);
            end(&peer, n);
        }
    }
}
