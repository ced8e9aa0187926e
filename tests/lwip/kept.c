/* SPDX-License-Identifier: MIT
 *
 * Three mails that are due together: one connection; and however that ends, on the wire, at the relay or at the application, each mail
 * comes in, none twice without doubt, and nothing is held when nothing is due.
 */
#include "rig.h"
#include "tests.h"

#include <lwip/sys.h>

enum { MAILS = 3, TEXT = 900 };

static struct peer *relay;
static enum peer_break how;

/* What was reported so far. */
static int delivered, doubts;

static void start(struct peer *peer)
{
    set_text(TEXT);
    begin(peer, relay_host);
    for (int i = 1; i < MAILS; i++) {
        post_another(i);
    }
    delivered = doubts = 0;
}

static void take_report(long at)
{
    const struct mote_result *result = &outbox.rcpts[0].result;

    delivered += result->verdict == MOTE_DELIVERED;
    doubts += result->verdict == MOTE_IN_DOUBT;
    expect(result->verdict == MOTE_DELIVERED || result->verdict == MOTE_IN_DOUBT || result->verdict == MOTE_DEFERRED,
           mote_verdict_name(result->verdict), at);
    mote_lwip_reported(&lwip);
}

/* Until all are delivered, and the connection is left. */
static void finish(struct peer *peer, long at)
{
    uint32_t began_ms = sys_now();

    while ((delivered < MAILS || lwip.pcb != NULL) && sys_now() - began_ms < 3 * HOUR_MS) {
        if (mote_lwip_poll(&lwip) == MOTE_REPORT) {
            take_report(at);
        }
        step();
    }
    expect(delivered == MAILS, "not all came in", delivered);
    expect(peer->mails >= MAILS && peer->mails <= MAILS + doubts, "copies", peer->mails);
    expect(peer->text_len == TEXT && !peer->text_wrong, "not the same text", at);
    expect(session_wiped(), "the session is not wiped", at);
    end(peer, at);
}

void test_kept(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);

        start(&peer);
        finish(&peer, way);
        expect(peer.connections == 1 && doubts == 0, "connections", peer.connections);
    }
}

/* ---- The relay --------------------------------------------------------------------------------------------------- */

void test_kept_replies(void)
{
    static const int last[WAYS] = {15, 10, 13}; /* the reply to the last mail */

    for (long n = 0; n < 3 * WAYS; n++) {
        enum way way = (enum way)(n % WAYS);

        for (int after = 0; after <= last[way]; after++) {
            struct peer peer = peer_of(way);

            peer.how = (enum peer_break)(PEER_FIN + n / WAYS);
            peer.after = after;
            start(&peer);
            finish(&peer, after);
            expect(peer.connections <= 3, "connections", peer.connections);
        }
    }
}

static void break_now(void)
{
    peer_break(relay, how);
}

/* At each packet, QUIT's included. */
void test_kept_anywhere(void)
{
    for (long kind = PEER_FIN; kind <= PEER_SILENT; kind++) {
        for (enum way way = 0; way < WAYS; way++) {
            long packets = 1;

            for (long n = 1; n <= packets; n++) {
                struct peer peer = peer_of(way);

                how = (enum peer_break)kind;
                relay = &peer;
                wire.event = break_now;
                wire.event_after = n;
                start(&peer);
                finish(&peer, n);
                packets = n == 1 ? last_packets : packets;
            }
            expect(packets > 20, "few packets", packets);
        }
    }
}

/* ---- The application --------------------------------------------------------------------------------------------- */

static void give_up(void)
{
    mote_lwip_abort(&lwip);
}

void test_kept_abort(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        for (long n = 1; n <= 60; n++) {
            struct peer peer = peer_of(way);

            wire.event = give_up;
            wire.event_after = n;
            start(&peer);
            finish(&peer, n);
        }
    }
}

