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
    struct dialogue dialogue;
    struct throttle *throttle; /* likewise */
    struct mote_posix_attempt posix;
};

/* Tries the mail, stores what became of it, prints a line per recipient, removes it when it is finished. Returns the
 * exit status the verdicts make. EX_CONFIG: no mail can be sent like that. EX_DATAERR: this one cannot. */
int attempt_run(struct attempt *attempt);

#endif
