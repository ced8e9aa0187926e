/* SPDX-License-Identifier: MIT
 *
 * mailmote on lwIP's raw API (2.1 and later): an outbox that delivers behind lwIP's callbacks. Nothing blocks, nothing
 * is allocated but what lwIP allocates for a connection, and no thread is needed. Call it where lwIP may be called:
 * from the main loop with NO_SYS=1, else from the tcpip thread or with the core locked.
 */
#ifndef MAILMOTE_LWIP_H
#define MAILMOTE_LWIP_H

#include "mailmote_outbox.h"

#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Octets of an address literal with its NUL: "[192.0.2.7]", "[IPv6:2001:db8::7]". */
#define MOTE_LWIP_LITERAL (IPADDR_STRLEN_MAX + 8)

/* One outbox at work. The fields up to ctx are the caller's; it stays in place as long as the program runs, because an
 * answer of lwIP's DNS cannot be called off. It takes one of lwIP's timers (MEMP_NUM_SYS_TIMEOUT) and one connection at
 * a time. */
struct mote_lwip {
    /* Where its session_setup has no helo, the address literal of the connection is the name. */
    struct mote_outbox *outbox;
    bool (*entropy)(void *ctx, void *octets, size_t len); /* true random octets; false = none now: TLS is refused */
    uint64_t (*unix_s)(void *ctx); /* seconds since 1970 UTC, 0 = unknown; NULL = always unknown */
    void *ctx;

    /* The rest is the port's own: zeros, before mote_lwip_start() is called first. */
    uint8_t phase;      /* where it is between two callbacks */
    uint8_t step;       /* what the outbox asked for last */
    uint8_t cause;      /* why the relay is not connected, as far as is known */
    uint8_t short_of;   /* what this address waits for: MOTE_CAUSE_NO_NETWORK, MOTE_CAUSE_NO_MEMORY; 0 = nothing */
    uint8_t family;     /* of the address at hand: 0 = IPv6, 1 = IPv4, where both are compiled in */
    bool timer_set;     /* the one timer will go off */
    bool attempt_begun; /* setup.start_ms is that of the attempt at hand */
    bool peer_closed;   /* the relay has ended the connection, or there is none */
    bool kept;          /* a connection waits for the next mail */
    bool wipe_due;      /* the session holds secrets, and is over */
    struct tcp_pcb *pcb;
    struct pbuf *received; /* what came and was not read yet */
    ip_addr_t address;
    uint32_t since_ms;  /* of the search at this address */
    uint16_t recved;    /* octets read that lwIP was not told of yet */
    uint8_t random[36]; /* 32 for the session, 4 to spread the next attempt */
    char literal[MOTE_LWIP_LITERAL];
};

/* Begins to work: what is due in the outbox is delivered from now on. In one that is not open yet nothing is due: open it in the same
 * turn, or call this again when it is. Called again it begins anew: what is under way is given up first, as by mote_lwip_abort(). */
void mote_lwip_start(struct mote_lwip *lwip);

/* Something new is in the outbox (mote_outbox_post()). Before mote_lwip_start() this and what is below does nothing, but for
 * mote_lwip_alert(). */
void mote_lwip_wake(struct mote_lwip *lwip);

/* Posts a message, as mote_outbox_alert() does and with what that returns, and begins to work on it. Its id is drawn from entropy;
 * where unix_s is 0, its Date is the port's. Before mote_lwip_start() the mail is stored, and waits for it;
 * MOTE_CAUSE_SETUP also where outbox or entropy is NULL. To give the same id again, or to cancel the mail, call mote_outbox_alert() and
 * mote_lwip_wake(). */
uint8_t mote_lwip_alert(struct mote_lwip *lwip, const struct mote_message *message);

/* How it stands; only looks, but with NO_SYS=0 is called as the others are. MOTE_IDLE: nothing is being worked on, or not started;
 * MOTE_CONNECT, MOTE_TALK: an attempt is under way; MOTE_REPORT: one has ended, look at outbox->mail, outbox->slot and
 * outbox->last, then call mote_lwip_reported(). Until then nothing else is begun. */
uint8_t mote_lwip_poll(const struct mote_lwip *lwip);

/* The report was seen: on to the next mail. Calls mote_outbox_reported(). */
void mote_lwip_reported(struct mote_lwip *lwip);

/* Gives up: the connection is reset, the timer given back, the session wiped. An attempt under way is deferred with
 * MOTE_CAUSE_ABORTED and waits to be reported (MOTE_REPORT); mote_lwip_reported() or mote_lwip_wake() goes on. Not from inside the storage's
 * functions, nor a trace. */
void mote_lwip_abort(struct mote_lwip *lwip);

#ifdef __cplusplus
}
#endif

#endif
