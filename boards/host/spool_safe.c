/* SPDX-License-Identifier: MIT
 *
 * Whose a spool is. Who may write into it can have mails sent with our login, have them lost, or have every relay left
 * alone; so it is used only where that is nobody but us and root.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is wrong, or NULL. */
static const char *what_is_wrong(const struct stat *file)
{
    if (file->st_uid != geteuid() && file->st_uid != 0) {
        return "belongs to another user";
    }
    return (file->st_mode & 022) != 0 ? "can be written by other users" : NULL;
}

bool spool_safe(const struct spool *spool)
{
    struct stat file;
    const char *wrong = fstat(spool->fd, &file) == 0 ? what_is_wrong(&file) : NULL;

    if (wrong != NULL) {
        complain("spool %s %s: make it yours alone with chown and chmod 700", spool->dir, wrong);
        return false;
    }
    wrong = fstatat(spool->fd, SPOOL_RELAYS, &file, AT_SYMLINK_NOFOLLOW) == 0 ? what_is_wrong(&file) : NULL;
    if (wrong != NULL) {
        complain("%s/" SPOOL_RELAYS " %s: remove it", spool->dir, wrong);
    }
    return wrong == NULL;
}
