/* SPDX-License-Identifier: MIT
 *
 * From a relay's name to a connection. Whatever lwIP is short of (memory, a connection, a route, a name server) may
 * come back: it is tried again until the address's time for connecting is over. Only an answer ends it sooner.
 */
#include "lwip.h"

#include <lwip/dns.h>
#include <lwip/sys.h>
#include <string.h>

#define BOTH_FAMILIES (LWIP_IPV4 && LWIP_IPV6)

static void give_up(struct mote_lwip *m)
{
    mote_delivery_unreachable(&m->outbox->delivery, m->cause);
    m->phase = MOTE_LWIP_REST;
    mote_lwip_arm(m, 1);
}

/* What a relay's address answered says more than what we were short of, and that more than that there is no address. */
static void note(struct mote_lwip *m, uint8_t cause)
{
    if (cause == MOTE_CAUSE_CONNECT || m->cause == MOTE_CAUSE_LOOKUP) {
        m->cause = cause;
    }
}

/* This address is none, or leads nowhere: IPv4 after IPv6, then no more. */
static void next_address(struct mote_lwip *m, uint8_t cause)
{
    note(m, cause);
    m->short_of = 0;
    if (BOTH_FAMILIES && m->family == 0) {
        m->family = 1;
        m->phase = MOTE_LWIP_LOOKUP;
        m->since_ms = sys_now();
        mote_lwip_arm(m, 1);
    } else {
        give_up(m);
    }
}

/* ---- Name -------------------------------------------------------------------------------------------------------- */

#if LWIP_DNS
/* An answer, perhaps to a question nobody asks any more. */
static void found(const char *name, const ip_addr_t *address, void *arg)
{
    struct mote_lwip *m = arg;
    size_t len = strlen(name);
    const char *host;

    if (m->phase != MOTE_LWIP_ASKED) {
        return;
    }
    host = m->outbox->delivery.relay->host;
    if (strncmp(host, name, len) != 0 || (host[len] != 0 && (host[len] != '.' || host[len + 1] != 0))) {
        return; /* lwIP leaves out a dot at the end */
    }
    if (address == NULL) {
        next_address(m, MOTE_CAUSE_LOOKUP);
    } else {
        m->address = *address;
        m->phase = MOTE_LWIP_DIAL;
        mote_lwip_arm(m, 1);
    }
}

static err_t ask(struct mote_lwip *m, const char *host)
{
    uint8_t type =
        BOTH_FAMILIES ? (m->family == 0 ? LWIP_DNS_ADDRTYPE_IPV6 : LWIP_DNS_ADDRTYPE_IPV4) : LWIP_DNS_ADDRTYPE_DEFAULT;

    return dns_gethostbyname_addrtype(host, &m->address, found, m, type);
}
#else
static err_t ask(struct mote_lwip *m, const char *host)
{
    (void)m, (void)host;
    return ERR_ARG;
}
#endif

static void look_up(struct mote_lwip *m)
{
    const char *host = m->outbox->delivery.relay->host;
    err_t err = ERR_ARG;

    if (host != NULL && ipaddr_aton(host, &m->address)) {
        m->family = 1; /* there is no other */
        err = ERR_OK;
    } else if (host != NULL && *host != 0) {
        err = ask(m, host);
    }
    m->short_of = err == ERR_MEM ? MOTE_CAUSE_NO_MEMORY : err == ERR_VAL ? MOTE_CAUSE_NO_NETWORK : 0;
    if (err == ERR_OK) {
        m->phase = MOTE_LWIP_DIAL;
    } else if (err == ERR_INPROGRESS) {
        m->phase = MOTE_LWIP_ASKED;
    } else if (err == ERR_ARG) {
        next_address(m, MOTE_CAUSE_LOOKUP);
    }
}

/* ---- Connection -------------------------------------------------------------------------------------------------- */

/* What EHLO says where the device has no name (RFC 5321 4.1.3). */
static void set_literal(struct mote_lwip *m, const ip_addr_t *address)
{
    struct mote_session_setup *setup = m->outbox->delivery.setup;
    size_t at = IP_IS_V6(address) ? 6 : 1;

    if (setup->helo != NULL && setup->helo != m->literal) {
        return;
    }
    memcpy(m->literal, "[IPv6:", 6);
    ipaddr_ntoa_r(address, m->literal + at, IPADDR_STRLEN_MAX);
    at = strlen(m->literal);
    m->literal[at] = ']';
    m->literal[at + 1] = 0;
    setup->helo = m->literal;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct mote_lwip *m = arg;

    (void)err;
    set_literal(m, &pcb->local_ip);
    mote_delivery_connected(&m->outbox->delivery);
    m->phase = MOTE_LWIP_TALK;
    mote_lwip_pump(m);
    return ERR_OK;
}

