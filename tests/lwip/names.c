/* SPDX-License-Identifier: MIT
 *
 * The name server of the tests (RFC 1035): the question comes back with an answer, or without one.
 */
#include "names.h"
#include "wire.h"

#include <lwip/dns.h>
#include <lwip/udp.h>
#include <string.h>

enum { DNS_PORT = 53, HEAD = 12, TYPE_A = 1, TYPE_AAAA = 28 };

static struct udp_pcb *socket;

/* Writes the answer of this type; returns its octets, 0 when there is none. */
static size_t answer(struct names *names, uint8_t type, uint8_t *octets)
{
    const uint8_t head[] = {0xc0, HEAD, 0, type, 0, 1, 0, 1, 0x51, 0x80, 0, type == TYPE_A ? 4 : 16}; /* for a day */
    ip_addr_t address;

    if (names->ignorant || (type == TYPE_AAAA && names->ipv6 == NULL) || (type != TYPE_A && type != TYPE_AAAA)) {
        return 0;
    }
    memcpy(octets, head, sizeof head);
    ipaddr_aton(type != TYPE_A ? names->ipv6 : names->wrong_first ? "192.0.2.99" : far_ipv4, &address);
    names->wrong_first &= type != TYPE_A;
    memcpy(octets + sizeof head, &address, octets[11]); /* begins with the octets, in their order */
    return sizeof head + octets[11];
}

static void asked(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    struct names *names = arg;
    uint8_t octets[300];
    size_t len = p->tot_len, more;
    struct pbuf *reply;
    ip_addr_t here;

    names->questions++;
    pbuf_copy_partial(p, octets, (u16_t)len, 0);
    pbuf_free(p);
    if (names->silent) {
        return;
    }
    more = answer(names, octets[len - 3], octets + len);
    len += more;
    octets[2] |= 0x80;
    octets[3] = more != 0 ? 0 : 3;
    octets[7] = more != 0;
    reply = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (reply != NULL) {
        pbuf_take(reply, octets, (u16_t)len);
        ipaddr_aton(far_ipv4, &here);
        udp_sendto_if_src(pcb, reply, from, port, netif_default, &here);
        pbuf_free(reply);
    }
}

void names_start(struct names *names)
{
    ip_addr_t here;

    ipaddr_aton(far_ipv4, &here);
    socket = udp_new();
    udp_bind(socket, IP_ADDR_ANY, DNS_PORT);
    udp_recv(socket, asked, names);
    dns_setserver(0, &here);
}

void names_stop(void)
{
    udp_remove(socket);
    dns_setserver(0, NULL);
}
