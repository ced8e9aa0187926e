/* SPDX-License-Identifier: MIT
 *
 * What was dropped and is no mail is moved out of the directory, so that it is met once, into the spool, where somebody may see what
 * can be saved. Of a user who has dropped much of that no more is kept.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "drop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_OF_USER = 16 };

struct kept_of {
    uid_t user;
    unsigned count;
};

static bool count(const struct spool *spool, const char *name, void *ctx)
{
    struct kept_of *kept = ctx;
    struct stat about;

    if (spool_is_mail(name, SPOOL_MAIL SPOOL_ASIDE) && fstatat(spool->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
        about.st_uid == kept->user) {
        kept->count++;
    }
    return true;
}

/* Under a name of ours, for its own may be anything. */
static bool keep(const struct spool *spool, int drop, const char *name, char outcome[100])
{
    char aside[SPOOL_NAME + sizeof SPOOL_ASIDE];

    snprintf(aside, sizeof aside, "%08lx%08lx" SPOOL_MAIL SPOOL_ASIDE, (unsigned long)random_32(),
             (unsigned long)random_32());
    snprintf(outcome, 100, "it is %s in the spool now, see what can be saved", aside);
    return renameat(drop, name, spool->fd, aside) == 0;
}

static bool discard(int drop, const char *name, const struct stat *about, char outcome[100])
{
    snprintf(outcome, 100, "it is removed, as %d of this user's are kept: see queue", KEPT_OF_USER);
    return unlinkat(drop, name, S_ISDIR(about->st_mode) ? AT_REMOVEDIR : 0) == 0;
}

bool drop_set_aside(const struct spool *spool, int drop, const char *name, const struct stat *about, const char *why)
{
    char shown[4 * NAME_MAX + 1], outcome[100];
    struct kept_of kept = {about->st_uid, 0};
    bool full = spool_each_name(spool, count, &kept) && kept.count >= KEPT_OF_USER;

    if (!(full ? discard(drop, name, about, outcome) : keep(spool, drop, name, outcome))) {
        if (errno == ENOENT) {
            return false; /* its maker was faster */
        }
        snprintf(outcome, sizeof outcome, "remove it; it cannot be %s: %s", full ? "removed" : "moved",
                 strerror(errno));
    }
    printable(shown, sizeof shown, name, strlen(name));
    complain("%s/" DROP_NAME "/%s of user %lu is no mail to be sent: %s: %s", spool->dir, shown,
             (unsigned long)about->st_uid, why, outcome);
    return true;
}
