/* SPDX-License-Identifier: MIT
 *
 * One device: its flash, its clock, and the loop a port runs around an outbox. The relay does the same to every device and the
 * devices do not know of each other, so that each lives its life from alert to report before the next one begins; they differ
 * in when the alert comes, in their clocks and in their random numbers.
 */
#include "fleet.h"
#include "tls_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, BLOCKS = 3, UNIT = 8 };

struct device {
    unsigned number;
    uint64_t dice;
    uint64_t time_ms;  /* of the fleet's */
    uint32_t clock_ms; /* of the device's own clock when the fleet's was 0 */
    uint8_t flash[BLOCK * BLOCKS];
    struct mote_storage storage;
    struct mote_relay relay;
    struct mote_relay_state state;
    struct mote_slot slot;
    char envelope[64];
    uint8_t entropy[32], buf[MOTE_SESSION_BUF_MIN];
    struct mote_session session;
    struct mote_session_setup session_setup;
    struct mote_outbox_setup setup;
    struct mote_outbox outbox;
};

static void stop(const struct device *d, const char *why)
{
    fprintf(stderr, "device %u at %lu ms: %s\n", d->number, (unsigned long)d->time_ms, why);
    exit(2);
}

/* SplitMix64: the same numbers everywhere. */
static uint32_t dice(struct device *d)
{
    uint64_t x = d->dice += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ x >> 31) >> 32);
}

/* ---- Flash ------------------------------------------------------------------------------------------------------- */

static bool flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    const struct device *d = ctx;

    memcpy(buf, d->flash + at, len);
    return true;
}

static bool flash_program(void *ctx, uint32_t at, const void *octets, size_t len)
{
    struct device *d = ctx;

    if (at % UNIT != 0 || len != UNIT || at + len > sizeof d->flash) {
        stop(d, "programs what is no flash");
    }
    for (size_t i = 0; i < len; i++) {
        if (d->flash[at + i] != 0xff) {
            stop(d, "programs what is not erased");
        }
    }
    memcpy(d->flash + at, octets, len);
    return true;
}

static bool flash_erase(void *ctx, uint32_t block)
{
    struct device *d = ctx;

    memset(d->flash + block * BLOCK, 0xff, BLOCK);
    return true;
}

/* ---- Alert ------------------------------------------------------------------------------------------------------- */

static size_t read_alert(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char alert[] = "Subject: Alert\r\n\r\nThe power is gone.\r\n";
    size_t n = sizeof alert - 1 - offset;

    n = n < cap ? n : cap;
    memcpy(buf, alert + offset, n);
    return n;
}

static uint32_t now(const struct device *d)
{
    return d->clock_ms + (uint32_t)d->time_ms;
}

static void boot(struct device *d, bool tls)
{
    uint16_t lost;

    memset(d->flash, 0xff, sizeof d->flash);
    d->storage = (struct mote_storage){flash_read, flash_program, flash_erase, d, BLOCK, BLOCKS, UNIT};
    d->relay.host = "relay.example";
    if (tls) {
        mote_trust_pin(&d->relay.trust, tls_peer_pin, tls_peer_name);
    } else {
        mote_trust_opportunistic(&d->relay.trust, NULL);
    }
    d->session_setup.helo = "device.fleet.example";
    d->session_setup.buf = d->buf;
    d->session_setup.buf_len = sizeof d->buf;
    d->session_setup.entropy = d->entropy;
    d->setup = (struct mote_outbox_setup){.storage = &d->storage,
                                          .relays = &d->relay,
                                          .states = &d->state,
                                          .relay_count = 1,
                                          .slots = &d->slot,
                                          .slot_count = 1,
                                          .cell_blocks = 1,
                                          .envelope = d->envelope,
                                          .envelope_cap = sizeof d->envelope,
                                          .session = &d->session,
                                          .session_setup = &d->session_setup};
    if (mote_outbox_open(&d->outbox, &d->setup, now(d), 0, 0, &lost) != MOTE_CAUSE_NONE) {
        stop(d, "the outbox does not open");
    }
}

static void post(struct device *d)
{
    char from[32];
    struct mote_rcpt rcpt = {.address = "operator@fleet.example"};
    struct mote_mail mail = {.from = from, .rcpts = &rcpt, .rcpt_count = 1, .read = read_alert};
    uint8_t id[8];

    snprintf(from, sizeof from, FLEET_FROM, d->number);
    for (unsigned i = 0; i < sizeof id; i++) {
        id[i] = (uint8_t)dice(d);
    }
    if (mote_outbox_post(&d->outbox, &mail, id, now(d)) != MOTE_CAUSE_NONE) {
        stop(d, "the alert is not taken");
    }
}

/* ---- Network ----------------------------------------------------------------------------------------------------- */

/* The relay's end of the connection. */
static struct wire {
    struct fleet_relay relay;
    struct tls_peer peer;
    size_t heard; /* octets of the peer's that the relay knows */
    bool started; /* TLS */
} wire;

