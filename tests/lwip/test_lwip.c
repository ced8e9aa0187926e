/* SPDX-License-Identifier: MIT
 *
 * The lwIP port and a scripted relay on one stack, over the loopback interface, on a clock the test moves: memory that
 * fails at every single allocation, connections that end at every moment, octets one by one, packets that are lost,
 * silence. Each time the mail is delivered or deferred with the right cause, and every allocation is given back.
 */
#include "names.h"
#include "rig.h"

#include <lwip/init.h>
#include <string.h>

enum { DOWN_MS = 6000 };

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void test_plain(void)
{
    static const unsigned splits[] = {0, 1, 2, 7, 100};

    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        struct peer peer = {.split = splits[i]};
        struct mote_result result = attempt(&peer, "127.0.0.1", (long)splits[i]);

        expect_delivered(&peer, &result, (long)splits[i]);
    }
}

static void test_slow_window(void)
{
    struct peer peer = {.slow_window = true};
    struct mote_result result = attempt(&peer, "127.0.0.1", 0);

    expect_delivered(&peer, &result, 0);
}

/* Each allocation fails: it alone, and with all others for a while. */
static void test_memory(void)
{
    static const uint32_t times_ms[] = {0, 100, 3000};
    long total = 0;

    for (long n = 0; n <= total; n++) {
        for (size_t i = 0; i < sizeof times_ms / sizeof times_ms[0]; i++) {
            struct peer peer = {0};
            struct mote_result result;

            fail_at = n;
            fail_ms = times_ms[i];
            result = attempt(&peer, "127.0.0.1", n);
            expect_delivered(&peer, &result, n);
            total = n == 0 ? last_allocations : total;
        }
    }
    expect(total > 50, "few allocations", total);
}

/* The relay breaks off before each of its replies. */
static void test_break(enum peer_break how, uint8_t cause)
{
    for (int after = 0; after <= 5; after++) {
        struct peer peer = {.how = how, .after = after};
        struct mote_result result = attempt(&peer, "127.0.0.1", after);

        expect(result.verdict == (after == 5 ? MOTE_IN_DOUBT : MOTE_DEFERRED), "verdict", after);
        expect(result.cause == cause, mote_cause_name(result.cause), after);
    }
}

static void test_fin(void)
{
    test_break(PEER_FIN, MOTE_CAUSE_LOST);
}

static void test_rst(void)
{
    test_break(PEER_RST, MOTE_CAUSE_LOST);
}

static void test_silence(void)
{
    test_break(PEER_SILENT, MOTE_CAUSE_TIMEOUT);
}

static void test_nowhere(void)
{
    struct peer peer = {0};
    struct mote_result result = attempt(&peer, "192.0.2.1", 0);

    expect(result.verdict == MOTE_DEFERRED && result.cause == MOTE_CAUSE_CONNECT, mote_cause_name(result.cause), 0);
    result = attempt(&peer, "no-name-server.example", 1);
    expect(result.verdict == MOTE_DEFERRED && result.cause == MOTE_CAUSE_LOOKUP, mote_cause_name(result.cause), 1);
    result = attempt(&peer, "", 2);
    expect(result.verdict == MOTE_DEFERRED && result.cause == MOTE_CAUSE_LOOKUP, mote_cause_name(result.cause), 2);
}

static void test_names(void)
{
    struct names names = {0};
    struct peer peer = {0};
    struct mote_result result;

    names_start(&names);
    result = attempt(&peer, "mail.example.test.", 0);
    expect_delivered(&peer, &result, 0);
    names.ignorant = true;
    result = attempt(&peer, "no-such-name.example.test", 1);
    expect(result.verdict == MOTE_DEFERRED && result.cause == MOTE_CAUSE_LOOKUP, mote_cause_name(result.cause), 1);
    names.silent = true;
    result = attempt(&peer, "no-answer.example.test", 2);
    expect(result.verdict == MOTE_DEFERRED && result.cause == MOTE_CAUSE_LOOKUP, mote_cause_name(result.cause), 2);
    expect(names.questions >= 4, "few questions", names.questions);
    names_stop();
}

/* A question, then short of memory at each moment of it. */
static void test_names_memory(void)
{
    struct names names = {0};

    names_start(&names);
    for (long n = 0; n < 30; n++) {
        char host[] = "mail-00.example.test"; /* each its own: lwIP keeps answers */
        struct peer peer = {0};
        struct mote_result result;

        host[5] = (char)('0' + n / 10);
        host[6] = (char)('0' + n % 10);
        fail_at = n;
        fail_ms = 1000;
        result = attempt(&peer, host, n);
        expect_delivered(&peer, &result, n);
    }
    names_stop();
}

/* ---- A bad line -------------------------------------------------------------------------------------------------- */

static long packets, lose_each, down_at = -1;
static uint32_t down_since;

int test_lost(struct pbuf *p)
{
    packets++;
    if (packets == down_at) {
        down_since = now_ms;
    }
    if ((lose_each != 0 && packets % lose_each == 0) ||
        (down_at >= 0 && packets >= down_at && now_ms - down_since < DOWN_MS)) {
        pbuf_free(p);
        return 1;
    }
    return 0;
}

/* Every third, fourth... packet is lost; then all of them for a while, from each packet on. */
static void test_loss(void)
{
    for (long n = 3; n < 63; n++) {
        struct peer peer = {0};
        struct mote_result result;

        packets = 0;
        lose_each = n < 13 ? n : 0;
        down_at = n < 13 ? -1 : n - 13;
        result = attempt(&peer, "127.0.0.1", n);
        expect_delivered(&peer, &result, n);
        expect(packets > 20, "few packets", packets);
    }
    lose_each = 0;
    down_at = -1;
}

/* ---- Giving up --------------------------------------------------------------------------------------------------- */

/* Given up after every number of steps. */
static void test_abort(void)
{
    for (int steps = 0; steps < 60; steps++) {
        struct peer peer = {0};
        long before = allocated;

        peer_start(&peer, PORT);
        post("127.0.0.1");
        mote_lwip_start(&lwip);
        for (int i = 0; i < steps; i++) {
            step();
        }
        mote_lwip_abort(&lwip);
        expect(outbox.slot == NULL || mote_lwip_poll(&lwip) == MOTE_REPORT, "no report", steps);
        expect(lwip.heard == NULL && lwip.pcb == NULL, "something is still held", steps);
        peer_stop(&peer);
        for (int i = 0; i < 2000; i++) {
            step();
        }
        expect(allocated == before, "memory leaks", steps);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*test)(void);
    } tests[] = {{"plain", test_plain},
                 {"slow window", test_slow_window},
                 {"memory", test_memory},
                 {"fin", test_fin},
                 {"rst", test_rst},
                 {"silence", test_silence},
                 {"nowhere", test_nowhere},
                 {"names", test_names},
                 {"names, memory", test_names_memory},
                 {"loss", test_loss},
                 {"abort", test_abort}};
    int failed = 0, count = sizeof tests / sizeof tests[0];

    lwip_init();
    for (size_t i = 0; i < 130; i++) {
        strcat(text, "a line of the text, of some length, and more\r\n");
    }
    for (int i = 0; i < count; i++) {
        test_name = tests[i].name;
        failures = 0;
        tests[i].test();
        printf("%s: %s\n", tests[i].name, failures == 0 ? "ok" : "FAILED");
        failed += failures != 0;
    }
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed != 0;
}
