/* SPDX-License-Identifier: MIT
 *
 * The lwIP port and a scripted relay on one stack, over a wire of the test's, on a clock the test moves: windows of an
 * octet, memory that fails at every single allocation, names that nobody knows; the other files' tests besides. Each time
 * the mail is delivered or deferred with the right cause, and every allocation is given back.
 */
#include "tests.h"
#include "names.h"
#include "rig.h"

#include <lwip/init.h>
#include <lwip/sys.h>
#include <string.h>

enum { TEXT = 6000 };

/* ---- Octets and windows ------------------------------------------------------------------------------------------ */

static void test_plain(void)
{
    static const unsigned splits[] = {0, 1, 2, 7, 100};

    for (size_t i = 0; i < sizeof splits / sizeof splits[0] * WAYS; i++) {
        struct peer peer = peer_of((enum way)(i % WAYS));
        struct mote_result result;

        peer.split = splits[i / WAYS];
        result = attempt(&peer, relay_host, (long)i);
        expect_delivered(&peer, &result, (long)i);
        expect(strcmp(peer.helo, LWIP_IPV6 ? "[IPv6:2001:DB8::7]" : "[192.0.2.7]") == 0, peer.helo, (long)i);
    }
}

/* The reply to EHLO is several times larger than our window: it opens only if the stack is told what was read. */
static void test_long_reply(void)
{
    static char offers[14000];

    for (size_t n = 0; n + 140 < sizeof offers; n += 140) {
        memset(offers + n, 'x', 140);
        memcpy(offers + n, "250-", 4);
        memcpy(offers + n + 138, "\r\n", 2);
    }
    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);
        struct mote_result result;

        peer.offers = offers;
        result = attempt(&peer, relay_host, way);
        expect_delivered(&peer, &result, way);
    }
}

/* The relay's window is never larger than this. */
static void test_small_window(void)
{
    static const struct {
        uint16_t window, text;
        bool tls;
    } cases[] = {{1, 40, false}, {2, 200, false}, {7, 1000, true}, {100, TEXT, true}, {536, TEXT, true}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (enum way way = 0; way < (cases[i].tls ? WAYS : IN_TLS); way++) {
            struct peer peer = peer_of(way);
            struct mote_result result;

            set_text(cases[i].text);
            wire.window = cases[i].window;
            begin(&peer, relay_host);
            result = run();
            expect(wire.segments * cases[i].window >= cases[i].text, "few segments", wire.segments);
            end(&peer, cases[i].window);
            expect_delivered(&peer, &result, cases[i].window);
        }
    }
}

/* It is shut, and opened some octets at a time; or never again. */
static void test_shut_window(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);
        struct mote_result result;

        peer.slow_window = true;
        result = attempt(&peer, relay_host, way);
        expect_delivered(&peer, &result, way);

        peer = peer_of(way);
        peer.deaf = true;
        begin(&peer, relay_host);
        result = run();
        expect_deferred(&result, MOTE_CAUSE_TIMEOUT, way);
        recover(&peer, way);
        end(&peer, way);
    }
}

/* No flight takes more segments than it must. Where the window has room for the mail there are no more of them than the
 * engine has; the last is QUIT where the mail's end did not bring it along, or TLS's goodbye. */
static void test_flights(void)
{
    static const long flights[WAYS] = {6, 2, 7};
    static const uint16_t texts[] = {100, 500, 1500, TEXT};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0] * WAYS; i++) {
        enum way way = (enum way)(i % WAYS);
        struct peer peer = peer_of(way);
        struct mote_result result;
        uint32_t start;

        set_text(texts[i / WAYS]);
        begin(&peer, relay_host);
        start = sys_now();
        result = run();
        expect(sys_now() - start <= (uint32_t)(wire.arrived + 5) * STEP_MS, "it waits", (long)(sys_now() - start));
        expect(texts[i / WAYS] == TEXT || wire.flights == flights[way], "flights", wire.flights);
        expect(outputs >= wire.flights - 1, "few calls of tcp_output", outputs);
        expect(wire.segments == wire.least, "segments in excess", wire.segments - wire.least);
        end(&peer, (long)i);
        expect_delivered(&peer, &result, (long)i);
    }
}

/* The device is slow. lwIP's timers, and what else comes, have their turn in between: behind a flight of commands, or a part of the
 * text, at the latest. */
