/* SPDX-License-Identifier: MIT
 *
 * Time that no one sets, and random numbers.
 */
#ifndef MAILMOTE_HOST_CLOCK_H
#define MAILMOTE_HOST_CLOCK_H

#include "mailmote_posix.h" /* MOTE_BUILT_S */

/* A moment: this boot of the system, and milliseconds since then, those asleep included. */
struct uptime {
    uint8_t boot[16]; /* zeros = unknown */
    uint64_t ms;
};

struct uptime uptime_now(void);

/* Is it known of which boot it is? */
bool uptime_known(const struct uptime *moment);

/* Milliseconds that have passed since then, at least. *strict: on one clock that nobody can set, which POLICY P5 asks for
 * and waiting does not. After a reboot it is what this boot has seen; where a boot is unknown, the difference if there is
 * one. */
uint64_t uptime_passed_ms(const struct uptime *then, const struct uptime *now, bool *strict);

/* Seconds since 1970 for a Date; 0 when the clock cannot be right: before that, or beyond 32 bits. */
uint32_t clock_unix_s(void);

uint32_t random_32(void);

#endif
