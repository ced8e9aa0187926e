/* SPDX-License-Identifier: MIT
 *
 * The MPS2 board with the AN385 image: its clock, and its LAN9118 Ethernet controller with the MAC address its EEPROM
 * gave it.
 */
#include "ethernet.h"

#define LAN(offset) REGISTER(0x40200000u + (offset))
#define RX_DATA     LAN(0x00u)
#define TX_DATA     LAN(0x20u)
#define RX_STATUS   LAN(0x40u)
#define TX_STATUS   LAN(0x48u)
#define IRQ_CFG     LAN(0x54u)
#define INT_STS     LAN(0x58u)
#define INT_EN      LAN(0x5cu)
#define FIFO_INT    LAN(0x68u)
#define RX_CFG      LAN(0x6cu)
#define TX_CFG      LAN(0x70u)
#define HW_CFG      LAN(0x74u)
#define RX_FIFO_INF LAN(0x7cu)
#define TX_FIFO_INF LAN(0x80u)
#define CSR_CMD     LAN(0xa4u)
#define CSR_DATA    LAN(0xa8u)

#define CSR_BUSY 0x80000000u
#define CSR_READ 0x40000000u

enum {
    CLOCK_HZ = 25000000,
    LAN_IRQ = 13,
    FCS = 4,
    HW_CFG_RESET = 1,
    HW_CFG_WHOLE_FRAMES = 1 << 20,
    HW_CFG_TX_5K = 5 << 16,
    IRQ_CFG_ON_HIGH_PUSH_PULL = 0x111,
    INT_RX_STATUS = 8,
    TX_CFG_ON = 2,
    MAC_CR = 1,
    MAC_ADDRH = 2,
    MAC_ADDRL = 3,
    MAC_CR_RX_TX_FULL_DUPLEX = 4 | 8 | 1 << 20,
    TX_A_FIRST_LAST = 3 << 12,
    TX_A_OFFSET = ETH_PAD_SIZE << 16
};

volatile bool ethernet_pending;

void chip_init(void)
{
    cortex_tick_start(CLOCK_HZ);
}

/* ---- The MAC's own registers ------------------------------------------------------------------------------------- */

static uint32_t mac_ask(uint32_t command)
{
    CSR_CMD = CSR_BUSY | command;
    ethernet_clear(&CSR_CMD, CSR_BUSY);
    return CSR_DATA;
}

static void mac_write(uint32_t number, uint32_t value)
{
    CSR_DATA = value;
    mac_ask(number);
}

/* ---- Controller -------------------------------------------------------------------------------------------------- */

void ethernet_start(struct netif *netif)
{
    uint32_t low, high;

    HW_CFG = HW_CFG_RESET;
    ethernet_clear(&HW_CFG, HW_CFG_RESET);
    HW_CFG = HW_CFG_WHOLE_FRAMES | HW_CFG_TX_5K;
    low = mac_ask(CSR_READ | MAC_ADDRL);
    high = mac_ask(CSR_READ | MAC_ADDRH);
    for (unsigned i = 0; i < 4; i++) {
        netif->hwaddr[i] = (uint8_t)(low >> 8 * i);
    }
    netif->hwaddr[4] = (uint8_t)high;
    netif->hwaddr[5] = (uint8_t)(high >> 8);
    RX_CFG = ETH_PAD_SIZE << 8;
    TX_CFG = TX_CFG_ON;
    mac_write(MAC_CR, MAC_CR_RX_TX_FULL_DUPLEX);
    FIFO_INT = 0; /* an interrupt for each frame */
    IRQ_CFG = IRQ_CFG_ON_HIGH_PUSH_PULL;
    INT_EN = INT_RX_STATUS;
    cortex_irq_enable(LAN_IRQ);
}

void chip_interrupt(void)
{
    INT_EN = 0;
    ethernet_pending = true;
}

/* The interrupt is taken back before the FIFO is looked at: a frame that comes in between asks again. */
void ethernet_listen(void)
{
    ethernet_pending = false;
    INT_STS = INT_RX_STATUS;
    INT_EN = INT_RX_STATUS;
}

/* The length in the status includes the FCS. */
struct pbuf *ethernet_receive(void)
{
    size_t len;

    if ((RX_FIFO_INF >> 16 & 0xff) == 0) {
        return NULL;
    }
    len = (RX_STATUS >> 16 & 0x3fff) + ETH_PAD_SIZE;
    return ethernet_read_fifo(&RX_DATA, RX_DATA, len - FCS, (len + 3) / 4);
}

/* ERR_MEM: the FIFO is full; TCP sends it again. */
err_t ethernet_send(struct netif *netif, struct pbuf *frame)
{
    uint32_t len = frame->tot_len - (uint32_t)ETH_PAD_SIZE;

    (void)netif;
    for (uint32_t told = TX_FIFO_INF >> 16 & 0xff; told != 0; told--) {
        (void)TX_STATUS;
    }
    if ((TX_FIFO_INF & 0xffff) < len + 16) {
        return ERR_MEM;
    }
    TX_DATA = TX_A_FIRST_LAST | TX_A_OFFSET | len;
    TX_DATA = len;
    ethernet_write_fifo(&TX_DATA, 0, frame);
    return ERR_OK;
}
