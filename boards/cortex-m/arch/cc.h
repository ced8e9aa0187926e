/* SPDX-License-Identifier: MIT
 *
 * lwIP's view of compiler and platform.
 */
#ifndef MOTE_ARCH_CC_H
#define MOTE_ARCH_CC_H

#include <stdlib.h>

#define LWIP_NOASSERT           1
#define LWIP_NO_CTYPE_H         1
#define LWIP_PLATFORM_DIAG(x)   ((void)0)
#define LWIP_PLATFORM_ASSERT(x) ((void)0)
#define LWIP_NO_INTTYPES_H      1
#define LWIP_NO_UNISTD_H        1

unsigned board_random(void);
unsigned short board_checksum(const void *data, int len);

#endif
