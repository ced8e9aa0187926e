/* SPDX-License-Identifier: MIT
 *
 * The LM3S6965: clock, and its Ethernet controller with the MAC address the board was made with. Where QEMU's model and
 * the manual differ it does what is right for both, but for the duplex bit, which QEMU does not need.
 */
#include "ethernet.h"

/* System control. */
#define SYSCTL_RCC   REGISTER(0x400fe060u)
#define SYSCTL_RCGC2 REGISTER(0x400fe108u)

enum {
    RCC_SYSDIV_4 = 3 << 23, /* 200 MHz / 4 */
    RCC_USESYSDIV = 1 << 22,
    RCC_SYSDIV_MASK = 15 << 23,
    RCGC2_EMAC_EPHY = 5 << 28,
    CLOCK_HZ = 50000000
};

/* Ethernet controller. */
#define MAC_RIS  REGISTER(0x40048000u)
#define MAC_IM   REGISTER(0x40048004u)
#define MAC_RCTL REGISTER(0x40048008u)
#define MAC_TCTL REGISTER(0x4004800cu)
#define MAC_DATA REGISTER(0x40048010u)
#define MAC_IA0  REGISTER(0x40048014u)
#define MAC_IA1  REGISTER(0x40048018u)
#define MAC_NP   REGISTER(0x40048034u)
#define MAC_TR   REGISTER(0x40048038u)

enum {
    INT_RX = 1,
    RCTL_RXEN = 1,
    RCTL_RSTFIFO = 16,
    TCTL_TXEN = 1,
    TCTL_PADEN = 2,
    TCTL_CRC = 4,
    TR_NEWTX = 1,
    MAC_IRQ = 42,
    LENGTH_AND_FCS = 6,
    ETHERNET_HEADER = 14
};

volatile bool ethernet_pending;

/* ---- Clock ------------------------------------------------------------------------------------------------------- */

void chip_init(void)
{
    SYSCTL_RCC = (SYSCTL_RCC & ~(uint32_t)RCC_SYSDIV_MASK) | RCC_SYSDIV_4 | RCC_USESYSDIV;
    cortex_tick_start(CLOCK_HZ);
}

/* ---- Ethernet ---------------------------------------------------------------------------------------------------- */

void ethernet_start(struct netif *netif)
{
    uint32_t low, high;

    SYSCTL_RCGC2 |= RCGC2_EMAC_EPHY;
    low = SYSCTL_RCGC2; /* the clock needs a few cycles */
    low = MAC_IA0;
    high = MAC_IA1;
    for (unsigned i = 0; i < 4; i++) {
        netif->hwaddr[i] = (uint8_t)(low >> 8 * i);
    }
    netif->hwaddr[4] = (uint8_t)high;
    netif->hwaddr[5] = (uint8_t)(high >> 8);
    MAC_RCTL = RCTL_RSTFIFO;
    MAC_TCTL = TCTL_CRC | TCTL_PADEN | TCTL_TXEN;
    MAC_RCTL = RCTL_RXEN;
    MAC_IM = INT_RX;
    cortex_irq_enable(MAC_IRQ);
}

void chip_interrupt(void)
{
    MAC_IM = 0;
    ethernet_pending = true;
}

/* The interrupt is taken back before the FIFO is looked at: a frame that comes in between asks again. */
void ethernet_listen(void)
{
    ethernet_pending = false;
    MAC_RIS = INT_RX;
    MAC_IM = INT_RX;
}

/* In front of the frame stand two octets with its length, theirs and the FCS's included. */
struct pbuf *ethernet_receive(void)
{
    uint32_t first;
    size_t len;

    if (MAC_NP == 0) {
        return NULL;
    }
    first = MAC_DATA;
    len = first & 0xffff;
    return ethernet_read_fifo(&MAC_DATA, first, len - LENGTH_AND_FCS + ETH_PAD_SIZE, (len + 3) / 4);
}

/* ERR_MEM: the frame before does not leave; TCP sends this one again. */
err_t ethernet_send(struct netif *netif, struct pbuf *frame)
{
    (void)netif;
    if (!ethernet_clear(&MAC_TR, TR_NEWTX)) {
        return ERR_MEM;
    }
    ethernet_write_fifo(&MAC_DATA, frame->tot_len - (uint32_t)ETH_PAD_SIZE - ETHERNET_HEADER, frame);
    MAC_TR = TR_NEWTX;
    return ERR_OK;
}
