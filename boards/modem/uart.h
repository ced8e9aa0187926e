/* SPDX-License-Identifier: MIT
 *
 * The board's UART, with the modem at its other end.
 */
#ifndef MOTE_UART_H
#define MOTE_UART_H

#include "board.h"

/* An octet that came; false = none. */
bool uart_get(uint8_t *octet);

/* Puts an octet on its way. False: the modem has taken none for so long (its CTS is off, it is unplugged). */
enum { UART_STUCK_MS = 1000 };
bool uart_put(uint8_t octet);

#endif