/* A report is not looked at for an hour, while the relay waits for the next mail, or leaves. */
void test_kept_held(void)
{
    for (long n = 0; n < 4 * WAYS; n++) {
        struct peer peer = peer_of((enum way)(n % WAYS));
        uint32_t began_ms;

        how = (enum peer_break)(n / WAYS);
        start(&peer);
        while (mote_lwip_poll(&lwip) != MOTE_REPORT) {
            step();
        }
        if (how != PEER_NEVER) {
            peer_break(&peer, how);
        }
        for (began_ms = sys_now(); sys_now() - began_ms < HOUR_MS;) {
            step();
        }
        finish(&peer, n);
        expect(doubts <= 1, "doubts", doubts);
    }
}

/* Each allocation fails, alone and for a minute. */
void test_kept_memory(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        long allocated_all = 1;

        for (long n = 0; n < 2 * allocated_all; n++) {
            struct peer peer = peer_of(way);

            start(&peer);
            fail_at = n / 2;
            fail_ms = n % 2 != 0 ? 60000 : 0;
            finish(&peer, n);
            allocated_all = n == 0 ? last_allocations : allocated_all;
        }
    }
    fail_at = -1;
}

/* ---- Given up between two mails ---------------------------------------------------------------------------------- */

static void until_report(void)
{
    while (mote_lwip_poll(&lwip) != MOTE_REPORT) {
        step();
    }
}

/* Nothing of the connection is left, nor of what was said on it; then the mails that are left come in. */
static void give_up_here(struct peer *peer, uint8_t step, long at)
{
    give_up();
    expect(mote_lwip_poll(&lwip) == step, "poll", mote_lwip_poll(&lwip));
    expect(session_wiped(), "the session is not wiped", at);
    expect(lwip.pcb == NULL && !lwip.timer_set, "something is still held", at);
    mote_lwip_wake(&lwip);
    finish(peer, at);
    expect(doubts == 0, "doubts", doubts);
}

/* At a report, while the relay waits for the next mail. */
void test_kept_report(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);

        start(&peer);
        until_report();
        expect(lwip.kept, "not kept", way);
        give_up_here(&peer, MOTE_REPORT, way);
        expect(peer.connections == 2, "connections", peer.connections);
    }
}

/* To where QUIT is under way, as the mails that were to follow are taken back. The report was not looked at for a minute. */
static void until_quit(struct peer *peer)
{
    uint32_t began_ms = sys_now();

    start(peer);
    until_report();
    while (sys_now() - began_ms < 60000) {
        step();
    }
    for (uint8_t i = 1; i < MAILS; i++) {
        expect(mote_outbox_cancel(&outbox, (const uint8_t[8]){i}), "not taken back", i);
    }
    take_report(0);
    while (!outbox.leaving) {
        step();
    }
    expect(mote_lwip_poll(&lwip) == MOTE_TALK && outbox.slot == NULL, "not leaving", 0);
}

static void post_rest(void)
{
    for (int i = 1; i < MAILS; i++) {
        post_another(i);
    }
}

void test_kept_quit(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);

        until_quit(&peer);
        give_up();
        expect(mote_lwip_poll(&lwip) == MOTE_IDLE, "not idle", way);
        expect(session_wiped(), "the session is not wiped", way);
        post_rest();
        give_up_here(&peer, MOTE_IDLE, way);
        expect(peer.connections == 2, "connections", peer.connections);
    }
}

/* A mail that comes in while QUIT is under way: its attempt's time counts from its own beginning. */
void test_kept_posted(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);
        uint32_t age_ms;

        until_quit(&peer);
        post_rest();
        while (outbox.leaving) {
            step();
        }
        expect(mote_lwip_poll(&lwip) == MOTE_CONNECT, "not the next one", way);
        age_ms = sys_now() - outbox.setup->session_setup->start_ms;
        expect(age_ms < 1000, "when it began", (long)age_ms);
        finish(&peer, way);
    }
}
