/* SPDX-License-Identifier: MIT
 *
 * Moves octets between a connection and the session, from inside lwIP's callbacks. What came is held in lwIP's own
 * pbufs and read where it is; what the session says is handed over whole, then sent with one tcp_output. Where lwIP is
 * short of memory it waits: tcp_sent and tcp_poll come back.
 *
 * It has no time limits of its own: the session's count, and tcp_poll looks at them twice a second.
 */
#include "lwip.h"

#include <lwip/sys.h>

/* Reads in one go: time limits are found between two calls. */
#define HEAR_MAX 16

/* After so many milliseconds lwIP's own timers, and what else came, have their turn: a relay's chain of certificates may take a
 * small CPU minutes. */
#define TURN_MS 250

/* Octets read at once, and before lwIP is told: two of it fit into its 16 bits. */
#define RECVED_MAX 0x7fff

/* How long lwIP may try to say goodbye, in its half seconds. */
#define LEAVE_HALF_S 20

static struct mote_session *session_of(const struct mote_lwip *m)
{
    return m->outbox->setup->session;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Hearing ----------------------------------------------------------------------------------------------------- */

/* What was read is room in the window again. */
static void tell_read(struct mote_lwip *m)
{
    if (m->pcb != NULL && m->recved != 0) {
        tcp_recved(m->pcb, m->recved);
    }
    m->recved = 0;
}

static bool hear(struct mote_lwip *m)
{
    size_t room;
    void *buf = mote_session_recv_buf(session_of(m), &room);
    uint16_t n;

    if (m->recved >= RECVED_MAX) {
        tell_read(m);
    }
    if (buf == NULL || m->received == NULL) {
        return false;
    }
    n = pbuf_copy_partial(m->received, buf, (uint16_t)min(room, RECVED_MAX), 0);
    m->received = pbuf_free_header(m->received, n);
    m->recved = (uint16_t)(m->recved + n);
    mote_session_recv_ack(session_of(m), n);
    return true;
}

static bool hear_all(struct mote_lwip *m)
{
    int heard = 0;

    while (heard < HEAR_MAX && hear(m)) {
        heard++;
    }
    return heard > 0;
}

/* The relay has left. What it said before may be the verdict; what cannot leave is dropped where its room is needed to
 * hear that. */
static bool hear_last_words(struct mote_lwip *m)
{
    struct mote_session *session = session_of(m);
    size_t len;

    if (!m->peer_closed) {
        return false;
    }
    if (mote_session_recv_buf(session, &len) == NULL && mote_session_send_buf(session, &len) != NULL) {
        if (m->pcb != NULL) {
            return false; /* it still listens */
        }
        mote_session_send_ack(session, len);
    } else if (m->received == NULL || m->pcb == NULL) {
        mote_session_fail(session, MOTE_CAUSE_LOST);
    } else {
        return false;
    }
    return true;
}

/* ---- Saying ------------------------------------------------------------------------------------------------------ */

/* Hands as much to lwIP as it has memory for. False when that is nothing. */
static bool say(struct mote_lwip *m)
{
    size_t len, n;
    const void *buf = mote_session_send_buf(session_of(m), &len);
    err_t err = ERR_MEM;

    if (buf == NULL || m->pcb == NULL) {
        return false;
    }
    for (n = min(len, min(tcp_sndbuf(m->pcb), tcp_mss(m->pcb))); n != 0; n /= 2) {
        err = tcp_write(m->pcb, buf, (uint16_t)n, TCP_WRITE_FLAG_COPY);
        if (err != ERR_MEM) {
            break;
        }
    }
    if (err == ERR_OK) { /* of something: of nothing it is still ERR_MEM */
        mote_session_send_ack(session_of(m), n);
    }
    return err == ERR_OK;
}

/* ---- The pump ---------------------------------------------------------------------------------------------------- */

/* One step. False when nothing moved. */
static bool move(struct mote_lwip *m)
{
    bool said = say(m);
    size_t len;

    if (said && mote_session_send_buf(session_of(m), &len) != NULL) {
        return true;
    }
    return hear_all(m) || said || hear_last_words(m);
}

/* Until nothing moves, or its turn is over. MOTE_DONE, or MOTE_WANT_MAIL: the mail has its verdict; else 0. */
static uint8_t talk(struct mote_lwip *m)
{
    uint32_t began_ms = sys_now();

    for (;;) {
        uint8_t want = mote_session_poll(session_of(m), sys_now());

        if ((want & (MOTE_DONE | MOTE_WANT_MAIL)) != 0) {
            return want & (MOTE_DONE | MOTE_WANT_MAIL);
        }
        if ((want & MOTE_WANT_COMMIT) != 0) {
            mote_outbox_commit(m->outbox);
        } else if (!move(m)) {
            return 0;
        }
        if (sys_now() - began_ms >= TURN_MS) {
            mote_lwip_arm(m, 1);
            return 0;
        }
    }
}

uint8_t mote_lwip_pump(struct mote_lwip *m)
{
    uint8_t ended = talk(m);

    tell_read(m);
    if (ended != 0) {
        mote_lwip_arm(m, 1);
    } else if (m->pcb != NULL) {
        tcp_output(m->pcb);
    }
    return ended;
}

/* A relay whose window is shut and who answers each probe would keep the connection, and what was not sent, for ever. */
static err_t end(void *arg, struct tcp_pcb *pcb)
{
    (void)arg;
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* QUIT and close_notify are worth one try. What is left unread is called read, else lwIP would reset instead of
 * closing. */
void mote_lwip_leave(struct mote_lwip *m)
{
    struct tcp_pcb *pcb = m->pcb;

    while (say(m)) {
    }
    if (pcb != NULL) {
        if (m->received != NULL) {
            tcp_recved(pcb, m->received->tot_len);
        }
        tcp_arg(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_poll(pcb, end, LEAVE_HALF_S);
        if (tcp_close(pcb) == ERR_OK) {
            m->pcb = NULL;
        }
    }
    mote_lwip_drop(m);
    m->kept = false;
    m->phase = MOTE_LWIP_REST;
}

/* ---- What lwIP calls --------------------------------------------------------------------------------------------- */

err_t mote_lwip_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct mote_lwip *m = arg;

    (void)pcb, (void)err;
    if (p == NULL) {
        m->peer_closed = true;
    } else if (m->received == NULL) {
        m->received = p;
    } else if (m->received->tot_len + (uint32_t)p->tot_len > UINT16_MAX) {
        return ERR_MEM; /* lwIP keeps it and offers it again */
    } else {
        pbuf_cat(m->received, p);
    }
    if (m->phase == MOTE_LWIP_TALK) {
        mote_lwip_pump(m);
    }
    return ERR_OK;
}

err_t mote_lwip_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct mote_lwip *m = arg;
    size_t rest;

    (void)pcb, (void)len;
    if (mote_session_send_buf(session_of(m), &rest) != NULL) { /* it had no room for that */
        mote_lwip_pump(m);
    }
    return ERR_OK;
}

err_t mote_lwip_tick(void *arg, struct tcp_pcb *pcb)
{
    struct mote_lwip *m = arg;

    (void)pcb;
    if (m->phase == MOTE_LWIP_TALK) {
        mote_lwip_pump(m);
    }
    return ERR_OK;
}
