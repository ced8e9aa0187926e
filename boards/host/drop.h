/* SPDX-License-Identifier: MIT
 *
 * The drop directory of a spool, where users put mails who may not write the spool: any of them can add a file, none can
 * list, read or remove another's. Its files are foreign: nothing in them is believed before it is checked.
 */
#ifndef MAILMOTE_HOST_DROP_H
#define MAILMOTE_HOST_DROP_H

#include "spool.h"

#include <time.h>

#define DROP_NAME "drop" /* in the spool */

/* Does the spool of that name exist, and is it another user's, and not ours to write? */
bool drop_needed(const char *dir);

/* Its drop directory, for one mail to be stored there: spool_store(), then drop_sync(). */
int drop_open(struct spool *drop, const char *dir);
void drop_sync(const struct host_mail *mail);

/* Makes mails of the spool of what was dropped, each exactly once, and sets aside what is wrong (EX_DATAERR). Whoever calls
 * it has claimed the spool. verified_only: as the mails' record has it. *more: some became a mail, and there is more than is taken of
 * a user at a time. */
int drop_take(const struct spool *spool, bool verified_only, bool *more);

/* One file of it that is wrong goes, and is told of. False: it was gone. */
bool drop_set_aside(const struct spool *spool, int drop, const char *name, const struct stat *about, const char *why);

/* Has it changed since *when, which is set to the time of its last change? */
bool drop_changed(const struct spool *spool, struct timespec *when);

#endif
