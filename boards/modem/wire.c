/* SPDX-License-Identifier: MIT
 *
 * A port to mailmote without a network stack: the UART is the wire to the relay, with a modem at its other end.
 */
#include "modem.h"
#include "uart.h"

enum { ENTROPY = 32 };

static struct mote_outbox *outbox;
static uint8_t random[ENTROPY + sizeof(uint32_t)]; /* for the session; to spread the next attempt */
static bool begun;                                 /* the attempt: its time counts from its first connection on */

void board_network_start(struct mote_outbox *to_send)
{
    outbox = to_send;
}

void board_network_reported(void)
{
    begun = false;
    mote_outbox_reported(outbox);
}

static void begin(void)
{
    struct mote_session_setup *setup = outbox->delivery.setup;
    const struct mote_relay *relay = outbox->delivery.relay;

    if (!begun) {
        begun = true;
        setup->start_ms = board_now_ms();
    }
    setup->entropy = board_entropy(NULL, random, sizeof random) ? random : NULL;
    setup->unix_s = board_unix_s();
    if (modem_dial(relay->host, mote_relay_port(relay), MOTE_CONNECT_S * 1000)) {
        mote_delivery_connected(&outbox->delivery);
    } else {
        mote_delivery_unreachable(&outbox->delivery, MOTE_CAUSE_CONNECT);
    }
}

static void hear(struct mote_session *session)
{
    size_t room, len = 0;
    uint8_t *buf = mote_session_recv_buf(session, &room);

    while (buf != NULL && modem_up() && len < room && modem_get(buf + len)) {
        len++;
    }
    if (len != 0) {
        mote_session_recv_ack(session, len);
    }
    if (!modem_up()) {
        mote_session_fail(session, MOTE_CAUSE_LOST);
    }
}

static void say(struct mote_session *session)
{
    const uint8_t *buf;
    size_t len;

    while ((buf = mote_session_send_buf(session, &len)) != NULL) {
        size_t put = 0;

        while (put < len && uart_put(buf[put])) {
            put++;
        }
        if (put != 0) {
            mote_session_send_ack(session, put);
        }
        if (put < len) {
            mote_session_fail(session, MOTE_CAUSE_LOST);
            return;
        }
    }
}

static void talk(void)
{
    struct mote_session *session = outbox->delivery.session;
    uint8_t want;

    hear(session);
    want = mote_session_poll(session, board_now_ms());
    say(session);
    if ((want & MOTE_WANT_COMMIT) != 0) {
        mote_outbox_commit(outbox);
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
        begun = true; /* on the connection of the mail before, perhaps */
        talk();
    } else if (begun && !outbox->delivery.kept) {
        begun = false;
        mote_session_wipe(outbox->delivery.session);
    } else if (step == MOTE_IDLE) {
        modem_hang_up(); /* what came of the mail is stored */
    }
    return step;
}