static void test_turns(void)
{
    enum { PART_MS = 300 };
    static const uint8_t parts[WAYS] = {3, 5, 6};

    for (enum way way = 0; way < WAYS; way++) {
        struct peer peer = peer_of(way);
        struct mote_result result;
        uint32_t start;

        begin(&peer, relay_host);
        start = sys_now();
        slow_down(PART_MS);
        result = run();
        expect(sys_now() - start <= taken_ms + (uint32_t)(wire.arrived + 5) * STEP_MS, "it waits",
               (long)(sys_now() - start - taken_ms));
        expect(longest_ms <= (uint32_t)parts[way] * PART_MS, "lwIP waits", (long)longest_ms);
        end(&peer, 0);
        expect_delivered(&peer, &result, 0);
    }
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* Each allocation fails: it alone, and with all others for a while. */
static void test_memory(void)
{
    static const uint32_t times_ms[] = {0, 100, 3000};

    for (enum way way = 0; way < WAYS; way++) {
        long total = 0;

        for (long n = 0; n <= total; n++) {
            for (size_t i = 0; i < sizeof times_ms / sizeof times_ms[0]; i++) {
                struct peer peer = peer_of(way);
                struct mote_result result;

                fail_at = n;
                fail_ms = times_ms[i];
                result = attempt(&peer, relay_host, n);
                expect_delivered(&peer, &result, n);
                total = n == 0 ? last_allocations : total;
            }
        }
        expect(total > 50, "few allocations", total);
    }
}

/* From each allocation on, all fail for an hour. */
static void test_no_memory(void)
{
    for (long n = 0; n < 60; n++) {
        struct peer peer = peer_of((enum way)(n % WAYS));
        struct mote_result result;

        fail_at = n;
        fail_ms = HOUR_MS;
        begin(&peer, relay_host);
        result = run();
        expect_truth(&peer, &result, CAUSE(NO_MEMORY) | CAUSE(CONNECT) | CAUSE(TIMEOUT) | CAUSE(LOST), n);
        expect(n != 0 || result.cause == MOTE_CAUSE_NO_MEMORY, "not called our own trouble", n);
        expect(result.verdict != MOTE_DELIVERED, "delivered", n);
        recover(&peer, n);
        end(&peer, n);
    }
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static void test_nowhere(void)
{
    static const struct {
        const char *host;
        uint8_t cause;
    } cases[] = {{"203.0.113.1", MOTE_CAUSE_CONNECT},
                 {"no-name-server.example", MOTE_CAUSE_NO_NETWORK},
                 {"", MOTE_CAUSE_LOOKUP},
                 {NULL, MOTE_CAUSE_LOOKUP}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer = peer_of(LOCK_STEP);
        struct mote_result result = attempt(&peer, cases[i].host, (long)i);

        expect_deferred(&result, cases[i].cause, (long)i);
    }
}

/* The attempt's time ends while nobody answers: no failure of this relay. */
static void test_deadline(void)
{
    struct peer peer = peer_of(LOCK_STEP);
    struct mote_result result;
    uint32_t start;

    begin(&peer, "203.0.113.1");
    step();
    start = sys_now();
    outbox.setup->session_setup->start_ms = start - (MOTE_ATTEMPT_S - 5) * 1000u;
    mote_lwip_wake(&lwip);
    result = run();
    expect_deferred(&result, MOTE_CAUSE_DEADLINE, 0);
    expect(sys_now() - start < 6000, "it took long", (long)(sys_now() - start));
    expect(outbox.setup->states->failures == 0, "the relay is to blame", 0);
    end(&peer, 0);
}

/* The time of an attempt goes on with its second relay. */
static void test_second_relay(void)
{
    struct mote_outbox_setup setup;
    struct mote_relay relays[2];
    struct mote_relay_state states[2] = {{0}};
    struct peer peer = peer_of(LOCK_STEP);
    struct mote_result result;
    uint32_t start = sys_now();

    begin(&peer, "203.0.113.1");
    setup = *outbox.setup;
    relays[0] = relays[1] = *setup.relays;
    setup.relays = relays;
    setup.states = states;
    setup.relay_count = 2;
    outbox.setup = &setup;
    result = run();
    expect_deferred(&result, MOTE_CAUSE_CONNECT, 0);
    expect(states[1].failures == 1, "the second was not called", states[1].failures);
    expect(setup.session_setup->start_ms - start < 1000, "when it began",
           (long)(setup.session_setup->start_ms - start));
    end(&peer, 0);
}

static bool no_entropy(void *ctx, void *octets, size_t len)
{
    (void)ctx, (void)octets, (void)len;
    return false;
}

/* Wanting what a session needs is known before anybody is called. */
static void test_wanting(void)
{
    for (int i = 0; i < 2; i++) {
        struct peer peer = peer_of(IN_TLS);
        struct mote_result result;

        begin(&peer, relay_host);
        if (i == 0) {
            lwip.entropy = no_entropy;
        } else {
            lwip.unix_s = NULL;
        }
        result = run();
        expect_deferred(&result, i == 0 ? MOTE_CAUSE_NO_ENTROPY : MOTE_CAUSE_NO_TIME, i);
        expect(wire.sent == 0, "packets", wire.sent);
        end(&peer, i);
    }
}

/* Nobody listens there: the connection is refused at once. */
static void test_refused(void)
{
    struct peer peer = peer_of(LOCK_STEP);
    struct mote_result result;
    uint32_t start;

    begin(&peer, relay_host);
    peer_stop(&peer);
    start = sys_now();
    result = run();
    expect_deferred(&result, MOTE_CAUSE_CONNECT, 0);
    expect(sys_now() - start < 5000, "it took long", (long)(sys_now() - start));
    peer_start(&peer, PORT);
    recover(&peer, 0);
    end(&peer, 0);
}

static void test_names(void)
{
    struct names names = {0};
    struct peer peer = peer_of(IN_FLIGHTS);
    struct mote_result result;

    names_start(&names);
    result = attempt(&peer, "mail.example.test.", 0);
    expect_delivered(&peer, &result, 0);
    names.ipv6 = far_ipv6;
    peer = peer_of(IN_FLIGHTS);
    result = attempt(&peer, "mail6.example.test", 1);
    expect_delivered(&peer, &result, 1);
    expect((strchr(peer.helo, ':') != NULL) == LWIP_IPV6, peer.helo, 1);
    names.ignorant = true;
    result = attempt(&peer, "no-such-name.example.test", 2);
    expect_deferred(&result, MOTE_CAUSE_LOOKUP, 2);
    names.silent = true;
    result = attempt(&peer, "no-answer.example.test", 3);
    expect_deferred(&result, MOTE_CAUSE_LOOKUP, 3);
    expect(names.questions >= 4, "few questions", names.questions);
    names_stop();
}

/* lwIP keeps one address of a name: when it leads nowhere, the next attempt asks for the name again. */
static void test_second_address(void)
{
    struct names names = {.wrong_first = true};
    struct peer peer = peer_of(IN_FLIGHTS);
    struct mote_result result;
    int questions;

    names_start(&names);
    begin(&peer, "two.example.test");
    result = run();
    expect_deferred(&result, MOTE_CAUSE_CONNECT, 0);
    questions = names.questions;
    recover(&peer, 0);
    expect(names.questions > questions, "not asked again", names.questions);
    end(&peer, 0);
    names_stop();
}

#if LWIP_IPV6
/* The IPv6 address is nobody's, or its relay is no longer there: IPv4 is tried, in the same attempt. */
static void test_families(void)
{
    static const char *const addresses[] = {"2001:db8:1::26", "2001:db8::99"};
    struct names names = {0};

    names_start(&names);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        char host[] = "family-0.example.test";
        struct peer peer = peer_of(IN_FLIGHTS);
        struct mote_result result;

        host[7] = (char)('0' + i);
        names.ipv6 = addresses[i];
        result = attempt(&peer, host, (long)i);
        expect_delivered(&peer, &result, (long)i);
    }
    names_stop();
}
#endif

static void give_up(void)
{
    mote_lwip_abort(&lwip);
}

/* Given up after each packet; an answer that comes later begins nothing. */
static void test_names_abort(void)
{
    struct names names = {.ipv6 = LWIP_IPV6 ? far_ipv6 : NULL};

    names_start(&names);
    for (long n = 1; n < 8; n++) {
        char host[] = "abort-0.example.test";
        struct peer peer = peer_of(LOCK_STEP);
        struct mote_result result;

        host[6] = (char)('0' + n);
        begin(&peer, host);
        step();
        step();
        give_up();
        mote_lwip_reported(&lwip);
        for (int i = 0; mote_lwip_poll(&lwip) == MOTE_IDLE && i < 10000; i++) {
            step();
            expect(lwip.pcb == NULL, "it goes on", n);
        }
        wire.event = give_up;
        wire.event_after = wire.arrived + n;
        result = run();
        expect_truth(&peer, &result, CAUSE(ABORTED), n);
        recover(&peer, n);
        end(&peer, n);
    }
    names_stop();
}

#if !LWIP_IPV6
/* The answer to what was asked by an attempt that was given up is not where the next one goes: it is of another name, be that one how
 * the next one's begins. */
static void test_names_late(void)
{
    static const char *const hosts[][2] = {{"late-1.example.test", "late-2.example.test"},
                                           {"late.example", "late.example.test"}};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct names names = {.silent = true, .wrong_first = true};
        struct peer peer = peer_of(IN_FLIGHTS);
        struct mote_result result;

        names_start(&names);
        begin(&peer, hosts[i][0]);
        while (names.questions == 0) {
            step();
        }
        give_up();
        post(hosts[i][1], peer.secure);
        mote_lwip_start(&lwip);
        while (names.questions == 1) {
            step();
        }
        names.silent = false;
        result = run();
        end(&peer, (long)i);
        expect_delivered(&peer, &result, (long)i);
        names_stop();
    }
}
#endif

