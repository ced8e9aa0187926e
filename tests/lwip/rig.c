/* SPDX-License-Identifier: MIT
 *
 * Memory, time, the outbox, and one attempt: see rig.h.
 */
#include "rig.h"

#include <lwip/memp.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <string.h>

enum { BLOCK = 8192, BLOCKS = 4 };

void *test_timer_alloc(memp_t type);

/* ---- Memory and time --------------------------------------------------------------------------------------------- */

uint32_t now_ms;
long allocated, allocations, fail_at = -1;
uint32_t fail_ms;
static uint32_t fail_since;
static bool for_timer;

void *test_alloc(size_t size)
{
    long number = for_timer ? -1 : allocations++;
    void *at;

    if (number >= 0 && number == fail_at) {
        fail_since = now_ms;
    }
    if (number >= 0 && fail_at >= 0 && (number == fail_at || (number > fail_at && now_ms - fail_since < fail_ms))) {
        return NULL;
    }
    at = malloc(size);
    allocated += at != NULL;
    return at;
}

void *test_alloc_zeros(size_t count, size_t size)
{
    void *at = test_alloc(count * size);

    return at != NULL ? memset(at, 0, count * size) : NULL;
}

void *test_timer_alloc(memp_t type)
{
    void *at;

    for_timer = true;
    at = memp_malloc(type);
    for_timer = false;
    return at;
}

void test_free(void *at)
{
    allocated -= at != NULL;
    free(at);
}

u32_t sys_now(void)
{
    return now_ms;
}

/* ---- The outbox -------------------------------------------------------------------------------------------------- */

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

static const struct mote_storage storage = {flash_read, flash_program, flash_erase, NULL, BLOCK, BLOCKS};
static struct mote_session session;
static uint8_t record_buf[MOTE_SESSION_BUF_MIN];
static struct mote_session_setup session_setup;
static struct mote_relay relay;
static struct mote_relay_state state;
static struct mote_slot slots[1];
static char envelope[100];
static struct mote_outbox_setup setup;
struct mote_outbox outbox;
struct mote_lwip lwip;
char text[6100];

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

void post(const char *host)
{
    struct mote_rcpt rcpt = {.address = "a@example.test"};
    struct mote_mail mail = {.from = "mote@example.org", .rcpts = &rcpt, .rcpt_count = 1, .read = read_text};
    uint16_t lost;

    session_setup = (struct mote_session_setup){.buf = record_buf, .buf_len = sizeof record_buf};
    relay = (struct mote_relay){.host = host, .port = PORT};
    mote_trust_opportunistic(&relay.trust, NULL);
    memset(&state, 0, sizeof state);
    memset(flash, 0xff, sizeof flash);
    setup = (struct mote_outbox_setup){&storage, &relay,   &state,          1,        slots,         1,
                                       1,        envelope, sizeof envelope, &session, &session_setup};
    mote_outbox_open(&outbox, &setup, now_ms, &lost);
    mote_outbox_post(&outbox, &mail, (const uint8_t *)"12345678", now_ms);
    lwip = (struct mote_lwip){.outbox = &outbox, .entropy = draw};
}

/* ---- A run ------------------------------------------------------------------------------------------------------- */

void step(void)
{
    netif_poll_all();
    sys_check_timeouts();
    now_ms += STEP_MS;
}

/* Until the attempt has ended, an hour at most. */
static struct mote_result run(void)
{
    struct mote_result result = {0};
    uint32_t start = now_ms;

    mote_lwip_start(&lwip);
    while (mote_lwip_poll(&lwip) != MOTE_REPORT && now_ms - start < HOUR_MS) {
        step();
    }
    if (mote_lwip_poll(&lwip) == MOTE_REPORT) {
        result = outbox.rcpts[0].result;
    }
    return result;
}

long last_allocations;
int failures;
const char *test_name;

void expect(bool good, const char *what, long at)
{
    if (!good) {
        fprintf(stderr, "%s, %ld: %s\n", test_name, at, what);
        failures++;
    }
}

/* One attempt with this relay; afterwards nothing is left. */
struct mote_result attempt(struct peer *peer, const char *host, long at)
{
    long before = allocated, fail = fail_at;
    struct mote_result result;
    uint32_t start;

    fail_at = -1;
    peer_start(peer, PORT);
    post(host);
    allocations = 0;
    fail_at = fail;
    result = run();
    fail_at = -1;
    last_allocations = allocations;
    mote_lwip_abort(&lwip);
    expect(lwip.heard == NULL && lwip.pcb == NULL, "something is still held", at);
    for (start = now_ms; now_ms - start < 10000;) {
        step();
    }
    peer_stop(peer);
    for (start = now_ms; (tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL) && now_ms - start < HOUR_MS;) {
        step();
    }
    for (int i = 0; i < 100; i++) {
        step();
    }
    expect(allocated == before, "memory leaks", at);
    return result;
}

void expect_delivered(struct peer *peer, const struct mote_result *result, long at)
{
    expect(result->verdict == MOTE_DELIVERED, mote_cause_name(result->cause), at);
    expect(peer->mails == 1, "not one mail", at);
    expect(peer->text_len == strlen(text), "not the same text", at);
}
