/* SPDX-License-Identifier: MIT
 *
 * A modem that dials when it is told to, for wire.c. It must never dial by itself: octets of another connection would
 * be taken for the answers to this one's commands.
 */
#ifndef MOTE_MODEM_H
#define MOTE_MODEM_H

#include "board.h"

/* A connection to host:port, in so many milliseconds. modem_hang_up() comes first; false where that does not succeed. */
bool modem_dial(const char *host, uint16_t port, uint32_t limit_ms);

/* An octet from the relay, or one of the words NO CARRIER, after which the modem is not up; false = none. */
bool modem_get(uint8_t *octet);

/* Is there a connection? */
bool modem_up(void);

/* Hangs up where the line may be open, whoever said NO CARRIER, and a relay that did not close after QUIT. Takes 4 s, and
 * 9 s at most. */
void modem_hang_up(void);

#endif
