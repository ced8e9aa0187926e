/* SPDX-License-Identifier: MIT
 *
 * lwIP on the machine that tests: no threads, a clock the test moves, everything allocated one by one so that each
 * allocation can be made to fail and each leak is found.
 */
#ifndef MOTE_LWIPOPTS_H
#define MOTE_LWIPOPTS_H

#include <stddef.h>

void *test_alloc(size_t size);
void *test_alloc_zeros(size_t count, size_t size);
void test_free(void *at);

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_DHCP            0
#define LWIP_RAW             0
#define LWIP_ARP             0
#define LWIP_DNS             1
#define DNS_MAX_TTL          30 /* as on the boards */
#define LWIP_STATS           0
#define LWIP_NETIF_LOOPBACK  0
#define MEM_CUSTOM_ALLOCATOR 1
#define MEMP_MEM_MALLOC      1
#define MEM_CUSTOM_MALLOC    test_alloc
#define MEM_CUSTOM_CALLOC    test_alloc_zeros
#define MEM_CUSTOM_FREE      test_free
#define IPV6_FRAG_COPYHEADER 1
#define MEM_ALIGNMENT        8
#define TCP_MSS              536
#define TCP_WND              (4 * TCP_MSS)
#define TCP_SND_BUF          (4 * TCP_MSS)
#define TCP_SND_QUEUELEN     16
#define TCP_MSL              1000UL
#define TCP_SYNMAXRTX        12 /* longer than the port waits */
#define CHECKSUM_CHECK_TCP   0  /* the wire changes windows */

/* Nothing moves on the wire but what is tested; addresses are there at once. */
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_AUTOCONFIG          0

#endif
