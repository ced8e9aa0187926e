/* SPDX-License-Identifier: MIT
 *
 * What net.c asks of a board's Ethernet controller. Frames begin with two octets of padding (ETH_PAD_SIZE), so that a
 * FIFO of words lines up.
 */
#ifndef MOTE_ETHERNET_H
#define MOTE_ETHERNET_H

#include "cortex-m.h"

#include <lwip/netif.h>

/* Controller on, address to netif->hwaddr. */
void ethernet_start(struct netif *netif);

/* lwIP's netif.linkoutput. */
err_t ethernet_send(struct netif *netif, struct pbuf *frame);

/* The next frame that came, or NULL. One that finds no memory is lost, as on the wire. */
struct pbuf *ethernet_receive(void);

/* Something may have come: set by the interrupt, which then keeps quiet until ethernet_listen(). */
extern volatile bool ethernet_pending;
void ethernet_listen(void);

/* Waits until all these bits of a register are 0: ETHERNET_STUCK_MS at most, then false. A frame takes 1.3 ms at 10 Mbit/s. */
enum { ETHERNET_STUCK_MS = 10 };
bool ethernet_clear(volatile const uint32_t *reg, uint32_t bits);

/* A frame of so many octets, padding included, from and to a FIFO of words, the first octet the lowest. */
struct pbuf *ethernet_read_fifo(volatile const uint32_t *fifo, uint32_t first, size_t len, size_t words);
void ethernet_write_fifo(volatile uint32_t *fifo, uint32_t first, const struct pbuf *frame);

#endif
