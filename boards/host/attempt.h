/* SPDX-License-Identifier: MIT
 *
 * One attempt of one mail.
 */
#ifndef MAILMOTE_HOST_ATTEMPT_H
#define MAILMOTE_HOST_ATTEMPT_H

#include "dialogue.h"
#include "report.h"
#include "throttle.h"

struct attempt {
    const struct args *args;
    const struct relays *relays;
    const struct spool *spool; /* NULL: nothing is kept */
    struct host_mail *mail;
    struct throttle *throttle;                /* likewise */
    struct mote_posix_connection *connection; /* that mails share, or NULL */
    bool more;                                /* another mail follows */
    bool notify;                              /* nobody may be reading what is printed: who failed is told by mail */
    char notice[SPOOL_NAME];                  /* that mail, to be tried next if it is there; "" = none */
    struct mote_posix_attempt posix;
    struct dialogue dialogue;
};

/* Tries the mail, stores what became of it, prints a line per recipient, removes it when it is finished. Returns the
 * exit status the verdicts make. EX_CONFIG: no mail can be sent like that. EX_DATAERR: this one cannot. */
int attempt_run(struct attempt *attempt);

/* It cannot be tried now, of which was told (complain_last()); cause is what the queue says, unless that is MOTE_CAUSE_NONE. If it has
 * waited long enough, it fails for that (POLICY P11), and does the rest as above. */
int attempt_wait(struct attempt *attempt, uint8_t cause);

/* Nobody can be asked, for a reason that was told already: says so for each recipient of a mail that waits in the spool.
 * Returns EX_TEMPFAIL. */
int attempt_put_off(const struct attempt *attempt);

/* ---- tell.c ------------------------------------------------------------------------------------------------------ */

/* A run was ended before it told who has failed, or before a finished mail left the spool. */
bool attempt_was_cut(const struct host_mail *mail);

/* Does the rest of it, without another attempt. Returns the exit status of that run. */
int attempt_tell(struct attempt *attempt);

/* What an earlier run has told of is not reported again. */
void attempt_recall(struct host_mail *mail);

/* What was reported is told by a notice too, if it is to be; then a finished mail leaves. EX_TEMPFAIL: another flush does that. */
int attempt_finish(struct attempt *attempt);

#endif
