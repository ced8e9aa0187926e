/* SPDX-License-Identifier: MIT
 *
 * How much of a large mail was sent, on one line of a terminal.
 */
#ifndef MAILMOTE_HOST_PROGRESS_H
#define MAILMOTE_HOST_PROGRESS_H

#include "mailmote.h"

#define PROGRESS_MIN ((uint32_t)1 << 20) /* octets of a mail of which nothing is shown */

struct progress {
    struct mote_mail *mail;                                          /* NULL: nothing is shown */
    size_t (*read)(void *ctx, size_t offset, void *buf, size_t cap); /* the mail's own */
    void *ctx;
    int64_t shown_ms;
};

/* From here until it ends the mail is read through *progress, if standard error is a terminal and the mail is large. */
void progress_begin(struct progress *progress, struct mote_mail *mail);

/* The line is empty again. */
void progress_end(struct progress *progress);

#endif
