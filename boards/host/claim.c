/* SPDX-License-Identifier: MIT
 *
 * Nobody waits for the lock of a spool. Whoever has it and tries no mail is told of in the end: it may hang, or be no flush.
 */
#define _GNU_SOURCE

#include "claim.h"
#include "complain.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { HELD_MS = 3 * 3600 * 1000 }; /* the longest wait (POLICY P11), and two hours for the mails in front */

/* The flush that has it may just have looked for the mark the last time: then the spool is free now, or will be looked at once
 * more. */
static int leave_mark(const struct spool *spool)
{
    int mark = openat(spool->fd, SPOOL_NOW, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (mark < 0) {
        complain("another flush is at work on %s, and cannot be told to try every mail: %s", spool->dir,
                 strerror(errno));
        return EWOULDBLOCK;
    }
    close(mark);
    return spool_claim(spool);
}

static bool long_due(const struct spool_entry *entry)
{
    return entry->record.rcpt_count != 0 && entry->record.wait_s == 0 && entry->stored_ms > HELD_MS;
}

/* A mail that is tried is stored. */
static int look_for_work(const struct spool *spool)
{
    size_t count = 0, i = 0;
    struct spool_entry *entries = spool_list(spool, &count);

    while (i < count && !long_due(&entries[i])) {
        i++;
    }
    if (i < count) {
        report_trouble(spool->syslog, LOG_ERR,
                       "mail %.*s has been due for hours, and another process has %s locked: see with fuser %s which "
                       "one, and end it",
                       ID_LEN, entries[i].name, spool->dir, spool->dir);
    }
    free(entries);
    return i < count ? EBUSY : EWOULDBLOCK;
}

int claim_for_flush(const struct spool *spool, bool now, bool verbose)
{
    int error = spool_claim(spool);

    if (error == EWOULDBLOCK && now) {
        error = leave_mark(spool);
    }
    if (error == EWOULDBLOCK && verbose) {
        complain("another flush is at work on %s", spool->dir);
    }
    return error == EWOULDBLOCK ? look_for_work(spool) : error;
}
