/* SPDX-License-Identifier: MIT
 *
 * The mails of a round of a flush, in the order of POLICY P18: each is listed once, those that come meanwhile too.
 */
#ifndef MAILMOTE_HOST_ROUND_H
#define MAILMOTE_HOST_ROUND_H

#include "spool.h"

#include <time.h>

/* Zeros at first. */
struct round {
    char (*seen)[SPOOL_NAME]; /* by name */
    size_t seen_count;
    time_t listed_s; /* by a clock that nobody sets */
};

/* The mails of the spool that were not listed before; to be freed. NULL after a complaint. */
struct spool_entry *round_list(struct round *round, const struct spool *spool, size_t *count);

/* One that is tried without having been listed. */
void round_note(struct round *round, const char *name);

/* A second or more has passed since. */
bool round_passed(const struct round *round);

/* All of them are new again. */
void round_end(struct round *round);

#endif
