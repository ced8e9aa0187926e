/* SPDX-License-Identifier: MIT
 *
 * The nRF51's UART, for modem.c and wire.c.
 */
#ifndef MOTE_NRF51_H
#define MOTE_NRF51_H

#include "cortex-m.h"

/* An octet that came; false = none. */
bool uart_get(uint8_t *octet);

/* Waits until the octet is on its way. */
void uart_put(uint8_t octet);

#endif