/* A question, then short of memory at each moment of it. */
static void test_names_memory(void)
{
    struct names names = {0};

    names_start(&names);
    for (long n = 0; n < 30; n++) {
        char host[] = "mail-00.example.test"; /* each its own: lwIP keeps answers */
        struct peer peer = peer_of(LOCK_STEP);
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

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*test)(void);
} tests[] = {{"plain", test_plain},
             {"long reply", test_long_reply},
             {"small window", test_small_window},
             {"shut window", test_shut_window},
             {"flights", test_flights},
             {"turns", test_turns},
             {"memory", test_memory},
             {"no memory", test_no_memory},
             {"nowhere", test_nowhere},
             {"deadline", test_deadline},
             {"second relay", test_second_relay},
             {"wanting", test_wanting},
             {"refused", test_refused},
             {"names", test_names},
             {"second address", test_second_address},
             {"names, memory", test_names_memory},
             {"names, abort", test_names_abort},
#if !LWIP_IPV6
             {"names, late", test_names_late},
#endif
#if LWIP_IPV6
             {"families", test_families},
#endif
             {"loss", test_loss},
             {"dead wire", test_dead},
             {"an hour", test_hour},
             {"order", test_order},
             {"chaos", test_chaos},
             {"link", test_link},
             {"address", test_address},
             {"fin", test_fin},
             {"rst", test_rst},
             {"silence", test_silence},
             {"fin anywhere", test_fin_anywhere},
             {"rst anywhere", test_rst_anywhere},
             {"silence anywhere", test_silence_anywhere},
             {"last words", test_last_words},
             {"interrupted", test_interrupted},
             {"clinging", test_clinging},
             {"abort", test_abort},
             {"abort, octets held", test_abort_held},
             {"abort, reported", test_abort_reported},
             {"start, not open", test_not_open},
             {"start, again", test_start_again},
             {"kept", test_kept},
             {"kept, replies", test_kept_replies},
             {"kept, anywhere", test_kept_anywhere},
             {"kept, abort", test_kept_abort},
             {"kept, held", test_kept_held},
             {"kept, memory", test_kept_memory},
             {"kept, report", test_kept_report},
             {"kept, quit", test_kept_quit},
             {"kept, posted", test_kept_posted},
             {"too early", test_too_early},
             {"example", test_example}};

/* All tests, or those with a name that begins with the argument. */
int main(int argc, char **argv)
{
    int failed = 0, count = 0;

    lwip_init();
    wire_start();
    relay_host = LWIP_IPV6 ? far_ipv6 : far_ipv4;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        test_name = tests[i].name;
        if (argc > 1 && strncmp(test_name, argv[1], strlen(argv[1])) != 0) {
            continue;
        }
        failures = 0;
        set_text(TEXT);
        tests[i].test();
        printf("%s: %s\n", test_name, failures == 0 ? "ok" : "FAILED");
        count++;
        failed += failures != 0;
    }
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed != 0;
}
