/* SPDX-License-Identifier: MIT
 *
 * The name server of the tests (RFC 1035): the question comes back with an answer, or without one.
 */
#include "names.h"

#include <lwip/dns.h>
#include <lwip/udp.h>
#include <string.h>

enum { DNS_PORT = 53, HEAD = 12, TYPE_A = 1 };

static struct udp_pcb *socket;

static void asked(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    static const unsigned char answer[] = {0xc0, HEAD, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1};
    struct names *names = arg;
    unsigned char octets[300];
    size_t len = p->tot_len;
    struct pbuf *reply;
    bool known;

    names->questions++;
    pbuf_copy_partial(p, octets, (u16_t)len, 0);
    pbuf_free(p);
    if (names->silent) {
        return;
    }
    known = !names->ignorant && octets[len - 3] == TYPE_A;
    octets[2] |= 0x80;
    octets[3] = known ? 0 : 3;
    octets[7] = known;
    if (known) {
        memcpy(octets + len, answer, sizeof answer);
        len += sizeof answer;
    }
    reply = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (reply != NULL) {
        pbuf_take(reply, octets, (u16_t)len);
        udp_sendto(pcb, reply, from, port);
        pbuf_free(reply);
    }
}

void names_start(struct names *names)
{
    ip_addr_t here;

    ipaddr_aton("127.0.0.1", &here);
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
