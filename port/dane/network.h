/* SPDX-License-Identifier: MIT
 *
 * The way to the name servers.
 */
#ifndef MOTE_PORT_DANE_NETWORK_H
#define MOTE_PORT_DANE_NETWORK_H

#include <stdbool.h>

/* Hands over the name servers of /etc/resolv.conf, as they are written there, until one is used. */
bool mote_dane_servers(bool (*use)(void *ctx, const char *address), void *ctx);

/* None of those that are asked can be reached from this host: it has no address, or no route. */
bool mote_dane_cut_off(void);

#endif
