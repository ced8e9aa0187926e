/* SPDX-License-Identifier: MIT
 *
 * Memory, time, and attempts: see rig.h.
 */
#include "rig.h"

#include <lwip/memp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <string.h>

void *test_timer_alloc(memp_t type);
err_t test_output(struct tcp_pcb *pcb);
struct tcp_pcb *test_new(u8_t type);

/* ---- Memory and time --------------------------------------------------------------------------------------------- */

static uint32_t now_ms = UINT32_MAX - HOUR_MS; /* it wraps while the tests run */
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

long outputs;
static uint32_t slow_ms;

/* The port's tcp_output: only when the session has nothing more to say, or lwIP no room. */
err_t test_output(struct tcp_pcb *pcb)
{
    size_t len;

    outputs++;
    if (pcb == lwip.pcb) { /* else it is the example's */
        mote_session_poll(outbox.setup->session, now_ms);
        expect(mote_session_send_buf(outbox.setup->session, &len) == NULL || tcp_sndbuf(pcb) == 0 || fail_at >= 0 ||
                   wire.window != 0 || slow_ms != 0,
               "tcp_output with more to say", (long)len);
    }
    return tcp_output(pcb);
}

/* The device has so many connections, as the boards have; the relay's are not counted. */
enum { CONNECTIONS = 2 };

struct tcp_pcb *test_new(u8_t type)
{
    return peer_callers(PORT) < CONNECTIONS ? tcp_new_ip_type(type) : NULL;
}

/* Called when the relay has all of the mail: that it may, was stored before. */
static void taken(void)
{
    expect(mote_lwip_poll(&lwip) != MOTE_TALK || outbox.slot->record.sent, "not stored that it may be sent", 0);
}

/* What was heard and not yet read is what the window lacks: so it bounds the memory. */
static void check_window(void)
{
    const struct tcp_pcb *pcb = lwip.pcb;

    if (pcb != NULL && pcb->state == ESTABLISHED) {
        long held = lwip.received != NULL ? lwip.received->tot_len : 0;

        expect(pcb->rcv_wnd + held == TCP_WND, "window and octets held", held);
    }
}

uint32_t longest_ms, taken_ms;

static void take_time(void *ctx, char who, uint8_t part, const char *data, size_t len)
{
    (void)ctx, (void)who, (void)part, (void)data, (void)len;
    now_ms += slow_ms;
    taken_ms += slow_ms;
}

void slow_down(uint32_t ms)
{
    slow_ms = ms;
    longest_ms = taken_ms = 0;
    outbox.setup->session_setup->trace.octets = take_time;
}

/* What began then is over. */
static void note_time(uint32_t began_ms)
{
    longest_ms = LWIP_MAX(longest_ms, now_ms - began_ms);
}

void step(void)
{
    uint32_t wait_ms = STEP_MS, began_ms = now_ms;
    bool moved = wire_step();

    note_time(began_ms);
    if (!moved) {
        wait_ms = LWIP_MIN(sys_timeouts_sleeptime(), (u32_t)HOUR_MS);
    }
    now_ms += LWIP_MAX(wait_ms, 1);
    began_ms = now_ms;
    sys_check_timeouts();
    note_time(began_ms);
    check_window();
}

static void pass(uint32_t ms)
{
    uint32_t start = now_ms;

    while (now_ms - start < ms) {
        step();
    }
}

/* ---- Attempts ---------------------------------------------------------------------------------------------------- */

long last_allocations, last_packets;
static long allocated_before;
static enum way way_tested;
int failures;
const char *test_name, *relay_host;

struct peer peer_of(enum way way)
{
    struct peer peer = {.after = -1};

    way_tested = way;
    peer.secure = way == IN_TLS;
    if (way != LOCK_STEP) {
        peer.offers = "250-PIPELINING\r\n250-CHUNKING\r\n";
    }
    wire_reset();
    return peer;
}

void begin(struct peer *peer, const char *host)
{
    long fail = fail_at;

    fail_at = -1;
    allocated_before = allocated;
    peer->expected = text;
    peer->taken = taken;
    peer_start(peer, PORT);
    post(host, peer->secure);
    allocations = outputs = 0;
    fail_at = fail;
    mote_lwip_start(&lwip);
}

