/* SPDX-License-Identifier: MIT
 *
 * Who drops: a user who may not write the spool, and may only add a file to its drop directory.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "drop.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

bool drop_needed(const char *dir)
{
    struct stat about;

    return access(dir, W_OK | X_OK) != 0 && errno == EACCES && stat(dir, &about) == 0 && S_ISDIR(about.st_mode) &&
           about.st_uid != geteuid();
}

int drop_open(struct spool *drop, const char *dir)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), error;

    drop->dir = dir;
    drop->fd = fd < 0 ? -1 : openat(fd, DROP_NAME, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (drop->fd >= 0) {
        return EX_OK;
    }
    report_trouble(drop->syslog, LOG_ERR,
                   "spool %s is another user's, and its directory " DROP_NAME
                   " cannot be used: %s: let its owner make it, as mailmote --help says" SPOOL_WITHOUT,
                   dir, strerror(error));
    return EX_CANTCREAT;
}

/* The directory cannot be opened to be synced, but its file system can. */
void drop_sync(const struct host_mail *mail)
{
    if (syncfs(mail->kept.fd) != 0) {
        complain("%s cannot be written to the disk: %s", "the mail's name", strerror(errno));
    }
}
