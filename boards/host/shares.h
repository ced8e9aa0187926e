/* SPDX-License-Identifier: MIT
 *
 * A mail to more recipients than a record has room for becomes several mails of the spool: shares, with one text.
 */
#ifndef MAILMOTE_HOST_SHARES_H
#define MAILMOTE_HOST_SHARES_H

#include "sending.h"

/* The same mail with an id and recipients of its own, to be stored. False after a complaint. */
bool share_copy(const struct host_mail *first, struct host_mail *copy, const struct mote_rcpt *rcpts, unsigned count);

/* Stores all shares, or none of them; the first is the mail itself. An exit status, after a complaint. */
int shares_store(struct sending *sending);

/* The next share takes the mail's place, locked and ready to be tried. False: there is none, or another run has it. */
bool shares_next(struct sending *sending);

/* And so does any other mail of the spool. */
bool shares_take(struct sending *sending, const char *name);

#endif
