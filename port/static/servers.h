/* SPDX-License-Identifier: MIT
 *
 * The name servers of /etc/resolv.conf.
 */
#ifndef MAILMOTE_STATIC_SERVERS_H
#define MAILMOTE_STATIC_SERVERS_H

#include "found.h"

enum { SERVERS_MAX = 3 };

struct servers {
    union address list[SERVERS_MAX];
    unsigned count, dots, attempts; /* a name with fewer dots is looked for in the domains of search first */
    unsigned timeout_s;             /* of all attempts */
    char search[LINE];
};

void servers_read(struct servers *servers);

/* Asks all of them at the same time, and adds a name's addresses. 0, or an error of getaddrinfo(). */
int servers_ask(const struct servers *servers, const char *name, struct found *found);

#endif
