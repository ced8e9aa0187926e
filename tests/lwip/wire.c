/* SPDX-License-Identifier: MIT
 *
 * The far side is an interface that takes packets and is never asked for a way: its link is down. All that is sent, by
 * either side, goes through the device's interface.
 */
#include "wire.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/prot/tcp.h>
#include <lwip/sys.h>
#include <string.h>

enum { QUEUE = 64, RELAY_PORT = 25, MTU = 1500, HOLD_MS = 1000 };

const char far_ipv4[] = "198.51.100.25", far_ipv6[] = "2001:db8:1::25";

static const char *const near_ipv4[] = {"192.0.2.7", "192.0.2.8"}, *const near_ipv6[] = {"2001:db8::7", "2001:db8::8"};
static size_t near_at;

struct wire wire;

static struct netif near, far;
static struct {
    struct pbuf *p;
    long after;
    uint32_t since;
} queue[QUEUE];
static size_t queued;
static uint32_t dead_since, down_since, down_for;
static bool down;

/* ---- What is seen of a packet ------------------------------------------------------------------------------------ */

/* Its TCP header, and the octets behind it; NULL when it has none. */
static struct tcp_hdr *tcp_of(struct pbuf *p, size_t *len)
{
    uint8_t *octets = p->payload;
    bool v6 = octets[0] >> 4 == 6;
    size_t at = v6 ? 40 : (size_t)(octets[0] & 15) * 4;
    struct tcp_hdr *tcp = (struct tcp_hdr *)(void *)(octets + at);

    if (octets[v6 ? 6 : 9] != IP_PROTO_TCP) {
        return NULL;
    }
    *len = p->tot_len - at - TCPH_HDRLEN_BYTES(tcp);
    return tcp;
}

static void note(struct pbuf *p)
{
    size_t len = 0;
    const struct tcp_hdr *tcp = tcp_of(p, &len);

    if (tcp == NULL || len == 0) {
        return;
    }
    if (tcp->src == PP_HTONS(RELAY_PORT)) {
        wire.flight_octets = 0;
        return;
    }
    wire.segments++;
    wire.flights += wire.flight_octets == 0;
    wire.least -= (wire.flight_octets + TCP_MSS - 1) / TCP_MSS;
    wire.flight_octets += (long)len;
    wire.least += (wire.flight_octets + TCP_MSS - 1) / TCP_MSS;
}

static void narrow(struct pbuf *p)
{
    size_t len;
    struct tcp_hdr *tcp = tcp_of(p, &len);

    if (tcp != NULL && tcp->src == PP_HTONS(RELAY_PORT) && wire.window != 0 && lwip_ntohs(tcp->wnd) > wire.window) {
        tcp->wnd = lwip_htons(wire.window);
    }
}

/* ---- What becomes of it ------------------------------------------------------------------------------------------ */

static unsigned draw(unsigned below)
{
    wire.chaos = wire.chaos * 1103515245u + 12345u;
    return (wire.chaos >> 16) % below;
}

static bool lost(void)
{
    if (wire.sent == wire.dead_from) {
        dead_since = sys_now();
    }
    return (wire.lose_each != 0 && wire.sent % wire.lose_each == 0) || (wire.chaos != 0 && draw(8) == 0) ||
           (wire.dead_from != 0 && wire.sent >= wire.dead_from && sys_now() - dead_since < wire.dead_ms);
}

static err_t carry(struct pbuf *p, long hold_for)
{
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);

    if (copy == NULL) {
        return ERR_MEM;
    }
    queue[queued].p = copy;
    queue[queued].since = sys_now();
    queue[queued++].after = wire.arrived + hold_for;
    return ERR_OK;
}

static err_t take(struct pbuf *p)
{
    long hold_for = 0;
    err_t err;

    wire.sent++;
    note(p);
    if (queued + 2 > QUEUE || lost()) {
        return ERR_OK;
    }
    if (wire.sent == wire.hold) {
        hold_for = wire.hold_for;
    } else if (wire.chaos != 0 && draw(4) == 0) {
        hold_for = 1 + (long)draw(4);
    }
    err = carry(p, hold_for);
    if (err == ERR_OK && (wire.sent == wire.twice || (wire.chaos != 0 && draw(8) == 0))) {
        err = carry(p, 0);
    }
    return err;
}

static void arrive(size_t i)
{
    struct pbuf *p = queue[i].p;

    queued--;
    memmove(&queue[i], &queue[i + 1], (queued - i) * sizeof queue[0]);
    wire.arrived++;
    narrow(p);
    if (near.input(p, &near) != ERR_OK) {
        pbuf_free(p);
    }
    if (wire.event != NULL && wire.arrived == wire.event_after) {
        wire.event();
    }
}

/* ---- The interfaces ---------------------------------------------------------------------------------------------- */

static err_t output_ipv4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif, (void)to;
    return take(p);
}

#if LWIP_IPV6
static err_t output_ipv6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)netif, (void)to;
    return take(p);
}
#endif

static err_t set_up(struct netif *netif)
{
    netif->mtu = MTU;
    netif->output = output_ipv4;
#if LWIP_IPV6
    netif->output_ip6 = output_ipv6;
#endif
    return ERR_OK;
}

static void address(struct netif *netif, const char *ipv4, const char *ipv6)
{
    ip4_addr_t address, mask;

    ip4addr_aton(ipv4, &address);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    netif_set_addr(netif, &address, &mask, NULL);
#if LWIP_IPV6
    ip6_addr_t address6;

    ip6addr_aton(ipv6, &address6);
    netif_ip6_addr_set(netif, 1, &address6);
    netif_ip6_addr_set_state(netif, 1, IP6_ADDR_PREFERRED);
#else
    (void)ipv6;
#endif
}

static void empty(void)
{
    while (queued != 0) {
        pbuf_free(queue[--queued].p);
    }
}

void wire_start(void)
{
    netif_add_noaddr(&far, NULL, set_up, ip_input);
    netif_add_noaddr(&near, NULL, set_up, ip_input);
    address(&far, far_ipv4, far_ipv6);
    address(&near, near_ipv4[0], near_ipv6[0]);
    netif_set_up(&far);
    netif_set_default(&near);
    wire_reset();
}

void wire_reset(void)
{
    memset(&wire, 0, sizeof wire);
    empty();
    netif_set_up(&near);
    netif_set_link_up(&near);
    down = false;
}

bool wire_step(void)
{
    if (down && sys_now() - down_since >= down_for) {
        netif_set_up(&near);
        netif_set_link_up(&near);
        down = false;
    }
    for (size_t i = 0; i < queued; i++) {
        if (queue[i].after <= wire.arrived || sys_now() - queue[i].since >= HOLD_MS) {
            arrive(i);
            return true;
        }
    }
    return false;
}

void wire_cut(enum wire_cut how, uint32_t down_ms)
{
    down = how != WIRE_ADDRESS;
    down_since = sys_now();
    down_for = down_ms;
    empty();
    if (how == WIRE_LINK) {
        netif_set_link_down(&near);
    } else if (how == WIRE_DOWN) {
        netif_set_down(&near);
    } else {
        near_at ^= 1;
        address(&near, near_ipv4[near_at], near_ipv6[near_at]);
    }
}
