/* SPDX-License-Identifier: MIT
 *
 * The board's UART, with the modem at its other end.
 */
#ifndef MOTE_UART_H
#define MOTE_UART_H

#include "board.h"

/* An octet that came; false = none. */
bool uart_get(uint8_t *octet);

/* Waits until the octet is on its way. */
void uart_put(uint8_t octet);

#endif
