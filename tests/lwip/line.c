/* SPDX-License-Identifier: MIT
 *
 * A bad line: packets that are lost, doubled, overtaken; a link that goes and comes, an address that changes.
 */
#include "rig.h"
#include "tests.h"

enum { SHORT_MS = 6000 };

/* Every third, fourth... packet is lost. */
void test_loss(void)
{
    for (long n = 3; n < 43; n++) {
        for (enum way way = 0; way < WAYS; way++) {
            struct peer peer = peer_of(way);
            struct mote_result result;

            wire.lose_each = n;
            result = attempt(&peer, relay_host, n);
            expect_delivered(&peer, &result, n);
            expect(last_packets > 20, "few packets", last_packets);
        }
    }
}

/* From each packet on all are lost, for a short while: it is waited out. */
void test_dead(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        long total = packets_of(way);

        for (long n = 1; n <= total; n++) {
            struct peer peer = peer_of(way);
            struct mote_result result;

            wire.dead_from = n;
            wire.dead_ms = SHORT_MS;
            result = attempt(&peer, relay_host, n);
            expect_delivered(&peer, &result, n);
        }
    }
}

/* For an hour: deferred as often as it takes, and delivered by the timer alone once the wire is back. */
void test_hour(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        long total = packets_of(way);

        for (long n = 1; n <= total; n++) {
            struct peer peer = peer_of(way);
            struct mote_result result;
            int attempts = 1;

            wire.dead_from = n;
            wire.dead_ms = HOUR_MS;
            begin(&peer, relay_host);
            result = run();
            expect_truth(&peer, &result, CAUSE(CONNECT) | CAUSE(TIMEOUT) | CAUSE(LOST), n);
            for (; result.verdict != MOTE_DELIVERED && attempts < 20; attempts++) {
                mote_lwip_reported(&lwip);
                result = run();
            }
            expect(result.verdict == MOTE_DELIVERED && outbox.last, mote_cause_name(result.cause), n);
            expect(attempts == 1 || attempts > 2, "few attempts in an hour", attempts);
            end(&peer, n);
        }
    }
}

/* Each packet comes after one, two, three later ones, and each comes twice. */
void test_order(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        long total = packets_of(way);

        for (long n = 1; n <= total; n++) {
            for (long hold_for = 0; hold_for <= 3; hold_for++) {
                struct peer peer = peer_of(way);
                struct mote_result result;

                wire.hold = n;
                wire.hold_for = hold_for;
                wire.twice = hold_for == 0 ? n : 0;
                result = attempt(&peer, relay_host, n);
                expect_delivered(&peer, &result, n);
            }
        }
    }
}

void test_chaos(void)
{
    for (unsigned seed = 1; seed <= 100; seed++) {
        struct peer peer = peer_of((enum way)(seed % WAYS));
        struct mote_result result;

        wire.chaos = seed;
        peer.split = seed % 4 == 0 ? 50 : 0;
        result = attempt(&peer, relay_host, seed);
        expect_delivered(&peer, &result, seed);
    }
}

/* ---- The link ---------------------------------------------------------------------------------------------------- */

static enum wire_cut cut_how;
static uint32_t cut_ms;

static void cut(void)
{
    wire_cut(cut_how, cut_ms);
}

/* Cut after each packet. */
static void cut_anywhere(enum way way, uint64_t causes, bool delivered)
{
    long total = packets_of(way);

    for (long n = 0; n <= total; n++) {
        struct peer peer = peer_of(way);
        struct mote_result result;

        wire.event = cut;
        wire.event_after = n;
        begin(&peer, relay_host);
        if (n == 0) {
            cut();
        }
        result = run();
        expect_truth(&peer, &result, causes, n);
        expect(!delivered || result.verdict == MOTE_DELIVERED, "not delivered", n);
        recover(&peer, n);
        end(&peer, n);
    }
}

void test_link(void)
{
    for (cut_how = WIRE_LINK; cut_how <= WIRE_DOWN; cut_how++) {
        for (enum way way = 0; way < WAYS; way++) {
            cut_ms = SHORT_MS;
            cut_anywhere(way, 0, true);
            cut_ms = HOUR_MS;
            cut_anywhere(way, CAUSE(NO_NETWORK) | CAUSE(CONNECT) | CAUSE(TIMEOUT) | CAUSE(LOST), false);
        }
    }
}

/* The stack resets what belongs to the old one. */
void test_address(void)
{
    cut_how = WIRE_ADDRESS;
    for (enum way way = 0; way < WAYS; way++) {
        cut_anywhere(way, CAUSE(CONNECT) | CAUSE(LOST), false);
    }
}
