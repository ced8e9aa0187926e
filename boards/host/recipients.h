/* SPDX-License-Identifier: MIT
 *
 * Whom a mail is for: each address once.
 */
#ifndef MAILMOTE_HOST_RECIPIENTS_H
#define MAILMOTE_HOST_RECIPIENTS_H

#include "mailmote.h"

/* Takes those out that are there before: the same local part, and the same domain in any case. *count, at most UINT16_MAX, are
 * left, in their order. EX_OSERR: no memory. */
int recipients_once(struct mote_rcpt *rcpts, unsigned *count);

#endif
