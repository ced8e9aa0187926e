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

/* This address is none, or leads nowhere: IPv4 after IPv6, then no more. */
static void next_address(struct mote_lwip *m, uint8_t cause)
{
    m->cause = cause > m->cause ? cause : m->cause;
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
    m->closed = true;
    if (m->phase == MOTE_LWIP_TALK) {
        mote_lwip_pump(m);
    } else {
        next_address(m, MOTE_CAUSE_CONNECT);
    }
}

static void call(struct mote_lwip *m)
{
    m->pcb = tcp_new_ip_type(IP_GET_TYPE(&m->address));
    if (m->pcb == NULL) {
        return;
    }
    m->closed = false;
    m->recved = 0;
    tcp_arg(m->pcb, m);
    tcp_err(m->pcb, gone);
    tcp_recv(m->pcb, mote_lwip_recv);
    tcp_sent(m->pcb, mote_lwip_sent);
    tcp_poll(m->pcb, mote_lwip_tick, 1);
    tcp_nagle_disable(m->pcb); /* a flight is handed over whole */
    if (tcp_connect(m->pcb, &m->address, mote_relay_port(m->outbox->delivery.relay), connected) == ERR_OK) {
        m->phase = MOTE_LWIP_CALLED;
    } else {
        mote_lwip_drop(m);
    }
}

/* ---- One step ---------------------------------------------------------------------------------------------------- */

/* Milliseconds left for this address; 0 when the time is over. */
static uint32_t time_left(const struct mote_lwip *m)
{
    uint32_t now = sys_now(), spent = now - m->since_ms;
    uint32_t attempt = now - m->outbox->delivery.setup->start_ms;

    if (spent >= MOTE_CONNECT_S * 1000u || attempt >= MOTE_ATTEMPT_S * 1000u) {
        return 0;
    }
    return MOTE_CONNECT_S * 1000u - spent;
}

void mote_lwip_connect(struct mote_lwip *m)
{
    uint32_t left = time_left(m);

    if (left == 0) {
        mote_lwip_drop(m);
        next_address(m, m->phase >= MOTE_LWIP_DIAL ? MOTE_CAUSE_CONNECT : MOTE_CAUSE_LOOKUP);
        return;
    }
    if (m->phase == MOTE_LWIP_LOOKUP) {
        look_up(m);
    }
    if (m->phase == MOTE_LWIP_DIAL) {
        call(m);
    }
    if (m->phase == MOTE_LWIP_ASKED || m->phase == MOTE_LWIP_CALLED) {
        mote_lwip_arm(m, left);
    } else if (!m->armed) {
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
    if (!m->begun) {
        m->begun = true;
        setup->start_ms = m->since_ms;
    }
    m->used = m->closed = true;
    if (!arguments_good(m)) {
        mote_delivery_connected(&m->outbox->delivery);
        m->phase = MOTE_LWIP_TALK;
        mote_lwip_pump(m);
        return;
    }
    m->cause = MOTE_CAUSE_LOOKUP;
    m->family = 0;
    m->phase = MOTE_LWIP_LOOKUP;
    mote_lwip_connect(m);
}
