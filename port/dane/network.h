/* SPDX-License-Identifier: MIT
 *
 * The way to the name servers.
 */
#ifndef MOTE_PORT_DANE_NETWORK_H
#define MOTE_PORT_DANE_NETWORK_H

#include <stdbool.h>

/* None of those that are asked can be reached from this host: it has no address, or no route. */
bool mote_dane_cut_off(void);

#endif
