/* SPDX-License-Identifier: MIT
 *
 * README.md's example at work: an alert through STARTTLS, with the relay's certificate checked, and a login; octet by octet
 * what it is to be. And what it says when an alert cannot be stored.
 */
#include "device.h"
#include "names.h"
#include "rig.h"
#include "tests.h"

#include "../unit/tls_peer.h"

#include <string.h>

enum { SUBMISSION = 587, BLOCKS = 14, STEPS = 2000, SLOTS = 4 };

static uint8_t octets[BLOCKS * FLASH_BLOCK];
static const char *logged;
static uint8_t drawn;
static bool dry, broken;

/* ---- The device -------------------------------------------------------------------------------------------------- */

static bool read(void *ctx, uint32_t at, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, octets + at, len);
    return true;
}

static bool program(void *ctx, uint32_t at, const void *from, size_t len)
{
    (void)ctx;
    if (!broken) {
        memcpy(octets + at, from, len);
    }
    return !broken;
}

static bool erase(void *ctx, uint32_t block)
{
    (void)ctx;
    if (!broken) {
        memset(octets + block * FLASH_BLOCK, 0xff, FLASH_BLOCK);
    }
    return !broken;
}

const struct mote_storage flash = {read, program, erase, NULL, FLASH_BLOCK, BLOCKS, FLASH_UNIT};

bool random_octets(void *ctx, void *to, size_t len)
{
    (void)ctx;
    memset(to, ++drawn, len);
    return !dry;
}

uint64_t unix_s(void *ctx)
{
    (void)ctx;
    return tls_peer_date;
}

void log_line(const char *words)
{
    logged = words;
}

/* ---- The test ---------------------------------------------------------------------------------------------------- */

static void until_logged(void)
{
    logged = NULL;
    for (int i = 0; i < STEPS && logged == NULL; i++) {
        step();
        alerts_step();
    }
}

static const char expected_text[] = "Date: Wed, 18 May 2033 03:33:20 +0000\r\n"
                                    "From: sensor@example.com\r\n"
                                    "To: operator@example.com\r\n"
                                    "Message-ID: <0101010101010101@example.com>\r\n"
                                    "Subject: Too hot\r\n"
                                    "Auto-Submitted: auto-generated\r\n"
                                    "MIME-Version: 1.0\r\n"
                                    "Content-Type: text/plain; charset=UTF-8\r\n"
                                    "Content-Transfer-Encoding: quoted-printable\r\n"
                                    "\r\n"
                                    "Boiler at 92 degrees\r\n";

static void refuse(void)
{
    expect(alert("Too\nhot", "") == MOTE_CAUSE_HEADER, "a line end in Subject", 0);
    dry = true;
    expect(alert("Too hot", "") == MOTE_CAUSE_NO_ENTROPY, "no random octets", 0);
    dry = false;
    broken = true;
    expect(alert("Too hot", "") == MOTE_CAUSE_STORAGE, "a flash that keeps nothing", 0);
    broken = false;
}

static void fill(void)
{
    for (int i = 0; i < SLOTS; i++) {
        drawn = (uint8_t)(10 + i);
        expect(alert("Too hot", "") == MOTE_CAUSE_NONE, "room for four", i);
    }
    expect(alert("Too hot", "") == MOTE_CAUSE_FULL, "no room for five", 0);
    drawn = 10;
    expect(alert("Too hot", "") == MOTE_CAUSE_DUPLICATE, "the same id", 0);
}

/* Whoever calls in the wrong order is told, or his alert waits. */
void test_too_early(void)
{
    static const char *const to = "b@example.test";
    static const struct mote_message message = {.from = "a@example.test", .to = &to, .to_count = 1};
    static struct mote_outbox closed;
    struct mote_lwip early = {.outbox = &closed};

    expect(mote_lwip_alert(&early, &message) == MOTE_CAUSE_SETUP, "no entropy", 0);
    early.entropy = random_octets;
    expect(mote_lwip_alert(&early, &message) == MOTE_CAUSE_SETUP, "not opened", 0);
    early.outbox = NULL;
    expect(mote_lwip_alert(&early, &message) == MOTE_CAUSE_SETUP, "no outbox", 0);
    expect(mote_lwip_poll(&early) == MOTE_IDLE, "not idle", 0);
    mote_lwip_wake(&early);
    mote_lwip_reported(&early);
    mote_lwip_abort(&early);
    expect(!early.timer_set && mote_lwip_poll(&early) == MOTE_IDLE, "not idle", 1);
}

void test_example(void)
{
    struct peer peer = peer_of(IN_TLS);
    struct names names = {0};
    uint16_t lost;

    peer.offers = "250-AUTH PLAIN\r\n250-PIPELINING\r\n";
    peer.expected = expected_text;
    memset(octets, 0xff, sizeof octets);
    names_start(&names);
    peer_start(&peer, SUBMISSION);
    expect(alerts_start(&lost) == MOTE_CAUSE_NONE && lost == 0, "not opened", 0);
    drawn = 0;
    expect(alert("Too hot", "Boiler at 92 degrees\n") == MOTE_CAUSE_NONE, "not stored", 0);
    until_logged();
    expect(logged != NULL && strcmp(logged, "no trouble") == 0, logged != NULL ? logged : "no report", 0);
    expect(peer.mails == 1 && peer.text_len == strlen(expected_text) && !peer.text_wrong, "not the same text", 0);
    refuse();
    fill();
    peer_stop(&peer);
    names_stop();
}
