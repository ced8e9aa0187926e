/* SPDX-License-Identifier: MIT
 *
 * The network of a board with Ethernet: lwIP without an operating system, an address by DHCP, the outbox at work behind
 * it. Everything runs from board_network_step(); the interrupt only says that something came.
 */
#include "ethernet.h"
#include "mailmote_lwip.h"
#include "sntp.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <string.h>

#if LWIP_DNS && (!defined DNS_MAX_TTL || DNS_MAX_TTL >= 60)
#error "DNS_MAX_TTL: each attempt is to ask for the relay's address anew, and may come 60 s after the last one"
#endif

/* The outbox begins without an address after so long: its mails are then deferred and reported. */
#define ADDRESS_MS 30000u

static struct netif netif;
static struct mote_lwip lwip;
static bool working;

/* ---- What lwIP asks of a platform -------------------------------------------------------------------------------- */

u32_t sys_now(void)
{
    return board_now_ms();
}

/* For port numbers and query ids: not to be guessed from outside. */
unsigned board_random(void)
{
    unsigned random = 0;

    board_entropy(NULL, &random, sizeof random);
    return random;
}

/* The Internet checksum before its complement (RFC 1071), a word at a time: carries go back in at the other end. */
unsigned short board_checksum(const void *data, int len)
{
    const uint8_t *octets = data;
    uint32_t sum = 0, word;

    for (; len >= (int)sizeof word; len -= (int)sizeof word) {
        memcpy(&word, octets, sizeof word);
        octets += sizeof word;
        sum += word;
        sum += sum < word;
    }
    word = 0;
    while (len-- > 0) {
        word = word << 8 | octets[len];
    }
    sum += word;
    sum += sum < word;
    sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)(sum + (sum >> 16));
}

static err_t set_up(struct netif *interface)
{
    interface->name[0] = 'e';
    interface->name[1] = 'n';
    interface->mtu = 1500;
    interface->hwaddr_len = ETH_HWADDR_LEN;
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    interface->output = etharp_output;
    interface->linkoutput = ethernet_send;
    ethernet_start(interface);
    return ERR_OK;
}

/* ---- What the firmware asks -------------------------------------------------------------------------------------- */

static uint64_t unix_s(void *ctx)
{
    (void)ctx;
#ifdef BOARD_SNTP
    if (sntp_unix_s() != 0) {
        return sntp_unix_s();
    }
#endif
    return board_unix_s();
}

#ifdef BOARD_SNTP
/* Mails that were deferred because the date was unknown are due now. */
static void clock_set(void)
{
    board_log("the clock is set\n");
    mote_outbox_hurry(lwip.outbox);
    mote_lwip_wake(&lwip);
}
#endif

#if LWIP_DHCP
static void add_netif(void)
{
    netif_add_noaddr(&netif, NULL, set_up, ethernet_input);
    netif_set_up(&netif);
    dhcp_start(&netif);
}
#else
/* ip=ADDRESS gateway=ADDRESS, in a network of 256. */
static void add_netif(void)
{
    const char *ip = board_setting("ip"), *gateway = board_setting("gateway");
    ip4_addr_t address, mask, router;

    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&router);
    if (ip == NULL || !ip4addr_aton(ip, &address) || (gateway != NULL && !ip4addr_aton(gateway, &router))) {
        board_log("ip= is missing, or wrong\n");
        board_exit(BOARD_BAD_CONFIG);
    }
    netif_add(&netif, &address, &mask, &router, NULL, set_up, ethernet_input);
    netif_set_up(&netif);
}
#endif

void board_network_start(struct mote_outbox *outbox)
{
    lwip.outbox = outbox;
    lwip.entropy = board_entropy;
    lwip.unix_s = unix_s;
    lwip_init();
    add_netif();
    netif_set_default(&netif);
#ifdef BOARD_SNTP
    sntp_set_up(clock_set);
#endif
}

static void receive(void)
{
    struct pbuf *frame;

    while ((frame = ethernet_receive()) != NULL) {
        if (netif.input(frame, &netif) != ERR_OK) {
            pbuf_free(frame);
        }
    }
}

uint8_t board_network_step(void)
{
    uint8_t step;

    if (ethernet_pending) {
        ethernet_listen();
        receive();
    }
    sys_check_timeouts();
    if (!working && (!ip4_addr_isany_val(*netif_ip4_addr(&netif)) || board_now_ms() > ADDRESS_MS)) {
        working = true;
        mote_lwip_start(&lwip);
#ifdef BOARD_SNTP
        sntp_begin();
#endif
    }
    step = working ? mote_lwip_poll(&lwip) : MOTE_IDLE;
    if (step != MOTE_REPORT) {
        cortex_sleep(&ethernet_pending);
    }
    return step;
}

void board_network_reported(void)
{
    mote_lwip_reported(&lwip);
}
