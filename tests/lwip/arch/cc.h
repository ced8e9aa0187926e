/* SPDX-License-Identifier: MIT */
#ifndef MOTE_ARCH_CC_H
#define MOTE_ARCH_CC_H

#include <stdio.h>
#include <stdlib.h>

#define LWIP_PLATFORM_ASSERT(x) (fprintf(stderr, "lwIP: %s\n", x), abort())
#define LWIP_RAND()             ((unsigned)rand())

#endif
