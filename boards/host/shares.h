/* SPDX-License-Identifier: MIT
 *
 * A mail to more recipients than a record has room for becomes several mails of the spool: shares, with one text.
 */
#ifndef MAILMOTE_HOST_SHARES_H
#define MAILMOTE_HOST_SHARES_H

#include "sending.h"

/* The same mail with an id and recipients of its own, to be stored. False after a complaint. */
bool share_copy(const struct host_mail *first, struct host_mail *copy, const struct mote_rcpt *rcpts, unsigned count);

/* Stores all shares, or none where one cannot be stored; the first is the mail itself. An exit status, after a complaint. */
int shares_store(struct sending *sending);

/* The next share. False: there is none. */
bool shares_next(struct sending *sending, char name[SPOOL_NAME]);

/* It, or any other mail of the spool, takes the mail's place, locked and ready to be tried. As spool_take() and spool_read(). */
int shares_take(struct sending *sending, const char *name);

#endif
