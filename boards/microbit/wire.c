/* SPDX-License-Identifier: MIT
 *
 * A port to mailmote without a network stack: the UART is the wire to the relay, as with a modem in transparent mode.
 * It stands when the board starts and serves one conversation; nothing tells that it was cut, so the session's time
 * limits do.
 */
#include "nrf51.h"

enum { ENTROPY = 32 };

static struct mote_outbox *outbox;
static uint8_t random[ENTROPY + sizeof(uint32_t)]; /* for the session; to spread the next attempt */
static bool used;

void board_network_start(struct mote_outbox *to_send)
{
    outbox = to_send;
}

void board_network_reported(void)
{
    mote_outbox_reported(outbox);
}

static void begin(void)
{
    struct mote_session_setup *setup = outbox->delivery.setup;

    if (used) {
        mote_delivery_unreachable(&outbox->delivery, MOTE_CAUSE_CONNECT);
        return;
    }
    used = true;
    setup->entropy = board_entropy(NULL, random, sizeof random) ? random : NULL;
    setup->unix_s = board_unix_s();
    setup->start_ms = board_now_ms();
    mote_delivery_connected(&outbox->delivery);
}

static void hear(struct mote_session *session)
{
    size_t room, len = 0;
    uint8_t *buf = mote_session_recv_buf(session, &room);

    while (buf != NULL && len < room && uart_get(buf + len)) {
        len++;
    }
    if (len != 0) {
        mote_session_recv_ack(session, len);
    }
}

static void say(struct mote_session *session)
{
    const uint8_t *buf;
    size_t len;

    while ((buf = mote_session_send_buf(session, &len)) != NULL) {
        for (size_t i = 0; i < len; i++) {
            uart_put(buf[i]);
        }
        mote_session_send_ack(session, len);
    }
}

static void talk(void)
{
    struct mote_session *session = outbox->delivery.session;
    uint8_t want = mote_session_poll(session, board_now_ms());

    say(session);
    if ((want & MOTE_WANT_COMMIT) != 0) {
        mote_outbox_commit(outbox);
    } else if ((want & MOTE_DONE) == 0) {
        hear(session);
    }
}

uint8_t board_network_step(void)
{
    uint32_t spread = 0;
    uint8_t step;

    for (size_t i = ENTROPY; i < sizeof random; i++) {
        spread = spread << 8 | random[i];
    }
    step = mote_outbox_poll(outbox, board_now_ms(), spread);
    if (step == MOTE_CONNECT) {
        begin();
    } else if (step == MOTE_TALK) {
        talk();
    } else if (used && step == MOTE_REPORT) {
        mote_session_wipe(outbox->delivery.session);
    }
    return step;
}
