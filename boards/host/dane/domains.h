/* SPDX-License-Identifier: MIT
 *
 * Recipients by their domains.
 */
#ifndef MAILMOTE_HOST_DOMAINS_H
#define MAILMOTE_HOST_DOMAINS_H

#include "mail.h"

const char *domain_of_address(const char *address);
bool domains_same(const struct mote_rcpt *one, const struct mote_rcpt *other);

/* The first recipient that waits, or NULL. */
struct mote_rcpt *domains_waiting(const struct host_mail *mail);

#endif
