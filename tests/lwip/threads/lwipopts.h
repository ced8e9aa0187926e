/* SPDX-License-Identifier: MIT
 *
 * lwIP in a thread of its own, on its port for Unix: pools and a heap that count, the loopback interface, no timer but
 * what is needed, and a check that whoever calls holds the core lock.
 */
#ifndef MOTE_LWIPOPTS_H
#define MOTE_LWIPOPTS_H

void sys_check_core_locking(void);
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()

/* An assertion of lwIP's does not hold: the end, unless the test waits for it. */
void test_assert(const char *what);
#define LWIP_PLATFORM_ASSERT(what) test_assert(what)

#define NO_SYS                             0
#define LWIP_TCPIP_CORE_LOCKING            1
#define SYS_LIGHTWEIGHT_PROT               1
#define LWIP_SOCKET                        0
#define LWIP_NETCONN                       0
#define LWIP_ARP                           0
#define LWIP_DHCP                          0
#define LWIP_DNS                           0
#define LWIP_RAW                           0
#define IP_REASSEMBLY                      0
#define LWIP_HAVE_LOOPIF                   1
#define LWIP_NETIF_LOOPBACK                1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 1
#define TCPIP_MBOX_SIZE                    64
#define MEM_ALIGNMENT                      8
#define MEM_SIZE                           65536
#define MEMP_NUM_TCP_SEG                   64
#define MEMP_NUM_SYS_TIMEOUT               (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1)
#define TCP_MSS                            536
#define TCP_WND                            (4 * TCP_MSS)
#define TCP_SND_BUF                        (4 * TCP_MSS)
#define TCP_SND_QUEUELEN                   16
#define TCP_MSL                            100UL
#define TCP_TMR_INTERVAL                   25 /* what is half a second elsewhere lasts 50 ms */
#define LWIP_STATS                         1
#define MEM_STATS                          1
#define MEMP_STATS                         1

#endif
