/* SPDX-License-Identifier: MIT
 *
 * One flush at a time works on a spool; what another one does that comes meanwhile.
 */
#ifndef MAILMOTE_HOST_CLAIM_H
#define MAILMOTE_HOST_CLAIM_H

#include "spool.h"

/* The spool, or with now the mark for the flush that has it to try every mail. Returns 0; EWOULDBLOCK: it is in another one's hands;
 * after a complaint EBUSY: it has been for longer than a flush has it; or another errno. */
int claim_for_flush(const struct spool *spool, bool now, bool verbose);

#endif
