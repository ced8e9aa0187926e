/* SPDX-License-Identifier: MIT
 *
 * Who runs this, and where.
 */
#ifndef MAILMOTE_HOST_SELF_H
#define MAILMOTE_HOST_SELF_H

#include "address_list.h"

/* This host's name has a dot: no resolver is needed to know it in full. */
bool self_in_full(void);

/* localhost, or this host by its own name, alone or with this domain: who is there is a local name. */
bool self_is(const char *host, const char *domain);

/* Of an address that is there the domain is taken off, so that it is completed as a name is; domain completes it, "" = none does. */
void self_name(struct address *address, const char *domain);

/* The user's name, or NULL. */
const char *self_user(void);

#endif
