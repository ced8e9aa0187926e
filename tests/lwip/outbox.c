/* SPDX-License-Identifier: MIT
 *
 * The outbox of the tests.
 */
#include "outbox.h"

#include "../unit/tls_peer.h"

#include <lwip/sys.h>
#include <string.h>

enum { BLOCK = 32768, SLOTS = 3, BLOCKS = 2 + SLOTS, UNIT = 8 };

static uint8_t flash[BLOCK * BLOCKS];

static bool flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, flash + at, len);
    return true;
}

static bool flash_program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    (void)ctx;
    memcpy(flash + at, octets, len);
    return true;
}

static bool flash_erase(void *ctx, uint32_t block)
{
    (void)ctx;
    memset(flash + block * BLOCK, 0xff, BLOCK);
    return true;
}

static const struct mote_storage storage = {flash_read, flash_program, flash_erase, NULL, BLOCK, BLOCKS, UNIT};
static struct mote_session session;
static uint8_t record_buf[MOTE_SESSION_BUF_MIN];
static struct mote_session_setup session_setup;
static struct mote_relay relay;
static struct mote_relay_state state;
static struct mote_slot slots[SLOTS];
static char envelope[100];
static struct mote_outbox_setup setup;
struct mote_outbox outbox;
struct mote_lwip lwip;
char text[TEXT_MAX + 1];

void set_text(size_t len)
{
    static const char line[] = "a line of the text, of some length, and more\r\n";

    for (size_t i = 0; i < len; i++) {
        text[i] = line[i % (sizeof line - 1)];
    }
    memcpy(text + len - 2, "\r\n", 3);
}

static size_t read_text(void *ctx, size_t offset, void *buf, size_t cap)
{
    size_t n = strlen(text) - offset;

    (void)ctx;
    n = n < cap ? n : cap;
    memcpy(buf, text + offset, n);
    return n;
}

static bool draw(void *ctx, void *octets, size_t len)
{
    (void)ctx;
    memset(octets, 42, len);
    return true;
}

static uint64_t date(void *ctx)
{
    (void)ctx;
    return tls_peer_date;
}

void post_another(int number)
{
    struct mote_rcpt rcpt = {.address = "a@example.test"};
    struct mote_mail mail = {.from = "mote@example.org", .rcpts = &rcpt, .rcpt_count = 1, .read = read_text};
    uint8_t id[8] = {(uint8_t)number};

    mote_outbox_post(&outbox, &mail, id, sys_now());
}

void post(const char *host, bool secure)
{
    uint16_t lost;

    session_setup = (struct mote_session_setup){.buf = record_buf, .buf_len = sizeof record_buf};
    relay = (struct mote_relay){.host = host, .port = PORT};
    if (secure) {
        mote_trust_anchors(&relay.trust, &tls_peer_anchor, 1, tls_peer_name);
    } else {
        mote_trust_opportunistic(&relay.trust, NULL);
    }
    memset(&state, 0, sizeof state);
    memset(flash, 0xff, sizeof flash);
    setup = (struct mote_outbox_setup){.storage = &storage,
                                       .relays = &relay,
                                       .states = &state,
                                       .relay_count = 1,
                                       .slots = slots,
                                       .slot_count = SLOTS,
                                       .cell_blocks = 1,
                                       .envelope = envelope,
                                       .envelope_cap = sizeof envelope,
                                       .session = &session,
                                       .session_setup = &session_setup};
    mote_outbox_open(&outbox, &setup, sys_now(), 0, 0, &lost);
    post_another(0);
    lwip = (struct mote_lwip){.outbox = &outbox, .entropy = draw, .unix_s = date};
}
