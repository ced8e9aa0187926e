/* SPDX-License-Identifier: MIT
 *
 * What alert.c, the firmware of every board, is helped by: its settings, and its words on the console.
 */
#ifndef MOTE_FIRMWARE_H
#define MOTE_FIRMWARE_H

#include "board.h"

/* settings.c: says what is wrong and ends; a setting that must be there; a number of digits, 0 where it is none; the relay,
 * as relay=, implicit, user=, password= and tls-name= have it, and the CAs that TRUST= named. */
_Noreturn void refuse(int status, const char *what);
const char *need(const char *name);
uint32_t number(const char *digits);
void set_relay(struct mote_relay *relay);

/* words.c: a line of two parts; what came of an attempt, and its verdict; the stack that was used. */
void log_pair(const char *before, const char *after);
uint8_t report(const struct mote_outbox *outbox);
void log_stack(void);

#endif
