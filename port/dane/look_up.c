/* SPDX-License-Identifier: MIT
 *
 * What is connected to: addresses of a domain's host are those that were found with it, and looked at.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "dane.h"

static const struct mote_dane_domain *dialled;

void mote_dane_dial(const struct mote_dane_domain *found)
{
    dialled = found;
}

/* A relay is no such host, though it may be of that name: hosts are told by their names' places, as relays are copied. */
const struct addrinfo *mote_dane_addresses(const char *host)
{
    for (unsigned i = 0; dialled != NULL && i < dialled->count; i++) {
        if (dialled->hosts[i].name == host) {
            return dialled->hosts[i].addresses;
        }
    }
    return NULL;
}
