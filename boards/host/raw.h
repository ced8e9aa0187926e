/* SPDX-License-Identifier: MIT
 *
 * A message that comes with its header (--raw).
 */
#ifndef MAILMOTE_HOST_RAW_H
#define MAILMOTE_HOST_RAW_H

#include "file.h"
#include "mailmote_message.h"

/* Makes *input, which holds no NUL, fit to be sent; from, id and unix_s of *known are for the fields it lacks, and may be
 * "" and 0. EX_DATAERR: it has no header. */
int raw_compose(struct buffer *input, const struct mote_message *known);

#endif