/* The connection is gone, and its memory with it. What was heard before still counts. */
static void gone(void *arg, err_t err)
{
    struct mote_lwip *m = arg;

    (void)err;
    m->pcb = NULL;
    m->peer_closed = true;
    if (m->phase == MOTE_LWIP_TALK) {
        mote_lwip_pump(m);
    } else if (!m->kept) {
        next_address(m, MOTE_CAUSE_CONNECT);
    }
}

static void call(struct mote_lwip *m)
{
    err_t err;

    m->pcb = tcp_new_ip_type(IP_GET_TYPE(&m->address));
    m->short_of = MOTE_CAUSE_NO_MEMORY;
    if (m->pcb == NULL) {
        return;
    }
    m->peer_closed = false;
    m->recved = 0;
    tcp_arg(m->pcb, m);
    tcp_err(m->pcb, gone);
    tcp_recv(m->pcb, mote_lwip_recv);
    tcp_sent(m->pcb, mote_lwip_sent);
    tcp_poll(m->pcb, mote_lwip_tick, 1);
    tcp_nagle_disable(m->pcb); /* a flight is handed over whole */
    err = tcp_connect(m->pcb, &m->address, mote_relay_port(m->outbox->delivery.relay), connected);
    if (err == ERR_OK) {
        m->phase = MOTE_LWIP_CALLED;
        m->short_of = 0;
    } else {
        m->short_of = err == ERR_RTE ? MOTE_CAUSE_NO_NETWORK : MOTE_CAUSE_NO_MEMORY;
        mote_lwip_drop(m);
    }
}

/* ---- One step ---------------------------------------------------------------------------------------------------- */

/* Milliseconds that are left of a limit in seconds. */
static uint32_t left_ms(uint32_t since_ms, uint32_t limit_s)
{
    uint32_t spent = sys_now() - since_ms;

    return spent < limit_s * 1000u ? limit_s * 1000u - spent : 0;
}

/* The time for this address is over. */
static void time_out(struct mote_lwip *m)
{
    uint8_t cause = m->phase >= MOTE_LWIP_DIAL ? MOTE_CAUSE_CONNECT : MOTE_CAUSE_LOOKUP;

    mote_lwip_drop(m);
    next_address(m, m->short_of != 0 ? m->short_of : cause);
}

void mote_lwip_connect(struct mote_lwip *m)
{
    uint32_t left = left_ms(m->since_ms, MOTE_CONNECT_S); /* for this address */
    uint32_t attempt_left = left_ms(m->outbox->delivery.setup->start_ms, MOTE_ATTEMPT_S);

    if (attempt_left == 0) { /* no failure of a relay that perhaps was never dialled */
        mote_lwip_drop(m);
        m->cause = MOTE_CAUSE_DEADLINE;
        give_up(m);
        return;
    }
    if (left == 0) {
        time_out(m);
        return;
    }
    if (m->phase == MOTE_LWIP_LOOKUP) {
        look_up(m);
    }
    if (m->phase == MOTE_LWIP_DIAL) {
        call(m);
    }
    if (m->phase == MOTE_LWIP_ASKED || m->phase == MOTE_LWIP_CALLED) {
        mote_lwip_arm(m, LWIP_MIN(left, attempt_left));
    } else if (!m->timer_set) {
        mote_lwip_arm(m, MOTE_LWIP_RETRY_MS);
    }
}

/* Wrong arguments are found before the network is touched: then the session is done before it begins. */
static bool arguments_good(struct mote_lwip *m)
{
    struct mote_delivery *delivery = &m->outbox->delivery;

    mote_session_init(delivery->session, delivery->relay, delivery->mail, delivery->setup);
    return (mote_session_poll(delivery->session, sys_now()) & MOTE_DONE) == 0;
}

void mote_lwip_dial(struct mote_lwip *m)
{
    struct mote_session_setup *setup = m->outbox->delivery.setup;
    ip_addr_t nowhere;

    ip_addr_set_loopback(!LWIP_IPV4, &nowhere);
    set_literal(m, &nowhere);
    setup->entropy = m->entropy(m->ctx, m->random, sizeof m->random) ? m->random : NULL;
    setup->unix_s = m->unix_s != NULL ? m->unix_s(m->ctx) : 0;
    m->since_ms = sys_now();
    if (!m->attempt_begun) {
        m->attempt_begun = true;
        setup->start_ms = m->since_ms;
    }
    m->wipe_due = m->peer_closed = true;
    if (!arguments_good(m)) {
        mote_delivery_connected(&m->outbox->delivery);
        m->phase = MOTE_LWIP_TALK;
        mote_lwip_pump(m);
        return;
    }
    m->cause = MOTE_CAUSE_LOOKUP;
    m->short_of = 0;
    m->family = 0;
    m->phase = MOTE_LWIP_LOOKUP;
    mote_lwip_connect(m);
}
