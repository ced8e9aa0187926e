/* SPDX-License-Identifier: MIT
 *
 * The two clocks of the port: one that only counts, and one that people set.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <time.h>

uint32_t mote_posix_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

uint64_t mote_posix_unix_s(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < MOTE_BUILT_S) {
        return 0;
    }
    return (uint64_t)now.tv_sec;
}
