/* SPDX-License-Identifier: MIT
 *
 * What is connected to: addresses of a domain's host are those that were found with it, and looked at.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "dane.h"

static const struct mote_dane_domain *known;

void mote_dane_know(const struct mote_dane_domain *found)
{
    known = found;
}

/* A relay is no such host, though it may be of that name: hosts are told by their names' places, as relays are copied. */
const struct addrinfo *mote_dane_addresses(const char *host)
{
    for (unsigned i = 0; known != NULL && i < known->count; i++) {
        if (known->hosts[i].name == host) {
            return known->hosts[i].addresses;
        }
    }
    return NULL;
}
