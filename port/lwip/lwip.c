/* SPDX-License-Identifier: MIT
 *
 * The outbox's turn: what to do next, and when. All of it runs from one timer, never inside a callback of a connection,
 * so that lwIP's stack is shallow when flash is written and the next connection is begun.
 *
 * The timer is taken once and only ever moved: it cannot be refused later, when memory is short.
 */
#include "lwip.h"

#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>
#include <string.h>

/* Longest wait in one go: the outbox's clock must not miss a turn of the millisecond counter. */
#define WAIT_MAX_S 3600u

static void wipe(void *octets, size_t len)
{
    volatile uint8_t *at = octets;

    while (len-- != 0) {
        *at++ = 0;
    }
}

/* Once a session is over, and its result is taken, nothing of it is kept. */
static void forget(struct mote_lwip *m)
{
    if (m->wipe_due && !m->kept) {
        m->wipe_due = false;
        mote_session_wipe(m->outbox->setup->session);
        wipe(m->random, 32);
    }
}

/* ---- The timer --------------------------------------------------------------------------------------------------- */

static void advance(struct mote_lwip *m)
{
    uint32_t random, wait_s;

    memcpy(&random, m->random + 32, sizeof random);
    if (m->kept && (m->peer_closed || m->received != NULL)) { /* whatever the relay says now is its good-bye */
        mote_session_fail(m->outbox->setup->session, MOTE_CAUSE_LOST);
        mote_lwip_drop(m);
        m->kept = false;
    }
    m->step = mote_outbox_poll(m->outbox, sys_now(), random);
    if (m->step == MOTE_TALK) {
        m->attempt_begun = m->outbox->slot != NULL; /* else it is QUIT behind the last one */
        m->phase = MOTE_LWIP_TALK;
        mote_lwip_pump(m);
        return;
    }
    forget(m);
    if (m->step == MOTE_CONNECT) {
        mote_lwip_dial(m);
        return;
    }
    m->attempt_begun = false;
    if (m->step == MOTE_IDLE) {
        wait_s = m->outbox->tidying ? 0 : mote_outbox_wait_s(m->outbox);
        mote_lwip_arm(m, (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S) * 1000);
    }
}

/* What the pump said: the connection is left, or kept for the next mail. */
static void talked(struct mote_lwip *m, uint8_t ended)
{
    if (ended == MOTE_DONE) {
        mote_lwip_leave(m);
    } else if (ended == MOTE_WANT_MAIL) {
        m->kept = true;
        m->phase = MOTE_LWIP_REST;
    }
}

static void wake(void *arg)
{
    struct mote_lwip *m = arg;

    m->timer_set = false;
    if (m->phase == MOTE_LWIP_REST) {
        advance(m);
    } else if (m->phase != MOTE_LWIP_TALK) {
        mote_lwip_connect(m);
    } else {
        talked(m, mote_lwip_pump(m));
    }
}

static void disarm(struct mote_lwip *m)
{
    if (m->timer_set) {
        sys_untimeout(wake, m);
        m->timer_set = false;
    }
}

void mote_lwip_arm(struct mote_lwip *m, uint32_t wait_ms)
{
    disarm(m);
    m->timer_set = true;
    sys_timeout(wait_ms != 0 ? wait_ms : 1, wake, m);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

void mote_lwip_drop(struct mote_lwip *m)
{
    struct tcp_pcb *pcb = m->pcb;

    m->pcb = NULL;
    if (pcb != NULL) {
        tcp_arg(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_abort(pcb);
    }
    if (m->received != NULL) {
        pbuf_free(m->received);
        m->received = NULL;
    }
}

/* ---- For the application ----------------------------------------------------------------------------------------- */

#if NO_SYS
static void soon(struct mote_lwip *m)
{
    mote_lwip_arm(m, 1);
}
#else
static void nothing(void *arg)
{
    (void)arg;
}

/* lwIP's thread sleeps until the timer that was the next one when it fell asleep. A message makes it look again; when
 * there is no room for one, another is on its way. */
static void soon(struct mote_lwip *m)
{
    mote_lwip_arm(m, 1);
    tcpip_try_callback(nothing, NULL);
}
#endif

static bool started(const struct mote_lwip *m)
{
    return m->step != 0;
}

void mote_lwip_wake(struct mote_lwip *m)
{
    LWIP_ASSERT_CORE_LOCKED();
    if (started(m)) {
        soon(m);
    }
}

uint8_t mote_lwip_poll(const struct mote_lwip *m)
{
    LWIP_ASSERT_CORE_LOCKED();
    if (!started(m)) {
        return MOTE_IDLE;
    }
    return m->phase == MOTE_LWIP_TALK ? MOTE_TALK : m->step;
}

void mote_lwip_reported(struct mote_lwip *m)
{
    LWIP_ASSERT_CORE_LOCKED();
    if (m->step == MOTE_REPORT) {
        mote_outbox_reported(m->outbox);
        m->step = MOTE_IDLE;
        soon(m);
    }
}

void mote_lwip_abort(struct mote_lwip *m)
{
    LWIP_ASSERT_CORE_LOCKED();
    if (!started(m)) {
        return;
    }
    disarm(m);
    if (m->phase == MOTE_LWIP_TALK) {
        mote_session_fail(m->outbox->setup->session, MOTE_CAUSE_ABORTED);
    }
    mote_lwip_drop(m);
    m->kept = m->attempt_begun = false;
    m->phase = MOTE_LWIP_REST;
    m->outbox->delivery.kept = false;
    if (m->outbox->slot == NULL) { /* a connection at rest, or QUIT on it */
        m->outbox->leaving = false;
        m->step = MOTE_IDLE;
    } else if (m->step != MOTE_REPORT) {
        m->step = mote_outbox_poll(m->outbox, sys_now(), 0);
        if (m->step == MOTE_CONNECT) {
            mote_delivery_unreachable(&m->outbox->delivery, MOTE_CAUSE_ABORTED);
            m->step = mote_outbox_poll(m->outbox, sys_now(), 0);
        }
    }
    forget(m);
}

void mote_lwip_start(struct mote_lwip *m)
{
    LWIP_ASSERT_CORE_LOCKED();
    mote_lwip_abort(m); /* what an earlier start has under way */
    m->step = MOTE_IDLE;
    soon(m);
}