static bool all_zeros(const void *octets, size_t len)
{
    const uint8_t *at = octets;

    while (len != 0 && at[len - 1] == 0) {
        len--;
    }
    return len == 0;
}

bool session_wiped(void)
{
    return all_zeros(outbox.setup->session, sizeof(struct mote_session)) && all_zeros(lwip.random, 32);
}

struct mote_result run(void)
{
    uint32_t start = now_ms;

    while (mote_lwip_poll(&lwip) != MOTE_REPORT && now_ms - start < 2 * HOUR_MS) {
        step();
    }
    expect(session_wiped(), "the session is not wiped", 0);
    expect(lwip.received == NULL && lwip.pcb == NULL, "something is still held", 0);
    return mote_lwip_poll(&lwip) == MOTE_REPORT ? outbox.rcpts[0].result : (struct mote_result){0};
}

void end(struct peer *peer, long at)
{
    uint32_t start = now_ms;

    fail_at = -1;
    slow_ms = 0;
    last_allocations = allocations;
    last_packets = wire.arrived;
    mote_lwip_abort(&lwip);
    expect(lwip.received == NULL && lwip.pcb == NULL && !lwip.timer_set, "something is still held", at);
    pass(15000);
    expect(peer_callers(PORT) == 0, "a connection outlives its attempt", at);
    peer_stop(peer);
    while ((tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL) && now_ms - start < HOUR_MS) {
        step();
    }
    pass(1000);
    wire_reset();
    expect(allocated == allocated_before, "memory leaks", at);
}

struct mote_result attempt(struct peer *peer, const char *host, long at)
{
    struct mote_result result;

    begin(peer, host);
    result = run();
    end(peer, at);
    return result;
}

long packets_of(enum way way)
{
    struct peer peer = peer_of(way);
    struct mote_result result = attempt(&peer, relay_host, 0);

    expect_delivered(&peer, &result, 0);
    expect(last_packets > 20, "few packets", last_packets);
    return last_packets;
}

void recover(struct peer *peer, long at)
{
    struct mote_result result;

    fail_at = -1;
    wire_reset();
    peer->how = PEER_NEVER;
    peer->broken = peer->deaf = false;
    if (outbox.last) {
        return;
    }
    mote_lwip_reported(&lwip);
    expect(mote_lwip_poll(&lwip) == MOTE_IDLE, "not idle after the report", at);
    result = run();
    expect(result.verdict == MOTE_DELIVERED, mote_cause_name(result.cause), at);
    expect(peer->mails >= 1 && peer->text_len == strlen(text) && !peer->text_wrong, "not the same text later", at);
}

/* ---- What must be ------------------------------------------------------------------------------------------------ */

void expect(bool good, const char *what, long at)
{
    if (!good) {
        fprintf(stderr, "%s, way %u, %ld: %s\n", test_name, way_tested, at, what);
        failures++;
    }
}

void expect_delivered(struct peer *peer, const struct mote_result *result, long at)
{
    expect(result->verdict == MOTE_DELIVERED, mote_cause_name(result->cause), at);
    expect(peer->mails == 1, "not one mail", at);
    expect(peer->text_len == strlen(text) && !peer->text_wrong, "not the same text", at);
}

void expect_deferred(const struct mote_result *result, uint8_t cause, long at)
{
    expect(result->verdict == MOTE_DEFERRED && result->cause == cause, mote_cause_name(result->cause), at);
}

void expect_truth(const struct peer *peer, const struct mote_result *result, uint64_t causes, long at)
{
    switch (result->verdict) {
    case MOTE_DELIVERED: expect(peer->mails == 1, "delivered, not one mail", at); return;
    case MOTE_DEFERRED: expect(peer->mails == 0, "deferred, and with the relay", at); break;
    case MOTE_IN_DOUBT: expect(peer->mails <= 1, "two mails", at); break;
    default: expect(false, mote_verdict_name(result->verdict), at); break;
    }
    expect((causes >> result->cause & 1) != 0, mote_cause_name(result->cause), at);
}
