/* SPDX-License-Identifier: MIT
 *
 * What the files of this port share. Not for users: they include mailmote_lwip.h.
 */
#ifndef MOTE_PORT_LWIP_H
#define MOTE_PORT_LWIP_H

#include "mailmote_lwip.h"

/* Where it is between two callbacks. */
enum {
    MOTE_LWIP_REST,   /* no connection, none wanted now: the timer asks the outbox */
    MOTE_LWIP_LOOKUP, /* an address is to be asked for */
    MOTE_LWIP_ASKED,  /* DNS was asked */
    MOTE_LWIP_DIAL,   /* a connection is to be begun */
    MOTE_LWIP_CALLED, /* it was begun */
    MOTE_LWIP_TALK    /* it stands, the session talks */
};

/* How long to wait where lwIP was short of something. */
#define MOTE_LWIP_RETRY_MS 250

/* lwip.c: the one timer goes off in so many milliseconds; no connection is needed any more, it is reset. */
void mote_lwip_arm(struct mote_lwip *m, uint32_t wait_ms);
void mote_lwip_drop(struct mote_lwip *m);

/* connect.c: begins with the relay the delivery names; goes one step on. */
void mote_lwip_dial(struct mote_lwip *m);
void mote_lwip_connect(struct mote_lwip *m);

/* pump.c: what lwIP calls when the connection stands. Moves what can be moved. MOTE_DONE: the session is done, and the
 * timer will go off at once. It leaves: closed from inside tcp_sent, lwIP would lose the pbuf that came with the same
 * segment. MOTE_WANT_MAIL: the same, but that the connection is kept. */
err_t mote_lwip_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err);
err_t mote_lwip_sent(void *arg, struct tcp_pcb *pcb, u16_t len);
err_t mote_lwip_tick(void *arg, struct tcp_pcb *pcb);
uint8_t mote_lwip_pump(struct mote_lwip *m);
void mote_lwip_leave(struct mote_lwip *m);

#endif
