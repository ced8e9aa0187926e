/* SPDX-License-Identifier: MIT
 *
 * The date from the network, for boards without a clock: with BOARD_FLAGS=-DBOARD_SNTP.
 */
#ifndef MOTE_SNTP_H
#define MOTE_SNTP_H

#include <stdint.h>

/* The server is that of the setting ntp=ADDRESS or ntp=ADDRESS:PORT; without it the firmware ends. was_set is called when the date has
 * become known. Behind lwip_init(). */
void sntp_set_up(void (*was_set)(void));

/* The network is there: asks again and again until there is an answer, then each hour. */
void sntp_begin(void);

/* Seconds since 1970; 0 = unknown. To be asked at least every 49 days. */
uint64_t sntp_unix_s(void);

#endif
