/* SPDX-License-Identifier: MIT
 *
 * lwIP for a device that has one connection at a time. What is not named is lwIP's default.
 */
#ifndef MOTE_LWIPOPTS_H
#define MOTE_LWIPOPTS_H

/* One loop, no threads; interrupts never call lwIP. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0

#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_ACD                 0
#define LWIP_RAW                 0
#define LWIP_STATS               0
#define IP_REASSEMBLY            0
#define IP_FRAG                  0
#define ARP_QUEUEING             0
#define ARP_TABLE_SIZE           4
#define DNS_TABLE_SIZE           1
#define DNS_MAX_NAME_LENGTH      128
#define DNS_MAX_TTL              30 /* seconds: lwIP keeps one address of a name, and each attempt is to ask anew */

/* Frames of 1,514 octets come whatever we announce: three pbufs hold one. The window is smaller than the pool. */
#define ETH_PAD_SIZE            2
#define PBUF_POOL_BUFSIZE       592
#define TCP_WND                 (2 * TCP_MSS)
#define TCP_QUEUE_OOSEQ         0
#define TCP_OVERSIZE            0 /* the port hands over whole records: there is nothing to add to a segment */
#define TCP_SND_BUF             (2 * TCP_MSS)
#define MEMP_NUM_TCP_PCB        2
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB        2
#define MEMP_NUM_PBUF           4
#define MEMP_NUM_SYS_TIMEOUT    (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1) /* one is mailmote's */
#define MEM_ALIGNMENT           4

#if !defined BOARD_LEAN && !defined BOARD_CLEAR
#define LWIP_DHCP        1
#define LWIP_DNS         1
#define TCP_MSS          1460
#define PBUF_POOL_SIZE   6
#define MEM_SIZE         3200
#define TCP_SND_QUEUELEN 8
#else /* a fixed address (ip=, gateway=), relays by address, little memory */
#define LWIP_DHCP        0
#define LWIP_DNS         0
#define LWIP_UDP         0
#define LWIP_ICMP        0 /* it does not answer a ping */
#define TCP_MSS          536
#define PBUF_POOL_SIZE   3
#define MEM_SIZE         1100
#define TCP_SND_QUEUELEN 6
#endif

#ifdef BOARD_SNTP /* boards/cortex-m/sntp.c; one socket and two timers more */
#undef MEMP_NUM_UDP_PCB
#undef MEMP_NUM_SYS_TIMEOUT
#define MEMP_NUM_UDP_PCB     3
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 3)
#define SNTP_MAX_SERVERS     1
#define SNTP_PORT            board_sntp_port()
/* An answer counts only from the server asked, and with what it was asked with: random octets, not a time. */
#define SNTP_CHECK_RESPONSE                 2
#define SNTP_GET_SYSTEM_TIME_NTP(sec, frac) ((sec) = (s32_t)board_random(), (frac) = board_random())
#define SNTP_SET_SYSTEM_TIME(sec)           board_sntp_set(sec)
#define SNTP_STARTUP_DELAY                  0
#define SNTP_RECV_TIMEOUT                   5000
#define SNTP_RETRY_TIMEOUT                  5000
unsigned short board_sntp_port(void);
void board_sntp_set(unsigned unix_s);
#endif
#define MEMP_NUM_TCP_SEG TCP_SND_QUEUELEN

#define LWIP_CHKSUM board_checksum

/* Sequence numbers, ports and query ids that cannot be guessed. */
#define LWIP_RAND()                   board_random()
#define LWIP_HOOK_TCP_ISN(a, b, c, d) board_random()

#endif
