/* SPDX-License-Identifier: MIT
 *
 * The bench of attempt.h.
 */
#include "attempt.h"
#include "tls_peer.h"

#include <string.h>

struct attempt t;

static size_t read_mail(void *ctx, size_t offset, void *buf, size_t cap)
{
    static const char text[] = "Subject: x\r\n\r\nHello\r\n";
    size_t n = sizeof text - 1 - offset;

    n = n < cap ? n : cap;
    memcpy(buf, text + offset, n);
    return n;
}

void attempt_set(unsigned relays, unsigned rcpts)
{
    static const char *const addresses[] = {"a@example.test", "b@example.test", "c@example.test"};

    memset(&t, 0, sizeof t);
    sim_set(&t.sim);
    for (unsigned i = 0; i < relays; i++) {
        t.relays[i].host = "relay.example.test";
        mote_trust_opportunistic(&t.relays[i].trust, NULL);
    }
    for (unsigned i = 0; i < rcpts; i++) {
        t.rcpts[i].address = addresses[i];
    }
    t.mail = (struct mote_mail){
        .from = "m@example.test", .rcpts = t.rcpts, .rcpt_count = (uint16_t)rcpts, .read = read_mail};
    assert_int_equal(mote_mail_measure(&t.mail), MOTE_CAUSE_NONE);
    t.setup = (struct mote_session_setup){.helo = "device.example.test",
                                          .buf = t.buf,
                                          .buf_len = sizeof t.buf,
                                          .entropy = "thirty-two octets, not so random"};
    t.record.rcpt_count = (uint8_t)rcpts;
    t.now_s = 1000;
}

void attempt_authenticated(unsigned relay)
{
    mote_trust_pin(&t.relays[relay].trust, tls_peer_pin, tls_peer_name);
    t.relays[relay].login = (struct mote_login){.user = "u", .password = "p"};
}

void attempt_run(unsigned relays, struct mote_relay_state *states)
{
    t.sim.now_ms = t.now_s * 1000;
    t.setup.start_ms = t.sim.now_ms - (t.limit_s != 0 ? 900u - t.limit_s : 0) * 1000;
    mote_record_begin(&t.record);
    mote_delivery_init(&t.delivery, t.relays, relays, states, &t.mail, &t.session, &t.setup, &t.record, t.now_s);
    t.delivery.all |= t.others;
    t.result = sim_attempt(&t.sim, &t.delivery);
    mote_record_take(&t.record, &t.delivery, 0);
}

void attempt_pass(uint32_t seconds)
{
    t.now_s += seconds;
    mote_record_age(&t.record, seconds);
}