static void wire_hear(const void *octets, size_t len)
{
    if (!wire.started) {
        fleet_relay_hear(&wire.relay, octets, len);
        return;
    }
    tls_peer_take(&wire.peer, octets, len);
    fleet_relay_hear(&wire.relay, (const char *)wire.peer.heard_octets + wire.heard, wire.peer.heard - wire.heard);
    wire.heard = wire.peer.heard;
}

/* Octets for the device: how many, and they count as taken. */
static size_t wire_say(void *buf, size_t cap)
{
    size_t len = wire.relay.say_len;

    if (wire.started) {
        struct tls_peer *peer = &wire.peer;

        tls_peer_say(peer, wire.relay.say, len);
        wire.relay.say_len = 0;
        len = peer->wire_len - peer->wire_at;
        len = len < cap ? len : cap;
        memcpy(buf, peer->wire + peer->wire_at, len);
        peer->wire_at += len;
        return len;
    }
    if (len > cap) {
        return 0;
    }
    memcpy(buf, wire.relay.say, len);
    wire.relay.say_len = 0;
    if (wire.relay.secured) {
        wire.started = true;
        tls_peer_start(&wire.peer);
    }
    return len;
}

/* Carries what either side has for the other; false when neither has anything. */
static bool carry(struct device *d, uint8_t want)
{
    size_t len;
    const void *out = mote_session_send_buf(&d->session, &len);
    void *in;

    if ((want & MOTE_WANT_COMMIT) != 0) {
        mote_outbox_commit(&d->outbox);
        return true;
    }
    if (out != NULL) {
        wire_hear(out, len);
        mote_session_send_ack(&d->session, len);
        return true;
    }
    in = mote_session_recv_buf(&d->session, &len);
    len = in == NULL ? 0 : wire_say(in, len);
    if (len != 0) {
        mote_session_recv_ack(&d->session, len);
    }
    return len != 0;
}

/* A conversation takes no time; the clock stands still. Returns how many mails the relay has of it. */
static unsigned talk(struct device *d, const struct fleet *fleet, bool broken)
{
    uint8_t want;

    fleet_relay_open(&wire.relay, fleet->tls, broken);
    wire.started = false;
    wire.heard = 0;
    if (fleet->tls && !broken) {
        tls_peer_init(&wire.peer);
    }
    while (((want = mote_session_poll(&d->session, now(d))) & MOTE_DONE) == 0) {
        if (!carry(d, want)) {
            stop(d, "the conversation stands still");
        }
    }
    if (!broken && wire.relay.from != d->number) {
        stop(d, "the relay was told another sender");
    }
    return wire.relay.taken;
}

static bool outage(const struct device *d, const struct fleet *fleet)
{
    return d->time_ms < fleet->outage_s * UINT64_C(1000);
}

static void connect_relay(struct device *d, const struct fleet *fleet, struct fleet_run *run)
{
    bool broken = outage(d, fleet);

    run->per_s[d->time_ms / 1000]++;
    *(broken ? &run->in_vain : &run->accepted) += 1;
    if (broken && !fleet->tls) {
        mote_delivery_unreachable(&d->outbox.delivery, MOTE_CAUSE_CONNECT);
    } else {
        for (unsigned i = 0; i < sizeof d->entropy; i++) {
            d->entropy[i] = (uint8_t)dice(d);
        }
        d->session_setup.start_ms = now(d);
        mote_delivery_connected(&d->outbox.delivery);
    }
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

/* Returns false when the device has nothing more to do at this moment. */
static bool step(struct device *d, const struct fleet *fleet, bool random, struct fleet_run *run, unsigned *taken)
{
    uint32_t throw = dice(d);

    switch (mote_outbox_poll(&d->outbox, now(d), random ? throw : 0)) {
    case MOTE_CONNECT: connect_relay(d, fleet, run); return true;
    case MOTE_TALK: *taken += talk(d, fleet, outage(d, fleet)); return true;
    case MOTE_REPORT: mote_outbox_reported(&d->outbox); return true;
    default: return false;
    }
}

void fleet_device(const struct fleet *fleet, unsigned number, bool random, struct fleet_run *run)
{
    static struct device d;
    unsigned taken = 0;
    uint32_t wait_s;

    memset(&d, 0, sizeof d);
    d.number = number;
    d.dice = (uint64_t)fleet->seed << 32 | number;
    d.clock_ms = dice(&d);
    boot(&d, fleet->tls);
    d.time_ms = dice(&d) % (fleet->alerts_s * UINT64_C(1000));
    post(&d);
    do {
        while (step(&d, fleet, random, run, &taken)) {
        }
        if (taken != 0 && run->in_s < d.time_ms / 1000) {
            run->in_s = (unsigned)(d.time_ms / 1000);
        }
        wait_s = mote_outbox_wait_s(&d.outbox);
        d.time_ms += wait_s * UINT64_C(1000);
    } while (wait_s != UINT32_MAX && d.time_ms / 1000 < FLEET_HORIZON_S);
    run->lost += taken == 0;
    run->twice += taken > 1;
}
